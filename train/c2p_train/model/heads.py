"""The heads of CLIP2Point: from the features of a cloud's views to one feature per cloud.

`zeroshot` has nothing to learn. `dpa` and `gdpa` are the Dual-Path Adapters of the paper
(section 3.3): each path has a *global-view aggregator*, which sees all views of a cloud at
once, and the two results are fused. What they compute is what the authors' released code does.
`ridge` is ours: zero-shot and a linear correction of it, fitted in closed form.
Scores are cosines with text features, computed outside, so every head lets labels change freely.
`paths` of a head is how many encoders it listens to: the depth encoder, or the image encoder, too.
"""

from __future__ import annotations

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from c2p_deploy.errors import OptionError

DROPOUT = 0.075  # the authors'


class ZeroShot(nn.Module):
    """The mean of the unit features of the depth maps (the authors take their sum, which ranks alike)."""

    name: ClassVar[str] = "zeroshot"
    paths: ClassVar[int] = 1

    def forward(self, depth_features: Tensor, image_features: Tensor | None = None) -> Tensor:
        """Features [B, V, D] -> [B, D], at most of unit length. The image path is not looked at."""
        return F.normalize(depth_features, dim=-1).mean(dim=1)


class Ridge(nn.Module):
    """Zero-shot features, corrected such that their text features score as a linear classifier does.

    `c2p_train.learn.ridge` makes it. With z the zero-shot feature and x the unit features of all views and
    paths, it is the direction of a·z + B·R·x. R [C, P·V·D] is what the classifier adds to the scores of
    zero-shot, B [D, C] brings that back into the space of text features: it is dual to those taught,
    differences between them reading off R·x exactly. Other words see no more of it than they have in common
    with those.
    """

    name: ClassVar[str] = "ridge"

    def __init__(self, num_views: int, dim: int, paths: int, labels: int) -> None:
        """A head that does as zero-shot; paths: 1, the depth encoder's, or 2, the image encoder's too."""
        super().__init__()
        self.paths = paths
        self.text_weight = nn.Parameter(torch.ones(()), requires_grad=False)
        self.correction = nn.Linear(paths * num_views * dim, labels, bias=False)
        self.back = nn.Linear(labels, dim, bias=False)
        nn.init.zeros_(self.correction.weight)

    def forward(self, depth_features: Tensor, image_features: Tensor | None = None) -> Tensor:
        """Raw features [B, V, D] -> unit features [B, D]."""
        assert image_features is not None or self.paths == 1, "this head needs the image encoder's features"
        used = [depth_features, image_features][: self.paths]
        views = [F.normalize(path, dim=-1) for path in used if path is not None]
        corrected = self.back(self.correction(torch.cat([path.flatten(1) for path in views], dim=1)))
        return F.normalize(self.text_weight * views[0].mean(dim=1) + corrected, dim=-1)


class Aggregator(nn.Module):
    """Global-view aggregator: features [B, V, D] of all views -> one feature [B, D]."""

    def __init__(self, num_views: int, dim: int, dropout: float = DROPOUT) -> None:
        super().__init__()
        self.view_weight = nn.Parameter(torch.full((num_views,), 0.5))
        self.view_norm = nn.BatchNorm1d(dim)
        self.squeeze = nn.Linear(num_views * dim, dim)
        self.norm = nn.BatchNorm1d(dim)
        self.out = nn.Linear(dim, dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, features: Tensor) -> Tensor:
        b, v, d = features.shape
        x = (features * self.view_weight[:, None]).reshape(b * v, d)
        x = self.dropout(self.view_norm(x)).reshape(b, v * d)
        x = self.dropout(F.relu(self.norm(self.squeeze(x))))
        aggregated: Tensor = self.out(x)
        return aggregated


class DPA(nn.Module):
    """Dual-Path Adapter: the mean of the two aggregated paths, at unit length. What the authors released."""

    name: ClassVar[str] = "dpa"
    paths: ClassVar[int] = 2

    def __init__(self, num_views: int, dim: int, dropout: float = DROPOUT) -> None:
        super().__init__()
        self.depth_path = Aggregator(num_views, dim, dropout)
        self.image_path = Aggregator(num_views, dim, dropout)

    def forward(self, depth_features: Tensor, image_features: Tensor | None = None) -> Tensor:
        """Raw features [B, V, D] of both encoders on the same depth maps -> unit features [B, D]."""
        assert image_features is not None, "a dual-path head needs the image encoder's features"
        depth, image = self.depth_path(depth_features), self.image_path(image_features)
        return F.normalize(self.fuse(depth, image), dim=-1)

    def fuse(self, depth: Tensor, image: Tensor) -> Tensor:
        """The two paths [B, D] become one."""
        return 0.5 * (depth + image)


class GDPA(DPA):
    """Gated Dual-Path Adapter: a gate between the paths, one value per channel and cloud.

    The gate starts at 0.5 everywhere, where a GDPA is a DPA.
    """

    name: ClassVar[str] = "gdpa"

    def __init__(self, num_views: int, dim: int, dropout: float = DROPOUT) -> None:
        super().__init__(num_views, dim, dropout)
        self.gate = nn.Linear(2 * dim, dim)
        nn.init.zeros_(self.gate.weight)
        nn.init.zeros_(self.gate.bias)

    def fuse(self, depth: Tensor, image: Tensor) -> Tensor:
        g = torch.sigmoid(self.gate(torch.cat([depth, image], dim=-1)))
        return g * depth + (1 - g) * image


Head = ZeroShot | Ridge | DPA  # a GDPA is a DPA


def build_head(name: str, num_views: int, dim: int, paths: int = 2, labels: int = 0) -> Head:
    """A new head; paths, labels: of a `ridge`. Raises OptionError for a name that is none."""
    if name == ZeroShot.name:
        return ZeroShot()
    if name == Ridge.name:
        return Ridge(num_views, dim, paths, labels)
    for kind in (DPA, GDPA):
        if name == kind.name:
            return kind(num_views, dim)
    raise OptionError(f"no head {name!r}", "there are zeroshot, ridge, dpa and gdpa")
