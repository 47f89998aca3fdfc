"""A node of ROS 1, by rospy, which Debian and Ubuntu package: apt install python3-rospy.

    python3 -m c2p_runtime.robot.ros1 --topic /points --scene

Messages pass through rospy as bytes, and rosbags reads them; vision_msgs need not be installed. Its classes
are numbers in ROS 1, whose names, in order, are the parameter /NAME/class_names.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cache
from typing import Any

import click

from c2p_deploy import console
from c2p_deploy.errors import C2PError, MissingDependencyError, one_line, reason_of
from c2p_runtime.robot.node import EVERY, run_node, with_node_options

_BUFFER = 1 << 24  # bytes that rospy reads at once; with its own 64 kB a cloud is late by its own length


class Ros1Bus:
    """Topics of the master that ROS_MASTER_URI names."""

    def __init__(self, name: str) -> None:
        try:
            import rosgraph
            import rospy
        except ImportError as error:
            raise MissingDependencyError(
                "a node on ROS 1 needs rospy",
                "apt install python3-rospy, and run it with a Python that sees the system's packages",
            ) from error
        self._rospy = rospy
        try:
            rospy.get_master().getPid()  # else init_node would wait for it without end
        except OSError as error:
            raise C2PError(
                f"no ROS master at {rosgraph.get_master_uri()} ({reason_of(error)})",
                "start roscore, or set ROS_MASTER_URI",
            ) from error
        rospy.init_node(name, disable_signals=True)

    def subscribe(self, topic: str, kind: str, hand: Callable[[bytes], object], newest: bool) -> None:
        self._rospy.Subscriber(
            topic,
            raw_type(kind),
            lambda message: hand(message.data),
            queue_size=None if newest else 10,  # every cloud is handed on at once, so that drops are counted
            buff_size=_BUFFER,
            tcp_nodelay=True,
        )

    def publisher(self, topic: str, kind: str) -> Callable[[bytes], object]:
        as_type = raw_type(kind)
        publisher = self._rospy.Publisher(topic, as_type, queue_size=10)
        return lambda data: publisher.publish(as_type(data))

    def spin(self, stop: threading.Event, tick: Callable[[], object]) -> None:
        while not stop.wait(EVERY) and not self._rospy.is_shutdown():  # messages come in threads of rospy's
            tick()

    def close(self) -> None:
        self._rospy.signal_shutdown("the node ends")


@cache
def raw_type(kind: str) -> Any:
    """A message class of rospy, whose objects hold its bytes in `data`."""
    import genpy

    from c2p_runtime.robot.messages import messages

    definition, checksum = messages(1).store.generate_msgdef(kind)

    class Raw(genpy.Message):  # type: ignore[misc]
        __slots__ = ("data",)
        _type = kind.replace("/msg/", "/")
        _md5sum = checksum
        _full_text = definition
        _has_header = False
        _slot_types = ("uint8[]",)

        def __init__(self, data: bytes = b"") -> None:
            self.data = data

        def serialize(self, buffer: Any) -> None:
            buffer.write(self.data)

        def deserialize(self, data: bytes) -> Raw:
            self.data = bytes(data)
            return self

    return Raw


@click.command(context_settings=console.CONTEXT)
@with_node_options
def main(**options: Any) -> None:
    """Say what is in the clouds that come over ROS 1."""
    name = options["name"]

    def set_names(names: tuple[str, ...]) -> None:
        import rospy

        rospy.set_param(f"/{name}/class_names", [one_line(each) for each in names])

    run_node(1, lambda: Ros1Bus(name), options, set_names)


if __name__ == "__main__":
    console.run(main)
