"""The learning rate of every step of a training."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Schedule:
    """How many steps there are, and the rate of each, counted from 0."""

    steps: int
    rate: Callable[[int], float]


def constant(rate: float, steps: int) -> Schedule:
    """The same rate at every step."""
    return Schedule(steps, lambda step: rate)


def cosine(peak: float, steps: int, *, warmup: int = 0, floor: float = 0.0) -> Schedule:
    """Rises evenly to `peak` for `warmup` steps, then falls along half a cosine.

    floor: the share of the peak to which it falls, after the last step.
    """

    def rate(step: int) -> float:
        if step < warmup:
            return peak * (step + 1) / warmup
        return peak * (floor + (1 - floor) * _falling((step - warmup) / max(1, steps - warmup)))

    return Schedule(steps, rate)


def restarting_cosine(peak: float, steps: int, *, period: int, floor: float) -> Schedule:
    """Falls along half a cosine from `peak` towards the rate `floor`, anew every `period` steps."""

    def rate(step: int) -> float:
        return floor + (peak - floor) * _falling(step % period / period)

    return Schedule(steps, rate)


def _falling(done: float) -> float:
    """Half a cosine: from 1 to 0 while `done` goes from 0 to 1."""
    return 0.5 * (1 + math.cos(math.pi * done))
