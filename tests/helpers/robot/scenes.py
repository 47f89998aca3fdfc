"""A table with things on it, as points of their surfaces, and which thing each point is of."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.spatial import Delaunay

Points = npt.NDArray[np.float64]


def cuboid(centre: tuple[float, float, float], size: tuple[float, float, float], turn: float = 0.0) -> Points:
    """The sides and the top of a box that stands upright, a point every 2.5 mm."""
    faces = []
    for axis, sign in ((0, 1), (0, -1), (1, 1), (1, -1), (2, 1)):
        u, v = (a for a in range(3) if a != axis)
        grid = np.stack(np.meshgrid(_steps(size[u]), _steps(size[v])), axis=-1).reshape(-1, 2)
        face = np.empty((len(grid), 3))
        face[:, u], face[:, v], face[:, axis] = grid[:, 0], grid[:, 1], sign * size[axis] / 2
        faces.append(face)
    c, s = np.cos(turn), np.sin(turn)
    return np.concatenate(faces) @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]]) + centre


def cylinder(centre: tuple[float, float, float], radius: float, height: float) -> Points:
    """The side and the top of an upright cylinder."""
    around = np.arange(0, 2 * np.pi, 0.0025 / radius)
    angle, z = (a.ravel() for a in np.meshgrid(around, _steps(height)))
    side = np.stack([radius * np.cos(angle), radius * np.sin(angle), z], axis=1)
    x, y = (a.ravel() for a in np.meshgrid(_steps(2 * radius), _steps(2 * radius)))
    top = np.stack([x, y, np.full(len(x), height / 2)], axis=1)[np.hypot(x, y) <= radius]
    return np.concatenate([side, top]) + centre


def table(width: float = 1.0, depth: float = 0.8) -> Points:
    """A plane at z = 0."""
    x, y = (a.ravel() for a in np.meshgrid(_steps(width), _steps(depth)))
    return np.stack([x, y, np.zeros(len(x))], axis=1)


def scene(*things: Points, noise: float = 0.0005, seed: int = 0) -> tuple[Points, npt.NDArray[np.int64]]:
    """A table with things on it, and of each point the number of its thing, -1 for the table.

    Without what another thing stands on.
    """
    parts = [p[~_covered(p, [t for t in things if t is not p])] for p in (table(), *things)]
    labels = np.concatenate([np.full(len(p), k - 1) for k, p in enumerate(parts)])
    points = np.concatenate(parts)
    return points + np.random.default_rng(seed).normal(0, noise, points.shape), labels


def seen_from(viewpoint: npt.ArrayLike, points: Points) -> npt.NDArray[np.bool_]:
    """Which of points [N, 3] are seen from viewpoint [3]: nearest in a cell of 0.4 degrees, or near it."""
    away = points - np.asarray(viewpoint)
    far = np.linalg.norm(away, axis=1)
    step = np.radians(0.4)
    azimuth = np.floor(np.arctan2(away[:, 1], away[:, 0]) / step)
    height = np.floor(np.arcsin(away[:, 2] / far) / step)
    cell = np.unique(np.stack([azimuth, height], axis=1), axis=0, return_inverse=True)[1].ravel()
    nearest = np.full(cell.max() + 1, np.inf)
    np.minimum.at(nearest, cell, far)
    return np.asarray(far < nearest[cell] + 0.01)


def _covered(points: Points, things: list[Points]) -> npt.NDArray[np.bool_]:
    """Which points are within or right below one of the things, upright and convex from above."""
    covered = np.zeros(len(points), bool)
    for thing in things:
        low, high = thing[:, 2].min() - 0.001, thing[:, 2].max()
        inside = Delaunay(thing[:, :2]).find_simplex(points[:, :2]) >= 0
        covered |= inside & (points[:, 2] > low) & (points[:, 2] < high)
    return covered


def _steps(length: float) -> Points:
    return np.linspace(-length / 2, length / 2, max(2, round(length / 0.0025)))
