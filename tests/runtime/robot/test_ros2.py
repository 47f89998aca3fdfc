"""The lifecycle node of ROS 2 on a stand-in for rclpy: what it makes in which state, and what passes through.

rclpy itself comes with ROS 2 only; the stand-in has the names of stubs/rclpy.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from enum import Enum, IntEnum
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner

from bus import cloud_message, tabletop
from c2p_runtime.robot import ros2
from c2p_runtime.robot.messages import DETECTIONS, DIAGNOSTICS, TEXT, messages
from engines import write_engine

pytest.importorskip("rosbags")

MESSAGES = {
    "diagnostic_msgs.msg": "DiagnosticArray",
    "sensor_msgs.msg": "PointCloud2",
    "std_msgs.msg": "String",
    "vision_msgs.msg": "Detection3DArray",
    "visualization_msgs.msg": "MarkerArray",
}


class Returned(Enum):
    SUCCESS, FAILURE, ERROR = range(3)


class Profile:
    def __init__(self, **given: Any) -> None:
        self.given = given


class Publisher:
    def __init__(self, kind: type, topic: str) -> None:
        self.kind, self.topic, self.sent = kind.__name__, topic, []

    def publish(self, data: bytes) -> None:
        assert isinstance(data, bytes)
        self.sent.append(data)


class Node:
    """The part of a lifecycle node that is used."""

    newest: Node

    def __init__(self, name: str) -> None:
        Node.newest = self
        self.name, self.parameters, self.errors = name, {}, []
        self.publishers, self.subscriptions, self.timers = {}, {}, []
        self.states: list[str] = []

    def declare_parameter(self, name: str, value: object) -> None:
        assert isinstance(value, (str, bool, float))  # the types that ROS 2 has
        self.parameters[name] = value

    def get_parameter(self, name: str) -> Any:
        return type("Parameter", (), {"value": self.parameters[name]})

    def create_publisher(self, kind: type, topic: str, qos: object) -> Publisher:
        self.publishers[topic] = Publisher(kind, topic)
        return self.publishers[topic]

    create_lifecycle_publisher = create_publisher

    def create_subscription(
        self, kind: type, topic: str, callback: Callable[[bytes], object], qos: Any, *, raw: bool
    ) -> str:
        assert raw
        self.subscriptions[topic] = kind.__name__, callback, qos
        return topic

    def create_timer(self, seconds: float, callback: Callable[[], object]) -> Callable[[], object]:
        self.timers.append(callback)
        return callback

    def destroy_publisher(self, publisher: Publisher) -> None:
        del self.publishers[publisher.topic]

    def destroy_subscription(self, topic: str) -> None:
        del self.subscriptions[topic]

    def destroy_timer(self, timer: Callable[[], object]) -> None:
        self.timers.remove(timer)

    def destroy_node(self) -> None:
        self.states.append("destroyed")

    def get_logger(self) -> Any:
        return type("Logger", (), {"error": self.errors.append})

    def on_activate(self, state: object) -> Returned:
        self.states.append("active")
        return Returned.SUCCESS

    def on_deactivate(self, state: object) -> Returned:
        self.states.append("inactive")
        return Returned.SUCCESS

    def trigger_configure(self) -> Returned:
        return self.on_configure(None)  # type: ignore[attr-defined]

    def trigger_activate(self) -> Returned:
        return self.on_activate(None)


@pytest.fixture
def rclpy(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The stand-in, as if ROS 2 were installed."""
    modules = {
        name: ModuleType(name) for name in ("rclpy", "rclpy.executors", "rclpy.lifecycle", "rclpy.qos")
    }
    for name, kind in MESSAGES.items():
        modules |= {name.split(".")[0]: ModuleType(name), name: ModuleType(name)}
        setattr(modules[name], kind, type(kind, (), {}))
    modules["rclpy.executors"].ExternalShutdownException = type("ExternalShutdownException", (Exception,), {})
    vars(modules["rclpy.lifecycle"]).update(
        LifecycleState=object, Node=Node, TransitionCallbackReturn=Returned
    )
    vars(modules["rclpy.qos"]).update(
        HistoryPolicy=IntEnum("HistoryPolicy", "KEEP_LAST KEEP_ALL"),
        ReliabilityPolicy=IntEnum("ReliabilityPolicy", "RELIABLE BEST_EFFORT"),
        QoSProfile=Profile,
    )
    calls: list[object] = []
    vars(modules["rclpy"]).update(
        calls=calls,
        init=lambda args: calls.append(args),
        spin=lambda node: None,
        try_shutdown=lambda: calls.append("shut down"),
    )
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    yield modules["rclpy"]
    sys.modules.pop("c2p_runtime.robot.ros2_node", None)


