"""Batches of depth maps of scans: dense clouds as sensors would see them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from c2p_deploy import ViewSet
from c2p_deploy.projection.prepare import prepare, to_unit_sphere
from c2p_deploy.projection.spec import FloatArray
from c2p_recipes.augment import about, random_rotation
from c2p_recipes.sensing.scan import ScanOptions, random_scan, surface_of
from c2p_recipes.training.align import chances
from c2p_recipes.training.depth_encoder import MapBatchConfig, draw_maps
from c2p_recipes.training_set import DenseClouds


@dataclass(frozen=True)
class ScanBatchConfig(MapBatchConfig):
    """What a batch holds."""

    scans: ScanOptions = field(default_factory=ScanOptions)
    stretch: float = 0.2  # largest |log| of the scale of each axis
    tip_over: float = 0.08  # chance of lying on another side
    zoom: float = 0.08  # how much smaller than the unit sphere a cloud may be drawn


class ScanBatches:
    """Batches of depth maps: objects of all sources, changed and scanned at random, a few views of each."""

    def __init__(self, clouds: DenseClouds, config: ScanBatchConfig) -> None:
        self.clouds, self.config = clouds, config
        self.views = ViewSet.named(config.view_set)
        group = clouds.source * len(clouds.labels) + clouds.label
        self.probability = chances(group, np.array(clouds.weights)[clouds.source])

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Depth maps float32 [B, v, 1, S, S] and label indices int64 [B] of a step."""
        config, clouds = self.config, self.clouds
        rng = np.random.default_rng((config.seed, step))
        chosen = rng.choice(len(clouds.points), config.batch_size, p=self.probability)
        scans = (self._scan(int(index), rng) for index in chosen)
        return draw_maps(scans, self.views, config, rng), torch.from_numpy(clouds.label[chosen])

    def _scan(self, index: int, rng: np.random.Generator) -> FloatArray:
        """One scan of an object, prepared as the robot prepares it: [M, 3]."""
        config = self.config
        whole = self.clouds.points[index].astype(np.float64)
        whole[:, 0] *= rng.choice((-1.0, 1.0))  # mirrored things bear the same name
        if self.clouds.any_pose[index]:
            whole = whole @ random_rotation(rng)
        elif rng.random() < config.tip_over:
            whole = whole @ about(int(rng.choice((0, 2))), float(rng.choice((90, 180, 270))))
        whole = whole * np.exp(rng.uniform(-config.stretch, config.stretch, 3))
        whole = to_unit_sphere(whole).astype(np.float64)
        scan = random_scan(surface_of(whole), whole, rng, config.scans)
        prepared = prepare(scan, config.spec, "robust", int(rng.integers(2**31)))
        return prepared.points * np.float32(1 - rng.uniform(0, config.zoom))

    def settings(self) -> Mapping[str, Any]:
        """Plain values that a run must not change on its way."""
        return {**asdict(self.config), "objects": len(self.clouds.points), "labels": list(self.clouds.labels)}
