"""Ten minutes of a sensor: do memory, counts and ages of a stream hold?

    python benchmarks/stream.py --cloud FILE

A tabletop of some hundred thousand points comes twenty times a second, from a thread of its own as a driver's
callback would, and `Stream` has `SceneClassifier` cut it and name its things. Frames that are overtaken are
dropped. Memory is read every few seconds; ages are from `submit` to the answer, service is the worker's
part of that.
"""

from __future__ import annotations

import threading
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

import numpy as np

from c2p_deploy import progress, read_cloud
from c2p_runtime import Classifier, SceneClassifier, Stream
from c2p_runtime.robot.stream import Result
from c2p_runtime.scene.classifier import Scene
from harness.frame import Results, benchmark, count_option, file_option, resident_memory

_PERCENTILES = (50, 95, 99)


def submit_all(stream: Stream[Any, Any], points: Any, rate: float, seconds: float) -> int:
    """Hands the cloud over at that rate, at the times of a clock and not of the last one; how often."""
    started, sent = perf_counter(), 0
    while (late := perf_counter() - started) < seconds:
        if (wait := sent / rate - late) > 0:
            sleep(wait)
        stream.submit(points)
        sent += 1
    return sent


def run(points: Any, rate: float, seconds: float, every: float) -> dict[str, Any]:
    """One stream over that time: its counts, what was read of memory, and all ages and service times."""
    ages: list[float] = []
    service: list[float] = []
    things: list[int] = []
    readings: list[tuple[float, float]] = []
    sent: list[int] = []

    def keep(result: Result[Any, Scene]) -> None:
        ages.append(result.age_ms)
        service.append(result.latency_ms)
        things.append(-1 if result.value is None else len(result.value.objects))

    with Classifier(device="cpu") as clf, SceneClassifier(clf) as scene_clf:
        scene_clf(points)
        with Stream(scene_clf, on_result=keep) as stream:
            sensor = threading.Thread(target=lambda: sent.append(submit_all(stream, points, rate, seconds)))
            started = perf_counter()
            sensor.start()
            uneven = 0
            while sensor.is_alive():
                sensor.join(every)
                stats = stream.stats
                uneven += stats.received != stats.done + stats.dropped + stats.pending
                readings.append((round(perf_counter() - started, 1), round(resident_memory() / 1e6, 1)))
        stats, backend = stream.stats, clf.backend
    return {
        "backend": backend,
        "sent": sent[0],
        "received": stats.received,
        "done": stats.done,
        "dropped": stats.dropped,
        "failed": stats.failed,
        "uneven_readings": uneven,
        "things": sorted(set(things)),
        "age_ms": _percentiles(ages),
        "service_ms": _percentiles(service),
        "readings": readings,
    }


def _percentiles(values: list[float]) -> dict[str, float]:
    return {f"p{q}": round(float(np.percentile(values, q)), 2) for q in _PERCENTILES}


def memory_of(readings: list[tuple[float, float]]) -> dict[str, float]:
    """The medians of both halves, and the highest, in MB; the first tenth is warming up."""
    steady = np.array(readings)[len(readings) // 10 :]
    half = len(steady) // 2
    return {
        "first_half_mb": round(float(np.median(steady[:half, 1])), 1),
        "second_half_mb": round(float(np.median(steady[half:, 1])), 1),
        "highest_mb": float(steady[:, 1].max()),
        "mb_per_minute": round(float(np.polyfit(steady[:, 0] / 60, steady[:, 1], 1)[0]), 2),
    }


@benchmark(
    "stream",
    file_option("--cloud", "What the sensor sees, in metres.", required=True),
    count_option("--rate", 20, "Clouds a second."),
    count_option("--seconds", 600, "How long.", least=5),
    count_option("--every", 2, "Seconds between two readings."),
    bundled="default",
)
def main(cloud: Path, rate: int, seconds: int, every: int) -> Results:
    """Watch a stream of scenes for a long time."""
    points = np.asarray(read_cloud(cloud), dtype=np.float32)
    with progress.task(f"a sensor of {rate} Hz for {seconds} s"):
        found = run(points, rate, seconds, every)
    about = {"cloud": cloud.name, "points": len(points), "rate": rate, "seconds": seconds}
    return {**about, **found, "memory": memory_of(found["readings"])}


if __name__ == "__main__":
    main()
