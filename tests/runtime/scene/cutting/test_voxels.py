"""The kernels that cut a scene against their plain references, SciPy and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree
from sklearn.cluster import DBSCAN

from c2p_runtime.scene.cutting import voxels as fast
from c2p_runtime.scene.cutting import voxels_reference as slow

SIZE = 0.05
EVERYTHING = np.array([[-1000] * 3, [1000] * 3], np.float32)


def surface(seed: int, count: int = 400) -> np.ndarray:
    """Points of a few noisy planes and of nothing."""
    rng = np.random.default_rng(seed)
    flat = rng.uniform(-0.4, 0.4, (count, 3)) * rng.choice([1.0, 0.02], 3) + rng.normal(0, 0.3, 3)
    return np.concatenate([flat, rng.normal(0, 0.4, (count // 8, 3))]).astype(np.float32)


@given(
    arrays(
        np.float32,
        st.tuples(st.integers(0, 20), st.integers(3, 5)),
        elements=st.sampled_from([0.0, -0.0, 1.0, -2.0, 5.0, 1e30, np.nan, np.inf, -np.inf]),
    )
)
def test_points_are_kept_as_the_reference_keeps_them(points: np.ndarray) -> None:
    crop = np.array([[-2, -2, -2], [1, 5, 5]], np.float32)
    expected = slow.keep_points_reference(points, crop)
    for given_points in (points, np.asfortranarray(points), points[::-1][::-1]):
        kept, local = fast.keep_points(given_points, crop)
        np.testing.assert_array_equal(kept, expected)
        np.testing.assert_array_equal(local, points[expected, :3])


@pytest.mark.parametrize("near", [np.inf, 0.2])
@pytest.mark.parametrize("seed", range(3))
def test_voxels_are_the_reference_s(seed: int, near: float) -> None:
    points = surface(seed)
    ours, theirs = fast.voxels_of(points, SIZE, near), slow.voxels_of_reference(points, SIZE, near)
    for name in ("keys", "sizes", "centres", "voxel_of"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name), err_msg=name)


def test_voxels_do_not_depend_on_the_order_of_points() -> None:
    points = surface(5)
    order = np.random.default_rng(0).permutation(len(points))
    first, second = fast.voxels_of(points, SIZE), fast.voxels_of(points[order], SIZE)
    np.testing.assert_array_equal(first.centres, second.centres)
    np.testing.assert_array_equal(first.voxel_of[order], second.voxel_of)


def test_beyond_near_voxels_are_as_long_as_they_say() -> None:
    """Along the line of sight, on which their centres are that far apart."""
    line = np.zeros((20000, 3), np.float32)
    line[:, 0] = np.linspace(0.5, 6, len(line))
    voxels = fast.voxels_of(line, 0.02, 1.0)
    apart = np.diff(voxels.centres[:, 0])[1:-1]
    np.testing.assert_allclose(apart, voxels.sizes[2:-1], rtol=0.1)
    assert voxels.sizes[0] == 0.02 and voxels.sizes[-1] == pytest.approx(0.02 * 6**1.5, rel=0.1)


@pytest.mark.parametrize("seed", range(3))
def test_neighbours_are_the_reference_s_and_the_kd_tree_s(seed: int) -> None:
    voxels = fast.voxels_of(surface(seed), SIZE)
    ours = fast.neighbours_of(voxels.keys)
    np.testing.assert_array_equal(ours, slow.neighbours_of_reference(voxels.keys))
    pairs = cKDTree(voxels.places()).query_pairs(1.0, p=np.inf, output_type="ndarray")
    here, which = np.nonzero(ours < len(ours))
    found = np.stack([here, ours[here, which]], axis=1)
    assert {tuple(p) for p in np.sort(found, axis=1)} == {tuple(p) for p in np.sort(pairs, axis=1)}


@pytest.mark.parametrize("seed", range(4))
def test_clusters_are_the_reference_s_and_scipys_and_those_of_dbscan(seed: int) -> None:
    voxels = fast.voxels_of(surface(seed, 150), SIZE)
    neighbours = fast.neighbours_of(voxels.keys)
    ours = fast.connected(neighbours)
    np.testing.assert_array_equal(ours, slow.connected_reference(neighbours))
    here, which = np.nonzero(neighbours < len(neighbours))
    graph = coo_array((np.ones(len(here)), (here, neighbours[here, which])), shape=[len(ours)] * 2)
    for other in (
        connected_components(graph, directed=False)[1],
        DBSCAN(eps=1.0, min_samples=1, metric="chebyshev").fit_predict(voxels.places()),
    ):
        assert (
            len({*zip(ours.tolist(), other.tolist(), strict=True)})
            == len({*other.tolist()})
            == len({*ours.tolist()})
        )


@pytest.mark.parametrize("seed", range(3))
def test_normals_are_the_eigenvectors(seed: int) -> None:
    voxels = fast.voxels_of(surface(seed), SIZE)
    neighbours = fast.neighbours_of(voxels.keys)
    ours, bend = fast.normals_of(voxels.centres, neighbours)
    theirs, their_bend = slow.normals_of_reference(voxels.centres, neighbours)
    np.testing.assert_allclose(bend, their_bend, atol=1e-6)
    sure = their_bend < 0.1  # else two eigenvalues may be alike, or all may
    surer = sure & (np.array([(n < len(neighbours)).sum() for n in neighbours]) >= 3)
    assert surer.sum() > 20
    np.testing.assert_allclose(np.abs((ours * theirs).sum(axis=1))[surer], 1, atol=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_patches_are_the_reference_s(seed: int) -> None:
    voxels = fast.voxels_of(surface(seed), SIZE)
    neighbours = fast.neighbours_of(voxels.keys)
    normals, bend = fast.normals_of(voxels.centres, neighbours)
    arguments = (voxels.centres, normals, bend, neighbours, voxels.sizes, 0.8, 1.0, 3.0)
    ours, theirs = fast.patches_of(*arguments), slow.patches_of_reference(*arguments)
    assert ours.min() == 0 and ours.max() > 3
    np.testing.assert_array_equal(ours, theirs)


@settings(max_examples=30)
@given(arrays(np.float32, st.tuples(st.integers(1, 8), st.just(3)), elements=st.floats(-1, 1, width=32)))
def test_few_points_are_cut_without_a_nan(points: np.ndarray) -> None:
    voxels = fast.voxels_of(points, SIZE)
    neighbours = fast.neighbours_of(voxels.keys)
    normals, bend = fast.normals_of(voxels.centres, neighbours)
    lengths = np.linalg.norm(normals, axis=1)
    assert ((np.abs(lengths - 1) < 1e-9) | (lengths == 0)).all()
    assert ((bend >= 0) & (bend <= 0.34)).all()
    patch = fast.patches_of(voxels.centres, normals, bend, neighbours, voxels.sizes, 0.8, 1.0, 3.0)
    assert ((patch >= 0) & (patch < len(patch))).all()
