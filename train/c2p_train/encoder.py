"""The small depth encoder of the bundled model: a residual convolutional tower.

Trained from scratch on a few thousand clouds a plain vision transformer learns several
times more slowly, hence convolutions (He et al. 2016) with squeeze-and-excitation (Hu et
al. 2018). Its input is one depth map in a single channel, its output lives in CLIP's
text space, so names are compared with depth maps exactly as CLIP compares them with images.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class EncoderConfig:
    """Everything needed to build the tower again; stored in the checkpoint."""

    stem: int = 24  # channels at half resolution
    widths: tuple[int, ...] = (40, 80, 160, 320)  # channels per stage, each at half the size of the last
    blocks: tuple[int, ...] = (1, 2, 2, 1)  # residual blocks per stage
    dropout: float = 0.2  # before the projection
    embed_dim: int = 512  # D: width of CLIP ViT-B/32's text space


class DepthEncoder(nn.Module):
    """Depth maps [N, 1, S, S] in [0, 1] -> features [N, D], not normalised."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        first = config.widths[0]
        self.stem = nn.Sequential(
            *conv_bn(1, config.stem, kernel=5, stride=2), nn.ReLU(),
            *conv_bn(config.stem, first, kernel=3, stride=2), nn.ReLU(),
        )  # fmt: skip
        stages: list[nn.Module] = []
        channels = first
        for stage, (width, blocks) in enumerate(zip(config.widths, config.blocks, strict=True)):
            for block in range(blocks):
                stride = 2 if stage > 0 and block == 0 else 1
                stages.append(ResidualBlock(channels, width, stride))
                channels = width
        self.stages = nn.Sequential(*stages)
        self.dropout = nn.Dropout(config.dropout)
        self.proj = nn.Linear(channels, config.embed_dim)

    def forward(self, depth: Tensor) -> Tensor:
        # White (1.0) is background: fed inverted, padding and background agree on zero.
        x = self.stages(self.stem(1.0 - depth))  # [N, C, S/32, S/32]
        pooled: Tensor = self.dropout(x.mean(dim=(2, 3)))
        features: Tensor = self.proj(pooled)
        return features


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with channel attention, added to their input."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Sequential(*conv_bn(channels, width, kernel=3, stride=stride))
        self.second = nn.Sequential(*conv_bn(width, width, kernel=3, stride=1))
        self.squeeze = nn.Conv2d(width, width // 8, 1)
        self.excite = nn.Conv2d(width // 8, width, 1)
        same = channels == width and stride == 1
        self.shortcut = nn.Identity() if same else nn.Sequential(*conv_bn(channels, width, 1, stride))

    def forward(self, x: Tensor) -> Tensor:
        y = self.second(F.relu(self.first(x)))
        attention = self.excite(F.relu(self.squeeze(y.mean(dim=(2, 3), keepdim=True)))).sigmoid()
        return F.relu(self.shortcut(x) + attention * y)


def conv_bn(channels: int, width: int, kernel: int, stride: int) -> tuple[nn.Module, nn.Module]:
    """A convolution that keeps the size (up to its stride) and the norm that takes its bias."""
    return (
        nn.Conv2d(channels, width, kernel, stride, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(width),
    )


def view_features(encoder: DepthEncoder, depth: Tensor) -> Tensor:
    """Unit features [B, V, D] of depth maps [B, V, S, S]."""
    b, v, s, _ = depth.shape
    features = encoder(depth.reshape(b * v, 1, s, s)).float()
    return F.normalize(features, dim=-1).reshape(b, v, -1)


class ZeroShotModel(nn.Module):
    """Head `zeroshot`: depth [B, V, S, S] -> features [B, D], the mean of the views' unit features.

    The sum over views is the paper's zero-shot rule (golden step 13); a mean differs from
    it by the constant V only.
    """

    def __init__(self, encoder: DepthEncoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, depth: Tensor) -> Tensor:
        return view_features(self.encoder, depth).mean(dim=1)
