"""A node on DDS in a process of its own, on loopback."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bus import Robot, exchange, node
from c2p_deploy.errors import C2PError
from c2p_runtime.robot.messages import messages
from engines import write_engine

pytest.importorskip("rosbags")
pytest.importorskip("cyclonedds")

from c2p_runtime.robot.dds import DdsBus

DOMAIN = 73
LOOPBACK = """<CycloneDDS><Domain><General><Interfaces><NetworkInterface name="lo"/></Interfaces>
<AllowMulticast>false</AllowMulticast><MaxMessageSize>65500B</MaxMessageSize><FragmentSize>65000B</FragmentSize>
</General><Discovery><ParticipantIndex>auto</ParticipantIndex><Peers><Peer address="localhost"/></Peers>
</Discovery></Domain></CycloneDDS>"""


@pytest.fixture
def robot(monkeypatch: pytest.MonkeyPatch) -> Iterator[Robot]:
    monkeypatch.setenv("CYCLONEDDS_URI", LOOPBACK)
    bus, stop = DdsBus(DOMAIN), threading.Event()
    robot = Robot(bus, messages(2))
    thread = threading.Thread(target=bus.spin, args=(stop, lambda: None))
    thread.start()
    yield robot
    stop.set()
    thread.join()
    bus.close()


def test_clouds_there_and_detections_back(robot: Robot, tmp_path: Path) -> None:
    engine = write_engine(tmp_path)
    arguments = ("--domain", DOMAIN, "--engine", engine, "--device", "cpu", "--scene", "--always-answer")
    exchange(robot, lambda: node("c2p_runtime.robot.dds", *arguments))


def test_a_configuration_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CYCLONEDDS_URI", "<CycloneDDS><Domain><Nonsense/></Domain></CycloneDDS>")
    with pytest.raises(C2PError, match=r"domain 99 of DDS cannot be entered .*; check CYCLONEDDS_URI"):
        DdsBus(99)
