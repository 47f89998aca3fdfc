"""A node on Zenoh in a process of its own, on loopback."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bus import Robot, exchange, node
from c2p_deploy.errors import C2PError
from c2p_runtime.robot.messages import CLOUD, TEXT, messages
from engines import write_engine

pytest.importorskip("rosbags")
pytest.importorskip("zenoh")

import zenoh

from c2p_runtime.robot.zenoh import ZenohBus

NOWHERE = "tcp/localhost:1"


@pytest.fixture
def endpoint() -> str:
    """Where nobody listens yet."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        return f"tcp/127.0.0.1:{free.getsockname()[1]}"


@pytest.fixture
def robot(endpoint: str) -> Iterator[Robot]:
    bus = ZenohBus(7, NOWHERE, endpoint)
    yield Robot(bus, messages(2))
    bus.close()


def test_clouds_there_and_detections_back(robot: Robot, endpoint: str, tmp_path: Path) -> None:
    engine = write_engine(tmp_path)
    arguments = ("--domain", 7, "--connect", endpoint, "--engine", engine, "--device", "cpu", "--scene")
    exchange(robot, lambda: node("c2p_runtime.robot.zenoh", *arguments, "--always-answer"))


def test_keys_and_attachments_are_rmw_zenohs(endpoint: str) -> None:
    """The layout of docs/design.md; hashes as `ros2 topic info -v` shows them."""
    bus = ZenohBus(3, NOWHERE, endpoint)
    heard, came = [], threading.Event()

    def hear(sample: zenoh.Sample) -> None:
        heard.append((str(sample.key_expr), sample.payload.to_bytes(), sample.attachment.to_bytes()))
        if len(heard) == 3:
            came.set()

    try:
        bus._session.declare_subscriber("3/**", hear)
        say, points = bus.publisher("/chatter", TEXT), bus.publisher("/front/points", CLOUD)
        say(b"one")
        say(b"two")
        points(b"three")
        assert came.wait(60)
    finally:
        bus.close()
    text = "RIHS01_df668c740482bbd48fb39d76a70dfd4bd59db1288021743503259e948f6b1a18"
    cloud = "RIHS01_9198cabf7da3796ae6fe19c4cb3bdd3525492988c70522628af5daa124bae2b5"
    chatter = f"3/chatter/std_msgs::msg::dds_::String_/{text}"
    assert [key for key, _, _ in heard] == [
        *(chatter, chatter),
        f"3/front/points/sensor_msgs::msg::dds_::PointCloud2_/{cloud}",
    ]
    assert [data for _, data, _ in heard] == [b"one", b"two", b"three"]
    numbers = [int.from_bytes(attached[:8], "little") for _, _, attached in heard]
    assert numbers == [1, 2, 1]
    assert all(len(attached) == 33 and attached[16] == 16 for _, _, attached in heard)
    assert len({attached[17:] for _, _, attached in heard}) == 1


def test_an_endpoint_that_is_none() -> None:
    with pytest.raises(C2PError, match=r"Zenoh cannot be opened.*; give an endpoint such as"):
        ZenohBus(0, "nonsense")
