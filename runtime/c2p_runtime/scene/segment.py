"""From the points of a scene to its things: voxels, supports, parts, boxes."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from c2p_deploy.projection.prepare import as_floats
from c2p_deploy.projection.spec import UpAxis
from c2p_runtime.scene.cutting.boxes import frame_of, upright_box
from c2p_runtime.scene.cutting.frame import fitting_voxels, frame_of_points, looks_like
from c2p_runtime.scene.cutting.ground import above_ground, clusters_around, robot_itself
from c2p_runtime.scene.cutting.parts import parts_of
from c2p_runtime.scene.cutting.supports import Level, find_levels, lies_flat
from c2p_runtime.scene.cutting.voxels import REACH, keep_points
from c2p_runtime.scene.segmentation import Array, IntArray, Plane, SceneOptions, Segment, Segmentation

Points = npt.NDArray[np.float32]

_DEFAULTS = SceneOptions()


def segment(
    points: npt.ArrayLike, up: UpAxis | Literal["auto"] = "auto", options: SceneOptions = _DEFAULTS
) -> Segmentation:
    """The things of a scene.

    points: [N, 3 or more] in metres, of which the first three columns count; what is not finite, all zero, or
    outside the crop is left out. up: the axis that points up, roughly, in a camera's frame; "auto" takes -y
    for a camera's optical frame (all points in a cone about +z), and else z. With a support plane its normal
    is up. Raises CloudError for a wrong shape or dtype, OptionError for an up that is none. Where there is
    nothing, the answer is empty. The order of the points does not matter.
    """
    clock = _Clock()
    cloud, moved = _in_reach(as_floats(points))
    kept, local = keep_points(cloud, _crop(options, moved))
    frame = frame_of_points(local, up)
    clock.lap("keep")
    if len(local) == 0:
        return Segmentation((), (), frame.up, 0, 0, 0, clock.laps)
    support = looks_like(local, frame.up) if options.support == "auto" else options.support
    levels: list[Level] = []
    if support == "ground":
        part_of = _on_ground(local, frame.up, clock)
        axis, plane_of = frame.up, np.full(len(local), -1)
    else:
        voxels = fitting_voxels(local, options.min_size, frame.sensor)
        clock.lap("voxels")
        if support == "plane":
            levels = find_levels(voxels, frame)
        axis = levels[0].normal if levels else frame.up
        level_of = np.full(len(voxels.keys), -1)
        for number, level in enumerate(levels):
            level_of[level.inside] = number
        free = level_of < 0
        clock.lap("supports")
        parts = np.full(len(voxels.keys), -1)
        if free.any():
            viewpoint = np.zeros(3) if frame.sensor else None
            parts[free] = parts_of(
                voxels.keys[free], voxels.centres[free], voxels.sizes[free], axis, viewpoint
            )
        for level in levels:  # what stands nowhere out of a plane is no part
            uneven = np.bincount(parts[free], ~lies_flat(voxels, level)[free], len(parts)) == 0
            parts[free] = np.where(uneven[parts[free]], -1, parts[free])
            free = parts >= 0
        part_of, plane_of = parts[voxels.voxel_of], level_of[voxels.voxel_of]
        clock.lap("parts")
    things, small, large = _things(part_of, kept, local, axis, options)
    planes = tuple(
        Plane(level.normal, level.offset + float(level.normal @ moved), kept[plane_of == number])
        for number, level in enumerate(levels)
    )
    objects = tuple(
        Segment(thing.indices, replace(thing.box, center=thing.box.center + moved))
        for thing in things[: options.max_objects]
    )
    clock.lap("boxes")
    return Segmentation(objects, planes, axis, len(things) - len(objects), small, large, clock.laps)


def _in_reach(cloud: npt.NDArray[np.floating]) -> tuple[Points, Array]:
    """Points in float32 near the origin, and how far they were moved: map coordinates are far away."""
    moved = np.zeros(3)
    sample = cloud[:: max(1, len(cloud) // 1000)]
    sample = sample[np.isfinite(sample).all(axis=1)].astype(np.float64)
    if len(sample) and np.abs(np.median(sample, axis=0)).max() > REACH / 2:
        # By all points, so that their order does not matter; holes are not moved to where something may be.
        finite = np.isfinite(cloud).all(axis=1) & (cloud != 0).any(axis=1)
        moved = np.floor(np.median(cloud[finite].astype(np.float64), axis=0))
        cloud = np.where(finite[:, None], cloud - moved, np.nan)
    with np.errstate(over="ignore"):  # infinite, and left out
        return np.asarray(cloud, np.float32), moved


def _crop(options: SceneOptions, moved: Array) -> Points:
    reach = np.array([[-REACH] * 3, [REACH] * 3])
    if options.crop is not None:
        low, high = np.asarray(options.crop, np.float64) - moved
        reach = np.stack([np.maximum(reach[0], low), np.minimum(reach[1], high)])
    return reach.astype(np.float32)


def _on_ground(local: Points, up: Array, clock: _Clock) -> IntArray:
    """The thing of each point [M], -1 for the ground."""
    level = local.astype(np.float64) @ frame_of(up).T
    free = above_ground(level) & ~robot_itself(level)
    clock.lap("supports")
    part_of = np.full(len(local), -1)
    if free.any():
        part_of[free] = clusters_around(level[free])
    clock.lap("parts")
    return part_of


def _things(
    part_of: IntArray, kept: IntArray, local: Points, up: Array, options: SceneOptions
) -> tuple[list[Segment], int, int]:
    """The parts with enough points that are neither too small nor too large; how many were too small, large.

    part_of: of each point [M], below 0 for none; kept: the points' indices; local: the points.
    """
    sizes = np.bincount(part_of[part_of >= 0])
    enough = sizes >= options.min_points
    small, large = int(np.count_nonzero(sizes)) - int(np.count_nonzero(enough)), 0
    number = np.append(np.where(enough, np.cumsum(enough) - 1, -1), -1)[part_of]
    members = np.flatnonzero(number >= 0)
    number = number[members]
    # Numbers of 16 bits are sorted by their digits, in one pass for each eight.
    short = number.astype(np.uint16) if enough.sum() < 1 << 16 else number
    order = members[np.argsort(short, kind="stable")]
    things = []
    for indices in np.split(order, np.cumsum(sizes[enough])[:-1]) if len(order) else []:
        box = upright_box(local[indices].astype(np.float64), up)
        longest = float(box.size.max())
        if longest < options.min_size:
            small += 1
        elif longest > options.max_size:
            large += 1
        else:
            things.append(Segment(kept[indices], box))
    things.sort(key=lambda thing: (float(np.linalg.norm(thing.box.center)), int(thing.indices[0])))
    return things, small, large


class _Clock:
    """Milliseconds of each stage."""

    def __init__(self) -> None:
        self._last = time.perf_counter()
        self.laps: dict[str, float] = {}

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.laps[name] = 1000 * (now - self._last)
        self._last = now
