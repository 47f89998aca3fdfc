"""Ctrl-C in the middle of work, at a moment that a test chooses."""

from __future__ import annotations

import _thread
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner, Result

from c2p_deploy import progress

Moment = Callable[..., Any]


def strike(run: Callable[[], Result], at: int) -> bool:
    """Runs a command and presses Ctrl-C as it tells of its line or task number `at` (from 1).

    False when the work was through before. Else it must have ended by that: 130, one line, no traceback.
    """
    moments: list[str] = []

    def struck(tell: Moment) -> Moment:
        def wrapped(what: str, *rest: Any, **options: Any) -> Any:
            moments.append(what)
            if len(moments) == at:
                _thread.interrupt_main()
            return tell(what, *rest, **options)

        return wrapped

    with pytest.MonkeyPatch.context() as monkeypatch:
        for name in ("say", "task"):
            monkeypatch.setattr(progress, name, struck(getattr(progress, name)))
        result = run()
    if len(moments) < at:
        assert result.exit_code == 0, result.output
        return False
    assert result.exit_code == 130, (moments, result.output)
    *before, last = result.stderr.splitlines()
    assert last.startswith("interrupted"), result.stderr
    assert not any("Traceback" in line or line.startswith("error") for line in before), result.stderr
    return True


def invoke(command: Any, *arguments: object) -> Result:
    """The command in this process; whatever is no refusal of its own is raised."""
    return CliRunner().invoke(command, [str(argument) for argument in arguments], catch_exceptions=False)
