"""Clouds a second of one process of `c2p-run` and of several, each on a core of its own.

    python benchmarks/processes.py

Files of 2,000 points, all through `c2p-run --json`, shared out among so many processes. The rate is without
the start of everything, which is told beside it: of two numbers of files the larger takes so much longer.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from c2p_deploy import progress
from c2p_deploy.cores import cores
from c2p_deploy.errors import C2PError
from harness.frame import (
    Results,
    benchmark,
    count_option,
    in_rotation,
    seed_option,
    summary,
    timed,
)

_POINTS = 2_000


def write_clouds(folder: Path, count: int, seed: int) -> list[Path]:
    """Stretched balls, a file each."""
    folder.mkdir()
    rng = np.random.default_rng(seed)
    for number in range(count):
        np.save(
            folder / f"{number:05d}.npy",
            (rng.normal(size=(_POINTS, 3)) * rng.uniform(0.2, 1, 3)).astype(np.float32),
        )
    return sorted(folder.iterdir())


def by_command(files: list[Path], processes: int) -> None:
    """All files through so many `c2p-run`, each held to one core. Raises C2PError where one fails."""
    free = sorted(os.sched_getaffinity(0))
    running = []
    for number in range(processes):
        command = [sys.executable, "-m", "c2p_runtime", "--json", *map(str, files[number::processes])]
        hold = partial(os.sched_setaffinity, 0, {free[number]})
        running.append(
            subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, preexec_fn=hold)
        )
    for process in running:
        _, told = process.communicate()
        if process.returncode:
            raise C2PError(told.decode(errors="replace")[-500:])


def rates(
    few: dict[str, list[float]], many: dict[str, list[float]], counts: tuple[int, int]
) -> dict[str, Any]:
    """Clouds a second by way, once all runs: seconds of few and of many files, and how many those are."""
    fewer, more = counts
    return {
        way: {
            "clouds_per_second": summary(
                (more - fewer) / (b - a) for a, b in zip(few[way], many[way], strict=True)
            ),
            "start_s": summary(
                a - fewer * (b - a) / (more - fewer) for a, b in zip(few[way], many[way], strict=True)
            ),
        }
        for way in few
    }


@benchmark(
    "processes",
    count_option("--few", 100, "Files of the shorter run."),
    count_option("--many", 600, "Files of the longer one."),
    count_option("--repeats", 3, "Of each run."),
    seed_option,
    bundled="default",
)
def main(few: int, many: int, repeats: int, seed: int) -> Results:
    """Compare one process with several."""
    numbers = sorted({1, cores()})
    ways: dict[str, Callable[[list[Path]], None]] = {
        f"c2p-run, {number}": partial(by_command, processes=number) for number in numbers
    }
    seconds: dict[int, dict[str, list[float]]] = {count: {way: [] for way in ways} for count in (few, many)}
    with tempfile.TemporaryDirectory() as made, progress.task("naming", repeats * 2 * len(ways)) as task:
        files = write_clouds(Path(made, "clouds"), many, seed)
        for number in range(repeats):
            for way in in_rotation(ways, number):
                for count in (few, many):
                    seconds[count][way].append(timed(partial(ways[way], files[:count]))[1])
                    task.advance()
    return {
        "points": _POINTS,
        "files": [few, many],
        "ways": rates(seconds[few], seconds[many], (few, many)),
    }


if __name__ == "__main__":
    main()
