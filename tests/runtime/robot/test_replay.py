"""A recording in place of a sensor: each frame when it is due."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from c2p_deploy.errors import OptionError
from c2p_deploy.io.recording import Frame, open_recording
from c2p_runtime import Stream
from c2p_runtime.robot import replay as replay_module
from c2p_runtime.robot.replay import replay

START = 1_700_000_000_000_000_000


class Clock:
    """Time that passes only by sleeping, by reading and by working."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        self.slept: list[float] = []
        monkeypatch.setattr(replay_module, "monotonic", lambda: self.now)
        monkeypatch.setattr(replay_module, "sleep", self.sleep)

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.slept.append(seconds)
        self.now += seconds


class Recorded:
    """A recording of frames at these seconds, each of which takes a while to read."""

    def __init__(self, seconds: list[float], clock: Clock, reading: float = 0.0) -> None:
        self.seconds, self.clock, self.reading = seconds, clock, reading

    def frames(self, every: int) -> Iterator[Frame]:
        for number, seconds in enumerate(self.seconds):
            if number % every == 0:
                self.clock.now += self.reading
                received = START + round(seconds * 1e9)
                yield Frame(np.empty((0, 3), np.float32), received, "lidar", received, number)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def times(frames: Iterator[Frame], clock: Clock, working: float = 0.0) -> list[tuple[int, float]]:
    """Number of each frame, and when it came, in seconds after the first."""
    found = []
    for frame in frames:
        found.append((frame.number, clock.now))
        clock.now += working
    return [(number, pytest.approx(at - found[0][1])) for number, at in found]


def test_real_pace(clock: Clock) -> None:
    recorded = Recorded([5, 5.1, 5.4, 5.5], clock, reading=0.03)
    assert times(replay(recorded), clock) == [(0, 0), (1, 0.1), (2, 0.4), (3, 0.5)]
    assert clock.slept == pytest.approx([0.07, 0.27, 0.07])  # reading is part of the time


def test_real_pace_of_every_third(clock: Clock) -> None:
    recorded = Recorded([0.1 * i for i in range(8)], clock)
    assert times(replay(recorded, every=3, rate="real"), clock) == [(0, 0), (3, 0.3), (6, 0.6)]


def test_who_is_slow_gets_what_is_due_and_then_keeps_pace(clock: Clock) -> None:
    frames = replay(Recorded([0, 1, 2, 3, 4, 5], clock))
    found = []
    for frame in frames:
        found.append(clock.now - 1000)
        if frame.number == 1:
            clock.now += 2.5  # until 3.5
    assert found == pytest.approx([0, 1, 3.5, 3.5, 4, 5])


def test_times_that_go_backwards_are_due_at_once(clock: Clock) -> None:
    assert times(replay(Recorded([10, 11, 3, 12], clock)), clock) == [(0, 0), (1, 1), (2, 1), (3, 2)]


def test_as_fast_as_possible(clock: Clock) -> None:
    recorded = Recorded([0, 10, 20, 30, 40], clock, reading=0.5)
    assert times(replay(recorded, rate="max"), clock) == [(0, 0), (1, 0.5), (2, 1), (3, 1.5), (4, 2)]
    assert [number for number, _ in times(replay(recorded, 2, "max"), clock)] == [0, 2, 4]
    assert not clock.slept


@pytest.mark.parametrize("rate", ["fast", "", None, 1])
def test_rates_that_make_no_sense(clock: Clock, rate: object) -> None:
    with pytest.raises(OptionError, match="rate must be one of real max"):
        replay(Recorded([], clock), 1, rate)  # type: ignore[arg-type]


def test_a_recording_through_a_stream(clock: Clock, tmp_path: Path) -> None:
    recordings = pytest.importorskip("recordings")
    path = recordings.write_bag(tmp_path / "a.bag", recordings.drive(6))
    seen: list[int] = []
    with Stream(lambda frame: seen.append(frame.number)) as stream:
        for frame in replay(open_recording(path), every=2):
            stream.submit(frame)
    stats = stream.stats
    assert (stats.received, stats.pending, stats.failed) == (3, 0, 0) and seen[-1] == 4
    assert clock.slept == pytest.approx([0.2, 0.2])
    with pytest.raises(OptionError, match="every must be"):
        replay(open_recording(path), 0)
