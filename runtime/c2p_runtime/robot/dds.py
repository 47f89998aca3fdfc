"""A node on DDS, by cyclonedds: nodes of ROS 2 see it as one of theirs, and ROS need not be installed.

    python -m c2p_runtime.robot.dds --topic /points --scene

Cyclone's own codec takes messages apart field by field in Python, so bytes are passed through it as they are
and rosbags reads them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import cache
from typing import Any

import click

from c2p_deploy import console
from c2p_deploy.errors import C2PError, MissingDependencyError, reason_of
from c2p_deploy.extras import install
from c2p_runtime.robot.node import EVERY, run_node, with_node_options

_WAIT = 200_000_000  # ns after which `stop` is looked at


class DdsBus:
    """Topics of a domain, by the names that ROS 2 has for them: /points is rt/points."""

    def __init__(self, domain: int) -> None:
        try:
            from cyclonedds.core import DDSException, WaitSet
            from cyclonedds.domain import DomainParticipant
        except ImportError as error:
            raise MissingDependencyError("a node on DDS needs cyclonedds", install("dds")) from error
        try:
            self._participant = DomainParticipant(domain)
        except DDSException as error:
            problem = f"domain {domain} of DDS cannot be entered ({reason_of(error)})"
            raise C2PError(problem, "check CYCLONEDDS_URI and the network interfaces") from error
        self._waiting = WaitSet(self._participant)
        self._readers: list[tuple[Any, Callable[[bytes], object]]] = []

    def subscribe(self, topic: str, kind: str, hand: Callable[[bytes], object], newest: bool) -> None:
        from cyclonedds.core import InstanceState, ReadCondition, SampleState, ViewState
        from cyclonedds.sub import DataReader

        reader = DataReader(self._participant, self._topic(topic, kind), qos=qos_of(newest))
        alive = ReadCondition(reader, SampleState.Any | ViewState.Any | InstanceState.Any)
        self._waiting.attach(alive)
        self._readers.append((reader, hand))

    def publisher(self, topic: str, kind: str) -> Callable[[bytes], object]:
        from cyclonedds.pub import DataWriter

        writer = DataWriter(self._participant, self._topic(topic, kind), qos=qos_of(newest=False))
        as_type = raw_type(kind)
        return lambda data: writer.write(as_type(data))

    def spin(self, stop: threading.Event, tick: Callable[[], object]) -> None:
        due = time.monotonic() + EVERY
        while not stop.is_set():
            self._waiting.wait(_WAIT)
            for reader, hand in self._readers:
                for sample in reader.take(N=16):
                    if hasattr(sample, "cdr"):  # and not word of a publisher that has gone
                        hand(sample.cdr)
            if time.monotonic() >= due:
                due += EVERY
                tick()

    def close(self) -> None:
        self._readers.clear()
        del self._waiting, self._participant

    def _topic(self, topic: str, kind: str) -> Any:
        from cyclonedds.topic import Topic

        return Topic(self._participant, f"rt/{topic.lstrip('/')}", raw_type(kind))


def qos_of(newest: bool) -> Any:
    """As ROS 2 has it: of sensors best effort and only the newest, else reliable and the last ten."""
    from cyclonedds.qos import Policy, Qos

    if newest:
        return Qos(Policy.Reliability.BestEffort, Policy.History.KeepLast(5))
    return Qos(Policy.Reliability.Reliable(100_000_000), Policy.History.KeepLast(10))


@cache
def raw_type(kind: str) -> Any:
    """A type of cyclonedds with the name and fields of a message, whose objects hold its bytes in `cdr`."""
    declared = _declared(kind)
    # No class derived from it: that would be declared as a type with a base, which ROS's have not.
    declared.__init__ = lambda self, cdr: setattr(self, "cdr", cdr)
    declared.serialize = lambda self, **_: self.cdr
    declared.deserialize = classmethod(lambda cls, data, **_: cls(data))
    return declared


@cache
def _declared(kind: str) -> Any:
    """The type as DDS declares it, out of rosbags' definitions."""
    from cyclonedds.idl import make_idl_struct

    from c2p_runtime.robot.messages import messages

    package, _, name = kind.split("/")
    _, fields = messages(2).store.fielddefs[kind]
    return make_idl_struct(
        f"{name}_", f"{package}.msg.dds_.{name}_", {field: _type_of(about) for field, about in fields}
    )


def _type_of(description: Any) -> Any:
    from cyclonedds.idl import types

    node, about = description
    if node.name == "NAME":
        return _declared(about)
    if node.name == "BASE":
        return {"string": str, "bool": bool}.get(about[0]) or getattr(types, about[0])
    element, length = about
    of = _type_of(element)
    if node.name == "ARRAY":
        return types.array[of, length]  # type: ignore[misc]
    return types.sequence[of]  # type: ignore[misc]


@click.command(context_settings=console.CONTEXT)
@with_node_options
@click.option(
    "--domain",
    type=click.IntRange(0, 232),
    envvar="ROS_DOMAIN_ID",
    default=0,
    show_default="ROS_DOMAIN_ID, or 0",
    help="Of DDS, as the nodes have it that it talks to.",
)
def main(domain: int, **options: Any) -> None:
    """Say what is in the clouds that come over DDS, from nodes of ROS 2 or any others."""
    run_node(2, lambda: DdsBus(domain), options)


if __name__ == "__main__":
    console.run(main)
