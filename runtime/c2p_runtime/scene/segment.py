"""From the points of a scene to its things: voxels, supports, parts, boxes."""

from __future__ import annotations

import time
from typing import Literal

import numpy as np
import numpy.typing as npt

from c2p_deploy.errors import OptionError
from c2p_deploy.projection.prepare import as_floats
from c2p_deploy.projection.spec import UpAxis
from c2p_runtime.scene.boxes import upright_box
from c2p_runtime.scene.parts import things_of
from c2p_runtime.scene.segmentation import Array, IntArray, Plane, SceneOptions, Segment, Segmentation
from c2p_runtime.scene.supports import find_levels
from c2p_runtime.scene.voxels import REACH, keep_points, voxels_of

AXES = {
    sign + name: (-1.0 if sign else 1.0) * np.eye(3)[axis]
    for axis, name in enumerate("xyz")
    for sign in ("", "-")
}
_DEFAULTS = SceneOptions()
VOXELS_OF_SMALLEST = 5  # voxels along the longest side of the smallest thing


def segment(
    points: npt.ArrayLike, up: UpAxis | Literal["auto"] = "auto", options: SceneOptions = _DEFAULTS
) -> Segmentation:
    clock = _Clock()
    cloud = np.asarray(as_floats(points), np.float32)
    crop = np.array([[-REACH] * 3, [REACH] * 3], np.float32)
    if options.crop is not None:
        crop = np.stack([np.maximum(crop[0], options.crop[0]), np.minimum(crop[1], options.crop[1])]).astype(
            np.float32
        )
    kept, local = keep_points(cloud, crop)
    cone = (
        np.mean((local[:, 2] > 0) & (np.hypot(local[:, 0], local[:, 1]) < 1.5 * local[:, 2]))
        if len(local)
        else 0
    )
    camera = bool(cone > 0.99)
    axis = AXES["-y" if camera else "z"] if up == "auto" else AXES[up]
    clock.lap("read")
    if len(local) == 0:
        return Segmentation((), (), axis, 0, 0, 0, clock.laps)
    voxels = voxels_of(local, options.min_size / VOXELS_OF_SMALLEST)
    clock.lap("voxels")
    levels = find_levels(voxels, axis, np.cos(np.radians(75.0 if camera else 25.0)), sensor=camera)
    free = np.ones(len(voxels.keys), bool)
    for level in levels:
        free[level.inside] = False
    if levels:
        free &= voxels.centres @ levels[0].normal > min(level.offset for level in levels)
        axis = levels[0].normal
    clock.lap("supports")
    objects: list[Segment] = []
    small = large = 0
    things = np.full(len(free) + 1, -1)
    if free.any():
        things[:-1][free] = things_of(
            voxels.keys[free], voxels.centres[free], voxels.size, np.zeros(3) if camera else None, axis
        )
    thing_of = things[voxels.voxel_of]
    clock.lap("parts")
    order = np.argsort(thing_of, kind="stable")
    names, starts = np.unique(thing_of[order], return_index=True)
    for name, ids in zip(names, np.split(order, starts[1:]), strict=True):
        if name < 0:
            continue
        if len(ids) < options.min_points:
            small += 1
            continue
        box = upright_box(local[ids].astype(float), axis)
        longest = box.size.max()
        if longest < options.min_size:
            small += 1
        elif longest > options.max_size:
            large += 1
        else:
            objects.append(Segment(kept[ids], box))
    objects.sort(key=lambda o: float(o.box.center @ o.box.center))
    clock.lap("boxes")
    planes = []
    level_of = np.full(len(free), -1)
    for i, level in enumerate(levels):
        level_of[level.inside] = i
    at = level_of[voxels.voxel_of]
    for i, level in enumerate(levels):
        planes.append(Plane(level.normal, level.offset, kept[at == i]))
    return Segmentation(
        tuple(objects[: options.max_objects]),
        tuple(planes),
        axis,
        max(0, len(objects) - options.max_objects),
        small,
        large,
        clock.laps,
    )


class _Clock:
    def __init__(self) -> None:
        self._last = time.perf_counter()
        self.laps: dict[str, float] = {}

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.laps[name] = 1000 * (now - self._last)
        self._last = now
