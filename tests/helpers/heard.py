"""What work tells while it goes on, for tests that look at it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from c2p_deploy import progress


class _Lines:
    """Keeps the lines; nobody watches the tasks."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)

    def begin(self, what: str, total: int | None, done: int) -> progress.Task:
        return progress.UNHEARD.begin(what, total, done)


@contextmanager
def heard_lines() -> Iterator[list[str]]:
    """The lines that are said inside, as they come."""
    listener = _Lines()
    with progress.listening(listener):
        yield listener.lines
