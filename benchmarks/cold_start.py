"""From the start of the process to the first answer, stage by stage, with either backend of the CPU.

    python benchmarks/cold_start.py

Every start is a fresh process (`one_start.py`) that tells when each stage ended; the starts of all cases
take turns. The bundled model, also with nothing in Numba's cache, and two paths of ViT-B/32 in float32
and float16 (random weights: cost does not depend on them). The files are in the disk cache. Also the
command `c2p-run` from outside, and whether the floor holds.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from time import monotonic
from typing import Any

import click
from batch import export_vit_b_32
from common import RESULTS, ROOT, environment, floor_line, floor_of, summary, write_results
from rich import box
from rich.console import Console
from rich.table import Table
from run_speed import run_command

from c2p_runtime.classifier import DEFAULT_ENGINE

_PROGRAM = Path(__file__).with_name("one_start.py")
_CLOUD = ROOT / "examples" / "clouds" / "chair.ply"
_FLOOR_S = 1.5  # from the start of c2p-run with the bundled model to its end
_PRECISIONS = ("fp32", "fp16")


@dataclass(frozen=True)
class Case:
    """What is started. empty_cache: each start finds a cache of Numba's without a kernel."""

    model: str
    engine: Path
    backend: str
    empty_cache: bool = False

    @property
    def way(self) -> str:
        """What tells it from the other cases of the model."""
        return f"{self.backend}, no cache" if self.empty_cache else self.backend


@dataclass(frozen=True)
class Start:
    """One start. stages_s: seconds of each stage, in order, from the start of the process to its end."""

    stages_s: dict[str, float]
    first_answer_s: float
    whole_s: float
    told: dict[str, Any]  # what the program said about the answers


def start(case: Case) -> Start:
    """Starts the program once. Raises ClickException when it fails."""
    if case.empty_cache:
        with tempfile.TemporaryDirectory() as cache:
            return start_with(case, {"NUMBA_CACHE_DIR": cache})
    return start_with(case, {})


def start_with(case: Case, variables: dict[str, str]) -> Start:
    """Starts the program with these environment variables added. Raises ClickException when it fails."""
    command = [sys.executable, *map(os.fspath, (_PROGRAM, case.engine, _CLOUD)), case.backend]
    began = monotonic()
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **variables})
    ended = monotonic()
    if done.returncode:
        raise click.ClickException(f"{case.model}, {case.way}: {done.stderr.strip()[-500:]}")
    told = json.loads(done.stdout)
    stages, before = {}, began
    for stage, mark in [*told.pop("marks"), ("exit", ended)]:
        stages[stage], before = mark - before, mark
    first_answer = sum(stages.values()) - stages["second call"] - stages["exit"]
    return Start(stages, first_answer, ended - began, told)


def in_turn(
    cases: Sequence[Case], backends: Sequence[str], repeats: int
) -> tuple[dict[Case, list[Start]], dict[str, list[float]]]:
    """The starts by case, and the seconds of c2p-run by backend; the first of each is not counted.

    That one fills the disk cache, and Numba's.
    """
    starts: dict[Case, list[Start]] = {case: [] for case in cases}
    command_s: dict[str, list[float]] = {backend: [] for backend in backends}
    for number in range(repeats + 1):
        for case in cases:
            found = start(case)
            if number > 0:
                starts[case].append(found)
        for backend in backends:
            _, seconds = run_command(["--backend", backend, os.fspath(_CLOUD)])
            if number > 0:
                command_s[backend].append(seconds)
    return starts, command_s


def figures_of(case: Case, starts: Sequence[Start]) -> dict[str, Any]:
    """What the starts of a case come to."""
    told = starts[0].told
    return {
        "backend": told["backend"],
        "precision": told["precision"],
        "engine_mb": round(case.engine.stat().st_size / 1e6, 1),
        "empty_kernel_cache": case.empty_cache,
        "points": told["points"],
        "stages_s": {
            stage: summary(start.stages_s[stage] for start in starts) for stage in starts[0].stages_s
        },
        "first_answer_s": summary(start.first_answer_s for start in starts),
        "whole_s": summary(start.whole_s for start in starts),  # the second call included
        **{
            call: {stage: summary(start.told[call][stage] for start in starts) for stage in told[call]}
            for call in ("first_call_ms", "second_call_ms")
        },
    }


def cases_of(backends: Sequence[str], vit_b_32: dict[str, Path]) -> list[Case]:
    """Everything that is started. vit_b_32: its engines by precision."""
    bundled = [Case("bundled model", DEFAULT_ENGINE, backend) for backend in backends]
    return [
        *bundled,
        replace(bundled[0], empty_cache=True),
        *(
            Case(f"ViT-B/32 twice, {precision}, random weights", engine, backend)
            for precision, engine in vit_b_32.items()
            for backend in backends
        ),
    ]


def table_of(model: str, ways: dict[str, Any]) -> Table:
    """A column per way, a line per stage."""
    table = Table(title=model, box=box.SIMPLE_HEAD)
    table.add_column("seconds, median", no_wrap=True)
    for way in ways:
        table.add_column(way, justify="right", no_wrap=True)
    for stage in next(iter(ways.values()))["stages_s"]:
        table.add_row(stage, *(f"{figures['stages_s'][stage]['median']:.3f}" for figures in ways.values()))
    table.add_section()
    table.add_row(
        "to the first answer", *(f"{figures['first_answer_s']['median']:.3f}" for figures in ways.values())
    )
    return table


@click.command()
@click.option(
    "--repeats", type=click.IntRange(min=1), default=8, show_default=True, help="Starts of each case."
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=RESULTS / "cold_start.json",
    help="Where the figures go.  [default: benchmarks/results/cold_start.json]",
)
def main(repeats: int, out: Path) -> None:
    """Time starts, stage by stage."""
    console = Console()
    machine = {**environment(), **{name: version(name) for name in ("torch", "open_clip_torch", "onnx")}}
    backends = ["onnxruntime", "openvino"] if find_spec("openvino") else ["onnxruntime"]
    with tempfile.TemporaryDirectory() as folder:
        with console.status("exporting ViT-B/32"):
            vit_b_32 = export_vit_b_32(Path(folder), _PRECISIONS, max_batch=1)
        cases = cases_of(backends, vit_b_32)
        with console.status("starting"):
            starts, command_s = in_turn(cases, backends, repeats)
        results: dict[str, dict[str, Any]] = {case.model: {} for case in cases}
        for case, found in starts.items():
            results[case.model][case.way] = figures_of(case, found)
    commands = {backend: summary(seconds) for backend, seconds in command_s.items()}
    floors = {
        f"c2p-run --backend {backend} {_CLOUD.name}, s": floor_of(_FLOOR_S, seconds["median"])
        for backend, seconds in commands.items()
    }
    for model, ways in results.items():
        console.print(table_of(model, ways))
    for name, floor in floors.items():
        console.print(floor_line(name, floor, 2), highlight=False)
    figures = {"cloud": _CLOUD.name, "starts": results, "command_s": commands, "floors": floors}
    write_results(out, machine, figures)
    console.print(f"wrote {out.name}")


if __name__ == "__main__":
    main()
