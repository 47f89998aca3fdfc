"""Things of a scene get the answers that the classifier gives each of them alone."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from c2p_deploy import Manifest
from c2p_deploy.errors import CloudError, EngineError, UnusableCloudError
from c2p_deploy.projection.spec import UP_AXES, UpAxis, turn_up, up_vector
from c2p_runtime import Classifier, Prediction
from c2p_runtime.scene.classifier import Scene, SceneClassifier, SceneObject
from c2p_runtime.scene.segmentation import SceneOptions, Segment
from c2p_runtime.scene.upright import turn_between, turned, up_axis_of
from engines import LABELS, write_engine
from scenes import box_around, in_parts, things

RNG = np.random.default_rng(0)
ALL_AXES: list[tuple[UpAxis, UpAxis]] = [("z", "z"), ("-y", "z"), ("-y", "y"), ("x", "-z")]


@pytest.fixture(scope="module")
def bundled() -> Iterator[Classifier]:
    with Classifier(device="cpu") as clf:
        yield clf


def same(one: Prediction | None, other: Prediction) -> bool:
    """To the bit."""
    return (
        one is not None
        and np.array_equal(one.features, other.features)
        and np.array_equal(one.scores, other.scores)
        and one.judgement == other.judgement
    )


def test_every_thing_gets_the_bits_that_it_gets_alone(tmp_path: Path) -> None:
    clf = Classifier(write_engine(tmp_path), device="cpu")
    for clouds in (things(3), [cloud.astype(np.float64) + 5e5 for cloud in things(5)]):
        points, parts = in_parts(clouds)
        scene = SceneClassifier(clf).named(points, parts)
        assert len(scene.objects) == len(clouds)
        alone = clf.batch([points[part.indices] for part in parts.objects])
        assert all(same(found.prediction, other) for found, other in zip(scene.objects, alone, strict=True))
        for found, part in zip(scene.objects, parts.objects, strict=True):
            np.testing.assert_array_equal(found.prediction.features, clf(points[part.indices]).features)
            assert found.indices is part.indices and found.box is part.box
            assert (found.label, found.guess) == (found.prediction.label, found.prediction.guess)  # type: ignore[union-attr]


def test_a_tilted_scene_stands_up_before_it_is_seen(bundled: Classifier) -> None:
    """As it stood before it was tilted, but for rounding; and to the bit as it is turned alone."""
    clouds = things(3)
    up = np.array([0.3, -0.1, 0.9]) / np.linalg.norm([0.3, -0.1, 0.9])
    turn = turn_between(up, "z", "z")
    points, parts = in_parts([turned(cloud, turn.T) for cloud in clouds], tuple(up))
    scene_clf = SceneClassifier(bundled)
    for found, straight in zip(scene_clf.named(points, parts).objects, clouds, strict=True):
        alone = turned(points[found.indices], turn)
        np.testing.assert_allclose(np.sort(alone, axis=0), np.sort(straight, axis=0), atol=1e-6)
        np.testing.assert_allclose(
            found.prediction.features,
            bundled(alone).features,
            atol=2e-3,  # type: ignore[union-attr]
        )


@pytest.mark.parametrize("up", UP_AXES)
@pytest.mark.parametrize("wanted", ["z", "y"])
def test_axes_are_exchanged_exactly(tmp_path: Path, up: UpAxis, wanted: UpAxis) -> None:
    """A cloud with one up for a classifier with another gives the bits of a classifier with the first."""
    engine = write_engine(tmp_path)
    points, parts = in_parts(things(2), tuple(up_vector(up)))
    scene = SceneClassifier(Classifier(engine, up=wanted, device="cpu")).named(points, parts, up)
    alone = Classifier(engine, up=up, device="cpu")
    for found in scene.objects:
        cloud = points[found.indices]
        turn = turn_between(up_vector(up), up, wanted)
        np.testing.assert_array_equal(turn_up(turned(cloud, turn), wanted), turn_up(cloud, up))
        np.testing.assert_allclose(
            found.prediction.features,
            alone(cloud).features,
            atol=1e-6,  # type: ignore[union-attr]
        )


@given(st.lists(st.floats(-1, 1), min_size=3, max_size=3).filter(lambda v: np.linalg.norm(v) > 0.1))
def test_turns_are_rotations_by_the_shortest_way(direction: list[float]) -> None:
    up = np.array(direction) / np.linalg.norm(direction)
    for axis, to in ALL_AXES:
        turn = turn_between(up, axis, to)
        np.testing.assert_allclose(up @ turn, up_vector(to), atol=1e-9)
        np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-9)
        assert np.linalg.det(turn) == pytest.approx(1)
        along = (
            turn_between(up_vector(axis), axis, to).T @ turn
        )  # what is left to turn beyond the exchange of axes
        angle = np.degrees(np.arccos(np.clip((np.trace(along) - 1) / 2, -1, 1)))
        between = np.degrees(np.arccos(np.clip(up_vector(axis) @ up, -1, 1)))
        assert angle == pytest.approx(between, abs=1e-4) or between > 150


@pytest.mark.parametrize("pitch", [0, 30, 44, 46, 75, 90])
def test_a_camera_shows_things_from_the_same_side_however_it_is_inclined(pitch: float) -> None:
    """What is to its right stays right, what is ahead stays ahead, for a classifier with z up."""
    down = np.radians(pitch)
    up, ahead = np.array([0, -np.cos(down), -np.sin(down)]), np.array([0, -np.sin(down), np.cos(down)])
    assert up_axis_of(up, "auto") == "-y"
    turn = turn_between(up, "-y", "z")
    np.testing.assert_allclose(np.stack([ahead, [-1, 0, 0], up]) @ turn, np.eye(3), atol=1e-12)


def test_what_is_said_to_be_up_is_believed() -> None:
    assert up_axis_of(np.array([0.0, 0, -1]), "-z") == "-z"
    assert up_axis_of(np.array([0.1, 0, 0.99]), "auto") == "z"


def test_points_are_turned_each_by_itself() -> None:
    """A point gets the same bits whichever others are with it."""
    turn = turn_between(np.array([0.6, 0.0, 0.8]), "z", "z")
    for dtype in (np.float32, np.float64):
        cloud = RNG.normal(size=(1001, 3)).astype(dtype)
        found = turned(cloud, turn)
        assert found.dtype == dtype
        some = np.sort(RNG.choice(1001, 77, replace=False))
        np.testing.assert_array_equal(turned(cloud[some], turn), found[some])


def test_things_without_a_shape_have_no_answer_and_spoil_none(tmp_path: Path) -> None:
    clf = Classifier(write_engine(tmp_path, max_batch=2), device="cpu")
    clouds = things(5)
    clouds[1] = clouds[1][:10]
    clouds[3] = np.ones((40, 3), np.float32)
    points, parts = in_parts(clouds)
    scene = SceneClassifier(clf, SceneOptions(min_points=11)).named(points, parts)
    for place, found in enumerate(scene.objects):
        if place in (1, 3):
            assert (found.prediction, found.label, found.guess) == (None, None, None)
            assert (found.reason, found.confidence) == ("too few points", 0.0)
        else:
            assert found.prediction is not None
            np.testing.assert_array_equal(found.prediction.features, clf(points[found.indices]).features)


def test_an_unusable_cloud_is_told_by_its_place(tmp_path: Path) -> None:
    clf = Classifier(write_engine(tmp_path, max_batch=2), device="cpu")
    flat = np.ones((40, 3))
    with pytest.raises(UnusableCloudError, match=r"^cloud 3: all") as told:
        clf.batch([*things(3), flat])
    assert told.value.index == 3
    with pytest.raises(CloudError, match=r"^all 40 points coincide"):
        clf(flat)


def test_an_empty_scene(tmp_path: Path) -> None:
    clf = Classifier(write_engine(tmp_path), device="cpu")
    points, parts = in_parts(things(1), dropped=3, too_small=4, too_large=5)
    scene = SceneClassifier(clf).named(points, replace(parts, objects=()))
    assert isinstance(scene, Scene) and scene.objects == ()
    assert (scene.dropped, scene.too_small, scene.too_large) == (3, 4, 5)


def test_one_engine_call_for_all_things(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clf = Classifier(write_engine(tmp_path, max_batch=8), device="cpu")
    calls: list[int] = []
    run = clf._open_pipeline().run
    monkeypatch.setattr(clf._pipeline, "run", lambda clouds: calls.append(len(clouds)) or run(clouds))
    points, parts = in_parts(things(8))
    SceneClassifier(clf).named(points, parts)
    assert calls == [8]


def test_sizes_are_judged_in_metres_where_the_engine_knows_any(tmp_path: Path) -> None:
    engine = write_engine(tmp_path)
    points, parts = in_parts(things(2))
    plain = SceneClassifier(Classifier(engine, device="cpu"))
    best = plain.named(points, parts).objects[0].guess
    assert best is not None
    every = dict.fromkeys(LABELS.names, (50.0, 60.0))
    for limits, reason in (({best: (50.0, 60.0)}, None), (every, "impossible size")):
        replace(Manifest.for_engine(engine), size_limits=limits).save(Manifest.path_for(engine))
        clf = Classifier(engine, device="cpu")
        scene = SceneClassifier(clf).named(points, parts)
        assert scene.objects[0].reason == reason
        assert (scene.objects[0].label == best) is False
        assert clf(points[parts.objects[0].indices]).label == best  # the one given stays as it was


def test_words_change_on_the_same_engine(tmp_path: Path) -> None:
    """Also from labels with size limits to labels without, and back."""
    engine = write_engine(tmp_path)
    replace(Manifest.for_engine(engine), size_limits={"cup": (5.0, 6.0)}).save(Manifest.path_for(engine))
    points, parts = in_parts(things(2))
    with Classifier(engine, device="cpu") as clf, SceneClassifier(clf) as scene_clf:
        with scene_clf.with_labels(["box", "rod"]) as two:
            assert {thing.guess for thing in two.named(points, parts).objects} <= {"box", "rod"}
            with two.with_labels(["cup"]) as one:
                assert {thing.reason for thing in one.named(points, parts).objects} == {"impossible size"}
        with pytest.raises(EngineError, match="closed"):
            two.named(points, parts)
        assert len(scene_clf.named(points, parts).objects) == 2


def test_closing_one_leaves_the_others(tmp_path: Path) -> None:
    points, parts = in_parts(things(1))
    clf = Classifier(write_engine(tmp_path), device="cpu")
    first, second = SceneClassifier(clf), SceneClassifier(clf)
    clf.close()
    first.close()
    assert second.named(points, parts).objects[0].guess in LABELS.names
    with pytest.raises(EngineError, match="closed"):
        SceneClassifier(clf)


def test_many_threads_at_once(tmp_path: Path) -> None:
    scene_clf = SceneClassifier(Classifier(write_engine(tmp_path), device="cpu"))
    frames = [in_parts(things(1 + seed % 5, seed)) for seed in range(24)]
    expected = [scene_clf.named(*frame) for frame in frames]
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda frame: scene_clf.named(*frame), frames))
    for one, other in zip(found, expected, strict=True):
        assert all(
            same(a.prediction, b.prediction)  # type: ignore[arg-type]
            for a, b in zip(one.objects, other.objects, strict=True)
        )


def test_more_points_than_a_gpu_buffer_holds_are_thinned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clf = Classifier(write_engine(tmp_path), device="cpu", max_points=64)
    points, parts = in_parts(things(2, points=150))
    scene_clf = SceneClassifier(clf)
    monkeypatch.setattr(scene_clf.classifier, "device", "cuda")
    scene = scene_clf.named(points, parts)
    alone = clf.batch([points[found.indices[::3]] for found in scene.objects])
    assert all(same(found.prediction, other) for found, other in zip(scene.objects, alone, strict=True))


def test_time_is_told_by_stage(tmp_path: Path) -> None:
    points, parts = in_parts(things(1))
    timing = SceneClassifier(Classifier(write_engine(tmp_path), device="cpu")).named(points, parts).timing_ms
    assert list(timing) == ["parts", "cut", "classify", "total"]
    assert timing["total"] == pytest.approx(timing["cut"] + timing["classify"])


def test_an_answer_is_that_of_its_prediction(tmp_path: Path) -> None:
    prediction: Any = Classifier(write_engine(tmp_path), device="cpu")(things(1)[0])
    part = Segment(np.arange(3), box_around(things(1)[0]))
    found = SceneObject(part.box, part.indices, prediction)
    assert (found.label, found.confidence) == (prediction.label, prediction.confidence)
