"""`c2p-run`: clouds in, names out, on the command line."""

from __future__ import annotations

import atexit
import gc
import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import click

from c2p_deploy import console, progress
from c2p_deploy.errors import C2PError, reason_of
from c2p_deploy.projection.spec import UP_AXES
from c2p_runtime.options import backend_option, device_option, engine_option

if TYPE_CHECKING:
    import numpy.typing as npt

    from c2p_runtime.classifier import Classifier
    from c2p_runtime.prediction import Prediction

_log = logging.getLogger("c2p_runtime")
_FLOOR = "seems to stand on a piece of floor, which counts as part of it; cut that off for a better answer"
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
  ssh robot cat scan.pcd | c2p-run -

Clouds: PLY, PCD, OFF, OBJ, STL, GLB/GLTF, XYZ/TXT/CSV, NPY/NPZ, LAS/LAZ and raw float32 .bin.
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
    type=click.Choice(UP_AXES),
    default="z",
    show_default=True,
    help="The axis of the clouds that points up: z for robots (REP-103) and ModelNet, y for most meshes, "
    "-y for a camera's optical frame.",
)
@click.option(
    "--always-answer", is_flag=True, help="Give every cloud a name, also one that looks like none of them."
)
@click.option(
    "--metric",
    is_flag=True,
    help="The clouds are in metres: leave out names that are impossible at their size.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per cloud.")
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
    metric: bool,
    as_json: bool,
    save_views: Path | None,
    save_depth: Path | None,
    columns: int | None,
    seed: int,
) -> None:
    """Say what each CLOUD is: files, directories (searched for clouds), quoted globs, or - for a pipe.

    Prints one line per cloud with the most likely names. Without --engine the bundled model
    answers, which knows about fifty everyday things.
    """
    if not (clouds or learn or forget or save or list_labels):
        raise click.UsageError("Missing argument 'CLOUD...'.")
    if (learn or forget) and not (clouds or save or list_labels):
        raise click.UsageError("What was learnt or forgotten would be lost: add --save JSON, or clouds.")
    # Imported here so that --help does not wait for NumPy and ONNX Runtime.
    with no_garbage():
        from c2p_deploy.io import find_clouds, read_cloud
        from c2p_deploy.io.stream import read_stream
        from c2p_deploy.projection.floor import has_floor
        from c2p_runtime.classifier import Classifier
        from c2p_runtime.teach import changed, listing

    failed = False
    paths: list[Path] = []
    with console.exit_on_error():
        for cloud in clouds:
            try:
                paths += find_clouds(cloud)
            except Exception as error:
                console.print_error(refusal_of(error, Path(cloud)))
                failed = True
        with no_garbage():
            classifier = Classifier(
                engine,
                labels,
                device,
                backend=backend,
                up=up,
                seed=seed,
                always_answer=always_answer,
                unit="m" if metric else None,
            )
        if learn or forget or save:
            bars = console.shown() if learn else nullcontext()
            with bars:
                classifier, complete = changed(classifier, learn, forget, save, seed=seed, columns=columns)
            failed |= not complete
        for line in listing(classifier) if list_labels else ():
            console.answer(line)

        outputs = OutputNames(many=len(paths) > 1)
        bars = console.shown() if len(paths) > _HANDFUL else nullcontext()
        with classifier, bars, progress.task("classifying", total=len(paths)) as task:
            for path in paths:
                try:
                    started = perf_counter()
                    if str(path) == "-":
                        points = read_stream(sys.stdin.buffer, seed=seed, columns=columns)
                    else:
                        points = read_cloud(path, seed=seed, columns=columns)
                    read_ms = 1e3 * (perf_counter() - started)
                    prediction = classifier(points)
                    save_extras(classifier, points, prediction, path, save_views, save_depth, outputs)
                    if as_json:
                        record = describe(path, len(points), prediction, read_ms, classifier, top_k)
                        line = json.dumps(record)  # ASCII, also of names that are no text
                    else:
                        line = answer_line(path, prediction, top_k)
                    if has_floor(points, up):
                        _log.warning("%s: %s", path, _FLOOR)
                except Exception as error:  # the others still run
                    console.print_error(refusal_of(error, path))
                    failed = True
                else:
                    console.answer(line)
                task.advance()
    sys.exit(1 if failed else 0)