def start(rclpy: ModuleType, spin: Callable[[Node], object], *arguments: object) -> Any:
    rclpy.spin = spin
    return CliRunner().invoke(ros2.main, list(map(str, arguments)))


def test_from_cloud_to_detections(rclpy: ModuleType, tmp_path: Path) -> None:
    msgs = messages(2)
    sent: dict[str, list[bytes]] = {}

    def spin(node: Node) -> None:
        assert node.name == "eye" and node.parameters["max_size"] == 2.0 and node.parameters["labels"] == ""
        kind, on_cloud, qos = node.subscriptions["/front/points"]
        assert kind == "PointCloud2"
        assert {name: getattr(v, "name", v) for name, v in qos.given.items()} == {
            **{"history": "KEEP_LAST", "depth": 1, "reliability": "BEST_EFFORT"}
        }
        _, on_labels, _ = node.subscriptions["~/labels"]
        on_labels(msgs.encode(msgs.make(TEXT, data="rod")))
        on_cloud(msgs.encode(cloud_message(msgs, tabletop(6000), 12_000_000_034)))
        last = time.monotonic() + 60
        while not node.publishers["~/markers"].sent and time.monotonic() < last:
            time.sleep(0.01)
        node.timers[0]()
        sent.update({topic: publisher.sent for topic, publisher in node.publishers.items()})
        assert node.on_deactivate(None) is Returned.SUCCESS
        assert (
            not node.subscriptions
            and not node.timers
            and set(node.publishers) == {*("~/detections", "~/markers")}
        )
        assert node.on_activate(None) is Returned.SUCCESS
        assert len(node.subscriptions) == 2

    arguments = ("--engine", write_engine(tmp_path), "--device", "cpu", "--scene", "--always-answer")
    result = start(
        rclpy,
        spin,
        *arguments,
        "--max-size",
        2,
        "--name",
        "eye",
        "--topic",
        "/front/points",
        "--ros-args",
        "-p",
    )
    assert result.exit_code == 0, (result.stderr, result.exception)
    array = msgs.decode(sent["~/detections"][0], DETECTIONS)
    assert (array.header.stamp.sec, array.header.stamp.nanosec) == (12, 34) and len(array.detections) == 3
    assert {detection.results[0].hypothesis.class_id for detection in array.detections} == {"rod"}
    (status,) = msgs.decode(sent["/diagnostics"][0], DIAGNOSTICS).status
    assert status.name == "eye: classification"
    node = Node.newest
    assert not node.publishers and not node.subscriptions and not node.timers  # all was let go of
    assert node.states[-1] == "destroyed" and rclpy.calls == [["--ros-args", "-p"], "shut down"]


def test_a_managed_node_waits(rclpy: ModuleType, tmp_path: Path) -> None:
    def spin(node: Node) -> None:
        assert not node.publishers and not node.states
        assert node.on_configure(None) is Returned.SUCCESS  # type: ignore[attr-defined]
        assert node.on_cleanup(None) is Returned.SUCCESS  # type: ignore[attr-defined]
        node.parameters["engine"] = str(tmp_path / "gone.onnx")
        assert node.on_configure(None) is Returned.FAILURE  # type: ignore[attr-defined]
        assert "gone.onnx" in node.errors[0] and not node.publishers
        assert node.on_shutdown(None) is Returned.SUCCESS  # type: ignore[attr-defined]

    result = start(rclpy, spin, "--managed", "--engine", write_engine(tmp_path), "--device", "cpu")
    assert result.exit_code == 0, (result.stderr, result.exception)


def test_what_cannot_be_configured_ends(rclpy: ModuleType, tmp_path: Path) -> None:
    result = start(rclpy, lambda node: None, "--engine", tmp_path / "gone.onnx")
    assert result.exit_code == 1
    assert result.stderr == "error: the node cannot be configured; see its log\n"
    assert rclpy.calls[-1] == "shut down"


def test_without_ros_2_and_with_nonsense(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rclpy", None)
    monkeypatch.delitem(sys.modules, "c2p_runtime.robot.ros2_node", raising=False)
    result = CliRunner().invoke(ros2.main, [])
    assert result.exit_code == 1
    assert result.stderr.startswith("error: a node on ROS 2 needs rclpy; source /opt/ros/DISTRO/setup.bash")
    result = CliRunner().invoke(ros2.main, ["--nonsense"])
    assert result.exit_code == 2 and "No such option or argument: --nonsense" in result.stderr
