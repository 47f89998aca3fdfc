"""Timing calls, with clocks and classifiers whose times are known. No real time is asserted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from c2p_runtime.bench import measure
from c2p_runtime.prediction import Prediction, timing


class Clock:
    """Stands still but for what the fakes below take."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Fake:
    """A classifier whose calls take the milliseconds it is given, one after the other, by the clock."""

    def __init__(
        self, name: str, times_ms: Sequence[float], clock: Clock, log: list[Any], device: str = "cpu"
    ) -> None:
        self.name, self.clock, self.log, self.device = name, clock, log, device
        self._times = iter(times_ms)

    def batch(self, clouds: Sequence[npt.ArrayLike]) -> list[Prediction]:
        self.log.append((self.name, clouds))
        self.clock.now += next(self._times) / 1e3
        stages = timing(1.0, 2.0, 3.0, 4.0)
        one = np.ones(1, np.float32)
        return [Prediction(("a",), one, one, stages, one[None]) for _ in clouds]


BATCHES: Any = ["b0", "b1", "b2"]  # strings stand for lists of clouds: "b0" has two


def rested(log: list[Any]) -> Any:
    return lambda: log.append("rest")


def test_two_take_turns_and_the_first_changes() -> None:
    clock, log = Clock(), []
    # Every turn is an untimed call, here of 100 ms and more, and a timed one.
    a = Fake("A", [100, 1, 200, 2, 300, 3, 400, 4], clock, log)
    b = Fake("B", [100, 10, 200, 20, 300, 30, 400, 40], clock, log)
    runs = list(measure.take_turns([a, b], BATCHES, 4, clock, rested(log)))
    a_turns = [["rest", ("A", f"b{(run + 1) % 3}"), ("A", f"b{run % 3}")] for run in range(4)]
    b_turns = [["rest", ("B", f"b{(run + 1) % 3}"), ("B", f"b{run % 3}")] for run in range(4)]
    assert log == [
        *a_turns[0], *b_turns[0], *b_turns[1], *a_turns[1],
        *a_turns[2], *b_turns[2], *b_turns[3], *a_turns[3],
    ]  # fmt: skip
    times = [[call.total_ms for call in calls] for calls in runs]
    assert np.allclose(times, [[1, 10], [2, 20], [3, 30], [4, 40]])  # in the order given, not of turns


def test_one_alone_runs_back_to_back() -> None:
    clock, log = Clock(), []
    subject = Fake("A", [1, 2, 3, 4], clock, log)
    runs = list(measure.take_turns([subject], BATCHES, 4, clock, rested(log)))
    assert log == [("A", "b0"), ("A", "b1"), ("A", "b2"), ("A", "b0")]
    assert np.allclose([calls[0].total_ms for calls in runs], [1, 2, 3, 4])


def test_what_was_done_before_an_interrupt_is_kept() -> None:
    clock, log = Clock(), []

    def times() -> Iterator[float]:
        yield from (1, 2)
        raise KeyboardInterrupt

    subject = Fake("A", times(), clock, log)  # type: ignore[arg-type]
    runs = []
    with pytest.raises(KeyboardInterrupt):
        runs.extend(measure.take_turns([subject], BATCHES, 9, clock))
    assert np.allclose([calls[0].total_ms for calls in runs], [1, 2])


def test_stages_are_of_all_clouds_of_a_call() -> None:
    clock = Clock()
    call = measure.timed_call(Fake("A", [25], clock, []), "bb", clock)  # type: ignore[arg-type]
    assert call.total_ms == pytest.approx(25)
    assert call.stages_ms == {"prepare": 2, "project": 4, "encode": 6, "score": 8}


def test_on_a_gpu_there_are_two_stages() -> None:
    clock = Clock()
    call = measure.timed_call(Fake("A", [25], clock, [], "cuda"), "bb", clock)  # type: ignore[arg-type]
    assert call.stages_ms == {"copy in": 2, "device": 6}


def test_statistics_against_numpy() -> None:
    values = np.random.default_rng(0).lognormal(size=357)
    found = measure.statistics(list(values))
    assert list(found) == ["mean", "p50", "p90", "p99", "max"]
    assert found["mean"] == pytest.approx(values.mean())
    assert found["max"] == values.max()
    ordered = np.sort(values)
    for name, fraction in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99)):
        place = fraction * (len(values) - 1)
        low, share = int(place), place % 1
        assert found[name] == pytest.approx(ordered[low] * (1 - share) + ordered[low + 1] * share)
    assert measure.statistics([5.0]) == {"mean": 5, "p50": 5, "p90": 5, "p99": 5, "max": 5}


def test_ratios_are_pair_by_pair() -> None:
    # Taken pair by pair the second is always faster, though the medians of both are the same.
    first, second = [10.0, 20.0, 30.0, 40.0, 8.0], [5.0, 10.0, 20.0, 20.0, 8.0]
    found = measure.compare(first, second)
    ratios = [0.5, 0.5, 2 / 3, 0.5, 1.0]
    assert (found.median, found.q1, found.q3) == pytest.approx(np.percentile(ratios, (50, 25, 75)))
    assert (found.pairs, found.first_faster, found.second_faster) == (5, 0, 4)


def test_clouds_are_the_same_for_a_seed_and_else_all_different() -> None:
    one, again, other = (measure.made_up_batches(500, 2, seed) for seed in (0, 0, 1))
    assert all(
        np.array_equal(a, b) for p, q in zip(one, again, strict=True) for a, b in zip(p, q, strict=True)
    )
    clouds = [cloud for batches in (one, other) for batch in batches for cloud in batch]
    assert len({cloud.tobytes() for cloud in clouds}) == len(clouds)
    for cloud in clouds:
        assert cloud.shape == (500, 3) and cloud.dtype == np.float32
        assert np.isfinite(cloud).all() and (np.ptp(cloud, axis=0) > 0.3).all()


def test_quiet_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, used = [0.0], [0.0]
    naps: list[float] = []

    def nap(seconds: float) -> None:
        naps.append(seconds)
        clock[0] += seconds
        used[0] += seconds if busy(len(naps)) else 0.01 * seconds

    monkeypatch.setattr(measure, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(measure, "process_time", lambda: used[0])
    monkeypatch.setattr(measure, "sleep", nap)
    busy = lambda count: count <= 9  # noqa: E731
    measure.wait_until_quiet()
    assert len(naps) == 10  # nine while threads spin, one in which none does
    naps.clear()
    busy = lambda count: True  # noqa: E731
    measure.wait_until_quiet()
    assert sum(naps) == pytest.approx(1, abs=0.01)