def refusal_of(error: Exception, cloud: Path) -> C2PError:
    """What to tell of a cloud that ended with this error, ours or any. Raises what Ctrl-C began."""
    if console.began_with_interrupt(error):
        raise error
    if isinstance(error, C2PError):
        return error.at(cloud)
    if isinstance(error, OSError):
        return C2PError(reason_of(error), "check the path, its permissions and the free space", cloud)
    said = f": {reason_of(error)}" if str(error).strip() else ""
    problem = f"cannot be classified ({type(error).__name__}{said})"
    if isinstance(error, MemoryError):
        return C2PError(problem, "give it more memory, or fewer points", cloud)
    return C2PError(problem, "please report this", cloud)


class OutputNames:
    """Where --save-views and --save-depth write: one file, or one per cloud that never clash."""

    def __init__(self, many: bool) -> None:
        self.many = many
        self._taken: set[Path] = set()

    def for_cloud(self, wanted: Path, cloud: Path) -> Path:
        """`wanted` itself, or with several clouds `wanted` with the cloud's name in it."""
        if not self.many:
            return wanted
        candidate, number = wanted.with_name(f"{wanted.stem}-{cloud.stem}{wanted.suffix}"), 2
        while candidate in self._taken:
            candidate = wanted.with_name(f"{wanted.stem}-{cloud.stem}-{number}{wanted.suffix}")
            number += 1
        self._taken.add(candidate)
        return candidate


def save_extras(
    classifier: Classifier,
    points: npt.NDArray[Any],
    prediction: Prediction,
    cloud: Path,
    save_views: Path | None,
    save_depth: Path | None,
    outputs: OutputNames,
) -> None:
    """Writes the picture and the depth maps if they are wanted. Raises C2PError where that fails."""
    if save_views is None and save_depth is None:
        return
    depth = classifier.depth_maps(points)
    if save_views is not None:
        from c2p_runtime.picture import save_views as draw

        with writing(save_views):
            draw(depth, prediction, outputs.for_cloud(save_views, cloud), title=cloud.name, up=classifier.up)
    if save_depth is not None:
        import numpy as np

        from c2p_deploy.files import atomic_path

        target = outputs.for_cloud(save_depth, cloud)
        with writing(save_depth), atomic_path(target) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, depth=depth)


@contextmanager
def writing(wanted: Path) -> Iterator[None]:
    """Inside, an OSError becomes a C2PError that says what could not be written."""
    try:
        yield
    except OSError as error:
        problem = f"cannot write {wanted}: {reason_of(error)}"
        raise C2PError(problem, "check the folder and its free space") from error


def describe(
    path: Path, points: int, prediction: Prediction, read_ms: float, classifier: Classifier, top_k: int
) -> dict[str, Any]:
    """The JSON object of one cloud."""
    timing = {"read": read_ms, **prediction.timing_ms}
    timing["total"] += read_ms
    cosines = dict(zip(prediction.labels, prediction.cosines.tolist(), strict=True))
    return {
        "file": str(path),
        "label": prediction.label,
        "guess": prediction.guess,
        "confidence": round(prediction.confidence, 6),
        "reason": prediction.reason,
        "score": round(prediction.score, 6),
        "cosine": round(prediction.cosine, 6),
        "top": [
            {"label": label, "score": round(score, 6), "cosine": round(cosines[label], 6)}
            for label, score in prediction.top(top_k)
        ],
        "points": points,
        "strays": prediction.strays,
        "timing_ms": {stage: round(ms, 3) for stage, ms in timing.items()},
        "engine": str(classifier.engine),
        "backend": classifier.backend,
    }


def answer_line(path: Path, prediction: Prediction, top_k: int) -> str:
    """The line of one cloud: file, name, how sure that is, and the scores of the runners-up."""
    if prediction.label is None:
        return f"{path}: unknown ({prediction.guess}?), {prediction.reason}"
    others = prediction.top(top_k)[1:]
    line = f"{path}: {prediction.label} {100 * prediction.confidence:.1f} %"
    if others:
        line += f"  ({', '.join(f'{label} {100 * score:.1f} %' for label, score in others)})"
    return line


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
