"""Clutter: clouds that are no object, for teaching and judging what has to be rejected.

What a segmentation hands to a classifier by mistake: pieces of walls and floors, with and without things on
them, corners of rooms, shapeless heaps, two objects taken for one, half of one stuck to half of another.
All are made from a seed and, where they need parts of objects, from clouds that are given. Prepared like
those: [P, 3] in the unit sphere, y up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from c2p_deploy.projection.prepare import to_unit_sphere
from c2p_deploy.projection.spec import FloatArray

_Array = npt.NDArray[np.float64]
_Rng = np.random.Generator
_OTHER_TRIES = 20  # draws of a second object that is of another class than the first


def clutter_clouds(
    clouds: FloatArray, label: npt.NDArray[np.int64], count: int, seed: int
) -> tuple[FloatArray, tuple[str, ...]]:
    """`count` clouds float32 [count, P, 3] that are no object, and the kind of each, in turn.

    clouds: float32 [N, P, 3], prepared objects, y up, of which parts are taken; label: int64 [N], so that
    what is put together is of different classes, where there are several.
    """
    points = clouds.shape[1]
    kinds = tuple(KINDS)
    made = np.empty((count, points, 3), dtype=np.float32)
    for index in range(count):
        rng = np.random.default_rng((seed, index))
        first = int(rng.integers(len(clouds)))
        second = _another(label, first, rng)
        pair = clouds[first].astype(np.float64), clouds[second].astype(np.float64)
        whole = KINDS[kinds[index % len(kinds)]](rng, points, pair)
        chosen = rng.choice(len(whole), points, replace=len(whole) < points)
        noisy = whole[chosen] + rng.normal(0, rng.uniform(0, 0.01), (points, 3))
        made[index] = to_unit_sphere(noisy)
    return made, tuple(kinds[index % len(kinds)] for index in range(count))


def _another(label: npt.NDArray[np.int64], first: int, rng: _Rng) -> int:
    """The index of an object of another class, unless one is hard to find."""
    for _ in range(_OTHER_TRIES):
        second = int(rng.integers(len(label)))
        if label[second] != label[first]:
            return second
    return int(rng.integers(len(label)))


def _patch(rng: _Rng, points: int) -> _Array:
    """A piece [points, 3] of the plane y = 0: a rectangle, an ellipse or something with ragged borders."""
    size = np.array([1.0, rng.uniform(0.15, 1.0)])
    flat = rng.uniform(-1, 1, (4 * points, 2))
    shape = rng.integers(3)
    if shape == 1:
        flat = flat[(flat**2).sum(axis=1) < 1]
    elif shape == 2:
        angle = np.arctan2(flat[:, 1], flat[:, 0])
        waves = sum(rng.normal(0, 0.25 / n) * np.cos(n * angle + rng.uniform(0, 6.3)) for n in range(1, 6))
        flat = flat[np.hypot(flat[:, 0], flat[:, 1]) < 0.75 + waves]
    flat = flat[:points] * size
    return np.column_stack((flat[:, 0], rng.normal(0, 0.003, len(flat)), flat[:, 1]))


def _turned(cloud: _Array, rng: _Rng, tilt: float = 0.0) -> _Array:
    """Turned about the up axis by any angle, after a tilt about x in radians."""
    heading = rng.uniform(0, 2 * np.pi)
    c, s, ct, st = np.cos(heading), np.sin(heading), np.cos(tilt), np.sin(tilt)
    about_x = np.array([[1, 0, 0], [0, ct, -st], [0, st, ct]])
    about_y = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    return np.asarray(cloud @ about_x.T @ about_y.T)


def _floor(rng: _Rng, points: int, pair: tuple[_Array, _Array]) -> _Array:
    return _turned(_patch(rng, points), rng, rng.normal(0, 0.08))


def _wall(rng: _Rng, points: int, pair: tuple[_Array, _Array]) -> _Array:
    return _turned(_patch(rng, points), rng, np.pi / 2 + rng.normal(0, 0.08))


def _slope(rng: _Rng, points: int, pair: tuple[_Array, _Array]) -> _Array:
    return _turned(_patch(rng, points), rng, rng.uniform(0, np.pi))


def _corner(rng: _Rng, points: int, pair: tuple[_Array, _Array]) -> _Array:
    """Two or three planes that meet: wall and floor, the corner of a room, the edge of a table."""
    square = rng.uniform(0, 1, (3, points, 2)) * rng.uniform(0.3, 1.0, (3, 1, 2))
    zero = np.zeros(points)
    planes = [
        np.column_stack((square[0, :, 0], zero, square[0, :, 1])),
        np.column_stack((square[1, :, 0], square[1, :, 1], zero)),
        np.column_stack((zero, square[2, :, 0], square[2, :, 1])),
    ]
    chosen = rng.permutation(3)[: rng.integers(2, 4)]
    joined = np.concatenate([planes[index] for index in chosen])
    return _turned(joined * rng.choice((-1.0, 1.0), 3), rng, rng.normal(0, 0.08))


def _heap(rng: _Rng, points: int, pair: tuple[_Array, _Array]) -> _Array:
    """A few shapeless lumps, solid or hollow."""
    lumps = []
    for _ in range(rng.integers(1, 7)):
        lump = rng.normal(size=(points, 3))
        if rng.random() < 0.5:
            lump /= np.linalg.norm(lump, axis=1, keepdims=True)
        lumps.append(lump * rng.uniform(0.05, 0.5, 3) + rng.uniform(-0.6, 0.6, 3))
    return np.concatenate(lumps)


def _cluttered_floor(rng: _Rng, points: int, pair: tuple[_Array, _Array]) -> _Array:
    """A floor with lumps on it, or with a small part of an object that stands there."""
    lumps = [_patch(rng, points)]
    for _ in range(rng.integers(1, 5)):
        size, place = rng.uniform(0.03, 0.3, 3), np.append(rng.uniform(-0.8, 0.8, 2), 0.0)[[0, 2, 1]]
        source = rng.normal(size=(points // 3, 3)) if rng.random() < 0.6 else _part(pair[0], rng, 0.3)
        lump = source * size
        lump[:, 1] -= lump[:, 1].min()
        lumps.append(lump + place)
    return _turned(np.concatenate(lumps), rng)


def _part(cloud: _Array, rng: _Rng, share: float) -> _Array:
    """What lies on one side of a plane of any direction: this share of the points."""
    direction = rng.normal(size=3)
    along = cloud @ (direction / np.linalg.norm(direction))
    return np.asarray(cloud[along >= np.quantile(along, 1 - share)])


def _two_halves(rng: _Rng, points: int, pair: tuple[_Array, _Array]) -> _Array:
    """Half of one object stuck to half of another, cut by the same plane."""
    direction = rng.normal(size=3)
    direction /= np.linalg.norm(direction)
    left, right = (_turned(cloud, rng) for cloud in pair)
    left, right = left[left @ direction < 0], right[right @ direction >= 0]
    return np.concatenate((left, right)) if len(left) + len(right) > 50 else pair[0]


def _two_objects(rng: _Rng, points: int, pair: tuple[_Array, _Array]) -> _Array:
    """Two objects side by side, of different sizes, taken for one."""
    left, right = (_turned(cloud, rng) for cloud in pair)
    right = right * rng.uniform(0.4, 1.0)
    right[:, 1] += left[:, 1].min() - right[:, 1].min()
    right[:, 0] += left[:, 0].max() - right[:, 0].min() + rng.uniform(-0.3, 0.1)
    return _turned(np.concatenate((left, right)), rng)


def _scraps(rng: _Rng, points: int, pair: tuple[_Array, _Array]) -> _Array:
    """A few small pieces of objects, apart from each other."""
    pieces = [
        _part(pair[index % 2], rng, 0.15) * rng.uniform(0.3, 1.0) for index in range(rng.integers(2, 5))
    ]
    return np.concatenate([piece + rng.uniform(-0.7, 0.7, 3) for piece in pieces])


KINDS: Mapping[str, Callable[[_Rng, int, tuple[_Array, _Array]], _Array]] = {
    "floor": _floor,
    "wall": _wall,
    "slope": _slope,
    "corner": _corner,
    "heap": _heap,
    "cluttered floor": _cluttered_floor,
    "two halves": _two_halves,
    "two objects": _two_objects,
    "scraps": _scraps,
}
