"""What all commands do at their edge: show progress, print errors, and end with the right exit code.

Nothing below a command prints to a terminal: work tells `c2p_deploy.progress`, and refuses with a
`C2PError`. rich is imported where something is shown, so that --help does not wait for it.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock
from time import monotonic
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

import click

from c2p_deploy import progress
from c2p_deploy.errors import C2PError, MissingDependencyError, OptionError, one_line, reason_of
from c2p_deploy.start import INTERRUPTED, end_at_once, guard, strike_again

if TYPE_CHECKING:
    from rich.progress import Progress

EVERY = 10.0  # seconds between lines that tell how far work is, where no bar can
CONTEXT: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
"""Settings that all our commands have."""

_interrupts: list[int] = []  # each Ctrl-C that became an exception
_postponed: list[float] = []  # when Ctrl-C came in the middle of an import
_LONGEST_IMPORT = 5.0  # seconds that Ctrl-C waits for one


class ExtraGroup(click.Group):
    """Commands that need an extra of this package, `extra`: without it they end in one line that names it.

    Their help needs none.
    """

    def __init__(self, *arguments: Any, extra: str, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.extra = extra

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:
            library = (error.name or "").partition(".")[0]
            if not library or library.startswith("c2p_"):
                raise  # a fault of ours
            from c2p_deploy.extras import install

            command = f"{ctx.info_name} {ctx.invoked_subcommand}"
            print_error(MissingDependencyError(f"{command} needs {library}", install(self.extra)))
            sys.exit(1)


def run(command: click.Command) -> NoReturn:
    """Runs a command and ends the process: what an entry point calls.

    Whatever it ends with, no traceback tells of Ctrl-C, of a full disk or of a reader who has gone; only a
    fault of ours has one.
    """
    guard()
    _open_streams()
    code: int | str | None
    try:
        result = command.main(standalone_mode=False)
        code = result if isinstance(result, int) else 0
    except SystemExit as end:
        code = end.code
    except click.Abort:  # Ctrl-C where nobody waited for it, as click has it
        code = INTERRUPTED
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except OSError as error:  # help that cannot be printed
        print_error(error)
        code = 1
    with suppress(ValueError):  # of another thread
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is done, and its code is known
    sys.exit(_flushed(code))


def _open_streams() -> None:
    """Opens those of the three standard streams that whoever started us had closed.

    Or the next file that is opened would be taken for one. Reading finds nothing, what is told is
    lost, and an answer fails.
    """
    for number, mode in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, mode)  # takes the lowest number that is free
    sys.stdin = sys.stdin or open(0, closefd=False)  # noqa: SIM115
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115


def _flushed(code: int | str | None) -> int | str | None:
    """Writes out what is left; the code to end with, which is 1 instead of 0 where that fails."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError) as error:
            if code in (0, None):
                code = 1
                if stream is sys.stdout and not isinstance(error, BrokenPipeError):
                    print_error(_about_stdout(error))
            _discard(stream)
    return code


def _discard(stream: TextIO) -> None:
    """What is left in a stream that fails goes nowhere: Python would try again at its end, and complain."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def _about_stdout(error: Exception) -> Exception:
    if isinstance(error, OSError) and error.filename is None:
        error.filename = "standard output"
    return error


def print_error(error: BaseException) -> None:
    """One line on stderr: "error: PATH: what is wrong; what to do"."""
    if isinstance(error, OSError) and error.strerror:
        named = "" if error.filename is None else f"{error.filename}: "
        text = f"{named}{error.strerror}; check the path, its permissions and the free space"
    else:
        text = str(error) or reason_of(error)
    with suppress(OSError):  # where nobody can be told, the exit code tells
        click.echo(f"error: {one_line(text)}", file=sys.stderr)


def answer(line: str) -> None:
    """A line of what the command was asked for, on stdout; while bars are shown, above them.

    Names in it may hold anything: it stays one line, and no terminal obeys it. Raises OSError.
    """
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    printable = one_line(line).encode(encoding, "replace").decode(encoding)
    try:
        # The stream is named: left to itself, click finds the one below the bars and writes across them.
        click.echo(printable, file=sys.stdout)
    except OSError as error:
        raise _about_stdout(error)  # noqa: B904 -- the same one


@contextmanager
def exit_on_error(interrupted: str = "interrupted") -> Iterator[None]:
    """Turns a refusal, ours or the file system's, into one line and exit code 1; Ctrl-C into 130.

    An `OptionError` ends as click's own do, with the usage and exit code 2. interrupted: what to say
    of the work when it is broken off.
    """
    with _interruptible():
        try:
            yield
        except (Exception, KeyboardInterrupt) as error:
            _ending()
            if began_with_interrupt(error):
                with suppress(OSError):
                    click.echo(interrupted, err=True)
                sys.exit(INTERRUPTED)
            if isinstance(error, OptionError):
                raise click.UsageError(str(error)) from error
            if not isinstance(error, (C2PError, OSError)) or isinstance(error, BrokenPipeError):
                raise  # a fault of ours; or who reads our answers has had enough, which click ends quietly
            print_error(error)
            sys.exit(1)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Inside, Ctrl-C is an exception, so that work can be tidied up; see `c2p_deploy.start`."""
    if signal.getsignal(signal.SIGINT) is not end_at_once:
        yield
        return
    _interrupts.clear()
    _postponed.clear()
    signal.signal(signal.SIGINT, _interrupt)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGINT) is _interrupt:
            signal.signal(signal.SIGINT, end_at_once)


