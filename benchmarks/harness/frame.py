"""What every benchmark shares: its command, its options, whose turn it is, statistics, and the results.

A script declares `@benchmark("NAME", option, ...)` over a function that measures and returns what goes
into results/NAME.json. The frame notes the environment beforehand, writes the file, and prints the
tables that the documentation shows of it (`report.blocks`).
"""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timezone
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import Any

import click
import numpy as np
import onnxruntime

from c2p_deploy import progress
from c2p_deploy.console import CONTEXT, exit_on_error, shown
from c2p_deploy.cores import cores
from c2p_deploy.files import sha256_of, write_atomic
from c2p_runtime.bench.environment import command, cpu_model
from c2p_runtime.bench.measure import wait_until_quiet
from c2p_runtime.bundled import engine_path
from report.blocks import BLOCKS
from report.documents import RESULTS, ROOT

EXAMPLES = ROOT / "examples"
_MEASURED = ("c2p-deploy", "numpy", "llvmlite")

Results = dict[str, Any]
Option = Callable[[Any], Any]
Way = Callable[[], Mapping[str, float]]  # one run: milliseconds by stage


# --- the command and its options ----------------------------------------------------------


def benchmark(
    name: str, *options: Option, packages: Sequence[str] = (), bundled: str | None = None
) -> Callable[[Callable[..., Results]], click.Command]:
    """Makes a command of a function that measures: its options in, contents of results/NAME.json out.

    packages: whose versions matter besides those of every benchmark. bundled: the name of the
    bundled engine that takes part. The function may return an entry "environment" with what only it knows.
    """

    def decorate(measure: Callable[..., Results]) -> click.Command:
        def main(out: Path, **chosen: Any) -> None:
            with exit_on_error():
                about = environment(packages, bundled)
                with shown():
                    results = measure(**chosen)
                about |= results.pop("environment", {})
                out.parent.mkdir(parents=True, exist_ok=True)
                whole = {"environment": about, **results}
                write_atomic(out, (json.dumps(whole, indent=1) + "\n").encode())
            for block in BLOCKS.values():
                if block.sources[0] == name:
                    click.echo(f"{block.text(whole)}\n")
            click.echo(f"wrote {out.name}")

        main.__doc__ = measure.__doc__
        made = click.command(name, context_settings=CONTEXT)(main)
        default = f"[default: benchmarks/results/{name}.json]"
        options_of_all = click.option(
            "--out",
            type=click.Path(dir_okay=False, path_type=Path),
            default=RESULTS / f"{name}.json",
            help=f"Where the figures go.  {default}",
        )
        for option in (*options, options_of_all):
            made = option(made)
        return made

    return decorate


def count_option(name: str, default: int | None, help: str, least: int = 1) -> Option:
    """An option that is a whole number."""
    return click.option(
        name, type=click.IntRange(min=least), default=default, show_default=default is not None, help=help
    )


def folder_option(name: str, help: str, required: bool = True) -> Option:
    """An option that is a folder of data."""
    kind = click.Path(exists=True, file_okay=False, path_type=Path)
    return click.option(name, type=kind, required=required, help=help)


def file_option(name: str, help: str, **settings: Any) -> Option:
    """An option that is a file."""
    kind = click.Path(exists=True, dir_okay=False, path_type=Path)
    return click.option(name, type=kind, help=help, **settings)


seed_option = count_option("--seed", 0, "Of everything made up or drawn.", least=0)


def keep_to(threads: int) -> None:
    """This process may use so many cores only; before any pool of threads is made."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


# --- measuring ----------------------------------------------------------------------------


def timed(function: Callable[[], Any]) -> tuple[Any, float]:
    """What the function returns, and in how many seconds."""
    started = perf_counter()
    result = function()
    return result, perf_counter() - started


def resident_memory() -> int:
    """Bytes of memory that this process holds now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def in_rotation(names: Iterable[Any], number: int) -> list[Any]:
    """The names in round `number`: each begins a round as often as the others."""
    names = list(names)
    first = number % len(names)
    return names[first:] + names[:first]


def in_turn(
    ways: Mapping[str, Way],
    rounds: Iterable[int],
    rest: Callable[[], None] = wait_until_quiet,
    untimed: bool = True,
) -> dict[str, dict[str, list[float]]]:
    """Milliseconds by way and stage; each way begins a round as often as the others.

    rounds: their numbers. Before each turn comes `rest` and, with `untimed`, a run that does not count,
    as in `c2p_runtime.bench.measure.take_turns`.
    """
    ms: dict[str, dict[str, list[float]]] = {name: {} for name in ways}
    for number in rounds:
        for name in in_rotation(ways, number):
            rest()
            if untimed:
                ways[name]()
            for stage, value in ways[name]().items():
                ms[name].setdefault(stage, []).append(value)
    return ms


def summary(values: Iterable[float]) -> dict[str, float]:
    """Median, quartiles and extremes."""
    values = np.fromiter(values, dtype=np.float64)
    low, median, high = np.percentile(values, (25, 50, 75))
    return {
        "median": round(float(median), 4),
        "q1": round(float(low), 4),
        "q3": round(float(high), 4),
        "min": round(float(values.min()), 4),
        "max": round(float(values.max()), 4),
        "n": len(values),
    }


def by_stage(timings: Sequence[Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """A summary of each stage of several runs."""
    return {stage: summary(timing[stage] for timing in timings) for stage in timings[0]}


def summaries(ms: Mapping[str, Mapping[str, Sequence[float]]]) -> dict[str, dict[str, dict[str, float]]]:
    """What `in_turn` measured, summed up."""
    return {name: {stage: summary(values) for stage, values in ms[name].items()} for name in ms}


def floor_of(limit: float, median: float) -> dict[str, Any]:
    """What was promised, what was measured, and whether it holds."""
    return {"limit": limit, "median": median, "holds": bool(median <= limit)}


# --- the results --------------------------------------------------------------------------


def environment(packages: Sequence[str], bundled: str | None) -> dict[str, Any]:
    """What the figures depend on. To be taken before measuring: it holds the load found there."""
    return {
        "cpu": cpu_model(),
        "cores": cores(),
        "load_before": round(os.getloadavg()[0], 2),  # of other programs: should be near 0
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{name: version(name) for name in (*_MEASURED, *packages)},
        "onnxruntime": onnxruntime.__version__,
        **({"openvino": version("openvino")} if find_spec("openvino") else {}),
        **({"engine_sha256": sha256_of(engine_path(bundled))} if bundled else {}),
        "command": command(f"python benchmarks/{Path(sys.argv[0]).name}"),
        "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }


def leave_out(left_out: dict[str, str], name: str, why: str) -> None:
    """Notes that a way cannot be measured here, and tells who waits."""
    left_out[name] = why
    progress.say(f"left out, {name}: {why}")
