"""A pre-training run that takes seconds: made-up pairs, small encoders."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from c2p_deploy import ViewSet
from c2p_train.learn.pretrain import PretrainConfig, pretrain
from c2p_train.model.checkpoint import Checkpoint
from c2p_train.model.conv_encoder import ConvConfig
from c2p_train.model.encoders import build_encoder

ENCODER = ConvConfig(channels=3, stem=8, widths=(8, 16), blocks=(1, 1), dropout=0.1, embed_dim=32)
TINY = PretrainConfig(steps=8, batch_size=8, image_size=24, point_radius=0.15, bfloat16=False, warmup=0.25)


class Boxes:
    """Pairs made up on the spot: boxes of random extents, pictures painted from what a view shows of them."""

    views = ViewSet.named("clip2point-10")
    image_size = 32
    num_points = 200
    root = Path("boxes")
    digest = "boxes"

    def __init__(self, count: int = 40, slow: float = 0.0) -> None:
        self.count, self.slow = count, slow

    def __len__(self) -> int:
        return self.count

    def points(self, i: int) -> np.ndarray:
        time.sleep(self.slow)
        rng = np.random.default_rng(i)
        cloud = rng.uniform(-1, 1, (2, 200, 3)) * rng.uniform(0.1, 1, 3)
        return (cloud / np.linalg.norm(cloud, axis=-1).max()).astype(np.float32)

    def image(self, i: int, view: int) -> np.ndarray:
        seen = np.abs(self.points(i)[0] @ self.views.rotations[view]).max(axis=0)
        picture = np.full((32, 32, 3), 255, np.uint8)
        half = np.maximum(1, (16 * seen[:2]).astype(int))
        picture[16 - half[1] : 16 + half[1], 16 - half[0] : 16 + half[0]] = int(200 * seen[2])
        return picture


def frozen() -> torch.nn.Module:
    """An image encoder of random weights whose features are centred, so that they tell pictures apart."""
    torch.manual_seed(11)
    encoder = build_encoder(ENCODER)
    boxes = Boxes(32)
    pictures = (
        torch.from_numpy(np.stack([boxes.image(i, i % 10) for i in range(32)])).permute(0, 3, 1, 2) / 255
    )
    with torch.no_grad():
        for _ in range(20):  # statistics of its batch norms
            encoder(pictures)
        encoder.eval().proj.bias -= encoder(pictures).mean(dim=0)
    return encoder


def fresh() -> torch.nn.Module:
    torch.manual_seed(5)
    return build_encoder(replace(ENCODER, channels=1))


def train(
    out: Path, config: PretrainConfig = TINY, pairs: Boxes | None = None, **options: object
) -> Checkpoint:
    options = {"depth_encoder": fresh(), **options}
    return pretrain([pairs or Boxes()], frozen(), config, out, **options)
