"""Three plain shapes as a data set, and a small checkpoint that is to name them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from c2p_deploy import DepthSpec, LabelSet, ViewSet
from c2p_train.model.checkpoint import Checkpoint, save_checkpoint
from c2p_train.model.clip2point import CLIP2Point
from c2p_train.model.conv_encoder import ConvConfig, ConvEncoder
from c2p_train.model.heads import build_head

SPEC = DepthSpec(image_size=32, point_radius=0.06, num_points=64)
EXTENTS = {"ball": (0.6, 0.6, 0.6), "plate": (1, 1, 0.05), "rod": (0.05, 0.05, 1)}
CLASSES = tuple(EXTENTS)
DIM = 16


def _encoder(seed: int) -> ConvEncoder:
    torch.manual_seed(seed)
    return ConvEncoder(ConvConfig(stem=8, widths=(8, 8, 8, 8), blocks=(1, 1, 1, 1), embed_dim=DIM))


def checkpoint(head: str = "zeroshot", **training: object) -> Checkpoint:
    model = CLIP2Point(_encoder(1), _encoder(2), build_head(head, 6, DIM)).eval()
    text = np.random.default_rng(0).normal(size=(4, DIM))
    labels = LabelSet(("Plate", "sofa", "rod", "ball"), text)
    return Checkpoint(model, ViewSet.named("clip2point-6"), SPEC, labels, 10.0, dict(training))


def saved(folder: Path, name: str = "model.pt", **options: object) -> Path:
    """A file with such a checkpoint."""
    save_checkpoint(checkpoint(**options), folder / name)  # type: ignore[arg-type]
    return folder / name


def write_shapes(root: Path) -> Path:
    """Four test and two training clouds of each shape, as root/CLASS/SPLIT/FILE."""
    rng = np.random.default_rng(3)
    for split, count in (("test", 4), ("train", 2)):
        for name, extent in EXTENTS.items():
            folder = root / name / split
            folder.mkdir(parents=True)
            for number in range(count):
                np.save(folder / f"{number}.npy", rng.uniform(-1, 1, (100, 3)) * extent)
    return root
