"""Surfaces that shapes are put together from: revolved and swept profiles, superellipsoids, boxes.

A `Solid` is a triangle mesh, y up, in metres. Parts of a shape may run into each other: clouds of it are
what a camera or a surface sampling gives, and neither minds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Rng = np.random.Generator


@dataclass(frozen=True)
class Solid:
    """vertices: float64 [N, 3]; faces: int64 [F, 3]."""

    vertices: Array
    faces: npt.NDArray[np.int64]

    def moved(self, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Solid:
        """Shifted by these metres."""
        return Solid(self.vertices + np.array([x, y, z]), self.faces)

    def scaled(self, x: float, y: float, z: float) -> Solid:
        """Stretched along the axes, about the origin."""
        return Solid(self.vertices * np.array([x, y, z]), self.faces)

    def turned(self, axis: str, degrees: float) -> Solid:
        """Turned about an axis through the origin."""
        a, b = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
        c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
        turned = self.vertices.copy()
        turned[:, a] = c * self.vertices[:, a] - s * self.vertices[:, b]
        turned[:, b] = s * self.vertices[:, a] + c * self.vertices[:, b]
        return Solid(turned, self.faces)

    def bent(self, degrees: float) -> Solid:
        """Curved in the x-y plane: what ran straight along x becomes an arc over this angle."""
        angle = np.deg2rad(degrees)
        if abs(angle) < 1e-3:
            return self
        x, y, z = self.vertices.T
        radius = max(float(np.ptp(x)), 1e-9) / angle
        turn = x / radius
        return Solid(
            np.stack([(radius - y) * np.sin(turn), radius - (radius - y) * np.cos(turn), z], 1), self.faces
        )

    def lumpy(self, rng: Rng, strength: float) -> Solid:
        """With soft bumps, as things that grew or were baked have; strength: relative to their size."""
        size = float(np.ptp(self.vertices, axis=0).max())
        waves = rng.normal(size=(4, 3)) * (2 * np.pi / size)
        bumps = np.sin(self.vertices @ waves.T + rng.uniform(0, 2 * np.pi, 4)).mean(axis=1, keepdims=True)
        centre = self.vertices.mean(axis=0)
        return Solid(centre + (self.vertices - centre) * (1 + 2 * strength * bumps), self.faces)


def join(*parts: Solid) -> Solid:
    """One solid of several."""
    first = np.cumsum([0, *(len(part.vertices) for part in parts[:-1])])
    faces = [part.faces + start for part, start in zip(parts, first, strict=True)]
    return Solid(np.concatenate([part.vertices for part in parts]), np.concatenate(faces))


def rounded(points: npt.ArrayLike, times: int = 2) -> Array:
    """A polyline [N, 2 or 3] with its corners cut (Chaikin); its ends stay."""
    line = np.asarray(points, dtype=np.float64)
    for _ in range(times):
        inner = np.stack([0.75 * line[:-1] + 0.25 * line[1:], 0.25 * line[:-1] + 0.75 * line[1:]], 1)
        line = np.concatenate([line[:1], inner.reshape(-1, line.shape[1])[1:-1], line[-1:]])
    return line


def revolve(profile: npt.ArrayLike, squareness: float = 1.0, depth: float = 1.0, segments: int = 36) -> Solid:
    """A profile [N, 2] of (radius, height) turned about the y axis.

    squareness: exponent of the cross-section, 1 a circle, towards 0 a square; depth: of z relative to x.
    """
    radius, height = np.asarray(profile, dtype=np.float64).T
    angle = np.linspace(0, 2 * np.pi, segments, endpoint=False)
    c, s = _power(np.cos(angle), squareness), _power(np.sin(angle), squareness)
    points = np.stack(
        [
            radius[:, None] * c,
            np.broadcast_to(height[:, None], (len(radius), segments)),
            radius[:, None] * s * depth,
        ],
        axis=-1,
    )
    return grid(points)


def superellipsoid(
    size: Sequence[float], vertical: float = 1.0, horizontal: float = 1.0, segments: int = 28
) -> Solid:
    """A rounded body with these edge lengths; exponents: 1 an ellipsoid, towards 0 a box."""
    latitude = np.linspace(-np.pi / 2, np.pi / 2, segments // 2 + 1)
    longitude = np.linspace(0, 2 * np.pi, segments, endpoint=False)
    ring = _power(np.cos(latitude), vertical)[:, None]
    points = np.stack(
        [
            ring * _power(np.cos(longitude), horizontal),
            np.broadcast_to(_power(np.sin(latitude), vertical)[:, None], (len(latitude), segments)),
            ring * _power(np.sin(longitude), horizontal),
        ],
        axis=-1,
    )
    return grid(points * (np.asarray(size) / 2))


def box(x: float, y: float, z: float) -> Solid:
    """A cuboid about the origin with these edge lengths."""
    corners = np.array([[a, b, c] for a in (-0.5, 0.5) for b in (-0.5, 0.5) for c in (-0.5, 0.5)])
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    faces = [(a, b, c) for a, b, c, _ in quads] + [(a, c, d) for a, _, c, d in quads]
    return Solid(corners * [x, y, z], np.array(faces))


def tube(
    path: npt.ArrayLike, width: npt.ArrayLike, depth: npt.ArrayLike | None = None, segments: int = 12
) -> Solid:
    """A closed tube along a path [N, 3]; width, depth: diameters across it, one or N of each."""
    line = np.asarray(path, dtype=np.float64)
    across = np.broadcast_to(np.asarray(width, dtype=np.float64), len(line)) / 2
    other = across if depth is None else np.broadcast_to(np.asarray(depth, dtype=np.float64), len(line)) / 2
    along = np.gradient(line, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True) + 1e-12
    side = np.cross(along[0], [0.0, 0.0, 1.0] if abs(along[0, 2]) < 0.9 else [0.0, 1.0, 0.0])
    rings = []
    angle = np.linspace(0, 2 * np.pi, segments, endpoint=False)
    for centre, direction, a, b in zip(line, along, across, other, strict=True):
        side = side - direction * (side @ direction)  # carried along without twist
        side /= np.linalg.norm(side) + 1e-12
        up = np.cross(direction, side)
        rings.append(centre + a * np.cos(angle)[:, None] * side + b * np.sin(angle)[:, None] * up)
    ends = [np.broadcast_to(line[0], (segments, 3)), *rings, np.broadcast_to(line[-1], (segments, 3))]
    return grid(np.stack(ends))


def rod(
    start: Sequence[float] | Array,
    end: Sequence[float] | Array,
    width: npt.ArrayLike,
    depth: npt.ArrayLike | None = None,
) -> Solid:
    """A straight tube from start to end."""
    count = max(2, np.size(width), 2 if depth is None else np.size(depth))
    return tube(np.linspace(start, end, count), width, depth)


def torus(radius: float, width: float, arc: float = 360.0, height: float | None = None) -> Solid:
    """A ring about the y axis, or an arc of it; width, height: of its cross-section, if it is no circle."""
    angle = np.deg2rad(np.linspace(0, arc, 41))
    path = radius * np.stack([np.cos(angle), np.zeros_like(angle), np.sin(angle)], 1)
    return tube(path, width, width if height is None else height)


def extrude(outline: npt.ArrayLike, thickness: float) -> Solid:
    """A flat piece in the x-y plane: a polygon [N, 2] seen whole from its centre, with a thickness along
    z.
    """
    flat = np.asarray(outline, dtype=np.float64)
    half = np.full((len(flat), 1), thickness / 2)
    middle = np.broadcast_to(flat.mean(axis=0), flat.shape)
    rings = [
        np.hstack([middle, -half]),
        np.hstack([flat, -half]),
        np.hstack([flat, half]),
        np.hstack([middle, half]),
    ]
    return grid(np.stack(rings))


def _power(values: Array, exponent: float) -> Array:
    return np.asarray(np.sign(values) * np.abs(values) ** exponent)


def grid(points: Array) -> Solid:
    """Faces between neighbouring points of a grid [R, C, 3], each of whose rows closes to a ring."""
    rows, columns = points.shape[:2]
    index = np.arange(rows * columns).reshape(rows, columns)
    right = np.roll(index, -1, axis=1)
    a, b, c, d = index[:-1], right[:-1], index[1:], right[1:]
    faces = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([b, d, c], -1).reshape(-1, 3)])
    return Solid(points.reshape(-1, 3), faces)
