"""`c2p-export` run by tests, and what it says."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner, Result

from c2p_export.cli import main


def c2p_export(*arguments: object) -> Result:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments], prog_name="c2p-export")
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def succeed(*arguments: object) -> str:
    """What the command says on stderr."""
    result = c2p_export(*arguments)
    assert result.exit_code == 0, result.stderr
    return result.stderr


def fail(*arguments: object) -> str:
    """The one line that tells the error; the lines before it are those of steps that went well."""
    result = c2p_export(*arguments)
    assert result.exit_code == 1, result.stderr
    *steps, line = result.stderr.splitlines()
    assert line.startswith("error: ")
    assert not any("rror" in step for step in steps)
    return line


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
