"""The frozen cameras against the authors' (golden `cameras.npz`)."""

from dataclasses import FrozenInstanceError, replace
from typing import Any

import numpy as np
import pytest

from c2p_deploy import DepthSpec, ViewSet
from c2p_deploy.errors import OptionError
from c2p_deploy.projection.spec import turn_up
from paths import GOLDEN


@pytest.mark.parametrize("count", [6, 10])
def test_named_view_sets_are_the_authors_matrices(count: int) -> None:
    views = ViewSet.named(f"clip2point-{count}")
    with np.load(GOLDEN / "cameras.npz") as golden:
        np.testing.assert_array_equal(views.rotations, golden[f"v{count}_R"])
        np.testing.assert_array_equal(views.distances, golden[f"v{count}_dist"])
    assert len(views) == count


def test_the_largest_view_set_and_the_farthest_cameras_are_taken() -> None:
    distances = np.resize([1e-3, 1e3], 256)
    views = ViewSet("many", np.resize(np.eye(3), (256, 3, 3)), distances)
    assert len(views) == 256
    np.testing.assert_array_equal(views.distances, distances.astype(np.float32))


@pytest.mark.parametrize("name", [None, 3, ["clip2point-10"], b"clip2point-10"])
def test_names_are_texts(name: object) -> None:
    with pytest.raises(OptionError, match="unknown view set"):
        ViewSet.named(name)  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="must be a text"):
        ViewSet(name, np.eye(3)[None], np.ones(1))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        *(
            ({"point_radius": wrong}, "point_radius")
            for wrong in (0, 0.0, -0.1, 1.0000001, np.nan, True, "1")
        ),
        *(({"image_size": wrong}, "image_size") for wrong in (7, 4097, 112.0, True, "112", None, 10**5000)),
        *(({"num_points": wrong}, "num_points") for wrong in (1, 1_000_001, 64.0, True, [64], np.inf)),
    ],
)
def test_depth_specs_that_make_no_sense_are_refused(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(OptionError, match=complaint):
        DepthSpec(**change)


@pytest.mark.parametrize(
    "change",
    [
        *({"point_radius": right} for right in (5e-324, 0.02, 1.0, 1)),
        *({"image_size": right} for right in (8, 4096)),
        *({"num_points": right} for right in (2, 1_000_000)),
    ],
)
def test_depth_specs_up_to_the_bounds_are_taken(change: dict[str, Any]) -> None:
    assert replace(DepthSpec(), **change) == DepthSpec(**change)


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
        (np.eye(3)[None], np.array([1e-45]), "positive"),
        (np.eye(3)[None], [10**400], "array of numbers"),
        (np.eye(3)[None], ["1"], "array of numbers"),
        (np.eye(3)[None], [True], "array of numbers"),
        (np.eye(3)[None], {"a": 1}, "array of numbers"),
        (np.eye(3, dtype=str)[None], [1], "array of numbers"),
        ([[[1, 0, 0], [0, 1], [0, 0, 1]]], [1], "array of numbers"),
        (np.full((1, 3, 3), 1e39), [1], "orthonormal"),
        (np.full((1, 3, 3), 3e38), [1], "orthonormal"),
        (np.resize(np.eye(3), (257, 3, 3)), np.ones(257), "at most 256 views, got 257"),
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


def test_the_papers_way_of_drawing_is_the_default_and_fixed() -> None:
    spec, views = DepthSpec(), ViewSet.named("clip2point-6")
    assert (spec.image_size, spec.point_radius, spec.num_points) == (224, 0.02, 1024)
    with pytest.raises(FrozenInstanceError):
        spec.image_size = 8  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        views.name = "mine"  # type: ignore[misc]
    assert views == ViewSet.named("clip2point-6") and views != ViewSet.named("clip2point-10")
    for other in (ViewSet("x", views.rotations, views.distances), "clip2point-6"):
        assert views != other
    assert views != ViewSet(views.name, views.rotations, 2 * views.distances)
    assert views != ViewSet(views.name, views.rotations[::-1], views.distances)


def test_which_way_is_up() -> None:
    points = np.array([[1, 2, 3]], np.float32)
    np.testing.assert_array_equal(turn_up(points, "z"), [[-2, 3, -1]])
    assert turn_up(points, "y") is points
    for wrong in ("w", "", None, ["z"], "Z"):
        with pytest.raises(OptionError, match=r"up must be one of 'z', 'y', .*, got"):
            turn_up(points, wrong)  # type: ignore[arg-type]
