"""What TensorRT is doing while it builds, as progress bars, and the way to stop it."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


@dataclass
class _Phase:
    steps: int
    done: int = 0


class BuildBars:
    """Two bars: the outermost phase, and the phase within it that began or went on last.

    TensorRT nests phases several deep, and finishes them in any order. Its threads call the
    three methods at once, and an exception there would end the process: they only change
    numbers, the bars are drawn by rich's own thread.
    """

    def __init__(self, console: Console | None) -> None:
        """console: where the bars appear; None shows nothing."""
        self.progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            disable=console is None or not console.is_terminal,
            transient=True,
        )
        self._outer = self.progress.add_task("building the plan", total=None)
        self._inner = self.progress.add_task("", total=None)
        self._open: dict[str, _Phase] = {}  # in the order of their beginning
        self._lock = threading.Lock()

    def start(self, name: str, steps: int) -> None:
        with self._lock:
            self._open[name] = _Phase(steps)
            self._show(name)

    def step(self, name: str, step: int) -> None:
        """`step` of a phase, counted from 0, is done."""
        with self._lock:
            if name in self._open:
                self._open[name].done = step + 1
                self._show(name)

    def finish(self, name: str) -> None:
        with self._lock:
            self._open.pop(name, None)
            if self._open:
                self._show(next(reversed(self._open)))

    def _show(self, current: str) -> None:
        outermost = next(iter(self._open))
        for task, name in ((self._outer, outermost), (self._inner, current)):
            if task == self._inner and name == outermost:
                continue  # keep showing the last phase within it
            phase = self._open[name]
            self.progress.update(task, description=name, total=phase.steps, completed=phase.done)


def monitor_of(trt: Any, bars: BuildBars, stop: threading.Event) -> Any:
    """An IProgressMonitor that moves `bars` and tells TensorRT to give up once `stop` is set.

    trt: the module of either flavour. TensorRT needs the monitor until the build has ended.
    """

    class Monitor(trt.IProgressMonitor):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            bars.start(phase_name, num_steps)

        def step_complete(self, phase_name: str, step: int) -> bool:
            bars.step(phase_name, step)
            return not stop.is_set()

        def phase_finish(self, phase_name: str) -> None:
            bars.finish(phase_name)

    return Monitor()
