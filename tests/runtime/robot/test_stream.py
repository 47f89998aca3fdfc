"""`Stream`: the newest frame only, counts that add up at every moment, and an end whatever happens."""

from __future__ import annotations

import asyncio
import gc
import logging
import random
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from c2p_runtime import Stream
from c2p_runtime.robot.stream import WINDOW, Result, Stats

PATIENCE = 30.0


class Gate:
    """A worker that stands still until it is let go; what it was given is kept in order."""

    def __init__(self) -> None:
        self.begun: list[Any] = []
        self.entered, self.open = threading.Semaphore(0), threading.Semaphore(0)

    def __call__(self, frame: Any) -> Any:
        self.begun.append(frame)
        self.entered.release()
        assert self.open.acquire(timeout=PATIENCE)
        return frame * 10

    def wait(self) -> None:
        assert self.entered.acquire(timeout=PATIENCE)


def adds_up(stats: Stats) -> bool:
    return (
        stats.received == stats.done + stats.dropped + stats.pending
        and 0 <= stats.failed <= stats.done
        and 0 <= stats.pending <= 2
    )


def counts(stream: Stream[Any, Any]) -> tuple[int, int, int, int]:
    stats = stream.stats
    assert adds_up(stats)
    return stats.received, stats.done, stats.dropped, stats.pending


def until(condition: Any) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    until(lambda: not any(thread.name == "c2p-stream" for thread in threading.enumerate()))


def test_only_the_newest_frame_is_worked_on() -> None:
    gate = Gate()
    with Stream(gate) as stream:
        assert counts(stream) == (0, 0, 0, 0)
        stream.submit(1)
        gate.wait()
        assert counts(stream) == (1, 0, 0, 1)
        for frame in (2, 3, 4):
            stream.submit(frame)
        assert counts(stream) == (4, 0, 2, 2)
        gate.open.release(2)
        gate.wait()
        until(lambda: counts(stream) == (4, 2, 2, 0))
    assert gate.begun == [1, 4]
    assert stream.stats.failed == 0


def test_results_by_callback() -> None:
    results: list[Result[int, int]] = []
    with Stream(lambda frame: frame + 1, results.append) as stream:
        for frame in range(5):
            stream.submit(frame)
            until(lambda frame=frame: len(results) == frame + 1)
    assert [(r.frame, r.value, r.error) for r in results] == [(i, i + 1, None) for i in range(5)]
    assert all(0 <= r.latency_ms <= r.age_ms for r in results)


def test_results_by_iterating_in_several_loops_at_once() -> None:
    found: dict[int, list[int]] = {0: [], 1: [], 2: []}

    def loop(index: int, stream: Stream[int, int]) -> None:
        for result in stream:
            found[index].append(result.frame)

    with Stream(lambda frame: frame) as stream:
        threads = [threading.Thread(target=loop, args=(index, stream)) for index in found]
        for thread in threads:
            thread.start()
        for frame in range(20):
            stream.submit(frame)
            until(lambda frame=frame: all(seen[-1:] == [frame] for seen in found.values()))
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()
    assert all(seen == list(range(20)) for seen in found.values())


def test_a_slow_loop_gets_the_newest_and_then_ends() -> None:
    with Stream(lambda frame: frame) as stream:
        results = iter(stream)
        stream.submit(0)
        assert next(results).frame == 0
        for frame in range(1, 10):
            stream.submit(frame)
            until(lambda frame=frame: stream.stats.done == frame + 1)
        assert next(results).frame == 9
    assert list(results) == []
    assert [result.frame for result in stream] == [9]  # one that begins late


def test_an_exception_is_the_result_of_its_frame() -> None:
    def worker(frame: int) -> float:
        if frame == 3:
            raise SystemExit("no")
        return 1 / (frame - 1)

    results: list[Result[int, float]] = []
    with Stream(worker, results.append) as stream:
        for frame in range(5):
            stream.submit(frame)
            until(lambda frame=frame: len(results) == frame + 1)
    assert [type(r.error) for r in results] == [
        type(None),
        ZeroDivisionError,
        type(None),
        SystemExit,
        type(None),
    ]
    assert [r.value for r in results] == [-1, None, 1, None, 1 / 3]
    assert (stream.stats.done, stream.stats.failed, stream.stats.dropped) == (5, 2, 0)


