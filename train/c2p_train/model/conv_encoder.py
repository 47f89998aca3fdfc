"""The small encoder of the models trained here: a residual convolutional tower.

Trained from scratch on a few thousand clouds a plain vision transformer learns several
times more slowly, hence convolutions (He et al. 2016) with squeeze-and-excitation (Hu et
al. 2018). Its output lives in CLIP's text space, so names are compared with pictures and
depth maps exactly as CLIP compares them with photographs.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class ConvConfig:
    """Everything needed to build the tower again; stored in the checkpoint."""

    channels: int = 1  # of its input: 1 for depth maps, 3 for pictures and depth maps alike
    stem: int = 24  # feature maps at half resolution
    widths: tuple[int, ...] = (40, 80, 160, 320)  # feature maps per stage, each at half the size of the last
    blocks: tuple[int, ...] = (1, 2, 2, 1)  # residual blocks per stage
    dropout: float = 0.2  # before the projection
    embed_dim: int = 512  # D: width of CLIP ViT-B/32's text space

    @property
    def name(self) -> str:
        """For people."""
        return "c2p-residual"


class ConvEncoder(nn.Module):
    """Images [N, 1 or 3, S, S] in [0, 1], any S -> features [N, D], not normalised.

    A depth map shown to a tower of three channels is repeated, a colour picture shown to a
    tower of one channel is averaged.
    """

    image_size = None  # any

    def __init__(self, config: ConvConfig) -> None:
        super().__init__()
        self.config = config
        first = config.widths[0]
        self.stem = nn.Sequential(
            *conv_bn(config.channels, config.stem, kernel=5, stride=2), nn.ReLU(),
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
        self.embed_dim = config.embed_dim

    def forward(self, images: Tensor) -> Tensor:
        if images.shape[1] != self.config.channels:
            images = (
                images.mean(dim=1, keepdim=True)
                if self.config.channels == 1
                else images.expand(-1, 3, -1, -1)
            )
        # White (1.0) is background: fed inverted, padding and background agree on zero.
        x = self.stages(self.stem(1.0 - images))  # [N, C, S/32, S/32]
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
