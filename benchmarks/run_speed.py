"""What a user of `c2p-run` and `Classifier` waits for, with the bundled model.

    python benchmarks/run_speed.py

Start-up of the command, the stages of one cloud in a warm process, a thousand files through
one command, and the fast projection beside the plain one.
"""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
from common import RESULTS, ROOT, environment, spread, summary, timed, write_results
from rich import box
from rich.console import Console
from rich.table import Table

from c2p_deploy import DepthSpec, ViewSet, prepare_points, project_depth, project_depth_reference, read_cloud
from c2p_deploy.projection.spec import FloatArray
from c2p_runtime import Classifier

_EXAMPLES = ROOT / "examples"
_COMMAND = (sys.executable, "-m", "c2p_runtime.cli")  # what c2p-run stands for, in this Python
_MESH = _EXAMPLES / "clouds" / "airplane.obj"
_CLOUD_SIZES = (1_024, 100_000)
_WARM_UP = 5
_SPECS = (DepthSpec(image_size=112, point_radius=0.03), DepthSpec())  # the bundled model's, the paper's
_FILE_POINTS = (1_000, 100_000)  # of generated point clouds, fewest and most


def start_up(runs: int) -> dict[str, Any]:
    """Seconds from starting the command to its end: `--help`, and the answer for one cloud."""
    arguments = {"help": ["--help"], "one cloud": [os.fspath(_EXAMPLES / "clouds" / "chair.ply")]}
    seconds: dict[str, list[float]] = {name: [] for name in arguments}
    for number in range(runs + 1):
        for name, words in arguments.items():
            _, elapsed = run_command(words)
            if number > 0:  # the first fills the disk cache and compiles
                seconds[name].append(elapsed)
    return {name: summary(values) for name, values in seconds.items()}


def run_command(words: list[str]) -> tuple[subprocess.CompletedProcess[str], float]:
    """Runs c2p-run; what it printed and how many seconds it took. Raises ClickException when it crashes."""
    done, elapsed = timed(lambda: subprocess.run([*_COMMAND, *words], capture_output=True, text=True))
    if done.returncode not in (0, 1) or not done.stdout:  # 1: some clouds could not be read
        raise click.ClickException(f"c2p-run failed: {done.stderr.strip()[-500:]}")
    return done, elapsed


def stages(repeats: int) -> dict[str, Any]:
    """Milliseconds by stage of one cloud after another in a warm process, per cloud size."""
    results = {}
    with Classifier() as classifier:
        classifier.warmup()
        for size in _CLOUD_SIZES:
            cloud = read_cloud(_MESH, mesh_points=size)
            timings = [classifier(cloud).timing_ms for _ in range(_WARM_UP + repeats)]
            results[f"{size} points"] = by_stage(timings[_WARM_UP:])
    return results


def by_stage(timings: list[dict[str, float]]) -> dict[str, Any]:
    """A summary of each stage."""
    return {stage: summary(timing[stage] for timing in timings) for stage in timings[0]}


def many_files(folder: Path) -> dict[str, Any]:
    """All files of a folder through one c2p-run process, and what each stage took."""
    done, elapsed = run_command(["--json", os.fspath(folder)])
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    suffixes = sorted(Path(answer["file"]).suffix.lower() for answer in answers)
    return {
        "files": {suffix: suffixes.count(suffix) for suffix in dict.fromkeys(suffixes)},
        "not_read": len(done.stderr.splitlines()),
        "points": summary(answer["points"] for answer in answers),
        "seconds": round(elapsed, 3),
        "clouds_per_second": round(len(answers) / elapsed, 2),
        "ms": by_stage([answer["timing_ms"] for answer in answers]),
    }


