"""Small checkpoints: for the tests of the export, and for heads to start from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from c2p_deploy import DepthSpec, LabelSet, ViewSet
from c2p_train.model.checkpoint import Checkpoint, save_checkpoint
from c2p_train.model.clip2point import CLIP2Point
from c2p_train.model.clip_encoder import ClipConfig, ClipEncoder
from c2p_train.model.conv_encoder import ConvConfig, ConvEncoder
from c2p_train.model.heads import ZeroShot, build_head

VIEWS = ViewSet.named("clip2point-6")
SPEC = DepthSpec(32, 0.1, 64)
DIM = 16
# Depth maps [11, 6, 32, 32] of no cloud in particular.
DEPTH = np.random.default_rng(0).random((11, len(VIEWS), 32, 32), dtype=np.float32)


def conv_encoder(channels: int = 1) -> ConvEncoder:
    """A small encoder whose batch norms have seen data."""
    torch.manual_seed(0)
    config = ConvConfig(channels=channels, stem=8, widths=(8, 16), blocks=(1, 1), embed_dim=DIM)
    encoder = ConvEncoder(config).train()
    with torch.no_grad():
        for _ in range(5):
            encoder(torch.rand(8, channels, 32, 32))
    return encoder.eval()


def clip_encoder(seed: int = 0) -> ClipEncoder:
    """A small vision transformer of two heads."""
    torch.manual_seed(seed)
    vision = {"layers": 2, "width": 64, "head_width": 32, "patch_size": 8, "image_size": 32}
    return ClipEncoder(ClipConfig("small ViT", DIM, vision, quick_gelu=True)).eval()


def checkpoint(head: str = "zeroshot", kind: str = "conv") -> Checkpoint:
    """One of convolutions or of transformers, with three labels."""
    depth = conv_encoder() if kind == "conv" else clip_encoder(0)
    image = None if head == "zeroshot" else conv_encoder(3) if kind == "conv" else clip_encoder(1)
    torch.manual_seed(3)
    model = CLIP2Point(depth, image, build_head(head, len(VIEWS), DIM)).eval()
    labels = LabelSet(("a", "b", "c"), np.random.default_rng(0).normal(size=(3, DIM)))
    return Checkpoint(model, VIEWS, SPEC, labels, 20.0, {})


START_SPEC = DepthSpec(image_size=32, point_radius=0.06, num_points=64)


def start_from(
    path: Path, dim: int, *, image: bool = True, names: tuple[str, ...] = ("Ball", "Night Stand", "rod")
) -> Path:
    """Writes a checkpoint with random encoders, for few-shot training; returns its path."""
    torch.manual_seed(0)
    small = {"stem": 8, "widths": (8, 16), "blocks": (1, 1), "embed_dim": dim}
    depth, other = (ConvEncoder(ConvConfig(channels=channels, **small)).eval() for channels in (1, 3))
    text = np.random.default_rng(0).normal(size=(len(names), dim)).astype(np.float32)
    model = CLIP2Point(depth, other if image else None, ZeroShot())
    labels = LabelSet(names, text) if names else None
    save_checkpoint(Checkpoint(model, VIEWS, START_SPEC, labels, 100.0, {}), path)
    return path
