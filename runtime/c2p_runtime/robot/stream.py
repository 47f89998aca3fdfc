"""`Stream`: frames go in as they come, results come out as fast as one worker gives them, nothing piles up.

A sensor does not wait. Where it is faster than the worker, a queue makes every answer older than the one
before; so a frame that has not been begun when the next one comes is dropped, and the worker always takes the
newest.
"""

from __future__ import annotations

import logging
import math
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from time import perf_counter
from types import TracebackType
from typing import Generic, NamedTuple, TypeVar

from c2p_runtime.at_exit import awaited_at_exit

_log = logging.getLogger("c2p_runtime")
_F = TypeVar("_F")
_V = TypeVar("_V")
WINDOW = 1024  # of the newest frames, whose times the percentiles are of


@dataclass(frozen=True)
class Result(Generic[_F, _V]):
    """What became of one frame.

    value: what the worker returned; None where it raised. error: what it raised, or None. age_ms: from
    `submit` until the worker was done; latency_ms: what the worker alone took.
    """

    frame: _F
    value: _V | None
    error: BaseException | None
    age_ms: float
    latency_ms: float


class Percentiles(NamedTuple):
    """Of the newest frames, at most 1,024: half of them, 95 and 99 of a hundred took no longer."""

    p50: float
    p95: float
    p99: float


@dataclass(frozen=True)
class Stats:
    """What a stream has done so far; `received == done + dropped + pending` at every moment.

    done: frames that the worker is through with, `failed` of them by an exception. dropped: frames that were
    never begun, because a newer one came or the stream was closed. pending: one that waits, and one that is
    being worked on, if any. age_ms, latency_ms: as in `Result`, of frames that are done; None before the
    first.
    """

    received: int
    done: int
    failed: int
    dropped: int
    pending: int
    age_ms: Percentiles | None
    latency_ms: Percentiles | None


