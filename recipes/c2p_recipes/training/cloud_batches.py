"""Batches of depth maps of labelled clouds, each changed at random."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from c2p_deploy import ViewSet
from c2p_deploy.projection.spec import FloatArray
from c2p_recipes.augment import Augmentation, augment
from c2p_recipes.clouds import Clouds
from c2p_recipes.data import Source
from c2p_recipes.training.align import chances
from c2p_recipes.training.depth_encoder import MapBatchConfig, draw_maps


@dataclass(frozen=True)
class CloudBatchConfig(MapBatchConfig):
    """What a batch holds."""

    augmentation: Augmentation = field(default_factory=Augmentation)


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
        rng = np.random.default_rng((self.config.seed, step))
        chosen = rng.choice(self.training, self.config.batch_size, p=self.probability)
        maps = draw_maps(self._changed(chosen, rng), self.views, self.config, rng)
        return maps, torch.from_numpy(self.clouds.label[chosen])

    def _changed(self, chosen: npt.NDArray[np.int64], rng: np.random.Generator) -> Iterator[FloatArray]:
        """One sampling of each of these clouds."""
        clouds = self.clouds
        for index in chosen:
            source = self.sources[clouds.source[index]]
            points = clouds.points[clouds.first[index] + rng.integers(clouds.count[index])]
            yield augment(
                points,
                rng,
                self.config.augmentation,
                any_pose=source.any_pose,
                may_tip=source.samplings > 1,
            )

    def settings(self) -> Mapping[str, Any]:
        """Plain values that a run must not change on its way."""
        return asdict(self.config)
