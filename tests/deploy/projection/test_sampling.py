"""Farthest-point sampling: the kernel gives what the sentence in NumPy gives, index for index."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from c2p_deploy.projection.sampling import farthest_points, farthest_points_reference


@settings(max_examples=150)
@given(
    n=st.integers(1, 700),
    share=st.floats(0, 1),
    seed=st.integers(0, 2**32 - 1),
    kind=st.sampled_from(["ball", "grid", "line", "one place", "two clumps"]),
    scale=st.sampled_from([1e-22, 1e-3, 1.0, 1e6, 1e17]),
)
def test_the_kernel_is_the_reference(n: int, share: float, seed: int, kind: str, scale: float) -> None:
    """Also where many points are equally far, and where squares underflow."""
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(n, 3))
    if kind == "grid":
        points = np.round(points)
    elif kind == "line":
        points[:, 1:] = 0
    elif kind == "one place":
        points[:] = points[0]
    elif kind == "two clumps":
        points += 100 * rng.integers(2, size=(n, 1))
    points = (points * scale).astype(np.float32)
    count, first = 1 + int(share * (n - 1)), int(rng.integers(n))
    expected = farthest_points_reference(points, count, first)
    np.testing.assert_array_equal(farthest_points(points, count, first), expected)


def test_each_is_the_farthest_from_those_before_it() -> None:
    """By all distances, in float64."""
    points = np.random.default_rng(3).normal(size=(400, 3)).astype(np.float32)
    chosen = farthest_points(points, 60, 17)
    assert chosen[0] == 17 and len(set(chosen)) == 60
    distance = np.linalg.norm(points[:, None].astype(np.float64) - points[None], axis=2)
    for k in range(1, 60):
        nearest = distance[:, chosen[:k]].min(axis=1)
        assert nearest[chosen[k]] == pytest.approx(nearest.max(), rel=1e-6)


def test_points_need_not_lie_together_in_memory() -> None:
    wide = np.random.default_rng(4).normal(size=(300, 6)).astype(np.float32)
    expected = farthest_points(wide[:, :3].copy(), 50, 0)
    np.testing.assert_array_equal(farthest_points(wide[:, :3], 50, 0), expected)
