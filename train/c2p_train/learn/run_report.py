"""What a run costs: time, time per step and peak memory, said when it ends."""

from __future__ import annotations

import sys
from time import perf_counter
from types import TracebackType

from c2p_deploy import progress
from c2p_deploy.memory import peak_memory


class RunReport:
    """Counts steps between `with` and its end, then says one line.

        with RunReport() as report:
            ...
            report.steps += 1

    Peak memory is that of this process since its start; of workers the system keeps no honest figure.
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
        if (peak := peak_memory()) is not None:
            text += f", peak memory {peak / 1e6:.0f} MB"
        torch = sys.modules.get("torch")  # rendering does without it
        if torch is not None and torch.cuda.is_available():
            text += f", of the GPU {torch.cuda.max_memory_allocated() / 1e6:.0f} MB"
        return text


def _span(seconds: float) -> str:
    if seconds < 1:
        return f"{1000 * seconds:.3g} ms"
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.1f} min"
