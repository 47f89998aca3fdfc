"""`c2p-run` on a recording: its clouds one after the other, or as a sensor would have given them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from time import perf_counter
from typing import Any

from c2p_deploy import console, progress
from c2p_deploy.errors import C2PError
from c2p_deploy.io.recording import Frame, Recording, open_recording
from c2p_runtime.answers import Source, refusal_of
from c2p_runtime.robot.replay import Rate, replay
from c2p_runtime.robot.stream import Result, Stats, Stream

Answers = Callable[[Source, Any, float], list[str]]


def answer_recording(path: Path, answers: Answers, topic: str | None, every: int, rate: Rate) -> bool:
    """Prints what `answers` says of every so many clouds of a recording; whether all could be answered.

    topic: which, where several have clouds. rate: "max" takes each as soon as the one before is done; "real"
    gives each when it was recorded, and drops those that are overtaken before they are begun.
    Raises C2PError where the recording cannot be read.
    """
    recording = open_recording(path, topic)
    with progress.task(f"classifying {path.name}", total=-(-recording.length // every)) as task:
        run = _as_fast_as_can_be if rate == "max" else _at_its_own_pace
        return run(recording, answers, every, task)


def _as_fast_as_can_be(recording: Recording, answers: Answers, every: int, task: progress.Task) -> bool:
    complete, begun = True, perf_counter()
    for frame in recording.frames(every):
        source, read = Source(recording.path, frame), perf_counter()
        try:
            lines = answers(source, frame.points, 1e3 * (read - begun))
        except Exception as error:  # the others still run
            console.print_error(_refusal(error, source))
            complete = False
        else:
            _print(lines)
        task.advance()
        begun = perf_counter()
    return complete and not recording.skipped


def _at_its_own_pace(recording: Recording, answers: Answers, every: int, task: progress.Task) -> bool:
    """Prints in the calling thread what a stream's worker answers, while a third thread is the sensor."""
    ready: SimpleQueue[Result[Frame, list[str]] | None] = SimpleQueue()
    failure: list[BaseException] = []
    stream = Stream(
        lambda frame: answers(Source(recording.path, frame), frame.points, 0.0), on_result=ready.put
    )

    def sensor() -> None:
        try:
            for frame in replay(recording, every, "real"):
                stream.submit(frame)
                task.advance()
        except BaseException as error:  # belongs to who waits for the answers
            failure.append(error)
        finally:
            stream.close()
            ready.put(None)

    # It ends with the process where Ctrl-C ends the loop below.
    threading.Thread(target=sensor, name="c2p-sensor", daemon=True).start()
    while (result := ready.get()) is not None:
        if result.value is not None:
            _print(result.value)
        elif result.error is not None:
            console.print_error(_refusal(result.error, Source(recording.path, result.frame)))
    if failure:
        raise failure[0]
    stats = stream.stats
    progress.say(f"{recording.path}: {told(stats)}")
    return not stats.failed and not recording.skipped


def told(stats: Stats) -> str:
    """How a stream kept up: "90 of 100 clouds answered, 10 dropped; age 31 ms, 95th percentile 48 ms"."""
    line = f"{stats.done - stats.failed} of {stats.received} clouds answered, {stats.dropped} dropped"
    if stats.age_ms is not None:
        line += f"; age {stats.age_ms.p50:.0f} ms, 95th percentile {stats.age_ms.p95:.0f} ms"
    return line


def _print(lines: list[str]) -> None:
    for line in lines:
        console.answer(line)


def _refusal(error: BaseException, source: Source) -> C2PError:
    if not isinstance(error, Exception):
        raise error
    return refusal_of(error, Path(str(source)))
