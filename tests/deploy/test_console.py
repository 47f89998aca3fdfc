"""The edge of every command: one line for a refusal, the right exit code, and progress on a terminal only."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Callable

import click
import pytest
from click.testing import CliRunner, Result

from c2p_deploy import console, progress
from c2p_deploy.errors import C2PError, CloudFileError, OptionError


def run(work: Callable[[], None], **options: str) -> Result:
    """What a command ends with that does this work."""

    @click.command(context_settings=console.CONTEXT)
    def command() -> None:
        with console.exit_on_error(**options):
            work()

    return CliRunner().invoke(command, [])


def raising(error: BaseException) -> Callable[[], None]:
    def work() -> None:
        raise error

    return work


def test_work_that_succeeds_ends_with_0() -> None:
    result = run(lambda: click.echo("done"))
    assert (result.exit_code, result.stdout, result.stderr) == (0, "done\n", "")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (C2PError("is empty"), "error: is empty\n"),
        (CloudFileError("is empty", "write it", "a\n.ply"), "error: a .ply: is empty; write it\n"),
        (
            FileNotFoundError(2, "No such file or directory", "gone/a"),
            "error: gone/a: No such file or directory; check the path, its permissions and the free space\n",
        ),
        (
            OSError(28, "No space left on device"),
            "error: No space left on device; check the path, its permissions and the free space\n",
        ),
        (OSError("weird"), "error: weird\n"),
        (OSError(), "error: OSError\n"),
    ],
)
def test_a_refusal_is_one_line_and_exit_code_1(error: Exception, line: str) -> None:
    result = run(raising(error))
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", line)


def test_a_wrong_option_ends_as_those_of_click_do() -> None:
    result = run(raising(OptionError("up must be 'z' or 'y', got 'x'", "give one of them")))
    assert result.exit_code == 2 and result.stderr.startswith("Usage: ")
    assert "Error: up must be 'z' or 'y', got 'x'; give one of them" in result.stderr


def test_ctrl_c_ends_with_130() -> None:
    result = run(raising(KeyboardInterrupt()))
    assert (result.exit_code, result.stdout, result.stderr) == (130, "", "interrupted\n")
    result = run(raising(KeyboardInterrupt()), interrupted="nothing was kept")
    assert (result.exit_code, result.stderr) == (130, "nothing was kept\n")


@pytest.mark.parametrize("cause", [True, False])
def test_ctrl_c_below_another_error_is_told_from_it(cause: bool) -> None:
    def work() -> None:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt as error:
            raise C2PError("export failed") from (error if cause else None)

    assert run(work).exit_code == 130


def test_an_error_that_is_its_own_cause_is_one_line_too() -> None:
    def work() -> None:
        try:
            raise C2PError("is empty", path="a.ply")
        except C2PError as error:
            raise error.at("b.ply") from error

    result = run(work)
    assert (result.exit_code, result.stderr) == (1, "error: a.ply: is empty\n")


def test_a_fault_of_ours_stays_a_traceback() -> None:
    result = run(raising(ZeroDivisionError("oops")))
    assert isinstance(result.exception, ZeroDivisionError) and result.stderr == ""


def test_a_reader_who_has_had_enough_is_no_error() -> None:
    result = run(raising(BrokenPipeError(32, "Broken pipe")))
    assert (result.exit_code, result.stderr) == (1, "")


def test_nothing_heavy_is_imported_until_something_is_shown() -> None:
    code = "import sys, c2p_deploy.console; print('rich' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "False\n"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Lets so many seconds pass."""
    now = [100.0]
    monkeypatch.setattr(console, "EVERY", 10.0)
    monkeypatch.setattr(console, "monotonic", lambda: now[0])

    def pass_by(seconds: float) -> None:
        now[0] += seconds

    return pass_by


def test_without_a_terminal_lines_are_shown_and_no_bars(capsys: pytest.CaptureFixture[str]) -> None:
    with console.shown(), progress.task("[/closes nothing]", total=2) as task:
        task.advance()
        progress.say("[bold] is no markup here, and " + "long " * 60 + "lines stay one")
        task.update(done=2, total=3, what="encoding")
        click.echo("an answer")
    progress.say("nobody listens any more")
    out, err = capsys.readouterr()
    assert out == "an answer\n"
    assert err == "[bold] is no markup here, and " + "long " * 60 + "lines stay one\n"


