"""Does a process that classifies for a long time from many threads hold ever more memory?

    python benchmarks/memory_over_time.py

Eight threads share one classifier of the bundled model and hand it batches of 1 to 8 clouds of 100 to
20,000 points without a pause; each backend of the CPU in a process of its own, one after the other. Resident
memory is read every `--every` seconds. Buffers grow until every thread has met every size of batch, which it
does once in eight calls, and until all have been inside the engine with the largest batch at once, which they
begin with; what counts is what comes after the first rounds.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from importlib.util import find_spec
from time import monotonic, sleep
from typing import Any

import numpy as np

from c2p_deploy import progress
from c2p_deploy.errors import C2PError
from c2p_runtime import Classifier
from c2p_runtime.classifier import DEFAULT_ENGINE
from harness.engines_here import CPU_BACKENDS
from harness.frame import Results, benchmark, count_option, leave_out, resident_memory, seed_option

_LARGEST_BATCH = 8
_POINTS = (100, 20_000)
_ROUNDS = 3  # of all sizes of batch, by every thread, before memory is expected to stay


def run_threads(backend: str, threads: int, seconds: float, every: float, seed: int) -> dict[str, Any]:
    """Keeps the threads busy in this process.

    Returns the number of calls, and at each reading [seconds, MB, fewest calls of a thread].
    """
    calls, samples = [0] * threads, []
    started = monotonic()
    together = threading.Barrier(threads)
    with Classifier(DEFAULT_ENGINE, device="cpu", backend=backend) as classifier:

        def work(number: int) -> None:
            rng = np.random.default_rng([seed, number])
            largest = [rng.normal(size=(_POINTS[1], 3))] * _LARGEST_BATCH
            for _ in range(3):
                together.wait()
                classifier.batch(largest)
                calls[number] += 1
            while True:
                for batch in rng.permutation(_LARGEST_BATCH) + 1:
                    if monotonic() > started + seconds:
                        return
                    sizes = rng.integers(*_POINTS, size=batch)
                    classifier.batch([rng.normal(size=(size, 3)) for size in sizes])
                    calls[number] += 1

        workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
        for worker in workers:
            worker.start()
        while monotonic() < started + seconds:
            sleep(every)
            passed = round(monotonic() - started, 1)
            samples.append([passed, round(resident_memory() / 1e6, 1), min(calls)])
        for worker in workers:
            worker.join()
    return {"calls": sum(calls), "samples": samples}


def figures_of(found: dict[str, Any]) -> dict[str, Any]:
    """What the readings come to: the highest, and how memory moves once everything has been met.

    Raises C2PError where the time was too short for that.
    """
    steady = np.array([sample for sample in found["samples"] if sample[2] >= _ROUNDS * _LARGEST_BATCH])
    if len(steady) < 4:
        raise C2PError("too few calls to see how memory moves", "give it more --seconds")
    half = len(steady) // 2
    slope = np.polyfit(steady[:, 0] / 60, steady[:, 1], 1)[0]
    return {
        "calls": found["calls"],
        "steady_from_s": float(steady[0, 0]),
        "highest_mb": max(sample[1] for sample in found["samples"]),
        "first_half_mb": round(float(np.median(steady[:half, 1])), 1),  # of the steady part
        "second_half_mb": round(float(np.median(steady[half:, 1])), 1),
        "mb_per_minute": round(float(slope), 2),
        "readings": found["samples"],
    }


@benchmark(
    "memory_over_time",
    count_option("--seconds", 600, "For each backend.", least=10),
    count_option("--every", 5, "Seconds between two readings."),
    count_option("--threads", 8, "That classify at the same time."),
    seed_option,
    bundled="default",
)
def main(seconds: int, every: int, threads: int, seed: int) -> Results:
    """Watch the memory of a process that classifies from many threads."""
    left_out: dict[str, str] = {}
    backends: dict[str, Any] = {}
    for backend in CPU_BACKENDS:
        if find_spec(backend) is None:
            leave_out(left_out, backend, "not installed")
            continue
        line = [sys.executable, __file__, "--worker", *map(str, (backend, threads, seconds, every, seed))]
        with progress.task(backend):
            done = subprocess.run(line, capture_output=True, text=True)
        if done.returncode:
            raise C2PError(f"{backend}: {done.stderr.strip()[-500:]}")
        backends[backend] = figures_of(json.loads(done.stdout))
    about = {"threads": threads, "seconds": seconds, "largest_batch": _LARGEST_BATCH, "points": _POINTS}
    return {**about, "backends": backends, "left_out": left_out}


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:  # one backend: the process whose memory is read
        backend, *numbers = sys.argv[2:]
        print(json.dumps(run_threads(backend, *map(int, numbers))))
    else:
        main()