def _ending() -> None:
    """From now on Ctrl-C changes nothing: the work is over, and its one line is being told."""
    if signal.getsignal(signal.SIGINT) is _interrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Raises KeyboardInterrupt, though not out of an import: there libraries in C++ (torch) abort over it.

    It comes again when the import is done; an import that takes too long ends the process.
    """
    if _is_import(frame):
        _postponed.append(monotonic())
        if _postponed[-1] - _postponed[0] > _LONGEST_IMPORT:
            end_at_once(number, frame)
        strike_again()
        return
    _interrupts.append(number)
    raise KeyboardInterrupt


def _is_import(frame: FrameType | None) -> bool:
    """Whether a module is being imported in this frame or around it."""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def began_with_interrupt(error: BaseException | None) -> bool:
    """Whether Ctrl-C is what an error began with: torch's exporter raises others on top of it.

    So do libraries whose C code is interrupted, and without a word of it: any error after Ctrl-C is one.
    """
    if _interrupts:
        return True
    seen: set[int] = set()  # `raise error.at(path) from error` makes a circle where the error had its path
    while error is not None and id(error) not in seen:
        if isinstance(error, KeyboardInterrupt):
            return True
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return False


@contextmanager
def shown() -> Iterator[None]:
    """Inside, lines of `c2p_deploy.progress` appear on stderr, with bars where that is a terminal.

    Elsewhere a line every ten seconds, while the work moves, tells how far it is.
    """
    if not sys.stderr.isatty():
        with progress.listening(_Lines()):
            yield
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    bars = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True, soft_wrap=True),  # no line is cut in two
        transient=True,
        # Answers on the same screen go above the bars; those that go to a file or a pipe are left alone.
        redirect_stdout=sys.stdout.isatty(),
    )
    with bars, progress.listening(_Bars(bars)):
        yield


class _Lines:
    """Shows what work tells where no bar can be drawn: in a log, in a pipe."""

    def say(self, line: str) -> None:
        click.echo(one_line(line), err=True)

    def begin(self, what: str, total: int | None, done: int) -> progress.Task:
        return _Line(self, what, total, done)


class _Line:
    """How far work is, in a line now and then: "rendering: 120 of 2000, 3 min left"."""

    def __init__(self, lines: _Lines, what: str, total: int | None, done: int) -> None:
        self._lines, self._what, self._total, self._done = lines, what, total, done
        self._begun, self._done_before = monotonic(), done
        self._told = self._begun
        self._lock = Lock()

    def advance(self, steps: int = 1) -> None:
        with self._lock:
            self._done += steps
            self._tell()

    def update(self, *, done: int | None = None, total: int | None = None, what: str | None = None) -> None:
        with self._lock:
            self._done = self._done if done is None else done
            self._total = self._total if total is None else total
            self._what = self._what if what is None else what
            self._tell()

    def close(self) -> None:
        """What it has come to, the work says itself."""

    def _tell(self) -> None:
        now = monotonic()
        if now - self._told < EVERY:
            return
        self._told = now
        told = self._what
        if self._total is None:
            told += f": {self._done}" if self._done else ""
        else:
            told += f": {self._done} of {self._total}"
            made, left = self._done - self._done_before, self._total - self._done
            if made > 0 and left > 0:
                told += f", {_duration(left * (now - self._begun) / made)} left"
        self._lines.say(told)


def _duration(seconds: float) -> str:
    """A length of time at the precision of a guess: "40 s", "3 min", "2.5 h"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


class _Bars:
    """Shows what work tells: lines above, a bar for every piece of work that is going on."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars

    def say(self, line: str) -> None:
        self._bars.console.print(one_line(line), markup=False, highlight=False)

    def begin(self, what: str, total: int | None, done: int) -> _Bar:
        return _Bar(self._bars, what, total, done)


class _Bar:
    """One bar, gone when its work ends."""

    def __init__(self, bars: Progress, what: str, total: int | None, done: int) -> None:
        self._bars = bars
        self._id = bars.add_task(one_line(what), total=total, completed=done)

    def advance(self, steps: int = 1) -> None:
        self._bars.advance(self._id, steps)

    def update(self, *, done: int | None = None, total: int | None = None, what: str | None = None) -> None:
        self._bars.update(self._id, completed=done, total=total, description=what)

    def close(self) -> None:
        self._bars.remove_task(self._id)
