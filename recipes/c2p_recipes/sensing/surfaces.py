"""What a sensor looks at: `MeshSurface` is hit by rays, `PointSurface` hides its back by a z-buffer.

Both answer the same question: which points of the surface lie first on rays out of one place. All
coordinates are of the object: y up, about the origin, in the unit of the object, with the farthest point at
radius 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
_SPLAT = 1  # cells around a point that it hides, in a z-buffer of points
_THICKNESS = 1.5  # cells behind the nearest point that still count as the front


@dataclass(frozen=True)
class Rays:
    """A rectangle of pixels that looks at the origin from `eye`.

    eye: [3]; right, up, forward: unit vectors [3]; half: tangent of half the angle that `columns` or `rows`
    pixels span, whichever are more, so that pixels are square in tangents unless rows are given sparser.
    """

    eye: Array
    right: Array
    up: Array
    forward: Array
    half: float
    columns: int
    rows: int

    def pixels_of(self, points: Array) -> tuple[Array, Array]:
        """Where points [N, 3] fall: (column, row) as float [N, 2], and their depth [N] along `forward`."""
        offset = points - self.eye
        depth = offset @ self.forward
        flat = np.stack([offset @ self.right, offset @ self.up], 1) / depth[:, None]
        return (flat / self.half + 1) / 2 * [self.columns, self.rows], depth

    def directions(self) -> Array:
        """Unit vectors [rows * columns, 3], row by row."""
        x = ((np.arange(self.columns) + 0.5) / self.columns * 2 - 1) * self.half
        y = ((np.arange(self.rows) + 0.5) / self.rows * 2 - 1) * self.half
        rays = self.forward + x[None, :, None] * self.right + y[:, None, None] * self.up
        rays = rays.reshape(-1, 3)
        return np.asarray(rays / np.linalg.norm(rays, axis=1, keepdims=True))


@dataclass(frozen=True)
class Seen:
    """N points of a surface that one place sees.

    points: [N, 3]; pixels: their (column, row) [N, 2], whole numbers; facing: cosine [N] between the ray
    and the surface's normal, 1 where it is not known.
    """

    points: Array
    pixels: npt.NDArray[np.int64]
    facing: Array


class Surface(Protocol):
    """Anything a sensor can look at."""

    def seen(self, rays: Rays) -> Seen:
        """What the rays meet first."""


def looking_from(eye: Array, pixels: int, rows: int | None = None) -> Rays:
    """Rays at the unit sphere about the origin from `eye` [3], outside of it; pixels: columns, and rows if
    not given.
    """
    distance = float(np.linalg.norm(eye))
    forward = -eye / distance
    right = np.cross([0.0, 1.0, 0.0], forward)
    right = right / np.linalg.norm(right) if np.linalg.norm(right) > 1e-6 else np.array([1.0, 0.0, 0.0])
    half = 1.0 / np.sqrt(max(distance**2 - 1.0, 0.05))
    return Rays(eye, right, np.cross(forward, right), forward, half, pixels, rows or pixels)


@dataclass(frozen=True)
class PointSurface:
    """A dense cloud [N, 3] of the whole surface: points near the first one in a pixel are seen."""

    points: Array

    def seen(self, rays: Rays) -> Seen:
        """Points that are not hidden, at most one in a pixel; as coarse as the cloud is."""
        place, depth = rays.pixels_of(self.points)
        share = place / [rays.columns, rays.rows]  # of the picture, in [0, 1]
        distance = float(np.linalg.norm(rays.eye))
        # Coarse enough that the near side, where points are far apart in the picture, has no gaps.
        cells = int(np.clip(np.sqrt(len(self.points)) * 0.55 * (distance - 0.5) / distance, 8, 96))
        cell = np.clip((share * cells).astype(np.int64), 0, cells - 1) + _SPLAT
        wide = cells + 2 * _SPLAT
        flat = np.full(wide * wide, np.inf)
        index = cell[:, 1] * wide + cell[:, 0]
        np.minimum.at(flat, index, depth)
        front = flat.reshape(wide, wide)
        around = front.copy()
        for dx in (-1, 0, 1):
            for dy in (-1, 0, 1):
                np.minimum(around, np.roll(front, (dy, dx), (0, 1)), out=around)
        size = 2 * rays.half * distance / cells  # of a cell, at the object
        front_here = depth <= np.minimum(flat[index], around.ravel()[index] + 2 * size) + _THICKNESS * size
        chosen = np.flatnonzero(front_here)
        pixels = np.floor(place[chosen]).astype(np.int64)
        _, first = np.unique(pixels[:, 1] * rays.columns + pixels[:, 0], return_index=True)
        chosen, pixels = chosen[first], pixels[first]
        return Seen(self.points[chosen], pixels, np.ones(len(chosen)))


@dataclass(frozen=True)
class MeshSurface:
    """Triangles: vertices [N, 3], faces [F, 3]. Rays are cast with Embree."""

    vertices: Array
    faces: npt.NDArray[np.int64]

    @cached_property
    def _scene(self) -> object:
        from embreex.mesh_construction import TriangleMesh
        from embreex.rtcore_scene import EmbreeScene

        scene = EmbreeScene()
        TriangleMesh(scene, self.vertices[self.faces].astype(np.float32))
        return scene

    def seen(self, rays: Rays) -> Seen:
        """Where the rays meet the surface."""
        directions = rays.directions().astype(np.float32)
        origins = np.broadcast_to(rays.eye.astype(np.float32), directions.shape).copy()
        hit = self._scene.run(origins, directions, output=True)  # type: ignore[attr-defined]
        met = np.flatnonzero(hit["primID"] >= 0)
        points = origins[met].astype(np.float64) + directions[met] * hit["tfar"][met, None]
        normals = hit["Ng"][met].astype(np.float64)
        normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-12
        facing = np.abs((normals * directions[met]).sum(axis=1))
        return Seen(points, np.stack([met % rays.columns, met // rays.columns], 1), facing)
