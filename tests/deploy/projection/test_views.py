"""The frozen cameras against the authors' (golden `cameras.npz`)."""

import numpy as np
import pytest

from c2p_deploy import ViewSet
from c2p_deploy.errors import OptionError
from paths import GOLDEN


@pytest.mark.parametrize("count", [6, 10])
def test_named_view_sets_are_the_authors_matrices(count: int) -> None:
    views = ViewSet.named(f"clip2point-{count}")
    with np.load(GOLDEN / "cameras.npz") as golden:
        np.testing.assert_array_equal(views.rotations, golden[f"v{count}_R"])
        np.testing.assert_array_equal(views.distances, golden[f"v{count}_dist"])
    assert len(views) == count


def test_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(OptionError, match="clip2point-10, clip2point-6"):
        ViewSet.named("clip2point-12")


@pytest.mark.parametrize(
    ("rotations", "distances", "complaint"),
    [
        (np.zeros((0, 3, 3)), np.ones(0), "V >= 1"),
        (np.eye(3), np.ones(1), r"\[V, 3, 3\]"),
        (2 * np.eye(3)[None], np.ones(1), "orthonormal"),
        (np.full((1, 3, 3), np.nan), np.ones(1), "orthonormal"),
        (np.eye(3)[None], np.ones(2), r"must be \[1\]"),
        (np.eye(3)[None], np.zeros(1), "positive"),
        (np.eye(3)[None], np.array([np.nan]), "positive"),
    ],
)
def test_impossible_cameras_are_refused(rotations: np.ndarray, distances: np.ndarray, complaint: str) -> None:
    with pytest.raises(OptionError, match=complaint):
        ViewSet("mine", rotations, distances)


def test_a_view_set_cannot_be_changed_from_outside() -> None:
    source = np.eye(3, dtype=np.float32)[None].copy()
    views = ViewSet("mine", source, np.ones(1, dtype=np.float32))
    source[0, 0, 0] = -1
    assert views.rotations[0, 0, 0] == 1
    with pytest.raises(ValueError, match="read-only"):
        views.rotations[0, 0, 0] = 5
