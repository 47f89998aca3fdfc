"""`c2p-run`: clouds in, names out, on the command line."""

from __future__ import annotations

import atexit
import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from time import perf_counter
from typing import Any

import click

from c2p_deploy import console, progress
from c2p_deploy.projection.spec import UP_AXES
from c2p_runtime.options import (
    backend_option,
    check_recording_options,
    check_scene_options,
    confidence_bars,
    device_option,
    engine_option,
    min_confidence_option,
    with_looking_options,
    with_recording_options,
    with_scene_options,
)

_HANDFUL = 8  # more clouds than this get a progress bar

_EPILOG = """
\b
Examples:
  c2p-run chair.ply
  c2p-run --top-k 5 --save-views views.png scan.pcd
  c2p-run --labels "chair, sofa, bed" --json clouds/ > answers.jsonl
  c2p-run --engine model.onnx --up y "meshes/*.obj"
  c2p-run --learn my_clouds/ --save mine.json          (my_clouds/my_drill/1.ply, ...)
  c2p-run --labels mine.json scan.pcd
  c2p-run --scene --save-scene table frame.pcd         (things on a table: table.png, table.ply)
  c2p-run --scene --json drive.bag --topic /points --every 10 > answers.jsonl
  ssh robot cat scan.pcd | c2p-run -

Clouds: PLY, PCD, OFF, OBJ, STL, GLB/GLTF, XYZ/TXT/CSV, NPY/NPZ, LAS/LAZ and raw float32 .bin.
Recordings: ROS 1 .bag, rosbag2 folders, .db3 and .mcap.
Meshes are sampled on their surface. The figure behind a name is the probability that it is right, those
in brackets are scores of other names. "unknown (bottle?), novel" is a thing that is none of the names, most
like a bottle; "clutter" is no single object. A cloud that cannot be read gets one line on stderr, the
others still run, and the exit code is 1.
"""


def list_engines(context: click.Context, _option: click.Parameter, wanted: bool) -> None:
    """Prints the engines of the package and ends the command, where that is wanted."""
    if wanted and not context.resilient_parsing:
        from c2p_runtime.bundled import listing

        with console.exit_on_error():
            click.echo(listing())
        context.exit()


