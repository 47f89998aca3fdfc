"""What a node makes of the messages that it gets, without any bus."""

from __future__ import annotations

import itertools
import logging
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bus import cloud_message, tabletop, value_of
from c2p_deploy.errors import CloudError
from c2p_runtime import Classifier, SceneClassifier, SceneOptions
from c2p_runtime.robot import health
from c2p_runtime.robot.detections import UNKNOWN, Found, detection_array, marker_array, quaternion_of
from c2p_runtime.robot.messages import CLOUD, DETECTIONS, DIAGNOSTICS, MARKERS, TEXT, Messages, messages
from c2p_runtime.robot.node_core import NodeCore
from c2p_runtime.scene.segmentation import Box
from engines import LABELS, write_engine

pytest.importorskip("rosbags")

STAMP = 1_700_000_000_123_456_789
POINTS = tabletop(6000)


class Sink:
    """What a node publishes."""

    def __init__(self) -> None:
        self.out: dict[str, list[Any]] = {"detections": [], "markers": []}

    def __call__(self, what: str, message: Any) -> None:
        self.out[what].append(message)

    @property
    def detections(self) -> list[Any]:
        return self.out["detections"]


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
def clf(tmp_path: Path) -> Iterator[Classifier]:
    with Classifier(write_engine(tmp_path), device="cpu", always_answer=True) as clf:
        yield clf


@pytest.fixture(params=[1, 2])
def msgs(request: pytest.FixtureRequest) -> Messages:
    return messages(request.param)


def until(so: Callable[[], object]) -> None:
    last = time.monotonic() + 60
    while not so():
        assert time.monotonic() < last
        time.sleep(0.005)


def send(core: NodeCore, *clouds: Any) -> None:
    """One after the other, each when the one before is done."""
    for cloud in clouds:
        done = core.stats.done
        core.on_cloud(cloud)
        until(lambda done=done: core.stats.done > done)


def test_detections_are_what_the_scene_classifier_finds(msgs: Messages, clf: Classifier, sink: Sink) -> None:
    cloud = cloud_message(msgs, POINTS, STAMP, "/os1")
    with NodeCore(msgs, clf, sink, scene=SceneOptions()) as core:
        send(core, msgs.encode(cloud), cloud)
        names = core.labels
    with SceneClassifier(clf) as scene_clf:
        objects = scene_clf(POINTS).objects
    assert len(sink.detections) == len(sink.out["markers"]) == 2 and len(objects) == 3
    for array in sink.detections:
        assert (array.header.stamp.sec, array.header.stamp.nanosec) == divmod(STAMP, 10**9)
        assert array.header.frame_id == "/os1"
        for number, (detection, thing) in enumerate(zip(array.detections, objects, strict=True), 1):
            (result,) = detection.results
            if msgs.version == 1:
                assert names[result.id] == thing.label and result.score == pytest.approx(thing.confidence)
            else:
                assert result.hypothesis.class_id == thing.label and detection.id == str(number)
                assert result.hypothesis.score == pytest.approx(thing.confidence)
            assert result.pose.pose == detection.bbox.center and not result.pose.covariance.any()
            place, size = detection.bbox.center.position, detection.bbox.size
            np.testing.assert_allclose((place.x, place.y, place.z), thing.box.center, atol=1e-9)
            np.testing.assert_allclose((size.x, size.y, size.z), thing.box.size, atol=1e-9)


def test_what_is_published_survives_the_bus_to_the_bit(msgs: Messages, clf: Classifier, sink: Sink) -> None:
    with NodeCore(msgs, clf, sink, scene=SceneOptions()) as core:
        send(core, cloud_message(msgs, POINTS, STAMP))
        diagnostics = core.diagnostics()
    for message, kind in ((sink.detections[0], DETECTIONS), (sink.out["markers"][0], MARKERS)):
        assert message.__msgtype__ == kind
        data = msgs.encode(message)
        assert msgs.encode(msgs.decode(data, kind)) == data
    assert msgs.decode(msgs.encode(sink.detections[0]), DETECTIONS).detections[0].bbox == (
        sink.detections[0].detections[0].bbox
    )
    data = msgs.encode(diagnostics)
    assert msgs.encode(msgs.decode(data, DIAGNOSTICS)) == data


