"""Things keep their number while they move, and get a name that their frames agree on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from c2p_deploy.errors import OptionError
from c2p_deploy.rejection import Judgement
from c2p_runtime import Classifier, Prediction
from c2p_runtime.scene.classifier import Scene, SceneClassifier, SceneObject
from c2p_runtime.scene.segmentation import Box
from c2p_runtime.scene.tracks import Tracks, overlap, overlaps_of
from engines import write_engine
from scenes import in_parts, things

NAMES = ("mug", "drill", "box")


def box(
    x: float, y: float = 0, z: float = 0, size: tuple[float, ...] = (0.2, 0.1, 0.3), yaw: float = 0
) -> Box:
    """Upright, z up; yaw in degrees."""
    c, s = np.cos(np.radians(yaw)), np.sin(np.radians(yaw))
    return Box(
        np.array([x, y, z], float), np.array(size, float), np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])
    )


def seen(
    where: Box, name: str | None = "mug", confidence: float = 0.8, reason: str | None = None
) -> SceneObject:
    """A thing with an answer; name None is one without points enough for any."""
    if name is None:
        return SceneObject(where, np.arange(3), None)
    scores = np.full(3, 0.1, np.float32)
    scores[NAMES.index(name)] = 0.8
    nothing = np.zeros((3, 2), np.float32)
    judgement = Judgement(confidence, reason)
    return SceneObject(where, np.arange(3), Prediction(NAMES, scores, nothing[0], {}, nothing, 0, judgement))


def scene(*objects: SceneObject) -> Scene:
    return Scene(objects, (), np.array([0.0, 0, 1]), "z", 0, 0, 0, {})


def moved(one: Box, turn: np.ndarray, shift: np.ndarray) -> Box:
    return Box(one.center @ turn.T + shift, one.size, one.axes @ turn.T)


boxes = st.builds(
    box,
    *[st.floats(-0.3, 0.3)] * 3,
    st.tuples(*[st.floats(0.05, 0.6)] * 3),
    st.floats(-180, 180),
)


@settings(max_examples=60)
@given(boxes, boxes, st.integers(0, 99))
def test_overlap_is_the_share_of_the_space(one: Box, other: Box, seed: int) -> None:
    """Counted on random points; the same from either side, and in any frame."""
    found = overlap(one, other)
    rng = np.random.default_rng(seed)
    points = rng.uniform(-0.8, 0.8, (40_000, 3))
    inside = [(np.abs((points - b.center) @ b.axes.T) <= b.size / 2).all(axis=1) for b in (one, other)]
    both, any_ = (inside[0] & inside[1]).sum(), (inside[0] | inside[1]).sum()
    margin = 4 * np.sqrt(0.25 / max(any_, 1))
    assert abs(found - both / max(any_, 1)) <= margin
    assert overlap(other, one) == pytest.approx(found, abs=1e-9)
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    turn *= np.sign(np.linalg.det(turn))
    shift = rng.normal(size=3)
    assert overlap(moved(one, turn, shift), moved(other, turn, shift)) == pytest.approx(found, abs=1e-9)


def test_overlaps_that_can_be_told() -> None:
    square = (0.2, 0.2, 0.2)
    assert overlap(box(0), box(0)) == pytest.approx(1)
    assert overlap(box(0, yaw=180), box(0)) == pytest.approx(1)
    assert overlap(box(0), box(0.1)) == pytest.approx(1 / 3)
    assert overlap(box(0), box(0, z=0.15)) == pytest.approx(1 / 3)
    assert overlap(box(0), box(0.2)) == overlap(box(0), box(5)) == overlap(box(0), box(0, z=0.3)) == 0
    octagon = 2 * (np.sqrt(2) - 1)  # of the square's area, inside it turned by 45 degrees
    assert overlap(box(0, size=square), box(0, size=square, yaw=45)) == pytest.approx(octagon / (2 - octagon))
    assert (
        overlap(box(0, size=(0, 0, 0)), box(0))
        == overlap(box(0, size=(0, 0, 0)), box(0, size=(0, 0, 0)))
        == 0
    )
    tilted = box(0)
    tilted = Box(
        tilted.center, tilted.size, tilted.axes @ np.array([[1, 0, 0], [0, 0.998, 0.06], [0, -0.06, 0.998]])
    )
    assert overlap(box(0), tilted) > 0.99  # up was found anew, a little beside


@given(st.lists(boxes, max_size=5), st.lists(boxes, max_size=5))
def test_all_pairs_at_once_are_the_pairs_one_by_one(some: list[Box], others: list[Box]) -> None:
    found = overlaps_of(some, others)
    assert found.shape == (len(some), len(others))
    for a, one in enumerate(some):
        for b, other in enumerate(others):
            assert found[a, b] == overlap(one, other)


@given(
    st.integers(1, 8),
    st.integers(2, 25),
    st.integers(0, 1000),
    st.floats(0, 0.5),
)
@settings(max_examples=50)
def test_things_keep_their_number_while_they_move_turn_and_hide(
    count: int, frames: int, seed: int, hidden: float
) -> None:
    """Each in a lane of its own, in any order, out of sight for up to three frames in a row."""
    rng = np.random.default_rng(seed)
    tracks = Tracks(most_missed=3)
    numbers: dict[int, int] = {}
    place, yaw, gone = np.zeros(count), rng.uniform(0, 360, count), np.zeros(count, int)
    for _ in range(frames):
        there = (rng.random(count) >= hidden) | (gone >= 3)
        gone = np.where(there, 0, gone + 1)
        step = rng.uniform(-0.02, 0.02, count)  # of boxes of 0.3; hidden ones wait
        place, yaw = place + there * step, yaw + there * rng.uniform(-8, 8, count)
        order = rng.permutation(np.flatnonzero(there))
        frame = scene(*(seen(box(place[i], y=2.0 * i, size=(0.3, 0.3, 0.3), yaw=yaw[i])) for i in order))
        found = tracks.update(frame)
        assert [track.latest for track in found] == list(frame.objects)
        for i, track in zip(order, found, strict=True):
            assert numbers.setdefault(i, track.id) == track.id
        assert len({track.id for track in found}) == len(found)
    assert sorted(numbers.values()) == list(range(1, len(numbers) + 1))


def test_a_thing_is_gone_after_so_many_frames_and_its_number_never_comes_back() -> None:
    tracks = Tracks(most_missed=2)
    assert [track.id for track in tracks.update(scene(seen(box(0)), seen(box(5))))] == [1, 2]
    for missed in (1, 2):
        tracks.update(scene(seen(box(5))))
        assert [(track.id, track.missed) for track in tracks.live] == [(1, missed), (2, 0)]
    assert [track.id for track in tracks.update(scene(seen(box(0)), seen(box(5))))] == [1, 2]  # just in time
    for _ in range(3):
        tracks.update(scene(seen(box(5))))
    assert [track.id for track in tracks.live] == [2]
    assert [track.id for track in tracks.update(scene(seen(box(0)), seen(box(5))))] == [3, 2]
    assert tracks.update(scene()) == []


def test_the_largest_overlap_comes_first() -> None:
    """A new thing beside an old one does not take its number, in whatever order they come."""
    for order in (1, -1):
        tracks = Tracks(least_overlap=0.1)
        tracks.update(scene(seen(box(0))))
        near, same = seen(box(0.12)), seen(box(0.02))
        found = tracks.update(scene(*[same, near][::order]))
        assert {track.id: track.latest for track in found} == {1: same, 2: near}


def test_frames_vote_by_how_sure_they_are() -> None:
    tracks = Tracks()
    for name, confidence in (("drill", 0.9), ("mug", 0.5), ("mug", 0.3), ("mug", 0.2)):
        (track,) = tracks.update(scene(seen(box(0), name, confidence)))
    assert (track.label, track.guess, track.seen) == ("mug", "mug", 4)  # 1.0 against 0.9
    assert track.confidence == pytest.approx(1.0 / 4)
    (track,) = tracks.update(scene(seen(box(0), "drill", 0.9)))
    assert track.label == "drill" and track.confidence == pytest.approx(1.8 / 5)


def test_a_thing_is_unknown_while_half_of_its_frames_say_so() -> None:
    tracks = Tracks()
    (track,) = tracks.update(scene(seen(box(0), "mug", 0.3, "novel")))
    assert (track.label, track.guess, track.reason) == (None, "mug", "novel")
    tracks.update(scene(seen(box(0), "mug", 0.6)))
    assert track.reason == "novel"
    tracks.update(scene(seen(box(0), "mug", 0.6)))
    assert (track.label, track.reason) == ("mug", None)
    for reason in ("clutter", "clutter", "novel", "clutter"):
        tracks.update(scene(seen(box(0), "box", 0.1, reason)))
    assert (track.label, track.guess, track.reason) == (None, "mug", "clutter")
    assert track.seen == 7 and track.confidence == pytest.approx(1.5 / 7)


def test_a_thing_without_any_guess() -> None:
    (track,) = Tracks().update(scene(seen(box(0), None)))
    assert (track.label, track.guess, track.confidence, track.reason) == (None, None, 0.0, "too few points")


def test_scenes_of_a_classifier_are_followed(tmp_path: Path) -> None:
    scene_clf = SceneClassifier(Classifier(write_engine(tmp_path), device="cpu"))
    tracks, clouds = Tracks(), things(3)
    for frame in range(4):
        step = np.float32(0.01 * frame)
        points, parts = in_parts([cloud + step for cloud in clouds])
        found = tracks.update(scene_clf.named(points, replace(parts, objects=parts.objects[::-1])))
        assert [track.id for track in found] == [1, 2, 3]
        assert all(track.guess is not None and track.box.center[0] > -1 for track in found)


@pytest.mark.parametrize(
    "options",
    [
        {"least_overlap": 0},
        {"least_overlap": 1.1},
        {"least_overlap": "a"},
        {"most_missed": -1},
        {"most_missed": 0.5},
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(OptionError, match=next(iter(options))):
        Tracks(**options)  # type: ignore[arg-type]
