"""Timing calls: the clouds, whose turn it is, and the statistics of what was measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter, process_time, sleep
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from c2p_deploy.projection.spec import FloatArray
from c2p_runtime.prediction import Prediction

_POOL = 8  # batches of clouds that calls go through in turn, so that none is measured on one lucky cloud
_BOXES = 6  # of which a cloud consists
_GLANCE, _PATIENCE = 0.005, 1.0  # seconds: between two looks at the processor time used, and at most
_IDLE = 0.2  # of one core; less is taken for quiet
PERCENTILES = {"p50": 50, "p90": 90, "p99": 99, "max": 100}


class Subject(Protocol):
    """What is measured: a `Classifier`."""

    device: Any

    def batch(self, clouds: Sequence[npt.ArrayLike]) -> list[Prediction]:
        """Predictions for clouds [N, 3]."""


@dataclass(frozen=True)
class Call:
    """One call of a batch. Stages are of all its clouds together and do not quite add up to the total."""

    total_ms: float  # what the caller waited
    stages_ms: Mapping[str, float]


@dataclass(frozen=True)
class Comparison:
    """How two engines did in pairs of calls on the same clouds, one right after the other.

    Ratios are the second engine's time divided by the first's: above 1 the first is faster.
    """

    pairs: int
    median: float
    q1: float
    q3: float
    first_faster: int  # pairs
    second_faster: int  # pairs; what is left over was equal


def made_up_batches(points: int, batch: int, seed: int) -> list[list[FloatArray]]:
    """Batches of clouds [points, 3] on the faces of boxes, as furniture has them; the same for a seed."""
    return [
        [made_up_cloud(points, np.random.default_rng([seed, number, index])) for index in range(batch)]
        for number in range(_POOL)
    ]


def made_up_cloud(points: int, rng: np.random.Generator) -> FloatArray:
    """float32 [points, 3] on the faces of a handful of boxes about one unit wide together."""
    centres, sizes = rng.uniform(-0.5, 0.5, (_BOXES, 3)), rng.uniform(0.05, 0.4, (_BOXES, 3))
    on_face = rng.uniform(-1, 1, (points, 3))
    axis = rng.integers(3, size=points)
    on_face[np.arange(points), axis] = rng.choice((-1.0, 1.0), points)
    box = rng.integers(_BOXES, size=points)
    return (centres[box] + on_face * sizes[box]).astype(np.float32)


def timed_call(
    subject: Subject, clouds: Sequence[FloatArray], clock: Callable[[], float] = perf_counter
) -> Call:
    """Runs one batch. clock: seconds."""
    started = clock()
    predictions = subject.batch(clouds)
    total_ms = 1e3 * (clock() - started)
    stages = {
        stage: sum(prediction.timing_ms[stage] for prediction in predictions)
        for stage in predictions[0].timing_ms
        if stage != "total"  # of the stages only; ours is what the caller waited
    }
    if subject.device == "cuda":  # one launch: what `Prediction.timing_ms` says of a GPU
        stages = {"copy in": stages["prepare"], "device": stages["encode"]}
    return Call(total_ms, stages)


def take_turns(
    subjects: Sequence[Subject],
    batches: Sequence[Sequence[FloatArray]],
    runs: int,
    clock: Callable[[], float] = perf_counter,
    rest: Callable[[], None] | None = None,
) -> Iterator[tuple[Call, ...]]:
    """One timed call of every subject per run, on the same clouds; who goes first alternates.

    So what changes while measuring (heat, clocks, other programs) meets all of them alike. With
    several subjects each one's turn is a rest, by default `wait_until_quiet`, then a call that is not
    timed, then the timed one: it is measured as if it were alone. A single one runs back to back.
    """
    rest = rest or wait_until_quiet
    for run in range(runs):
        calls: dict[int, Call] = {}
        order = range(len(subjects))
        for i in order if run % 2 == 0 else reversed(order):
            if len(subjects) > 1:
                rest()
                subjects[i].batch(batches[(run + 1) % len(batches)])
            calls[i] = timed_call(subjects[i], batches[run % len(batches)], clock)
        yield tuple(calls[i] for i in order)


def wait_until_quiet() -> None:
    """Returns when no thread of this process computes any more, or after a second.

    Threads of a library may go on spinning after a call, waiting for the next one; on two cores that
    makes another engine's call twice as long.
    """
    deadline = perf_counter() + _PATIENCE
    used = _GLANCE
    while used > _IDLE * _GLANCE and perf_counter() < deadline:
        before = process_time()
        sleep(_GLANCE)
        used = process_time() - before


def compare(first_ms: Sequence[float], second_ms: Sequence[float]) -> Comparison:
    """The calls of two engines, pair by pair. Both have the same length, at least 1."""
    first, second = np.asarray(first_ms), np.asarray(second_ms)
    q1, median, q3 = np.percentile(second / first, (25, 50, 75))
    return Comparison(
        len(first),
        float(median),
        float(q1),
        float(q3),
        int((first < second).sum()),
        int((second < first).sum()),
    )


def statistics(values: Sequence[float]) -> dict[str, float]:
    """Mean, percentiles (interpolated between neighbours) and largest of at least one value."""
    found = np.percentile(values, list(PERCENTILES.values()))
    return {
        "mean": float(np.mean(values)),
        **{name: float(value) for name, value in zip(PERCENTILES, found, strict=True)},
    }


def by_stage(calls: Sequence[Call]) -> dict[str, dict[str, float]]:
    """The statistics of each stage and "end to end", milliseconds per call."""
    stages = {stage: [call.stages_ms[stage] for call in calls] for stage in calls[0].stages_ms}
    return {
        stage: statistics(values)
        for stage, values in {**stages, "end to end": [call.total_ms for call in calls]}.items()
    }