def test_layouts_are_those_of_ros() -> None:
    """The checksum of ROS 1's vision_msgs 0.0, and the hash of ROS 2's PointCloud2, as ROS has them."""
    _, md5 = messages(1).store.generate_msgdef(DETECTIONS)
    assert md5 == "05c51d9aea1fb4cfdc8effb94f197b6f"
    ours, theirs = (
        messages(2).store.hash_rihs01(CLOUD),
        "9198cabf7da3796ae6fe19c4cb3bdd3525492988c70522628af5daa124bae2b5",
    )
    assert ours == f"RIHS01_{theirs}"


def test_one_thing_a_cloud(msgs: Messages, clf: Classifier, sink: Sink, chair: np.ndarray) -> None:
    with NodeCore(msgs, clf, sink) as core:
        send(core, cloud_message(msgs, chair, STAMP))
        names = core.labels
    ((detection,),) = (array.detections for array in sink.detections)
    result = detection.results[0]
    name = names[result.id] if msgs.version == 1 else result.hypothesis.class_id
    assert name == clf(chair).guess
    assert detection.bbox.size.z == pytest.approx(np.ptp(chair[:, 2]), rel=1e-5)


def test_tracks_keep_their_number_and_a_new_frame_begins_anew(clf: Classifier, sink: Sink) -> None:
    msgs = messages(2)
    moved = POINTS + np.array([0.02, 0, 0], np.float32)
    clouds = [
        cloud_message(msgs, points, STAMP + i, frame)
        for i, (points, frame) in enumerate([(POINTS, "a"), (moved, "a"), (moved[::-1], "a"), (POINTS, "b")])
    ]
    with NodeCore(msgs, clf, sink, scene=SceneOptions()) as core:
        send(core, *clouds)
    ids = [[detection.id for detection in array.detections] for array in sink.detections]
    places = [
        {d.id: round(d.bbox.center.position.x / 0.25) for d in array.detections} for array in sink.detections
    ]
    assert sorted(ids[0]) == ["1", "2", "3"] and places[0] == places[1] == places[2]
    assert sorted(ids[3]) == ["1", "2", "3"]


def test_up_can_be_given(clf: Classifier, sink: Sink) -> None:
    """The table upside down: with its own up, things stand on it; their boxes are the same ones."""
    msgs = messages(2)
    turned = POINTS * np.array([1, -1, -1], np.float32)
    for points, up in ((POINTS, "z"), (turned, "-z")):
        with NodeCore(msgs, clf, sink, scene=SceneOptions(), up=up) as core:
            send(core, cloud_message(msgs, points, STAMP))
    upright, hanging = sink.detections
    assert len(upright.detections) == len(hanging.detections) == 3
    for a, b in zip(upright.detections, hanging.detections, strict=True):
        assert b.bbox.center.position.z == pytest.approx(-a.bbox.center.position.z, abs=2e-3)
        assert b.bbox.size.z == pytest.approx(a.bbox.size.z, abs=2e-3)


def test_labels_by_message(clf: Classifier, sink: Sink, caplog: pytest.LogCaptureFixture) -> None:
    msgs = messages(2)
    cloud = cloud_message(msgs, POINTS, STAMP)
    with NodeCore(msgs, clf, sink, scene=SceneOptions()) as core:
        core.on_labels("box,\n rod ,")
        core.on_labels("")
        core.on_labels(" rod ")
        send(core, cloud)
        assert core.labels == ("rod",)
        assert {d.results[0].hypothesis.class_id for d in sink.detections[-1].detections} == {"rod"}
        core.on_labels("cup, no such word as this one")
        send(core, cloud)
        assert core.labels == ("rod",)
        status = core.diagnostics().status[0]
        assert status.level == health.WARN and status.message.startswith("the old labels stay: ")
        core.on_labels("cup, box")
        send(core, cloud)
        core.on_labels(msgs.encode(msgs.make(TEXT, data="cup, rod"))[:9])
        send(core, cloud)
        assert core.labels == ("cup", "box")
        assert "the old labels stay: is no std_msgs/String" in core.diagnostics().status[0].message
        core.on_labels(msgs.encode(msgs.make(TEXT, data="cup, box")))
        send(core, cloud)
        assert core.labels == ("cup", "box") and value_of(core.diagnostics(), "labels") == "2"
        assert core.diagnostics().status[0].level == health.OK
    assert [r.levelname for r in caplog.records if "the old labels stay" in r.getMessage()] == 2 * ["WARNING"]
    assert clf(POINTS[-1000:]).label is not None  # its owner's, and open


