"""The commands that start a node: what they need, what they refuse, and how they end."""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from c2p_runtime.robot.node import run_node
from engines import write_engine

pytest.importorskip("rosbags")

# What each needs, and how the remedy begins.
NEEDS = {
    "dds": ("cyclonedds", "pip install -e '.[dds]'"),
    "zenoh": ("zenoh", "pip install -e '.[zenoh]'"),
    "ros1": ("rospy", "apt install python3-rospy"),
}


@pytest.mark.parametrize("bus", NEEDS)
def test_a_middleware_that_is_not_there(bus: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, remedy = NEEDS[bus]
    for name in [name for name in sys.modules if name.split(".")[0] == module]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    command = importlib.import_module(f"c2p_runtime.robot.{bus}").main
    result = CliRunner().invoke(command, [])
    assert result.exit_code == 1 and result.stderr.count("\n") == 1
    assert result.stderr.startswith("error: a node on ") and remedy.split("'")[0] in result.stderr


@pytest.mark.parametrize("bus", NEEDS)
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--min-size", "0.1"], "--min-size is for scenes: add --scene."),
        (["--up", "auto"], "--up auto is for scenes: add --scene"),
        (["--device", "tpu"], "is not one of"),
        (["points"], "Got unexpected extra argument"),
        (["--name", "a b"], "'a b' is no name in ROS"),
        (["--topic", "/points/*"], "'/points/*' is no name in ROS"),
    ],
)
def test_usage(bus: str, arguments: list[str], said: str) -> None:
    command = importlib.import_module(f"c2p_runtime.robot.{bus}").main
    result = CliRunner().invoke(command, arguments)
    assert result.exit_code == 2 and said in result.stderr


class Bus:
    """One that ends at once."""

    def __init__(self) -> None:
        self.topics: list[str] = []
        self.closed = False

    def subscribe(self, topic: str, kind: str, hand: Callable[[bytes], object], newest: bool) -> None:
        self.topics.append(topic)

    def publisher(self, topic: str, kind: str) -> Callable[[bytes], object]:
        self.topics.append(topic)
        return lambda data: None

    def spin(self, stop: threading.Event, tick: Callable[[], object]) -> None:
        tick()

    def close(self) -> None:
        self.closed = True


def options(engine: str | Path, **changed: object) -> dict[str, object]:
    return {
        **{
            "topic": "/front/points",
            "name": "eye",
            "engine": str(engine),
            "device": "cpu",
            "backend": "auto",
        },
        **{"labels": None, "up": None, "always_answer": False, "min_confidence": None, "scene": True},
        **{"support": None, "min_size": None, "max_size": 2.0},
        **changed,
    }


def test_topics_have_the_names_node(tmp_path: Path) -> None:
    bus = Bus()
    run_node(2, lambda: bus, options(write_engine(tmp_path)))
    assert bus.topics == ["/eye/detections", "/eye/markers", "/diagnostics", "/front/points", "/eye/labels"]
    assert bus.closed


def test_what_cannot_run_leaves_the_bus(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bus = Bus()
    with pytest.raises(SystemExit) as end:
        run_node(2, lambda: bus, options(tmp_path / "gone.onnx"))
    assert end.value.code == 1 and bus.closed
    assert capsys.readouterr().err.startswith(f"error: {tmp_path / 'gone.onnx'}: ")
