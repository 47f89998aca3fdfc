"""Options that the commands of the runtime share: which engine runs, where, and with what."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from c2p_deploy.errors import OptionError
from c2p_deploy.json_file import shown
from c2p_runtime.backends import BACKENDS, DEVICES

Command = TypeVar("Command", bound=Callable[..., Any])

engine_option = click.option(
    "--engine",
    metavar="ENGINE",
    help="An .onnx or .plan with its manifest beside it, or the name of a bundled one "
    "(c2p-run --list-engines).  [default: the bundled model]",
)
device_option = click.option(
    "--device",
    type=click.Choice(DEVICES),
    default="auto",
    show_default=True,
    help="Where to run; auto takes the GPU if there is one that can.",
)
backend_option = click.option(
    "--backend",
    type=click.Choice(BACKENDS),
    default="auto",
    show_default=True,
    help="What to run with: onnxruntime or, on a CPU, openvino for an .onnx; the TensorRT that built it "
    "for a .plan.",
)
min_confidence_option = click.option(
    "--min-confidence",
    metavar="P",
    help='Give no name that is less probable, 0 to 1: for all labels, or for some: "0.5, knife=0.9".',
)

scene_option = click.option(
    "--scene",
    is_flag=True,
    help="Each cloud is a whole scene, in metres: cut it into things and say what each of them is.",
)
scene_size_options = (
    click.option(
        "--support",
        type=click.Choice(["auto", "plane", "ground", "none"]),
        help="What the things of a scene stand on: planes, ground that is not flat, or nothing that has to "
        "be taken away.  [default: auto]",
    ),
    click.option(
        "--min-size",
        type=click.FloatRange(min=0, min_open=True),
        metavar="METRES",
        help="Longest side of the smallest thing of a scene.  [default: 0.03]",
    ),
    click.option(
        "--max-size",
        type=click.FloatRange(min=0, min_open=True),
        metavar="METRES",
        help="Longest side of the largest thing of a scene.  [default: 2.5]",
    ),
)
_SCENE_OPTIONS = (
    scene_option,
    click.option(
        "--save-scene",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="NAME",
        help="Write NAME.png, which shows the things with their names, and NAME.ply, the cloud in their "
        "colours. With several scenes, NAME-CLOUD for each.",
    ),
    *scene_size_options,
)
_RECORDING_OPTIONS = (
    click.option(
        "--topic",
        metavar="TOPIC",
        help="Which clouds of a recording to take, where several topics carry some.",
    ),
    click.option(
        "--every",
        type=click.IntRange(min=1),
        metavar="N",
        help="Take the first of every N clouds of a recording.  [default: 1]",
    ),
    click.option(
        "--rate",
        type=click.Choice(["max", "real"]),
        help="max: every cloud of a recording, as fast as they are done. real: each when it was recorded, as "
        "a sensor would; what comes too fast is dropped.  [default: max]",
    ),
)


_LOOKING_OPTIONS = (
    click.option(
        "--view",
        is_flag=True,
        help="Serve what is seen to Foxglove on this machine, until Ctrl-C: clouds, boxes and names, depth "
        "maps, latency. Needs the extra `view`.",
    ),
    click.option(
        "--save-mcap",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="MCAP",
        help="Write what --view shows, of all clouds, to a file that Foxglove opens.",
    ),
)


def confidence_bars(text: str | None) -> dict[str, float]:
    """What `Classifier` takes as min_confidence, of --min-confidence. Raises OptionError."""
    bars: dict[str, float] = {}
    for part in () if text is None else text.split(","):
        name, equals, value = part.rpartition("=")
        try:
            bars[name.strip() if equals else "*"] = float(value)
        except ValueError as error:
            raise OptionError(
                f"--min-confidence takes numbers, or LABEL=number, separated by commas; got {shown(part)}"
            ) from error
    return bars


def with_scene_options(command: Command) -> Command:
    """Adds --scene and the options that go with it; these are None where they are not given."""
    for option in reversed(_SCENE_OPTIONS):
        command = option(command)
    return command


def with_recording_options(command: Command) -> Command:
    """Adds the options for recordings; these are None where they are not given."""
    for option in reversed(_RECORDING_OPTIONS):
        command = option(command)
    return command


def with_looking_options(command: Command) -> Command:
    """Adds --view and --save-mcap."""
    for option in reversed(_LOOKING_OPTIONS):
        command = option(command)
    return command


def check_recording_options(
    recordings: bool, clouds: bool, of_recordings: Mapping[str, object], of_clouds: Mapping[str, object]
) -> None:
    """Raises UsageError for options of recordings where there is none, and of clouds where none is one."""
    for name, value in of_recordings.items():
        if value is not None and not recordings:
            raise click.UsageError(f"{name} is for recordings, and none is given.")
    for name, value in of_clouds.items():
        if value is not None and not clouds:
            raise click.UsageError(f"{name} is for files of clouds, not for recordings: leave it out.")


def check_scene_options(
    scene: bool, up: str | None, options: Mapping[str, object], of_clouds: Mapping[str, object]
) -> None:
    """Raises UsageError for options of scenes without --scene, and for those of single clouds with it."""
    if scene:
        for name, value in of_clouds.items():
            if value is not None:
                raise click.UsageError(
                    f"{name} is for clouds of one thing, --scene for others: leave one out."
                )
        return
    for name, value in options.items():
        if value is not None:
            raise click.UsageError(f"--{name.replace('_', '-')} is for scenes: add --scene.")
    if up == "auto":
        raise click.UsageError("--up auto is for scenes: add --scene, or say which axis points up.")
