"""Clutter: prepared like any cloud, the same for a seed, and no object."""

import numpy as np
import pytest

from c2p_train.datasets.clutter import KINDS, clutter_clouds

RNG = np.random.default_rng(0)
BALLS = RNG.normal(size=(6, 128, 3))
BALLS = (BALLS / np.linalg.norm(BALLS, axis=2, keepdims=True)).astype(np.float32)
LABEL = np.array([0, 0, 1, 1, 2, 2])


def test_every_kind_comes_in_turn_in_the_unit_sphere() -> None:
    made, kinds = clutter_clouds(BALLS, LABEL, 3 * len(KINDS), seed=1)
    assert made.shape == (3 * len(KINDS), 128, 3) and made.dtype == np.float32
    assert kinds == tuple(KINDS) * 3 and np.isfinite(made).all()
    np.testing.assert_allclose(np.linalg.norm(made, axis=2).max(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(made.mean(axis=1), 0, atol=0.02)


def test_a_seed_is_a_cloud() -> None:
    first, again, other = (clutter_clouds(BALLS, LABEL, 9, seed)[0] for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any(axis=(1, 2)).all()
    np.testing.assert_array_equal(clutter_clouds(BALLS, LABEL, 4, 3)[0], first[:4])


@pytest.mark.parametrize(("kind", "flat"), [("floor", 1), ("wall", None), ("slope", None)])
def test_planes_are_flat_and_a_floor_lies(kind: str, flat: int | None) -> None:
    made, kinds = clutter_clouds(BALLS, LABEL, 5 * len(KINDS), seed=2)
    for cloud in made[[name == kind for name in kinds]].astype(np.float64):
        _, spread, axes = np.linalg.svd(cloud - cloud.mean(axis=0))
        assert spread[2] < 0.15 * spread[1]
        if flat is not None:
            assert abs(axes[2][flat]) > 0.9


def test_one_class_alone_will_do() -> None:
    made, _ = clutter_clouds(BALLS[:1], LABEL[:1], 2 * len(KINDS), seed=0)
    assert np.isfinite(made).all()
