"""What a run shows: a progress bar while it goes on; time, time per step and peak memory at its end."""

from __future__ import annotations

import resource
import sys
from time import perf_counter
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from c2p_deploy import progress


class RunReport:
    """Counts steps between `with` and its end, then says one line to `c2p_deploy.progress`.

        with RunReport() as report:
            ...
            report.steps += 1

    Peak memory is that of the whole process since its start (and of its largest worker).
    """

    def __init__(self, unit: str = "step") -> None:
        self.unit, self.steps = unit, 0

    def __enter__(self) -> RunReport:
        self._start = perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None or kind is KeyboardInterrupt:
            progress.say(self.line(perf_counter() - self._start))

    def line(self, seconds: float) -> str:
        """For instance `120 steps in 34.0 s (283 ms a step), peak memory 812 MB`."""
        plural = "" if self.steps == 1 else "es" if self.unit.endswith("sh") else "s"
        text = f"{self.steps} {self.unit}{plural} in {_span(seconds)}"
        if self.steps:
            text += f" ({_span(seconds / self.steps)} a {self.unit})"
        text += f", peak memory {peak_memory() / 1e6:.0f} MB"
        torch = sys.modules.get("torch")  # rendering does without it
        if torch is not None and torch.cuda.is_available():
            text += f", of the GPU {torch.cuda.max_memory_allocated() / 1e6:.0f} MB"
        return text


def progress_on(console: Console) -> Progress:
    """What is done, how much of how much, and the time it will take."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
    )


def peak_memory() -> int:
    """Bytes of physical memory this process, or the largest of its children, ever held."""
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * max(
        resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )


def _span(seconds: float) -> str:
    if seconds < 1:
        return f"{1000 * seconds:.3g} ms"
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.1f} min"
