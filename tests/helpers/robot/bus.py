"""Nodes in processes of their own, and what they are sent and answer."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from c2p_runtime.robot.messages import CLOUD, DETECTIONS, DIAGNOSTICS, TEXT, Messages
from cloud2 import XYZ, message

DEADLINE = 120.0  # seconds, after which a busy machine is a broken one


def tabletop(points: int, things: int = 3) -> np.ndarray:
    """Balls on a table, z up: float32 [points, 3]."""
    rng = np.random.default_rng(0)
    each = points // (2 * things)
    parts = [rng.uniform((-0.5, -0.5, 0), (0.5, 0.5, 0.001), (points - things * each, 3))]
    for place in range(things):
        ball = rng.normal(size=(each, 3))
        ball *= 0.05 / np.linalg.norm(ball, axis=1, keepdims=True)
        parts.append(ball + np.array([0.25 * (place - 1), 0.1 * place, 0.06]))
    return np.concatenate(parts).astype(np.float32)


def cloud_message(msgs: Messages, points: np.ndarray, stamp: int, frame_id: str = "lidar") -> Any:
    """A PointCloud2 of points [N, 3]."""
    bare = message(np.ascontiguousarray(points, np.float32).view(XYZ).reshape(-1))
    fields = [msgs.make("sensor_msgs/msg/PointField", **vars(field)) for field in bare.fields]
    seconds, rest = divmod(stamp, 10**9)
    header = msgs.make(
        "std_msgs/msg/Header",
        stamp=msgs.make("builtin_interfaces/msg/Time", sec=seconds, nanosec=rest),
        frame_id=frame_id,
    )
    return msgs.make(
        CLOUD,
        **vars(bare) | {"header": header, "fields": fields, "data": np.frombuffer(bare.data, np.uint8)},
    )


@contextmanager
def node(module: str, *arguments: object, through: str | None = None) -> Iterator[subprocess.Popen]:
    """A node that is listening; killed at the end, where it has not ended. through: a script to start it."""
    command = [sys.executable, "-u", *([] if through is None else [through]), "-m", module]
    process = subprocess.Popen([*command, *map(str, arguments)], stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        first = process.stderr.readline()
        assert "names what is in the clouds of" in first, first + process.stderr.read()
        yield process
    finally:
        process.kill()
        process.wait(DEADLINE)
        process.stderr.close()


def ended(process: subprocess.Popen) -> int:
    """The exit code of a node that is asked to end."""
    process.send_signal(signal.SIGTERM)
    return process.wait(DEADLINE)


class Robot:
    """The other side: it publishes clouds and labels and collects what comes back. bus: as for nodes."""

    def __init__(self, bus: Any, msgs: Messages, name: str = "c2p") -> None:
        self.bus, self.msgs = bus, msgs
        self.detections: list[tuple[float, Any]] = []  # with the time when they came
        self.diagnostics: list[Any] = []
        self.sent: dict[int, float] = {}  # when, by stamp
        self._cloud = bus.publisher("/points", CLOUD)
        self._labels = bus.publisher(f"/{name}/labels", TEXT)
        bus.subscribe(
            f"/{name}/detections",
            DETECTIONS,
            lambda data: self.detections.append((time.monotonic(), msgs.decode(data, DETECTIONS))),
            newest=False,
        )
        bus.subscribe(
            "/diagnostics",
            DIAGNOSTICS,
            lambda data: self.diagnostics.append(msgs.decode(data, DIAGNOSTICS)),
            newest=False,
        )

    def send(self, points: np.ndarray) -> int:
        """Publishes a cloud of now; its stamp."""
        stamp = time.time_ns()
        data = self.msgs.encode(cloud_message(self.msgs, points, stamp))
        self.sent[stamp] = time.monotonic()
        self._cloud(data)
        return stamp

    def send_labels(self, text: str) -> None:
        self._labels(self.msgs.encode(self.msgs.make(TEXT, data=text)))

    def answered(self) -> dict[int, tuple[float, Any]]:
        """What came back, by stamp."""
        found = {}
        for came, array in self.detections:
            stamp = array.header.stamp
            found[stamp.sec * 10**9 + stamp.nanosec] = came, array
        return found

    def until(self, what: Callable[[], object], points: np.ndarray | None = None) -> None:
        """Waits for something to be so, and sends clouds meanwhile, if any."""
        last = time.monotonic() + DEADLINE
        while not what():
            assert time.monotonic() < last, "nothing came"
            if points is not None:
                self.send(points)
            time.sleep(0.1)


def percentiles(robot: Robot, stamps: list[int]) -> str:
    """Of the milliseconds from sending a cloud to having what is in it."""
    answers = robot.answered()
    ms = [1e3 * (answers[stamp][0] - robot.sent[stamp]) for stamp in stamps]
    p50, p95, top = np.percentile(ms, (50, 95, 100))
    return f"{len(ms)} clouds there and back: p50 {p50:.0f} ms, p95 {p95:.0f} ms, most {top:.0f} ms"


def value_of(diagnostics: Any, key: str) -> str:
    (status,) = diagnostics.status
    return next(pair.value for pair in status.values if pair.key == key)


def idle(robot: Robot) -> bool:
    """Whether the node is through with all that it got, by what it said last."""
    received, *done = (int(value_of(robot.diagnostics[-1], key)) for key in ("received", "done", "dropped"))
    return received == sum(done)


def exchange(robot: Robot, start: Callable[[], Any], hertz: float = 10, clouds: int = 20) -> None:
    """What holds on every bus: clouds come back named, none lost; new labels; a node that was killed.

    start: starts a node, as a context manager. Every cloud is accounted for: it comes back as detections, or
    the node says that it dropped it because it was busy. None is lost on the way.
    """
    points = tabletop(30_000)
    with start() as process:
        robot.until(robot.answered, points[:3000])
        before = len(robot.diagnostics)
        robot.until(lambda: len(robot.diagnostics) > before and idle(robot))
        counted = {key: int(value_of(robot.diagnostics[-1], key)) for key in ("received", "dropped")}
        stamps = []
        begun = time.monotonic()
        for number in range(clouds):
            time.sleep(max(0.0, begun + number / hertz - time.monotonic()))
            stamps.append(robot.send(points))
        received = counted["received"] + clouds
        robot.until(lambda: int(value_of(robot.diagnostics[-1], "received")) >= received and idle(robot))
        dropped = int(value_of(robot.diagnostics[-1], "dropped")) - counted["dropped"]
        robot.until(lambda: sum(stamp in robot.answered() for stamp in stamps) >= clouds - dropped)
        answers = robot.answered()
        back = [stamp for stamp in stamps if stamp in answers]
        assert int(value_of(robot.diagnostics[-1], "received")) == received  # none lost on the way there
        assert len(back) == clouds - dropped  # nor on the way back
        print(f"\n{percentiles(robot, back)}; {dropped} dropped")
        for stamp in back:
            _, array = answers[stamp]
            assert array.header.frame_id == "lidar" and len(array.detections) == 3
            for detection in array.detections:
                assert detection.header == array.header
                size = detection.bbox.size
                assert 0.08 < size.z < 0.12 and 0.08 < size.x < 0.12
        if robot.msgs.version == 2:
            ids = [{detection.id for detection in answers[stamp][1].detections} for stamp in back]
            assert all(found == ids[0] and "" not in found for found in ids)

        robot.send_labels("cup, box")
        robot.until(lambda: value_of(robot.diagnostics[-1], "labels") == "2", points)
        process.kill()
        process.wait(DEADLINE)
    seen = len(robot.detections)
    with start() as process:
        robot.until(lambda: len(robot.detections) > seen + 2, points)
        assert ended(process) == 0
