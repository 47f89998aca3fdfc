"""What holds for every cloud: what must not change a picture, and how pictures must change together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from c2p_deploy import DepthSpec, ViewSet, prepare_points, project_depth

SPEC = DepthSpec(image_size=48, point_radius=0.05, num_points=200)
TEN, SIX = ViewSet.named("clip2point-10"), ViewSet.named("clip2point-6")
SEEDS = st.integers(0, 2**32)


def cloud_of(seed: int, count: int = 150) -> np.ndarray:
    """float64 [count, 3], without any symmetry, in no particular place."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, 3)) * rng.uniform(0.2, 2, 3) + rng.uniform(-3, 3, 3)


def sorted_rows(points: np.ndarray) -> np.ndarray:
    return points[np.lexsort(points.T)]


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS)
def test_the_order_of_points_does_not_matter(seed: int) -> None:
    cloud = cloud_of(seed)
    shuffled = np.random.default_rng(seed).permutation(cloud)
    # the mean is a sum, whose last digit depends on the order
    expected, found = (sorted_rows(prepare_points(c, SPEC)) for c in (cloud, shuffled))
    np.testing.assert_allclose(found, expected, atol=1e-6)
    prepared = prepare_points(cloud, SPEC)
    mixed = np.random.default_rng(seed).permutation(prepared)
    np.testing.assert_array_equal(project_depth(mixed, TEN, SPEC), project_depth(prepared, TEN, SPEC))


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS, copies=st.integers(2, 4))
def test_points_that_are_there_twice_do_not_matter(seed: int, copies: int) -> None:
    prepared = prepare_points(cloud_of(seed), SPEC)
    repeated = np.tile(prepared, (copies, 1))
    np.testing.assert_array_equal(project_depth(repeated, TEN, SPEC), project_depth(prepared, TEN, SPEC))
    few = cloud_of(seed, 40)
    every = prepare_points(np.tile(few, (copies, 1)), SPEC)
    np.testing.assert_allclose(every, np.tile(prepare_points(few, SPEC), (copies, 1)), atol=1e-6)


@settings(max_examples=50, deadline=None)
@given(
    seed=SEEDS,
    count=st.sampled_from([150, 500, 3000]),  # all points; farthest-point sampling; thinned before
    exponent=st.integers(-30, 30),
    shift=st.tuples(*[st.integers(-1000, 1000)] * 3),
)
def test_neither_place_nor_unit_matters(
    seed: int, count: int, exponent: int, shift: tuple[int, int, int]
) -> None:
    cloud = np.round(cloud_of(seed, count) * 2**20) / 2**20  # moved and scaled without rounding
    expected = prepare_points(cloud, SPEC, seed=1)
    np.testing.assert_array_equal(prepare_points(cloud * 2.0**exponent, SPEC, seed=1), expected)
    moved = prepare_points((cloud + shift) * 2.0**exponent, SPEC, seed=1)
    if count <= SPEC.num_points:
        np.testing.assert_allclose(moved, expected, atol=1e-6)
    else:  # of two points as far, rounding may choose the other
        assert len(moved) == len(expected)


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS, scale=st.floats(1e-3, 1e3), shift=st.floats(-100, 100))
def test_any_unit_is_the_same_within_rounding(seed: int, scale: float, shift: float) -> None:
    cloud = cloud_of(seed)
    np.testing.assert_allclose(
        prepare_points(cloud * scale + shift * scale, SPEC), prepare_points(cloud, SPEC), atol=1e-6
    )


@pytest.mark.parametrize("views", [TEN, SIX], ids=lambda v: v.name)
@settings(max_examples=25, deadline=None)
@given(seed=SEEDS)
def test_up_is_only_a_matter_of_axes(views: ViewSet, seed: int) -> None:
    prepared = prepare_points(cloud_of(seed), SPEC)
    turned = np.stack([-prepared[:, 1], prepared[:, 2], -prepared[:, 0]], axis=1)
    np.testing.assert_array_equal(
        project_depth(prepared, views, SPEC, up="z"), project_depth(turned, views, SPEC, up="y")
    )


@pytest.mark.parametrize("views", [TEN, SIX], ids=lambda v: v.name)
@settings(max_examples=25, deadline=None)
@given(seed=SEEDS)
def test_a_quarter_turn_about_up_only_changes_which_view_is_which(views: ViewSet, seed: int) -> None:
    """The views around an object take each other's places; from above and below the picture turns."""
    turn = np.array([[0, 0, -1], [0, 1, 0], [1, 0, 0]], np.float32)  # about y, for row vectors
    prepared = prepare_points(cloud_of(seed), SPEC)
    before = project_depth(prepared, views, SPEC, up="y")
    after = project_depth(prepared @ turn, views, SPEC, up="y")
    places = []
    for view, rotation in enumerate(views.rotations):
        distance = np.abs(views.rotations - turn @ rotation).max(axis=(1, 2))
        if distance.min() < 1e-6:
            expected = before[distance.argmin()]
            places.append(int(distance.argmin()))
        else:  # which way they turn depends on which way up they come out
            turns = [np.rot90(before[view], k) for k in (1, 3)]
            expected = min(turns, key=lambda picture: np.abs(picture - after[view]).sum())
            places.append(view)
        # The constants are rounded, so a pixel on the rim of a disc may fall on its other side.
        assert (np.abs(after[view] - expected) > 1e-5).mean() < 0.01
    assert sorted(places) == list(range(len(views.rotations)))