def test_without_a_terminal_a_line_every_ten_seconds_tells_how_far_work_is(
    capsys: pytest.CaptureFixture[str], clock: Callable[[float], None]
) -> None:
    with console.shown(), progress.task("rendering", total=100, done=20) as task:
        for _ in range(10):
            clock(3)
            task.advance()
        clock(1000)
        task.update(done=60, what="rendering, loss 0.5")
        clock(10)
        task.update(done=100)
    # Of the 20 steps that another start has made nothing is known; 4 took 12 s, 8 took 24 s.
    assert capsys.readouterr().err.splitlines() == [
        "rendering: 24 of 100, 4 min left",
        "rendering: 28 of 100, 4 min left",
        "rendering, loss 0.5: 60 of 100, 17 min left",
        "rendering, loss 0.5: 100 of 100",
    ]


def test_work_of_unknown_length_tells_what_it_does(
    capsys: pytest.CaptureFixture[str], clock: Callable[[float], None]
) -> None:
    with console.shown(), progress.task("looking for meshes") as task:
        clock(10)
        task.update(what="building")
        clock(10)
        task.advance(7)
        clock(10)  # nothing moves
    assert capsys.readouterr().err.splitlines() == ["building", "building: 7"]


@pytest.mark.parametrize(("step", "told"), [(40.0, "40 s"), (600.0, "10 min"), (7000.0, "1.9 h")])
def test_what_is_left_is_told_as_roughly_as_it_is_known(
    step: float, told: str, capsys: pytest.CaptureFixture[str], clock: Callable[[float], None]
) -> None:
    with console.shown(), progress.task("training", total=2) as task:
        clock(step)
        task.advance()
    assert capsys.readouterr().err == f"training: 1 of 2, {told} left\n"


def test_a_description_is_no_markup(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    with console.shown(), progress.task("drawing [/a].ply", total=2):
        pass
    assert "drawing [/a].ply" in capsys.readouterr().err


def test_what_took_long_tells_how_long(capsys: pytest.CaptureFixture[str]) -> None:
    with console.shown(), progress.timed("wrote the [plan]"):
        pass
    assert capsys.readouterr().err == "wrote the [plan] in 0.0 s\n"


def test_a_piece_of_work_that_fails_does_not_claim_success(capsys: pytest.CaptureFixture[str]) -> None:
    with console.shown(), pytest.raises(ValueError), progress.timed("wrote the plan"):
        raise ValueError
    assert capsys.readouterr().err == ""


TALKING = """
import click
from c2p_deploy import console, progress
from c2p_deploy.errors import C2PError
with console.shown(), progress.task("rendering", total=2) as task:
    console.answer("an answer [bold]" + 40 * " word")
    task.advance()
    console.print_error(C2PError("is empty", path="a.ply"))
    progress.say("so far")
"""
CLEARED = b"\r\x1b[2K"  # the bar's line, before something else is written there


@pytest.mark.parametrize("on_screen", [True, False])
def test_on_a_terminal_all_lines_stand_above_the_bar(on_screen: bool) -> None:
    """Answers that go elsewhere are left alone."""
    terminal, screen = pty.openpty()
    done = subprocess.Popen(
        [sys.executable, "-c", TALKING],
        stdout=screen if on_screen else subprocess.PIPE,
        stderr=screen,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "80"},
    )
    os.close(screen)
    seen = b""
    while True:
        try:
            seen += os.read(terminal, 1 << 16)
        except OSError:  # how Linux says that nobody has the other end open any more
            break
    os.close(terminal)
    out, _ = done.communicate(timeout=60)
    answer = b"an answer [bold]" + 40 * b" word"
    assert done.returncode == 0 and b"rendering" in seen
    assert CLEARED + b"error: a.ply: is empty\r\n" in seen and CLEARED + b"so far\r\n" in seen
    if on_screen:
        assert CLEARED + answer + b"\r\n" in seen
    else:
        assert out == answer + b"\n" and b"answer" not in seen
