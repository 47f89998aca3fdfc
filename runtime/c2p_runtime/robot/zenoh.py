"""A node on Zenoh, by eclipse-zenoh: nodes of ROS 2 with rmw_zenoh_cpp hear and are heard, without ROS here.

    python -m c2p_runtime.robot.zenoh --topic /points --scene

Topics, types and what is attached to each message are as in rmw_zenoh's docs/design.md. The tokens by which
its nodes are listed are not declared: `ros2 topic list` does not show this one, `ros2 topic echo` with a type
does. rmw_zenoh of Humble, which has no type hashes, is heard, and does not hear.
"""

from __future__ import annotations

import itertools
import json
import os
import struct
import threading
import time
from collections.abc import Callable
from typing import Any

import click

from c2p_deploy import console
from c2p_deploy.errors import C2PError, MissingDependencyError, reason_of
from c2p_deploy.extras import install
from c2p_runtime.robot.node import EVERY, run_node, with_node_options

ROUTER = "tcp/localhost:7447"


class ZenohBus:
    """Topics of a domain: /points is 0/points/sensor_msgs::msg::dds_::PointCloud2_/RIHS01_...

    connect: the endpoint of a router, or of a peer; it may come later. listen: where others may connect.
    """

    def __init__(self, domain: int, connect: str = ROUTER, listen: str = "tcp/localhost:0") -> None:
        try:
            import zenoh
        except ImportError as error:
            raise MissingDependencyError("a node on Zenoh needs eclipse-zenoh", install("zenoh")) from error
        zenoh.init_log_from_env_or("error")
        try:
            self._session = zenoh.open(_config(zenoh, connect, listen))
        except zenoh.ZError as error:
            problem = f"Zenoh cannot be opened ({reason_of(error)})"
            raise C2PError(problem, "give an endpoint such as tcp/localhost:7447") from error
        self._domain = domain
        self._identity = bytes.fromhex(str(self._session.zid()).zfill(32))  # 16 bytes, as rmw_zenoh has them

    def subscribe(self, topic: str, kind: str, hand: Callable[[bytes], object], newest: bool) -> None:
        # Any hash: of a type with another layout the decoder says so.
        key = self._key(topic, kind, "*")
        self._session.declare_subscriber(key, lambda sample: hand(sample.payload.to_bytes()))

    def publisher(self, topic: str, kind: str) -> Callable[[bytes], object]:
        from c2p_runtime.robot.messages import messages

        publisher = self._session.declare_publisher(
            self._key(topic, kind, messages(2).store.hash_rihs01(kind))
        )
        numbers = itertools.count(1)

        def publish(data: bytes) -> None:
            attached = struct.pack("<qqB16s", next(numbers), time.time_ns(), 16, self._identity)
            publisher.put(data, attachment=attached)

        return publish

    def spin(self, stop: threading.Event, tick: Callable[[], object]) -> None:
        while not stop.wait(EVERY):  # messages come in threads of Zenoh's own
            tick()

    def close(self) -> None:
        self._session.close()  # type: ignore[no-untyped-call]

    def _key(self, topic: str, kind: str, type_hash: str) -> str:
        package, _, name = kind.split("/")
        return f"{self._domain}/{topic.strip('/')}/{package}::msg::dds_::{name}_/{type_hash}"


def _config(zenoh: Any, connect: str, listen: str) -> Any:
    """As rmw_zenoh's: a peer that finds others by its router; or what ZENOH_SESSION_CONFIG_URI names."""
    if path := os.environ.get("ZENOH_SESSION_CONFIG_URI"):
        return zenoh.Config.from_file(path)
    config = zenoh.Config()
    for key, value in {
        "mode": "peer",
        "connect/endpoints": [connect],
        "listen/endpoints": [listen],
        "scouting/multicast/enabled": False,
    }.items():
        config.insert_json5(key, json.dumps(value))
    return config


@click.command(context_settings=console.CONTEXT)
@with_node_options
@click.option(
    "--domain",
    type=click.IntRange(0, 232),
    envvar="ROS_DOMAIN_ID",
    default=0,
    show_default="ROS_DOMAIN_ID, or 0",
    help="Of ROS 2, with which all keys begin.",
)
@click.option(
    "--connect",
    default=ROUTER,
    show_default=True,
    metavar="ENDPOINT",
    help="Of the router, or of a peer. ZENOH_SESSION_CONFIG_URI, a file, takes the place of this.",
)
def main(domain: int, connect: str, **options: Any) -> None:
    """Say what is in the clouds that come over Zenoh, from nodes of ROS 2 or any others."""
    run_node(2, lambda: ZenohBus(domain, connect), options)


if __name__ == "__main__":
    console.run(main)
