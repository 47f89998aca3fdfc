"""What a command shows of the work that goes on below it."""

from __future__ import annotations

import sys

import pytest

from c2p_deploy import progress
from c2p_deploy.console import shown


def test_a_piece_of_work_that_fails_does_not_claim_success(capsys: pytest.CaptureFixture[str]) -> None:
    with shown():
        with progress.timed("went [well]"):
            pass
        with pytest.raises(ValueError), progress.timed("failed"):
            raise ValueError
    said = capsys.readouterr().err
    assert said.startswith("went [well] in 0.0 s") and "failed" not in said


def test_in_a_pipe_there_are_lines_only(capsys: pytest.CaptureFixture[str]) -> None:
    with shown(), progress.task("[/closes nothing]", total=2) as task:
        task.advance()
        progress.say("a line")
    assert capsys.readouterr() == ("", "a line\n")


def test_a_description_is_no_markup(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    with shown(), progress.task("drawing [/a].ply", total=2):
        pass
    assert "drawing [/a].ply" in capsys.readouterr().err