class Stream(Generic[_F, _V]):
    """Has one thread call `worker` for the newest frame, over and over.

        with Stream(clf, on_result=publish) as stream:  # or `for result in stream:` in another thread
            for frame in sensor:
                stream.submit(frame)
            stream.stats.dropped

    worker: anything that takes a frame. What it raises is the result of that frame, and the next one follows.
    on_result: is called with every `Result`, in the worker's thread, so that what it takes delays the next
    frame; what it raises is logged.

    Iterating, also by `async for`, gives the newest result as soon as it is there, beginning with one that is
    there already; whoever is slower than the worker misses some. Any number of loops, in any threads, may run
    at once, and each ends when the stream is closed. Nothing is kept but the newest result and frame.

    `close`, or the end of the `with` block, finishes what was submitted last. After an exception in the block
    a frame that waits is dropped. When the interpreter ends, a frame in work is waited for (ten seconds at
    most). After a fork make a new one.
    """

    def __init__(
        self, worker: Callable[[_F], _V], on_result: Callable[[Result[_F, _V]], object] | None = None
    ) -> None:
        self._worker, self._on_result = worker, on_result
        self._change = threading.Condition()  # guards all that follows
        self._waiting: tuple[_F, float] | None = None  # a frame, and when it came
        self._newest: Result[_F, _V] | None = None
        self._busy = self._closed = self._ended = False
        self._received = self._done = self._failed = self._dropped = 0
        self._times: deque[tuple[float, float]] = deque(maxlen=WINDOW)  # age and latency
        self._wakers: set[Callable[[], None]] = set()  # of loops of asyncio that wait
        self._thread = threading.Thread(target=self._work, name="c2p-stream", daemon=True)
        self._thread.start()

    def submit(self, frame: _F) -> None:
        """Hands over a frame, from any thread; never waits for the worker.

        Takes the place of a frame that was not begun yet. A closed stream drops it.
        """
        now = perf_counter()
        with self._change:
            self._received += 1
            if self._closed:
                self._dropped += 1
                return
            if self._waiting is not None:
                self._dropped += 1
            self._waiting = frame, now
            self._change.notify_all()

    @property
    def stats(self) -> Stats:
        """Counts and times of this moment."""
        with self._change:
            times = list(self._times)
            pending = (self._waiting is not None) + self._busy
            counts = self._received, self._done, self._failed, self._dropped, pending
        return Stats(*counts, _percentiles([age for age, _ in times]), _percentiles([ms for _, ms in times]))

    def __iter__(self) -> Iterator[Result[_F, _V]]:
        seen = 0
        while True:
            with self._change:
                while (found := self._after(seen)) is None and not self._ended:
                    self._change.wait()
            if found is None:
                return
            seen, result = found
            yield result

    async def __aiter__(self) -> AsyncIterator[Result[_F, _V]]:
        from asyncio import get_running_loop  # here: few need it, and its import takes a while

        loop, seen = get_running_loop(), 0
        while True:
            woken = loop.create_future()

            def wake(woken: object = woken) -> None:
                with suppress(RuntimeError):  # the loop has ended
                    loop.call_soon_threadsafe(_set, woken)

            with self._change:
                found, ended = self._after(seen), self._ended
                if found is None and not ended:
                    self._wakers.add(wake)
            if found is not None:
                seen, result = found
                yield result
            elif ended:
                return
            else:
                try:
                    await woken
                finally:
                    with self._change:
                        self._wakers.discard(wake)

    def close(self) -> None:
        """Takes no more frames, finishes the last one, and ends the thread. May be called again."""
        with self._change:
            self._closed = True
            self._change.notify_all()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def __enter__(self) -> Stream[_F, _V]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            with self._change:
                self._dropped += self._waiting is not None
                self._waiting = None
        self.close()

    def _after(self, seen: int) -> tuple[int, Result[_F, _V]] | None:
        """The newest result with its number, unless that is `seen`. To be called with the lock held."""
        return None if self._newest is None or self._done == seen else (self._done, self._newest)

    def _work(self) -> None:
        """What the thread does."""
        while (taken := self._take()) is not None:
            self._give(self._result(*taken))
            del taken  # or the frame would be kept until the next one comes
        with self._change:
            self._ended = True
        self._wake_all()

    def _take(self) -> tuple[_F, float] | None:
        """The next frame, when there is one; None when the stream is closed and all is done."""
        with self._change:
            while self._waiting is None and not self._closed:
                self._change.wait()
            taken, self._waiting = self._waiting, None
            self._busy = taken is not None
            return taken

    def _result(self, frame: _F, came: float) -> Result[_F, _V]:
        begun = perf_counter()
        value: _V | None = None
        error: BaseException | None = None
        try:
            with awaited_at_exit():
                value = self._worker(frame)
        except BaseException as raised:  # even SystemExit: this thread serves the frames to come
            error = raised
        ended = perf_counter()
        return Result(frame, value, error, 1e3 * (ended - came), 1e3 * (ended - begun))

    def _give(self, result: Result[_F, _V]) -> None:
        with self._change:
            self._busy = False
            self._done += 1
            self._failed += result.error is not None
            self._times.append((result.age_ms, result.latency_ms))
            self._newest = result
        self._wake_all()
        if self._on_result is not None:
            try:
                self._on_result(result)
            except Exception:
                _log.exception("what was to be done with a result failed")

    def _wake_all(self) -> None:
        with self._change:
            self._change.notify_all()
            wakers, self._wakers = self._wakers, set()
        for wake in wakers:
            wake()


def _percentiles(values: list[float]) -> Percentiles | None:
    """The smallest of the values that so many are not above."""
    values.sort()
    count = len(values)
    return Percentiles(*(values[math.ceil(count * q / 100) - 1] for q in (50, 95, 99))) if count else None


def _set(woken: object) -> None:
    """Ends the waiting for a future of asyncio, which may have been given up."""
    if not woken.done():  # type: ignore[attr-defined]
        woken.set_result(None)  # type: ignore[attr-defined]