def test_an_exception_of_the_callback_is_told_and_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    seen = []

    def on_result(result: Result[int, int]) -> None:
        seen.append(result.frame)
        raise ValueError("full")

    with caplog.at_level(logging.ERROR, "c2p_runtime"), Stream(lambda frame: frame, on_result) as stream:
        for frame in range(2):
            stream.submit(frame)
            until(lambda frame=frame: len(seen) == frame + 1)
    assert len(caplog.records) == 2 and "full" in caplog.text
    assert stream.stats.failed == 0


def test_the_last_frame_is_finished_and_later_ones_are_dropped() -> None:
    for _ in range(200):
        seen: list[int] = []
        with Stream(seen.append) as stream:
            for frame in range(3):
                stream.submit(frame)
        assert seen[-1] == 2
        received, done, dropped, pending = counts(stream)
        assert (received, done, pending) == (3, len(seen), 0)
        stream.submit(3)
        stream.close()
        assert counts(stream) == (4, done, dropped + 1, 0) and seen[-1] == 2


def test_after_an_exception_in_the_block_nothing_new_is_begun() -> None:
    gate = Gate()
    with pytest.raises(KeyError), Stream(gate) as stream:
        stream.submit(1)
        gate.wait()
        stream.submit(2)
        threading.Timer(0.1, gate.open.release).start()
        raise KeyError
    assert gate.begun == [1] and counts(stream) == (2, 1, 1, 0)


def test_submit_never_waits() -> None:
    gate = Gate()
    with Stream(gate) as stream:
        stream.submit(0)
        gate.wait()
        begun = time.perf_counter()
        for frame in range(10_000):
            stream.submit(frame)
        assert time.perf_counter() - begun < 5  # with a worker that never ends meanwhile
        assert counts(stream) == (10_001, 0, 9_999, 2)
        gate.open.release(2)


def test_times_are_what_they_are_called() -> None:
    gate = Gate()
    with Stream(gate) as stream:
        assert stream.stats.age_ms is None and stream.stats.latency_ms is None
        stream.submit(1)
        gate.wait()
        stream.submit(2)
        time.sleep(0.2)  # the second waits, the first is worked on
        gate.open.release()
        gate.wait()
        gate.open.release()
    age, latency = stream.stats.age_ms, stream.stats.latency_ms
    assert age is not None and latency is not None
    assert age.p99 >= 200 and age.p50 >= 200  # both are at least that old
    assert latency.p99 >= 200 and latency.p50 < age.p50  # the second was quickly done


@pytest.mark.parametrize("count", [1, 2, 3, 100, 1000])
def test_percentiles_are_numpys(count: int) -> None:
    results: list[Result[int, int]] = []
    with Stream(lambda frame: frame, results.append) as stream:
        for frame in range(count):
            stream.submit(frame)
            until(lambda frame=frame: len(results) == frame + 1)
    for found, times in (
        (stream.stats.age_ms, [r.age_ms for r in results]),
        (stream.stats.latency_ms, [r.latency_ms for r in results]),
    ):
        np.testing.assert_allclose(found, np.percentile(times, (50, 95, 99), method="inverted_cdf"))


def test_only_the_newest_result_frame_and_times_are_kept() -> None:
    class Frame:
        pass

    done = threading.Event()
    frames: list[weakref.ref[Frame]] = []
    with Stream(lambda frame: done.set()) as stream:
        for _ in range(WINDOW + 100):
            frame = Frame()
            frames.append(weakref.ref(frame))
            done.clear()
            stream.submit(frame)
            assert done.wait(PATIENCE)
            del frame
        until(lambda: stream.stats.pending == 0)
        gc.collect()
        assert sum(ref() is not None for ref in frames) == 1
        assert len(stream._times) == WINDOW