def test_what_was_taught_survives_other_labels(tmp_path: Path, sink: Sink, chair: np.ndarray) -> None:
    msgs = messages(2)
    with Classifier(write_engine(tmp_path), device="cpu", always_answer=True) as plain:
        clf = plain.learn({"my chair": [chair]})
    with clf, NodeCore(msgs, clf, sink) as core:
        for labels in ("cup", "my chair, cup"):
            core.on_labels(labels)
            send(core, cloud_message(msgs, chair, STAMP))
    names = [array.detections[0].results[0].hypothesis.class_id for array in sink.detections]
    assert names == ["cup", "my chair"]


def test_what_is_wrong_is_told_once_and_the_next_cloud_is_answered(
    msgs: Messages, clf: Classifier, sink: Sink, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    good = msgs.encode(cloud_message(msgs, POINTS, STAMP))
    lying = cloud_message(msgs, POINTS, STAMP)
    lying.point_step = 16
    with NodeCore(msgs, clf, sink, scene=SceneOptions()) as core:
        for bad, said in ((good[:300], "is no sensor_msgs/PointCloud2"), (msgs.encode(lying), "data has")):
            caplog.clear()
            send(core, bad, bad)
            status = core.diagnostics().status[0]
            assert status.level == health.ERROR and said in status.message
            send(core, good)
            assert core.diagnostics().status[0].level == health.OK
            told = [r.getMessage() for r in caplog.records if r.name == "c2p_runtime"]
            assert [said in told[0], told[1]] == [True, "c2p: clouds are answered again"] and len(told) == 2
        stats = core.stats
    assert (stats.received, stats.done, stats.failed, stats.dropped) == (6, 6, 4, 0)
    assert len(sink.detections) == 2


def test_bytes_that_are_anything(msgs: Messages, clf: Classifier, sink: Sink) -> None:
    """Damaged messages end in an error of ours, or are clouds."""
    good = bytearray(msgs.encode(cloud_message(msgs, POINTS[:50], STAMP)))
    rng = np.random.default_rng(0)
    for _ in range(300):
        damaged = bytearray(good)
        for place in rng.integers(min(200, len(good)), size=3):
            damaged[place] = rng.integers(256)
        try:
            msgs.decode(bytes(damaged[: rng.integers(4, len(good) + 1)]), CLOUD)
        except CloudError as error:
            assert str(error).isprintable() and len(str(error)) < 500
    with pytest.raises(CloudError):
        msgs.decode(b"", CLOUD)


@pytest.mark.parametrize("scene", [None, SceneOptions()], ids=["one thing", "scene"])
def test_an_empty_or_blind_cloud_holds_nothing(
    msgs: Messages, clf: Classifier, sink: Sink, scene: SceneOptions | None
) -> None:
    blind = np.full((100, 3), np.nan, np.float32)
    with NodeCore(msgs, clf, sink, scene=scene) as core:
        send(core, cloud_message(msgs, blind, STAMP), cloud_message(msgs, blind[:0], STAMP))
        assert core.stats.failed == 0
    assert [array.detections for array in sink.detections] == [[], []]


def test_a_sensor_that_is_faster_and_one_that_is_silent(
    clf: Classifier, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    msgs = messages(2)
    cloud = cloud_message(msgs, POINTS, STAMP)
    go = threading.Event()

    def publish(what: str, message: Any) -> None:
        assert go.wait(60)
        sink(what, message)

    with NodeCore(msgs, clf, publish, scene=SceneOptions()) as core:
        core.on_cloud(cloud)
        until(lambda: core.stats.pending == 1)
        time.sleep(0.2)  # it is begun
        for _ in range(9):
            core.on_cloud(cloud)
        go.set()
        until(lambda: core.stats.done == 2)
        assert core.stats.dropped == 8
        status = core.diagnostics().status[0]
        assert status.level == health.WARN and "8 clouds dropped, 2 done" in status.message
        now = time.monotonic()
        monkeypatch.setattr(health.time, "monotonic", lambda: now + health.SILENCE + 1)
        status = core.diagnostics().status[0]
        assert status.level == health.STALE and "no cloud for" in status.message
    assert len(sink.detections) == 2


def test_diagnostics_add_up(clf: Classifier, sink: Sink) -> None:
    msgs = messages(2)
    with NodeCore(msgs, clf, sink, scene=SceneOptions(), name="eye") as core:
        send(core, *[cloud_message(msgs, POINTS, time.time_ns())] * 4)
        array = core.diagnostics()
    (status,) = array.status
    assert status.name == "eye: classification" and status.hardware_id == "cpu"
    values = {pair.key: pair.value for pair in status.values}
    assert [values[key] for key in ("received", "done", "dropped", "failed", "labels")] == [*"44003"]
    assert 0 < float(values["latency_ms_p50"]) <= float(values["age_ms_p99"]) < 60_000
    assert 0 < float(values["stamp_age_ms"]) < 60_000
    assert abs(array.header.stamp.sec - time.time()) < 60


def test_markers_show_every_thing(msgs: Messages) -> None:
    axes = np.array([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]])
    box = Box(np.array([1.0, 2, 3]), np.array([0.4, 0.2, 0.0]), axes)
    found = [
        Found(box, "mug", "mug", 0.874, 12),
        Found(box, None, "bowl", 0.4, None),
        Found(box, None, None, 0, 3),
    ]
    header = msgs.make("std_msgs/msg/Header", frame_id="lidar")
    clear, *markers = marker_array(msgs, header, found).markers
    assert clear.action == clear.DELETEALL
    boxes, names = markers[::2], markers[1::2]
    assert [m.id for m in boxes] == [m.id for m in names] == [12, 2, 3]
    assert [m.text for m in names] == ["mug 87 %", "unknown (bowl?)", "unknown"]
    assert all(m.scale.z > 0 and m.header is header and m.color.a > 0 for m in markers)
    assert all(name.pose.position.z > 3 for name in names)


def test_unknown_things_have_a_class_and_no_score(msgs: Messages) -> None:
    box = Box(np.zeros(3), np.ones(3), np.eye(3))
    header = msgs.make("std_msgs/msg/Header")
    found = [Found(box, None, "mug", 0.9, 5), Found(box, "rod", "rod", 0.5, 6)]
    unknown, known = (d.results[0] for d in detection_array(msgs, header, found, LABELS.names).detections)
    if msgs.version == 1:
        assert [(unknown.id, unknown.score), (known.id, known.score)] == [(-1, 0), (2, 0.5)]
    else:
        unknown, known = unknown.hypothesis, known.hypothesis
        assert (unknown.class_id, unknown.score, known.class_id, known.score) == (UNKNOWN, 0, "rod", 0.5)


def test_quaternions_are_scipys() -> None:
    from scipy.spatial.transform import Rotation

    turns = [*Rotation.random(200, random_state=0).as_matrix()]
    turns += [
        np.array(rows, float) for rows in itertools.product(np.eye(3), repeat=3) if np.linalg.det(rows) > 0
    ]
    turns += [np.diag(signs) for signs in ((1.0, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1))]
    for turn in turns:
        ours = quaternion_of(turn)
        np.testing.assert_allclose(Rotation.from_quat(ours).as_matrix(), turn, atol=1e-12)
        assert ours[3] >= 0


def test_names_that_a_message_has_not(msgs: Messages) -> None:
    with pytest.raises(TypeError, match="colour"):
        msgs.make(TEXT, colour="red")


def test_what_publishing_raises_is_a_failure_of_that_cloud(clf: Classifier) -> None:
    msgs, broken = messages(2), [True]

    def publish(what: str, message: Any) -> None:
        if broken[0]:
            raise ConnectionError("the bus is gone")

    cloud = cloud_message(msgs, POINTS, STAMP)
    with NodeCore(msgs, clf, publish, scene=SceneOptions()) as core:
        send(core, cloud)
        status = core.diagnostics().status[0]
        assert re.fullmatch("ConnectionError: the bus is gone", status.message)
        broken[0] = False
        send(core, cloud)
        assert core.diagnostics().status[0].level == health.OK
