"""benchmarks/scene_scoring.py against overlaps counted by hand."""

from __future__ import annotations

import numpy as np

from harness.scene_scoring import best_overlaps, overlaps

TRUTH = np.array([-1, -1, 4, 4, 4, 4, 7, 7])


def test_overlaps_are_intersections_over_unions() -> None:
    table, names = overlaps([np.array([1, 2, 3, 4]), np.array([5, 6, 7]), np.array([0])], TRUTH)
    assert names.tolist() == [4, 7]
    np.testing.assert_allclose(table, [[3 / 5, 0], [1 / 6, 2 / 3], [0, 0]])


def test_each_found_thing_counts_once() -> None:
    """One that covers both is the match of one of them."""
    np.testing.assert_allclose(best_overlaps([np.arange(2, 8)], TRUTH), [4 / 6, 0])
    np.testing.assert_allclose(best_overlaps([], TRUTH), [0, 0])
