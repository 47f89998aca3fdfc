"""Training a depth encoder: batches of depth maps, whatever clouds they are of, and the run over them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from c2p_deploy import DepthSpec, LabelSet, ViewSet, project_depth
from c2p_deploy.projection.spec import FloatArray
from c2p_recipes.training.align import AlignConfig, Batches, align
from c2p_recipes.validation.judge import Results, top1
from c2p_train.model.checkpoint import Checkpoint
from c2p_train.model.clip2point import CLIP2Point
from c2p_train.model.conv_encoder import ConvEncoder
from c2p_train.model.heads import ZeroShot


@dataclass(frozen=True)
class MapBatchConfig:
    """What a batch of depth maps holds."""

    spec: DepthSpec = field(default_factory=lambda: DepthSpec(image_size=112, point_radius=0.03))
    view_set: str = "clip2point-10"
    views_per_cloud: int = 3  # drawn of the set at each step
    batch_size: int = 64  # clouds
    seed: int = 0


class MapBatches(Batches, Protocol):
    """Batches of depth maps."""

    @property
    def config(self) -> MapBatchConfig:
        """What they hold."""

    @property
    def views(self) -> ViewSet:
        """Those that are drawn of."""


def draw_maps(
    clouds: Iterator[FloatArray], views: ViewSet, config: MapBatchConfig, rng: np.random.Generator
) -> Tensor:
    """Depth maps float32 [B, v, 1, S, S] of a batch of clouds [N, 3], y up, in views drawn for each.

    A cloud is asked for when its turn comes: what `rng` gives then does not depend on how many follow.
    """
    size = config.spec.image_size
    depth = np.empty((config.batch_size, config.views_per_cloud, size, size), dtype=np.float32)
    for row, points in enumerate(clouds):
        drawn = rng.choice(len(views), config.views_per_cloud, replace=False)
        some = ViewSet(views.name, views.rotations[drawn], views.distances[drawn])
        project_depth(points, some, config.spec, "y", out=depth[row])
    return torch.from_numpy(depth[:, :, None])


def train_encoder(
    batches: MapBatches,
    labels: LabelSet,
    training: AlignConfig,
    run_file: Path,
    judged: Callable[[CLIP2Point], Results],
    device: torch.device,
    start: ConvEncoder | None = None,
) -> tuple[Checkpoint, Results]:
    """A depth encoder that matches text features, new or from `start`, and what it says of validation clouds.

    judged: of a model, asked for now and then and at the end. Raises what `align` raises.
    """
    results: Results = {}

    def validate(encoder: ConvEncoder) -> dict[str, float]:
        nonlocal results
        results = judged(CLIP2Point(encoder, None, ZeroShot()))
        return top1(results)

    encoder, scale, accuracy = align(batches, labels, training, run_file, validate, device, start=start)
    config = {"training": asdict(training), "batches": asdict(batches.config)}
    about = {"config": config, "validation": accuracy}
    model = CLIP2Point(encoder, None, ZeroShot()).eval()
    return Checkpoint(model, batches.views, batches.config.spec, labels, scale, about), results
