"""Training a depth encoder on labelled clouds: batches of depth maps, and the run over them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from c2p_deploy import DepthSpec, LabelSet, ViewSet, project_depth
from c2p_recipes.align import AlignConfig, align, chances
from c2p_recipes.augment import Augmentation, augment
from c2p_recipes.clouds import Clouds
from c2p_recipes.data import RecipeData, Source
from c2p_recipes.judge import Results, top1, validation_results
from c2p_train.model.checkpoint import Checkpoint
from c2p_train.model.clip2point import CLIP2Point
from c2p_train.model.conv_encoder import ConvEncoder
from c2p_train.model.heads import ZeroShot


@dataclass(frozen=True)
class CloudBatchConfig:
    """What a batch holds."""

    augmentation: Augmentation = field(default_factory=Augmentation)
    spec: DepthSpec = field(default_factory=lambda: DepthSpec(image_size=112, point_radius=0.03))
    view_set: str = "clip2point-10"
    views_per_cloud: int = 3  # drawn of the set at each step
    batch_size: int = 64  # clouds
    seed: int = 0


class CloudBatches:
    """Batches of depth maps: clouds of all sources, changed at random, a few views of each."""

    def __init__(self, clouds: Clouds, sources: list[Source], config: CloudBatchConfig) -> None:
        self.clouds, self.sources, self.config = clouds, sources, config
        self.views = ViewSet.named(config.view_set)
        self.training = np.flatnonzero(~clouds.validation)
        source = clouds.source[self.training]
        group = source * len(clouds.labels) + clouds.label[self.training]
        weight = np.array([each.weight for each in sources])[source]
        self.probability = chances(group, weight)

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Depth maps float32 [B, v, 1, S, S] and label indices int64 [B] of a step."""
        config, clouds = self.config, self.clouds
        rng = np.random.default_rng((config.seed, step))
        chosen = rng.choice(self.training, config.batch_size, p=self.probability)
        size = config.spec.image_size
        depth = np.empty((len(chosen), config.views_per_cloud, size, size), dtype=np.float32)
        for row, index in enumerate(chosen):
            source = self.sources[clouds.source[index]]
            points = clouds.points[clouds.first[index] + rng.integers(clouds.count[index])]
            changed = augment(
                points, rng, config.augmentation, any_pose=source.any_pose, may_tip=source.samplings > 1
            )
            drawn = rng.choice(len(self.views), config.views_per_cloud, replace=False)
            views = ViewSet(self.views.name, self.views.rotations[drawn], self.views.distances[drawn])
            project_depth(changed, views, config.spec, "y", out=depth[row])
        return torch.from_numpy(depth[:, :, None]), torch.from_numpy(clouds.label[chosen])

    def settings(self) -> Mapping[str, Any]:
        """Plain values that a run must not change on its way."""
        return asdict(self.config)


def train_on_clouds(
    data: RecipeData,
    clouds: Clouds,
    labels: LabelSet,
    training: AlignConfig,
    drawing: CloudBatchConfig,
    run_file: Path,
    device: torch.device,
    start: ConvEncoder | None = None,
) -> tuple[Checkpoint, Results]:
    """A depth encoder that matches text features, new or from `start`, and what it says of validation clouds.

    labels: those of `clouds`; the checkpoint gets the ones that are offered.
    """
    offered = data.offered(labels)
    batches = CloudBatches(clouds, data.sources, drawing)
    results: Results = {}

    def validate(encoder: ConvEncoder) -> dict[str, float]:
        nonlocal results
        model = CLIP2Point(encoder, None, ZeroShot())
        results = validation_results(model, clouds, labels, offered, drawing.spec, batches.views)
        return top1(results)

    encoder, scale, accuracy = align(batches, labels, training, run_file, validate, device, start=start)
    about = {"config": {"training": asdict(training), "batches": asdict(drawing)}, "validation": accuracy}
    model = CLIP2Point(encoder, None, ZeroShot()).eval()
    return Checkpoint(model, batches.views, drawing.spec, offered, scale, about), results
