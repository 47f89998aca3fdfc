"""What long work tells whoever waits for it: lines, and how far it is.

Work says it here and knows nothing of terminals, as with `logging`:

    progress.say("going on with run.pt at step 400")
    with progress.task("rendering", total=2000) as task:
        for mesh in meshes:
            ...
            task.advance()

Nobody hears it unless somebody listens: commands do, with `c2p_deploy.console.shown`, and a program
of one's own may, with `listening` and anything that has the two methods of `Listener`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Protocol


class Task(Protocol):
    """One piece of work, as a listener shows it. May be moved from any thread."""

    def advance(self, steps: int = 1) -> None:
        """So many steps more are done."""

    def update(self, *, done: int | None = None, total: int | None = None, what: str | None = None) -> None:
        """Sets what has changed: steps done, steps in all, the description."""

    def close(self) -> None:
        """The work has ended, done or not."""


class Listener(Protocol):
    """Whoever is told."""

    def say(self, line: str) -> None:
        """A line worth reading, without markup."""

    def begin(self, what: str, total: int | None, done: int) -> Task:
        """Work begins: its description, its steps (None where they are not known), and those done before."""


class _Unheard:
    """The listener, and the task, of work that nobody watches."""

    def say(self, line: str) -> None:
        pass

    def begin(self, what: str, total: int | None, done: int) -> Task:
        return self

    def advance(self, steps: int = 1) -> None:
        pass

    def update(self, *, done: int | None = None, total: int | None = None, what: str | None = None) -> None:
        pass

    def close(self) -> None:
        pass


UNHEARD: Listener = _Unheard()
_listener: Listener = UNHEARD  # of the process, as handlers of `logging` are


def say(line: str) -> None:
    """Tells one line."""
    _listener.say(line)


@contextmanager
def task(what: str, total: int | None = None, done: int = 0) -> Iterator[Task]:
    """A piece of work of `total` steps, which ends with the block."""
    begun = _listener.begin(what, total, done)
    try:
        yield begun
    finally:
        begun.close()


@contextmanager
def timed(what: str) -> Iterator[None]:
    """A piece of work without steps; when it is done a line tells how long it took: "wrote X in 3.1 s"."""
    started = perf_counter()
    with task(f"{what} ..."):
        yield
    say(f"{what} in {perf_counter() - started:.1f} s")


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Inside, `listener` is told instead of whoever was before."""
    global _listener
    before, _listener = _listener, listener
    try:
        yield
    finally:
        _listener = before
