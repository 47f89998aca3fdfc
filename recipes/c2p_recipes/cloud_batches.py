"""Training batches of depth maps, drawn from labelled clouds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from c2p_deploy import DepthSpec, ViewSet, project_depth
from c2p_recipes.augment import Augmentation, augment
from c2p_recipes.clouds import Clouds, Source


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
        self.training = np.flatnonzero(~clouds.held_out)
        self.probability = self._probabilities()

    def _probabilities(self) -> npt.NDArray[np.float64]:
        """Of each training cloud: rare classes come up more often than their share, by a square root."""
        clouds = self.clouds
        group = clouds.source[self.training] * len(clouds.labels) + clouds.label[self.training]
        size = np.bincount(group)[group]
        weight = np.array([source.weight for source in self.sources])[clouds.source[self.training]]
        share = weight / np.sqrt(size)
        return np.asarray(share / share.sum())

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
