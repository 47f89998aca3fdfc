"""Stray points: found wherever they are, by every version alike, and nothing else taken for one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from c2p_deploy import DepthSpec, prepare_points
from c2p_deploy.errors import CloudError, OptionError
from c2p_deploy.projection import kernels, outliers
from c2p_deploy.projection.outliers import kept_points, kept_points_reference
from c2p_deploy.projection.prepare import prepare
from paths import GOLDEN

SEEDS = st.integers(0, 2**32)
SPEC = DepthSpec()


def directions(count: int, rng: np.random.Generator) -> np.ndarray:
    """Unit vectors [count, 3]."""
    rays = rng.normal(size=(count, 3))
    return np.asarray(rays / np.linalg.norm(rays, axis=1, keepdims=True))


def box(count: int, rng: np.random.Generator) -> np.ndarray:
    """float64 [count, 3] on the surface of a box that reaches to 1."""
    rays = directions(count, rng)
    return np.asarray(rays / np.abs(rays).max(axis=1, keepdims=True) * (0.7, 0.6, 0.4))


def any_cloud(seed: int) -> np.ndarray:
    """float32 [N, 3]: a box, with strays, clumps and repeated points, or without; of exact coordinates."""
    rng = np.random.default_rng(seed)
    count = int(rng.choice([33, 60, 200, 500]))
    parts = [box(count, rng)]
    if rng.random() < 0.7:
        parts.append(directions(int(rng.integers(1, 6)), rng) * rng.uniform(1.2, 8))
    if rng.random() < 0.5:
        parts.append(rng.normal(0, 0.05, (int(rng.integers(1, 30)), 3)) + rng.uniform(-3, 3, 3))
    if rng.random() < 0.3:
        parts.append(np.repeat(parts[-1][:1], rng.integers(1, 200), axis=0))
    cloud = rng.permutation(np.concatenate(parts)) * rng.uniform(0.3, 1, 3)
    return (np.round(cloud * 1024) / 1024).astype(np.float32)


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS)
def test_the_compiled_version_keeps_what_the_reference_keeps(seed: int) -> None:
    cloud = any_cloud(seed)
    np.testing.assert_array_equal(kept_points(cloud), kept_points_reference(cloud))


@pytest.mark.parametrize("seed", range(3))
def test_the_kernels_are_what_python_makes_of_them(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(name: str, *arguments: object) -> None:
        flat = (a.reshape(-1) if isinstance(a, np.ndarray) else a for a in arguments)
        with np.errstate(over="ignore"):  # of the hash, on purpose
            getattr(kernels, name)(*flat)

    cloud = any_cloud(seed)[:200]
    expected = kept_points(cloud)
    monkeypatch.setattr(outliers, "run", run)
    np.testing.assert_array_equal(kept_points(cloud), expected)


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, exponent=st.integers(-30, 30), shift=st.tuples(*[st.integers(-500, 500)] * 3))
def test_neither_order_nor_place_nor_unit_matters(
    seed: int, exponent: int, shift: tuple[int, int, int]
) -> None:
    cloud = any_cloud(seed)
    expected = kept_points(cloud)
    order = np.random.default_rng(seed).permutation(len(cloud))
    np.testing.assert_array_equal(kept_points(cloud[order]), expected[order])
    moved = (cloud + np.float32(shift)) * np.float32(2.0**exponent)
    np.testing.assert_array_equal(kept_points(moved), expected)
    np.testing.assert_array_equal(kept_points(moved.astype(np.float64)), expected)


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, axes=st.permutations(range(3)), signs=st.tuples(*[st.sampled_from([-1, 1])] * 3))
def test_quarter_turns_and_mirrors_do_not_matter(
    seed: int, axes: list[int], signs: tuple[int, int, int]
) -> None:
    cloud = any_cloud(seed)
    turned = np.ascontiguousarray(cloud[:, axes] * np.float32(signs))
    np.testing.assert_array_equal(kept_points(turned), kept_points(cloud))


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS, copies=st.integers(2, 9))
def test_points_that_are_there_several_times_are_no_neighbours(seed: int, copies: int) -> None:
    cloud = any_cloud(seed)
    np.testing.assert_array_equal(
        kept_points(np.tile(cloud, (copies, 1))), np.tile(kept_points(cloud), copies)
    )


@pytest.mark.parametrize("distance", [1.6, 2, 4, 20, 1e4, 1e15])
@pytest.mark.parametrize("count", [500, 1024, 8000])
@pytest.mark.parametrize("kind", ["one", "many", "clump"])
def test_strays_are_found_at_any_distance(kind: str, count: int, distance: float) -> None:
    rng = np.random.default_rng(0)
    thing = box(count, rng)
    strays = directions(1 if kind == "one" else count // 50, rng) * distance
    if kind == "clump":
        strays = strays[:1] + rng.normal(0, 0.02, strays.shape)
    kept = kept_points(np.concatenate([thing, strays]).astype(np.float32))
    assert kept[:count].all() and not kept[count:].any()


def pole(count: int, rng: np.random.Generator) -> np.ndarray:
    """A lamp: a foot, a pole with a sixteenth of the points, and a shade that nothing connects to it."""
    foot = box(count // 2, rng) * (0.4, 0.4, 0.05) - (0, 0, 1)
    rod = np.stack([*rng.normal(0, 0.01, (2, count // 16)), rng.uniform(-1, 0.3, count // 16)], axis=1)
    return np.concatenate([foot, rod, box(count // 2 - count // 16, rng) * 0.4 + (0, 0, 1)])


def rings(count: int, rng: np.random.Generator) -> np.ndarray:
    """A cylinder in eighty rings, each with less than a 32nd of the points and far from the next."""
    angle, ring = rng.uniform(0, 2 * np.pi, count), rng.integers(0, 80, count)
    return np.stack([0.05 * np.cos(angle), 0.05 * np.sin(angle), ring / 4], axis=1)


def half_holes(count: int, rng: np.random.Generator) -> np.ndarray:
    """More than half of all points are where the sensor is, because it saw nothing there."""
    thing = box(count // 2, rng) + np.float64([5, 0, 0])
    return np.concatenate([np.zeros((count // 2 + 1, 3)), thing])


@pytest.mark.parametrize("count", [64, 256, 1024, 8000])
@pytest.mark.parametrize("thing", [box, pole, rings, half_holes])
def test_nothing_of_a_clean_thing_is_lost(
    thing: Callable[[int, np.random.Generator], np.ndarray], count: int
) -> None:
    assert kept_points(thing(count, np.random.default_rng(1)).astype(np.float32)).all()


@pytest.mark.parametrize("cloud", ["chair", "rod", "n2"])
def test_nothing_of_the_goldens_is_lost(cloud: str) -> None:
    with np.load(GOLDEN / f"{cloud}.npz") as golden:
        points = golden["points_raw"]
    np.testing.assert_array_equal(prepare(points, SPEC, "robust").points, prepare_points(points, SPEC))


@pytest.mark.parametrize(
    "points",
    [
        np.zeros((50, 3), np.float32),
        np.repeat(np.eye(3), 30, axis=0),
        np.linspace(0, 1, 300)[:, None] * (1, 2, 3),  # a line
        np.random.default_rng(0).normal(size=(32, 3)),
        np.random.default_rng(0).normal(size=(1, 3)),
        np.random.default_rng(0).uniform(-1, 1, size=(400, 3)) * 1e-300,
        np.random.default_rng(0).uniform(-1, 1, size=(400, 3)) * 1e18,
    ],
)
def test_degenerate_clouds_are_kept(points: np.ndarray) -> None:
    assert kept_points(points).all() and kept_points_reference(points).all()


# --- prepare -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [300, 1024, 5000])
def test_a_cloud_is_prepared_as_if_its_strays_had_never_been(count: int) -> None:
    rng = np.random.default_rng(2)
    thing, strays = box(count, rng), directions(count // 60, rng) * 3
    order = rng.permutation(count + len(strays))
    points, holes = np.concatenate([thing, strays])[order], np.full((7, 3), np.nan)
    found = prepare(np.concatenate([points, holes]), SPEC, "robust", seed=5)
    assert found.strays == len(strays)
    np.testing.assert_array_equal(found.points, prepare_points(points[order < count], SPEC, seed=5))
    paper = prepare(points, SPEC, "paper", seed=5)
    assert paper.strays == 0
    np.testing.assert_array_equal(paper.points, prepare_points(points, SPEC, seed=5))


def test_of_a_large_cloud_no_stray_is_sampled() -> None:
    rng = np.random.default_rng(3)
    points = np.concatenate([box(98_000, rng), directions(2000, rng) * rng.uniform(2, 9, (2000, 1))])
    found = prepare(points, SPEC, "robust")
    assert found.points.shape == (1024, 3) and 100 < found.strays < 230  # of 8,192 looked at
    extent = np.ptp(found.points, axis=0)
    np.testing.assert_allclose(extent / extent[0], [1, 6 / 7, 4 / 7], atol=0.02)


@pytest.mark.parametrize("preparation", ["paper", "robust"])
def test_what_cannot_be_prepared(preparation: str) -> None:
    with pytest.raises(CloudError, match="no finite point"):
        prepare(np.full((4, 3), np.nan), SPEC, preparation)  # type: ignore[arg-type]
    with pytest.raises(CloudError, match="coincide"):
        prepare(np.ones((99, 3)), SPEC, preparation)  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="seed"):
        prepare(np.eye(3), SPEC, preparation, -1)  # type: ignore[arg-type]