def write_files(folder: Path, count: int, seed: int) -> None:
    """Binary PLY and PCD point clouds, OFF and OBJ meshes: stretched versions of the example things."""
    make = runpy.run_path(os.fspath(_EXAMPLES / "make_clouds.py"))
    things = ("chair", "table", "sofa", "bed", "lamp", "bottle", "mug", "monitor", "bathtub", "airplane")
    formats = ("ply", "pcd", "off", "obj")
    meshes = [make[thing]() for thing in things]
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        mesh = meshes[number % len(meshes)]
        mesh = make["Mesh"](mesh.vertices * rng.uniform(0.8, 1.25, size=3), mesh.triangles)
        suffix = formats[number // len(meshes) % len(formats)]
        if suffix in ("off", "obj"):
            data = make[suffix](mesh)
        else:
            points = int(np.exp(rng.uniform(*np.log(_FILE_POINTS))))
            data = make[f"{suffix}_binary"](make["sample"](mesh, points, rng))
        (folder / f"{number:05d}.{suffix}").write_bytes(data)


def projections(repeats: int) -> dict[str, Any]:
    """Milliseconds of the fast projection and of the plain one, taking turns on one cloud."""
    views = ViewSet.named("clip2point-10")
    return {f"{spec.image_size} px": projection(views, spec, repeats) for spec in _SPECS}


def projection(views: ViewSet, spec: DepthSpec, repeats: int) -> dict[str, Any]:
    """Both projections at one image size, and by how much their depth maps differ at most."""
    points = prepare_points(read_cloud(_MESH), spec)
    ways: dict[str, Callable[..., FloatArray]] = {
        "project_depth": project_depth,
        "project_depth_reference": project_depth_reference,
    }
    fast, plain = (project(points, views, spec) for project in ways.values())  # also the warm-up
    ms: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, project in ways.items():
            _, seconds = timed(partial(project, points, views, spec))
            ms[name].append(1e3 * seconds)
    stats = {name: summary(values) for name, values in ms.items()}
    ratio = stats["project_depth_reference"]["median"] / stats["project_depth"]["median"]
    return {"ms": stats, "ratio": round(ratio, 1), "largest_difference": float(np.abs(fast - plain).max())}


def table_of(results: dict[str, Any]) -> Table:
    """All figures, one line each."""
    table = Table("what", title="c2p-run with the bundled model", box=box.SIMPLE_HEAD)
    table.add_column("median (quartiles)", justify="right", no_wrap=True)
    for name, stats in results["start_up_s"].items():
        table.add_row(f"start to end, {name}", f"{spread(stats)} s")
    for size, timing in results["stages_ms"].items():
        table.add_section()
        for stage, stats in timing.items():
            table.add_row(f"warm, {size}: {stage}", f"{spread(stats)} ms")
    table.add_section()
    files = results["many_files"]
    for stage, stats in files["ms"].items():
        table.add_row(f"many files: {stage}", f"{spread(stats)} ms")
    count = sum(files["files"].values())
    table.add_row(f"{count} files, start included", f"{files['clouds_per_second']:.1f} clouds/s")
    for size, figures in results["projection"].items():
        table.add_section()
        for name, stats in figures["ms"].items():
            table.add_row(f"{size}: {name}", f"{spread(stats)} ms")
        table.add_row(f"{size}: ratio", f"{figures['ratio']:.1f}")
    return table


@click.command()
@click.option(
    "--files",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Classify the clouds of this folder.  [default: generated ones]",
)
@click.option(
    "--count", type=click.IntRange(min=1), default=1000, show_default=True, help="Files to generate."
)
@click.option(
    "--runs", type=click.IntRange(min=1), default=10, show_default=True, help="Starts of the command."
)
@click.option(
    "--repeats", type=click.IntRange(min=1), default=50, show_default=True, help="Of warm measurements."
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of generated files.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=RESULTS / "run_speed.json",
    help="Where the figures go.  [default: benchmarks/results/run_speed.json]",
)
def main(files: Path | None, count: int, runs: int, repeats: int, seed: int, out: Path) -> None:
    """Measure what a user of c2p-run waits for."""
    console = Console()
    machine = environment()
    with Classifier() as classifier:
        results: dict[str, Any] = {"backend": classifier.backend}
    with console.status("starting the command"):
        results["start_up_s"] = start_up(runs)
    with console.status("warm, stage by stage"):
        results["stages_ms"] = stages(repeats)
    with console.status("many files"), tempfile.TemporaryDirectory() as temporary:
        if files is None:
            write_files(Path(temporary), count, seed)
        results["many_files"] = many_files(files or Path(temporary))
    with console.status("projections"):
        results["projection"] = projections(repeats)
    console.print(table_of(results))
    write_results(out, machine, results)
    console.print(f"wrote {out.name}")


if __name__ == "__main__":
    main()
