"""What all commands do at their edge: show progress, print errors, and end with the right exit code.

Nothing below a command prints to a terminal: work tells `c2p_deploy.progress`, and refuses with a
`C2PError`. rich is imported where something is shown, so that --help does not wait for it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from c2p_deploy import progress
from c2p_deploy.errors import C2PError, OptionError, one_line, reason_of

if TYPE_CHECKING:
    from rich.progress import Progress

CONTEXT: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
"""Settings that all our commands have."""


def print_error(error: BaseException) -> None:
    """One line on stderr: "error: PATH: what is wrong; what to do"."""
    if isinstance(error, OSError) and error.strerror:
        named = "" if error.filename is None else f"{error.filename}: "
        text = f"{named}{error.strerror}; check the path, its permissions and the free space"
    else:
        text = str(error) or reason_of(error)
    click.echo(f"error: {one_line(text)}", err=True)


@contextmanager
def exit_on_error(interrupted: str = "interrupted") -> Iterator[None]:
    """Turns a refusal, ours or the file system's, into one line and exit code 1; Ctrl-C into 130.

    An `OptionError` ends as click's own do, with the usage and exit code 2. interrupted: what to say
    of the work when it is broken off.
    """
    try:
        yield
    except (Exception, KeyboardInterrupt) as error:
        if _began_with_interrupt(error):
            click.echo(interrupted, err=True)
            sys.exit(130)
        if isinstance(error, OptionError):
            raise click.UsageError(str(error)) from error
        if not isinstance(error, (C2PError, OSError)):
            raise
        print_error(error)
        sys.exit(1)


def _began_with_interrupt(error: BaseException | None) -> bool:
    """Whether Ctrl-C is what an error began with: torch's exporter raises others on top of it."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


@contextmanager
def shown() -> Iterator[None]:
    """Inside, lines and bars of `c2p_deploy.progress` appear on stderr."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    description = TextColumn("{task.description}", markup=False)
    columns = description, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    # Where nobody sees bars, in a file or a pipe, rich would end them with an empty line.
    with (
        Progress(*columns, console=console, transient=True, disable=not console.is_interactive) as bars,
        progress.listening(_Bars(bars)),
    ):
        yield


class _Bars:
    """Shows what work tells: lines above, a bar for every piece of work that is going on."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars

    def say(self, line: str) -> None:
        self._bars.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def begin(self, what: str, total: int | None, done: int) -> _Bar:
        return _Bar(self._bars, what, total, done)


class _Bar:
    """One bar, gone when its work ends."""

    def __init__(self, bars: Progress, what: str, total: int | None, done: int) -> None:
        self._bars = bars
        self._id = bars.add_task(what, total=total, completed=done)

    def advance(self, steps: int = 1) -> None:
        self._bars.advance(self._id, steps)

    def update(self, *, done: int | None = None, total: int | None = None, what: str | None = None) -> None:
        self._bars.update(self._id, completed=done, total=total, description=what)

    def close(self) -> None:
        self._bars.remove_task(self._id)
