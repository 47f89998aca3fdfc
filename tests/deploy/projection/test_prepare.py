"""Cloud preparation: centring, scaling and sampling."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from c2p_deploy import DepthSpec, prepare_points
from c2p_deploy.errors import CloudError, OptionError
from c2p_deploy.projection.prepare import sample_points
from paths import GOLDEN

SPEC = DepthSpec()


@pytest.mark.parametrize("cloud", ["chair", "rod", "n2"])
def test_normalisation_equals_the_authors(cloud: str) -> None:
    with np.load(GOLDEN / f"{cloud}.npz") as golden:
        prepared = prepare_points(golden["points_raw"], SPEC)
        np.testing.assert_allclose(prepared, golden["points"], atol=3e-7)


@settings(max_examples=50)
@given(
    seed=st.integers(0, 2**32),
    count=st.integers(2, 3000),
    scale=st.floats(1e-3, 1e5),
    shift=st.floats(-1e4, 1e4),
)
def test_any_cloud_ends_in_the_unit_sphere(seed: int, count: int, scale: float, shift: float) -> None:
    cloud = np.random.default_rng(seed).normal(size=(count, 3)) * scale + shift
    prepared = prepare_points(cloud, SPEC)
    assert prepared.dtype == np.float32 and prepared.shape == (min(count, SPEC.num_points), 3)
    np.testing.assert_allclose(prepared.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(prepared, axis=1).max(), 1, atol=1e-6)


def test_where_and_how_large_a_cloud_is_does_not_matter(chair: np.ndarray) -> None:
    expected = prepare_points(chair, SPEC)
    moved = chair.astype(np.float64) * 1000 + (500_000, 5_400_000, 300)  # millimetres on a map
    np.testing.assert_allclose(prepare_points(moved, SPEC), expected, atol=1e-5)


def test_holes_of_an_organised_cloud_are_dropped(chair: np.ndarray) -> None:
    holes = chair.copy()
    holes[::3, 1] = np.nan
    holes[1::3, 2] = np.inf
    np.testing.assert_array_equal(prepare_points(holes, SPEC), prepare_points(chair[2::3], SPEC))


@pytest.mark.parametrize("count", [3000, 9000, 50_000])
def test_sampling_is_seeded_even_and_of_the_cloud(count: int) -> None:
    rng = np.random.default_rng(0)
    # Half of the points in one dense corner: sampling must not care.
    cloud = np.concatenate([rng.random((count // 2, 3)), rng.random((count - count // 2, 3)) * 0.1])
    sampled = sample_points(cloud, 1024, seed=3)
    assert len(np.unique(sampled, axis=0)) == 1024
    assert {tuple(p) for p in sampled} <= {tuple(p) for p in cloud}
    np.testing.assert_array_equal(sampled, sample_points(cloud, 1024, seed=3))
    assert not np.array_equal(sampled, sample_points(cloud, 1024, seed=4))
    in_corner = (sampled < 0.1).all(axis=1).mean()
    assert in_corner < 0.25  # a random sample would have half of its points there


def test_integers_and_lists_are_points_too() -> None:
    square = [[0, 0, 0], [2, 0, 0], [0, 2, 0], [2, 2, 0]]
    np.testing.assert_allclose(np.abs(prepare_points(square, SPEC)[:, :2]), np.sqrt(0.5), atol=1e-6)


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int16])
@pytest.mark.parametrize("count", [9, 3000])
def test_of_more_columns_the_first_three_count(kind: type, count: int) -> None:
    """As drivers give them: x, y, z, intensity, ring, which may be anything."""
    rows = np.random.default_rng(2).uniform(-100, 100, (count, 5)).astype(kind)
    expected = prepare_points(rows[:, :3].copy(), SPEC, seed=1)
    if kind != np.int16:
        rows[::2, 3:] = np.nan
    np.testing.assert_array_equal(prepare_points(rows, SPEC, seed=1), expected)


@pytest.mark.parametrize(
    ("points", "complaint"),
    [
        (np.zeros((0, 3)), "no finite point"),
        (np.full((4, 3), np.nan), "no finite point"),
        (np.array([[1e30, 0, 0], [0, 0, 0]]), "beyond 1e18"),
        (np.zeros((1, 3)), "coincide"),
        (np.full((64, 3), 7.3, dtype=np.float32), "coincide"),
        (np.full((2000, 3), 1e6), "coincide"),
        (np.zeros((4, 2)), r"\[N, 3\]"),
        (np.zeros(3), r"\[N, 3\]"),
        (np.zeros((2, 4, 3)), r"\[N, 3\]"),
        (np.array([["a", "b", "c"]] * 2), "must be numbers"),
        (np.ones((4, 3), complex), "must be numbers"),
        (np.eye(3, dtype=bool), "must be numbers"),
        (np.zeros((4, 3), "M8[s]"), "must be numbers"),
        (np.zeros((4, 3), "m8[s]"), "must be numbers"),
        (np.eye(3).astype(object), "must be numbers"),
        ([[10**30, 0, 0], [0, 1, 0]], "must be numbers"),
        ([[0, 0, 0], [1, 1]], "array"),
        ([[0, 0, 0], [1, 1, None]], "must be numbers"),
        (np.ma.masked_all((4, 3)), "no finite point"),
        (None, r"\[N, 3\]"),
        (np.zeros((3, 1000)), r"transpose it"),
        (np.zeros((1, 4)), r"transpose it"),
    ],
)
def test_unusable_clouds_are_refused(points: np.ndarray, complaint: str) -> None:
    with pytest.raises(CloudError, match=complaint):
        prepare_points(points, SPEC)


@pytest.mark.parametrize("seed", [-1, 0.5, "0"])
@pytest.mark.parametrize("count", [10, 2000])
def test_a_seed_is_a_whole_number(seed: int, count: int) -> None:
    with pytest.raises(OptionError, match="seed"):
        prepare_points(np.random.default_rng(0).random((count, 3)), SPEC, seed)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32])
def test_what_a_masked_array_hides_is_no_point(chair: np.ndarray, dtype: type) -> None:
    cloud = (chair * 1000).astype(dtype)
    hidden = np.ma.masked_array(cloud, np.zeros(cloud.shape, bool))
    hidden[::2, 1] = np.ma.masked
    np.testing.assert_array_equal(prepare_points(hidden, SPEC), prepare_points(cloud[1::2], SPEC))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("exponent", [-1000, -300, -100, -60, 55])
@pytest.mark.parametrize("count", [100, 3000, 20_000])
def test_how_small_or_large_a_cloud_is_does_not_matter(dtype: type, exponent: int, count: int) -> None:
    """To the bit where the unit is a power of two: a cloud of 1e-30 m is as good as one of 1 m."""
    if dtype == np.float32 and exponent < -100:
        pytest.skip("below what float32 holds")
    cloud = np.random.default_rng(0).normal(size=(count, 3)).astype(dtype)
    scaled = np.ldexp(cloud, exponent)
    np.testing.assert_array_equal(prepare_points(scaled, SPEC), prepare_points(cloud, SPEC))


def test_the_largest_coordinates_allowed() -> None:
    cloud = np.array([[1e18, -1e18, 1e18], [-1e18, 1e18, -1e18], [0, 0, 0]])
    np.testing.assert_allclose(prepare_points(cloud, SPEC), cloud / (1e18 * 3**0.5), atol=1e-7)
