"""`c2p-bench`: latency, throughput and memory of an engine on this machine, on the command line."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import click

from c2p_deploy import console, progress
from c2p_deploy.errors import C2PError, EngineError, reason_of
from c2p_deploy.start import INTERRUPTED
from c2p_runtime.bench.boards import BOARDS, detect_board
from c2p_runtime.options import backend_option, device_option, engine_option

if TYPE_CHECKING:
    from c2p_runtime.bench.measure import Call
    from c2p_runtime.classifier import Classifier

_SEED = 0  # of the clouds

_EPILOG = """
\b
Examples:
  c2p-bench
  c2p-bench --engine drill.plan --points 100000 --batch 8
  c2p-bench --engine drill.plan --compare drill.onnx --histogram drill.png
  c2p-bench --engine drill.plan --board orin-nx-16 --json > drill.json

Times are of clouds in memory: reading files is not part of them. Ctrl-C prints what was measured
so far. Measure on an idle machine; on a Jetson set the power mode (nvpmodel) and jetson_clocks first.
"""


@click.command(epilog=_EPILOG, context_settings=console.CONTEXT)
@engine_option
@click.option(
    "--compare",
    "other",
    metavar="OTHER",
    help="A second engine: the two take turns, and are compared pair by pair.",
)
@device_option
@backend_option
@click.option(
    "--points",
    type=click.IntRange(8, 10_000_000),
    default=1024,
    show_default=True,
    help="Points of every cloud.",
)
@click.option(
    "--batch", type=click.IntRange(min=1), default=1, show_default=True, help="Clouds per call of the engine."
)
@click.option(
    "--runs", type=click.IntRange(min=1), default=200, show_default=True, help="Calls that are measured."
)
@click.option(
    "--burn-in",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="Calls before, which compile kernels, allocate, and warm the machine.",
)
@click.option(
    "--board",
    type=click.Choice(list(BOARDS)),
    help="Whose peaks are the roofline.  [default: as the GPU says]",
)
@click.option("--json", "as_json", is_flag=True, help="Print everything as one JSON object.")
@click.option(
    "--histogram",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="PNG",
    help="Draw how the time end to end is distributed.",
)
@click.version_option(package_name="c2p-deploy")
def main(
    engine: str | None,
    other: str | None,
    device: Any,
    backend: str,
    points: int,
    batch: int,
    runs: int,
    burn_in: int,
    board: str | None,
    as_json: bool,
    histogram: Path | None,
) -> None:
    """Measure how long a cloud takes on this machine, stage by stage.

    Prints percentiles, throughput, memory, what of the board's peak is reached, and what all that
    was measured on.
    """
    settings = {"points": points, "batch": batch, "runs": runs, "burn_in": burn_in, "seed": _SEED}
    with console.exit_on_error("interrupted: nothing was measured yet"):
        if histogram is not None and not histogram.parent.is_dir():
            raise C2PError("its folder does not exist", "make it first", histogram)
        names = [engine] if other is None else [engine, other]
        with console.shown():
            report = bench(names, device, backend, board, settings)
        if as_json:
            click.echo(json.dumps(report, indent=1))
        else:
            from rich.console import Console

            from c2p_runtime.bench.tables import show

            show(report, Console())
        if histogram is not None:
            draw(report, histogram)
    if report["interrupted"]:
        done = report["engines"][0]["runs"]
        click.echo(f"interrupted: these figures are of {done} of {runs} runs", err=True)
        sys.exit(INTERRUPTED)


def bench(
    names: Sequence[str | None], device: Any, backend: str, board: str | None, settings: Mapping[str, int]
) -> dict[str, Any]:
    """Loads one engine or two, measures them, and gives the report.

    names: of engine files, None is the bundled model. Raises C2PError, and KeyboardInterrupt when it
    comes before the end of the first run; later it only ends the measurement.
    """
    from c2p_deploy.memory import peak_memory
    from c2p_runtime.backends.gpu import find_gpus
    from c2p_runtime.bench.environment import environment
    from c2p_runtime.bench.measure import made_up_batches, take_turns, timed_call
    from c2p_runtime.bench.memory import free_gpu_memory
    from c2p_runtime.bench.report import Engine, report

    gpus = find_gpus()
    machine = environment(gpus)
    free_before = free_gpu_memory() if gpus and device != "cpu" else None
    batches = made_up_batches(settings["points"], settings["batch"], settings["seed"])
    with ExitStack() as stack:
        loaded = [load(name, device, backend, settings) for name in names]
        classifiers = [stack.enter_context(classifier) for classifier, _ in loaded]
        on_gpu = any(classifier.device == "cuda" for classifier in classifiers)
        if board is not None and not on_gpu:
            raise EngineError(
                f"--board {board} is of a GPU, and here the CPU runs the engine", "leave it out"
            )
        if on_gpu and board is None:
            board = detect_board(gpus[0], machine["machine"], machine["power_mode"])
        runs: list[tuple[Call, ...]] = []
        with progress.task("measuring", total=settings["burn_in"] + settings["runs"]) as task:
            first = [timed_call(classifier, batches[0]) for classifier in classifiers]
            task.advance()
            for _ in take_turns(classifiers, batches, settings["burn_in"] - 1):
                task.advance()
            try:
                for calls in take_turns(classifiers, batches, settings["runs"]):
                    runs.append(calls)
                    task.advance()
            except KeyboardInterrupt:
                if not runs:
                    raise
        free_after = free_gpu_memory() if on_gpu else None
        engines = [
            Engine(
                title=title,
                path=classifier.engine,
                manifest=classifier.manifest,
                device=classifier.device,
                backend=classifier.backend,
                load_s=load_s,
                first_call_ms=call.total_ms,
                board=board if classifier.device == "cuda" else None,
            )
            for title, (classifier, load_s), call in zip(titles(names), loaded, first, strict=True)
        ]
    memory = {
        "peak_process_bytes": peak_memory(),
        "gpu_free_before_bytes": free_before if on_gpu else None,
        "gpu_free_after_bytes": free_after,
    }
    return report(engines, runs, environment=machine, settings=settings, memory=memory)


def load(
    name: str | None, device: Any, backend: str, settings: Mapping[str, int]
) -> tuple[Classifier, float]:
    """A classifier, and how many seconds it took to make. Raises C2PError."""
    from c2p_runtime.classifier import MAX_POINTS, Classifier

    started = perf_counter()
    max_points = max(settings["points"], MAX_POINTS)  # no less: memory is measured as users have it
    classifier = Classifier(name, None, device, backend=backend, max_points=max_points)
    elapsed = perf_counter() - started
    profile, batch = classifier.manifest.batch, settings["batch"]
    if not profile.min <= batch <= profile.max:
        classifier.close()
        raise EngineError(
            f"takes {profile.min} to {profile.max} clouds per call, not {batch}",
            "give another --batch, or export with a larger --max-batch",
            classifier.engine,
        )
    return classifier, elapsed


def titles(names: Sequence[str | None]) -> list[str]:
    """What engines are called in the report: their files without the folders, and never two alike."""
    found = ["bundled model" if name is None else Path(name).name for name in names]
    if len(found) == 2 and found[0] == found[1]:
        found[1] += " (2)"
    return found


def draw(report: Mapping[str, Any], path: Path) -> None:
    """Writes the histogram. Raises C2PError when it cannot be written."""
    from c2p_runtime.bench.histogram import save_histogram

    settings = report["settings"]
    subtitle = (
        f"end to end per call, batch {settings['batch']} of {settings['points']:,} points, "
        f"{report['engines'][0]['runs']} runs, {report['environment']['cpu']}"
    )
    times = {engine["engine"]: engine["end_to_end_ms"] for engine in report["engines"]}
    try:
        save_histogram(times, path, subtitle=subtitle)
    except OSError as error:
        raise C2PError(f"cannot write it: {reason_of(error)}", "check the folder", path) from error


if __name__ == "__main__":
    console.run(main)
