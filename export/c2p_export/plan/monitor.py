"""What TensorRT is doing while it builds, told as progress, and the way to stop it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from c2p_deploy import progress


@dataclass
class _Phase:
    steps: int
    done: int = 0


class Phases:
    """Two tasks: the outermost phase, and the phase within it that began or went on last.

    TensorRT nests phases several deep, and finishes them in any order. Its threads call the
    methods at once, and an exception there would end the process: they only change numbers.
    """

    def __init__(self, outer: progress.Task, inner: progress.Task) -> None:
        self._outer, self._inner = outer, inner
        self._open: dict[str, _Phase] = {}  # in the order of their beginning
        self._ended = False
        self._lock = threading.Lock()

    def start(self, name: str, steps: int) -> None:
        with self._lock:
            self._open[name] = _Phase(steps)
            self._tell(name)

    def step(self, name: str, step: int) -> None:
        """`step` of a phase, counted from 0, is done."""
        with self._lock:
            if name in self._open:
                self._open[name].done = step + 1
                self._tell(name)

    def finish(self, name: str) -> None:
        with self._lock:
            self._open.pop(name, None)
            if self._open:
                self._tell(next(reversed(self._open)))

    def end(self) -> None:
        """Nothing is told any more: a second Ctrl-C closes the tasks under a build that goes on."""
        with self._lock:
            self._ended = True

    def _tell(self, current: str) -> None:
        if self._ended:
            return
        outermost = next(iter(self._open))
        told = [(self._outer, outermost)]
        if current != outermost:  # else the last phase within it stays
            told.append((self._inner, current))
        for task, name in told:
            phase = self._open[name]
            task.update(what=name, total=phase.steps, done=phase.done)


@contextmanager
def told_phases() -> Iterator[Phases]:
    """Inside, the phases of a build are told as two tasks of `c2p_deploy.progress`."""
    with progress.task("building the plan") as outer, progress.task("") as inner:
        phases = Phases(outer, inner)
        try:
            yield phases
        finally:
            phases.end()


def monitor_of(trt: Any, phases: Phases, stop: threading.Event) -> Any:
    """An IProgressMonitor that moves `phases` and tells TensorRT to give up once `stop` is set.

    trt: the module of either flavour. TensorRT needs the monitor until the build has ended.
    """

    class Monitor(trt.IProgressMonitor):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            phases.start(phase_name, num_steps)

        def step_complete(self, phase_name: str, step: int) -> bool:
            phases.step(phase_name, step)
            return not stop.is_set()

        def phase_finish(self, phase_name: str) -> None:
            phases.finish(phase_name)

    return Monitor()
