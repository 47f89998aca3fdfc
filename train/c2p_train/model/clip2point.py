"""CLIP2Point: the encoders and the head, from depth maps to one feature per cloud."""

from __future__ import annotations

from torch import Tensor, nn

from c2p_deploy.errors import OptionError
from c2p_train.model.encoders import Encoder, encode_views
from c2p_train.model.heads import Head


class CLIP2Point(nn.Module):
    """Depth maps [B, V, S, S] in [0, 1] -> features [B, D], to be compared with text features.

    The depth encoder is the one pre-trained against the image encoder; the image encoder is
    CLIP's own. The dual-path heads show the depth maps to both, `ridge` to one or both. The head
    `zeroshot` does without the image encoder; a model that has one all the same can be given adapters.
    """

    def __init__(self, depth_encoder: Encoder, image_encoder: Encoder | None, head: Head) -> None:
        super().__init__()
        if image_encoder is None and head.paths == 2:
            raise OptionError(f"the head {head.name} needs an image encoder")
        self.depth_encoder = depth_encoder
        self.image_encoder = image_encoder
        self.head = head

    @property
    def used_encoders(self) -> tuple[Encoder, ...]:
        """The encoders that the answer depends on: one, or two for a dual-path head."""
        if self.image_encoder is None or self.head.paths == 1:
            return (self.depth_encoder,)
        return (self.depth_encoder, self.image_encoder)

    def forward(self, depth: Tensor) -> Tensor:
        features: Tensor = self.head(*(encode_views(encoder, depth) for encoder in self.used_encoders))
        return features