@pytest.mark.parametrize("seed", range(3))
def test_many_threads_and_the_counts_add_up_at_every_moment(seed: int) -> None:
    seen: list[int] = []
    chance = random.Random(seed)
    naps = [chance.random() * 0.002 for _ in range(97)]

    def worker(frame: int) -> int:
        time.sleep(naps[frame % 97])
        seen.append(frame)
        if frame % 7 == 0:
            raise ValueError(frame)
        return frame

    def sensor(stream: Stream[int, int], first: int) -> None:
        for frame in range(first, first + 150):
            stream.submit(frame)
            time.sleep(naps[(3 * frame) % 97] / 4)

    wrong: list[Stats] = []
    ended = threading.Event()

    def watch(stream: Stream[int, int]) -> None:
        before = stream.stats
        while not ended.is_set():
            now = stream.stats
            if not adds_up(now) or now.received < before.received or now.done < before.done:
                wrong.append(now)
            before = now

    results: list[Result[int, int]] = []
    with Stream(worker, results.append) as stream:
        sensors = [threading.Thread(target=sensor, args=(stream, 1000 * i)) for i in range(6)]
        watcher = threading.Thread(target=watch, args=(stream,))
        for thread in (watcher, *sensors):
            thread.start()
        for thread in sensors[:3]:
            thread.join(PATIENCE)
        if seed == 0:
            stream.close()  # while others still submit
        for thread in sensors:
            thread.join(PATIENCE)
    ended.set()
    watcher.join(PATIENCE)
    stats = stream.stats
    assert not wrong and adds_up(stats)
    assert (stats.received, stats.pending) == (900, 0)
    assert stats.done == len(seen) == len(set(seen)) == len(results)
    assert stats.failed == sum(frame % 7 == 0 for frame in seen)
    assert [r.frame for r in results] == seen


def test_closing_from_the_callback_and_from_many_threads() -> None:
    stream: Stream[int, int] = Stream(lambda frame: frame, lambda result: stream.close())
    stream.submit(1)
    threads = [threading.Thread(target=stream.close) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()
    assert counts(stream)[0] == 1


def test_asyncio_is_not_held_up() -> None:
    async def main() -> tuple[list[int], int]:
        gate, ticks, seen = Gate(), 0, []

        async def tick() -> None:
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0.001)

        ticking = asyncio.create_task(tick())
        with Stream(gate) as stream:
            stream.submit(1)
            asyncio.get_running_loop().call_later(0.1, gate.open.release)
            async for result in stream:
                seen.append(result.value)
                if len(seen) == 3:
                    break
                stream.submit(result.frame + 1)
                gate.open.release()
        ticking.cancel()
        return seen, ticks

    seen, ticks = asyncio.run(asyncio.wait_for(main(), PATIENCE))
    assert seen == [10, 20, 30] and ticks > 10


def test_asyncio_may_give_up_waiting_and_sees_the_end() -> None:
    async def main() -> list[int]:
        stream: Stream[int, int] = Stream(lambda frame: frame)

        async def loop() -> list[int]:
            return [result.frame async for result in stream]

        given_up = asyncio.create_task(loop())
        staying = asyncio.create_task(loop())
        await asyncio.sleep(0.01)
        assert len(stream._wakers) == 2
        given_up.cancel()
        await asyncio.sleep(0)
        assert len(stream._wakers) == 1
        stream.submit(5)
        await asyncio.sleep(0.05)
        await asyncio.to_thread(stream.close)
        found = await staying
        assert not stream._wakers
        return found

    assert asyncio.run(asyncio.wait_for(main(), PATIENCE)) == [5]


def test_a_loop_of_asyncio_that_has_ended_disturbs_nobody() -> None:
    async def begin() -> None:
        step.send(None)  # now it waits, and nobody will go on with it

    with Stream(lambda frame: frame) as stream:
        step = stream.__aiter__().__anext__()
        asyncio.run(begin())
        assert len(stream._wakers) == 1
        for frame in range(3):
            stream.submit(frame)
            until(lambda frame=frame: stream.stats.done == frame + 1)
        assert not stream._wakers


EXITS = {
    "forgotten": "stream.submit(1); began.wait()",
    "exception": "stream.submit(1); began.wait(); raise SystemExit(3)",
    "idle": "pass",
    "nested": "stream.submit(2); began.wait()",
}


@pytest.mark.parametrize("end", EXITS)
def test_the_interpreter_ends_and_waits_for_the_frame_in_work(end: str) -> None:
    code = f"""
import threading, time
from c2p_runtime import Stream
from c2p_runtime.at_exit import awaited_at_exit
began = threading.Event()
def worker(frame):
    began.set()
    time.sleep(0.3)
    if frame == 2:
        with awaited_at_exit():
            time.sleep(0.1)
    print("worked", flush=True)
stream = Stream(worker)
{EXITS[end]}
"""
    begun = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (3 if end == "exception" else 0, "")
    assert done.stdout == ("" if end == "idle" else "worked\n")
    assert time.monotonic() - begun < 9  # less than the patience at the end
