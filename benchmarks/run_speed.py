"""What a user of `c2p-run` and `Classifier` waits for, with the bundled model.

    python benchmarks/run_speed.py

Start-up of the command, the stages of one cloud in a warm process, and a thousand files through one
command.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from c2p_deploy import progress, read_cloud
from c2p_runtime import Classifier
from harness.engines_here import run_module
from harness.frame import (
    EXAMPLES,
    Results,
    benchmark,
    by_stage,
    count_option,
    folder_option,
    seed_option,
    summary,
    timed,
)

_COMMAND = "c2p_runtime.cli"  # what c2p-run stands for, in this Python
_MESH = EXAMPLES / "clouds" / "airplane.obj"
_CLOUD_SIZES = (1_024, 100_000)
_WARM_UP = 5
_FILE_POINTS = (1_000, 100_000)  # of generated point clouds, fewest and most


def start_up(runs: int) -> dict[str, Any]:
    """Seconds from starting the command to its end: `--help`, and the answer for one cloud."""
    arguments = {"help": "--help", "one cloud": EXAMPLES / "clouds" / "chair.ply"}
    seconds: dict[str, list[float]] = {name: [] for name in arguments}
    for number in range(runs + 1):
        for name, word in arguments.items():
            _, elapsed = timed(partial(run_module, _COMMAND, word))
            if number > 0:  # the first fills the disk cache and compiles
                seconds[name].append(elapsed)
    return {name: summary(values) for name, values in seconds.items()}


def stages(classifier: Classifier, repeats: int) -> dict[str, Any]:
    """Milliseconds by stage of one cloud after another in a warm process, per cloud size."""
    results = {}
    for size in _CLOUD_SIZES:
        cloud = read_cloud(_MESH, mesh_points=size)
        timings = [classifier(cloud).timing_ms for _ in range(_WARM_UP + repeats)]
        results[f"{size} points"] = by_stage(timings[_WARM_UP:])
    return results


def many_files(files: Path) -> dict[str, Any]:
    """All files of a folder through one c2p-run process, and what each stage took."""
    some_unread = (0, 1)
    done, elapsed = timed(lambda: run_module(_COMMAND, "--json", files, succeeds=some_unread))
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


def write_files(files: Path, count: int, seed: int) -> None:
    """Binary PLY and PCD point clouds, OFF and OBJ meshes: stretched versions of the example things."""
    sys.path.append(os.fspath(EXAMPLES))  # as for a script that is run
    make = runpy.run_path(os.fspath(EXAMPLES / "make_clouds.py"))
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
        (files / f"{number:05d}.{suffix}").write_bytes(data)


@benchmark(
    "run_speed",
    folder_option("--files", "Classify the clouds in it.  [default: generated ones]", required=False),
    count_option("--count", 1000, "Files to generate."),
    count_option("--runs", 10, "Starts of the command."),
    count_option("--repeats", 50, "Of warm measurements."),
    seed_option,
    bundled="default",
)
def main(files: Path | None, count: int, runs: int, repeats: int, seed: int) -> Results:
    """Measure what a user of c2p-run waits for."""
    results: Results = {}
    with Classifier() as classifier, progress.task("warm, stage by stage"):
        results["backend"] = classifier.backend
        classifier.warmup()
        results["stages_ms"] = stages(classifier, repeats)
    with progress.task("starting the command"):
        results["start_up_s"] = start_up(runs)
    with progress.task("many files"), tempfile.TemporaryDirectory() as made:
        if files is None:
            write_files(Path(made), count, seed)
        results["many_files"] = many_files(files or Path(made))
    return results


if __name__ == "__main__":
    main()
