"""A piece of floor under a thing is noticed, and what looks alike is not taken for one."""

from __future__ import annotations

import numpy as np
import pytest

from c2p_deploy.projection.floor import has_floor
from c2p_deploy.projection.spec import UP_AXES, UpAxis, turn_up

RNG = np.random.default_rng(0)


def boards(*sizes_and_places: tuple[float, ...]) -> np.ndarray:
    """float64 [600 a board, 3], z up: boards of (width, depth, thickness) at (x, y, z)."""
    parts = [RNG.uniform(-0.5, 0.5, (600, 3)) * b[:3] + b[3:] for b in sizes_and_places]
    return np.concatenate(parts)


TABLE = boards((2, 1, 0.05, 0, 0, 1), (0.1, 0.1, 1, -0.9, 0, 0.5), (0.1, 0.1, 1, 0.9, 0, 0.5))
BED = boards((2, 1, 0.5, 0, 0, 0.25), (0.1, 1, 1, 1, 0, 0.5))
MONITOR = boards((1, 0.05, 0.6, 0, 0, 0.6), (0.4, 0.4, 0.02, 0, 0, 0), (0.05, 0.05, 0.4, 0, 0, 0.2))
PLATE = boards((1, 1, 0.0, 0, 0, 0))


def on_floor(thing: np.ndarray, width: float) -> np.ndarray:
    """With a third as many points of floor."""
    patch = RNG.uniform(-width / 2, width / 2, (len(thing) // 3, 3))
    patch[:, 2] = thing[:, 2].min()
    return np.concatenate([thing, patch])


@pytest.mark.parametrize("up", UP_AXES)
@pytest.mark.parametrize("thing", [TABLE, BED, MONITOR])
def test_floor_is_noticed_wherever_and_however_large_it_is(thing: np.ndarray, up: UpAxis) -> None:
    for points, expected in ((thing, False), (on_floor(thing, 4.0), True)):
        cloud = points * 30 + (500, -700, 20)
        cloud = np.concatenate([cloud, [[9e4, 0, -9e4], [np.nan, 0, 0]]]).astype(np.float32)
        turned = turn_up(cloud, "z") @ turn_up(np.eye(3, dtype=np.float32), up).T
        assert has_floor(turned, up) is expected


@pytest.mark.parametrize("points", [PLATE, PLATE[:1], np.full((3, 3), np.nan), np.zeros((0, 3))])
def test_a_thing_without_height_stands_on_nothing(points: np.ndarray) -> None:
    assert not has_floor(points, "z")
