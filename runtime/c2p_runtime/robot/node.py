"""A node as a process: its options, its topics, and how it ends; the same on every bus.

python -m c2p_runtime.robot.dds --topic /points --scene      (or .zenoh, .ros1)
"""

from __future__ import annotations

import re
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import click

from c2p_deploy import console
from c2p_deploy.projection.spec import UP_AXES
from c2p_runtime.options import (
    backend_option,
    check_scene_options,
    confidence_bars,
    device_option,
    engine_option,
    min_confidence_option,
    scene_option,
    scene_size_options,
)

if TYPE_CHECKING:
    from c2p_runtime.robot.messages import Version
    from c2p_runtime.robot.node_core import NodeCore

Command = TypeVar("Command", bound=Callable[..., Any])
EVERY = 1.0  # seconds between two diagnostics

_WORD = "[A-Za-z][A-Za-z0-9_]*"


def _checked(pattern: str) -> Callable[[click.Context, click.Parameter, str], str]:
    """Refuses names that some bus has not; what ROS allows, all do."""

    def check(context: click.Context, option: click.Parameter, value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise click.BadParameter(f"{value!r} is no name in ROS: letters, digits and _, after a letter.")
        return value

    return check


_NODE_OPTIONS = (
    click.option(
        "--topic",
        default="/points",
        show_default=True,
        metavar="TOPIC",
        callback=_checked(f"/?{_WORD}(/{_WORD})*"),
        help="Of the clouds (sensor_msgs/PointCloud2) that are looked at.",
    ),
    click.option(
        "--name",
        default="c2p",
        show_default=True,
        metavar="NAME",
        callback=_checked(_WORD),
        help="Of the node. It publishes /NAME/detections, /NAME/markers and /diagnostics, and chooses from "
        "what is sent to /NAME/labels.",
    ),
    engine_option,
    device_option,
    backend_option,
    click.option(
        "--labels",
        metavar="LABELS",
        help="What to choose from: names separated by commas, a text file, or a label-set .json.  "
        "[default: all labels of the engine]",
    ),
    click.option(
        "--up",
        type=click.Choice([*UP_AXES, "auto"]),
        help="The axis of the clouds that points up; auto, with --scene, finds it.  "
        "[default: z; with --scene, auto]",
    ),
    click.option(
        "--always-answer", is_flag=True, help="Give everything a name, also what looks like none of them."
    ),
    min_confidence_option,
    scene_option,
    *scene_size_options,
)


def with_node_options(command: Command) -> Command:
    """Adds the options that all nodes have."""
    for option in reversed(_NODE_OPTIONS):
        command = option(command)
    return command


class Bus(Protocol):
    """What an adapter makes of its middleware: messages as bytes, of types as "std_msgs/msg/String"."""

    def subscribe(self, topic: str, kind: str, hand: Callable[[bytes], object], newest: bool) -> None:
        """Calls `hand` with each message. newest: of a sensor, of which only the newest counts."""

    def publisher(self, topic: str, kind: str) -> Callable[[bytes], object]:
        """What publishes messages of a topic."""

    def spin(self, stop: threading.Event, tick: Callable[[], object]) -> None:
        """Serves messages until `stop` is set or the bus is closed, and calls `tick` every EVERY seconds."""

    def close(self) -> None:
        """Leaves the bus."""


def scene_sizes(options: dict[str, Any]) -> dict[str, Any]:
    """Of the options of a node, those that are for scenes."""
    return {name: options[name] for name in ("support", "min_size", "max_size")}


@contextmanager
def node_core(
    version: Version, publish: Callable[[str, bytes], object], options: dict[str, Any]
) -> Iterator[NodeCore]:
    """A `NodeCore` by the options of a node. publish: takes "detections" or "markers", and the bytes."""
    scene, up = options["scene"], options["up"]
    from c2p_runtime.classifier import Classifier
    from c2p_runtime.robot.messages import messages
    from c2p_runtime.robot.node_core import NodeCore
    from c2p_runtime.scene.segmentation import SceneOptions

    msgs = messages(version)
    with Classifier(
        options["engine"],
        options["labels"],
        options["device"],
        backend=options["backend"],
        up="z" if scene else up or "z",
        always_answer=options["always_answer"],
        min_confidence=confidence_bars(options["min_confidence"]),
    ) as clf:
        given = {name: value for name, value in scene_sizes(options).items() if value is not None}
        with NodeCore(
            msgs,
            clf,
            lambda what, message: publish(what, msgs.encode(message)),
            scene=SceneOptions(**given) if scene else None,
            up=up or "auto",
            name=options["name"],
        ) as core:
            yield core


def run_node(
    version: Version,
    open_bus: Callable[[], Bus],
    options: dict[str, Any],
    set_names: Callable[[tuple[str, ...]], object] | None = None,
) -> None:
    """Runs a node until Ctrl-C or SIGTERM, which end it tidily.

    version: of ROS whose messages the bus carries. open_bus: raises MissingDependencyError without its
    middleware. set_names: is told the labels before detections that are of new ones.
    """
    check_scene_options(options["scene"], options["up"], scene_sizes(options), {})
    stop = threading.Event()
    with console.exit_on_error(), _stopped_by_signals(stop):
        bus = open_bus()
        try:
            _serve(version, bus, stop, options, set_names or (lambda names: None))
        finally:
            bus.close()


def _serve(
    version: Version,
    bus: Bus,
    stop: threading.Event,
    options: dict[str, Any],
    set_names: Callable[[tuple[str, ...]], object],
) -> None:
    from c2p_runtime.robot.messages import CLOUD, DIAGNOSTICS, TEXT
    from c2p_runtime.robot.node_core import KINDS

    name, topic = options["name"], options["topic"]
    outputs = {str(what): bus.publisher(f"/{name}/{what}", kind) for what, kind in KINDS.items()}
    diagnostics = bus.publisher("/diagnostics", DIAGNOSTICS)
    told: tuple[str, ...] = ()

    def publish(what: str, data: bytes) -> None:
        nonlocal told
        if core.labels != told:
            told = core.labels
            set_names(told)
        outputs[what](data)

    with node_core(version, publish, options) as core:
        bus.subscribe(topic, CLOUD, core.on_cloud, newest=True)
        bus.subscribe(f"/{name}/labels", TEXT, core.on_labels, newest=False)
        click.echo(f"{name}: names what is in the clouds of {topic}", err=True)
        bus.spin(stop, lambda: diagnostics(core.msgs.encode(core.diagnostics())))


@contextmanager
def _stopped_by_signals(stop: threading.Event) -> Iterator[None]:
    """Inside, Ctrl-C and SIGTERM set `stop`."""

    def heard(number: int, frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, heard) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