@click.command(epilog=_EPILOG, context_settings=console.CONTEXT)
@click.argument("clouds", nargs=-1, metavar="CLOUD...")
@engine_option
@device_option
@backend_option
@click.option(
    "--labels",
    metavar="LABELS",
    help="What to choose from: names separated by commas, a text file with one name per line, or a "
    "label-set .json. 1,600 words are known by their CLIP text feature; others need an engine exported with "
    "--text-encoder, or --learn.  [default: all labels of the engine]",
)
@click.option(
    "--learn",
    multiple=True,
    metavar="FOLDER",
    help="Learn things from clouds, a folder each: FOLDER/NAME/CLOUD, or files FOLDER/NAME_1.ply. They join "
    "the labels. Also a file that --save wrote, whose things then join them. May be repeated.",
)
@click.option("--forget", multiple=True, metavar="NAME", help="Drop a label and its clouds. May be repeated.")
@click.option(
    "--save",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="JSON",
    help="Write the labels, with all that was learnt, for --labels and --learn.",
)
@click.option("--list-labels", is_flag=True, help="Print the labels and what is known of each.")
@click.option(
    "--top-k", type=click.IntRange(min=1), default=3, show_default=True, help="Names to give per cloud."
)
@click.option(
    "--up",
    type=click.Choice([*UP_AXES, "auto"]),
    help="The axis of the clouds that points up: z for robots (REP-103) and ModelNet, y for most meshes, "
    "-y for a camera's optical frame; auto, with --scene, finds it.  [default: z; with --scene, auto]",
)
@click.option(
    "--always-answer", is_flag=True, help="Give every cloud a name, also one that looks like none of them."
)
@min_confidence_option
@click.option(
    "--metric",
    is_flag=True,
    help="The clouds are in metres: leave out names that are impossible at their size.",
)
@with_scene_options
@with_recording_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per cloud, or scene.")
@click.option(
    "--save-views",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="PNG",
    help="Draw the depth maps with the answer. With several clouds, one PNG-CLOUD.png for each.",
)
@click.option(
    "--save-depth",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="NPZ",
    help="Write the depth maps, `depth` float32 [V,S,S]. With several clouds, one NPZ-CLOUD.npz for each.",
)
@with_looking_options
@click.option(
    "--columns", type=click.IntRange(3, 64), help="Floats per point of raw .bin clouds, if it cannot be told."
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of sampling meshes and points."
)
@click.option(
    "--list-engines",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=list_engines,
    help="Say which engines come with the package, on what they were trained, how good they are; and stop.",
)
@click.version_option(package_name="c2p-deploy")
def main(
    clouds: tuple[str, ...],
    engine: str | None,
    device: Any,
    backend: str,
    labels: str | None,
    learn: tuple[str, ...],
    forget: tuple[str, ...],
    save: Path | None,
    list_labels: bool,
    top_k: int,
    up: Any,
    always_answer: bool,
    min_confidence: str | None,
    metric: bool,
    scene: bool,
    topic: str | None,
    every: int | None,
    rate: Any,
    as_json: bool,
    save_views: Path | None,
    save_depth: Path | None,
    view: bool,
    save_mcap: Path | None,
    columns: int | None,
    seed: int,
    **scene_options: Any,
) -> None:
    """Say what each CLOUD is: files, directories (searched for clouds), quoted globs, recordings, or - for a
    pipe.

    Prints one line per cloud with the most likely names. Without --engine the bundled model
    answers, which knows 245 everyday things.
    """
    if not (clouds or learn or forget or save or list_labels):
        raise click.UsageError("Missing argument 'CLOUD...'.")
    if (learn or forget) and not (clouds or save or list_labels):
        raise click.UsageError("What was learnt or forgotten would be lost: add --save JSON, or clouds.")
    if (view or save_mcap) and not clouds:
        raise click.UsageError("--view and --save-mcap show clouds, and none is given.")
    check_scene_options(scene, up, scene_options, {"--save-views": save_views, "--save-depth": save_depth})
    # Imported here so that --help does not wait for NumPy and ONNX Runtime.
    with no_garbage():
        from c2p_deploy.io import find_clouds, read_cloud
        from c2p_deploy.io.recognise import is_recording
        from c2p_deploy.io.stream import read_stream
        from c2p_runtime.answers import CloudAnswers, OutputNames, Source, refusal_of
        from c2p_runtime.classifier import Classifier
        from c2p_runtime.teach import changed, listing

    failed = False
    paths: list[Path] = []
    recordings: set[Path] = set()
    with console.exit_on_error():
        for cloud in clouds:
            try:
                found = [Path(cloud)] if is_recording(Path(cloud)) else find_clouds(cloud)
                recordings.update(path for path in found if is_recording(path))
                paths += found
            except Exception as error:
                console.print_error(refusal_of(error, Path(cloud)))
                failed = True
        if paths:
            check_recording_options(
                bool(recordings),
                len(recordings) < len(set(paths)) or bool(learn),
                {"--topic": topic, "--every": every, "--rate": rate},
                {"--columns": columns},
            )
        with no_garbage():
            classifier = Classifier(
                engine,
                labels,
                device,
                backend=backend,
                up="z" if scene else up or "z",
                seed=seed,
                always_answer=always_answer,
                unit="m" if metric and not scene else None,
                min_confidence=confidence_bars(min_confidence),
            )
        if learn or forget or save:
            bars = console.shown() if learn else nullcontext()
            with bars:
                classifier, complete = changed(classifier, learn, forget, save, seed=seed, columns=columns)
            failed |= not complete
        for line in listing(classifier) if list_labels else ():
            console.answer(line)

        outputs = OutputNames(many=len(paths) > 1 or bool(recordings))
        seen = None
        looking: AbstractContextManager[None] = nullcontext()
        if paths and (view or save_mcap):
            from c2p_runtime.robot.view import View

            seen = View(classifier)
            looking = seen.shown(view, save_mcap)
        answers: Callable[[Source, Any, float], list[str]]
        if scene:
            from c2p_runtime.scene.console import scene_answers

            show = None if seen is None else seen.scene
            answers = scene_answers(
                classifier, outputs, up or "auto", top_k, as_json, show=show, **scene_options
            )
        else:
            show_cloud = None if seen is None else seen.cloud
            answers = CloudAnswers(classifier, outputs, top_k, as_json, save_views, save_depth, show_cloud)
        bars = console.shown() if len(paths) > _HANDFUL or recordings else nullcontext()
        with classifier, looking, bars, progress.task("classifying", total=len(paths)) as task:
            for path in paths:
                try:
                    if path in recordings:
                        from c2p_runtime.robot.console import answer_recording

                        failed |= not answer_recording(path, answers, topic, every or 1, rate or "max")
                        lines = []
                    else:
                        started = perf_counter()
                        if str(path) == "-":
                            points = read_stream(sys.stdin.buffer, seed=seed, columns=columns)
                        else:
                            points = read_cloud(path, seed=seed, columns=columns)
                        lines = answers(Source(path), points, 1e3 * (perf_counter() - started))
                except Exception as error:  # the others still run
                    console.print_error(refusal_of(error, path))
                    failed = True
                else:
                    for line in lines:
                        console.answer(line)
                task.advance()
    sys.exit(1 if failed else 0)


@contextmanager
def no_garbage() -> Iterator[None]:
    """Inside, and when the process ends, nothing is searched for garbage.

    What is loaded here stays until the end; looking through it several times, and all of it twice more
    at the end, takes a quarter of the time from start to answer.
    """
    atexit.register(gc.freeze)
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


if __name__ == "__main__":
    console.run(main)
