"""Every command of a benchmark that the documentation names can be given as it stands there."""

from __future__ import annotations

import re
import shlex
from importlib import import_module

import click
import pytest

from paths import REPOSITORY

COMMAND = re.compile(r"python benchmarks/(\w+)\.py([^`\n;]*)")
DOCUMENTS = (*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/*.md"), *REPOSITORY.glob("benchmarks/*.md"))
NAMED = sorted(
    {found.groups() for path in DOCUMENTS for found in COMMAND.finditer(path.read_text(encoding="utf-8"))}
)
SCRIPTS = {path for path in (REPOSITORY / "benchmarks").rglob("*.py") if "\n@benchmark(" in path.read_text()}


@pytest.mark.parametrize(("script", "words"), NAMED, ids=[script + words for script, words in NAMED])
def test_the_script_is_there_and_knows_the_options(
    script: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    command, given = import_module(script).main, shlex.split(words)
    assert isinstance(command, click.Command)
    if isinstance(command, click.Group):
        _, chosen, given = command.resolve_command(click.Context(command), given)
        assert chosen is not None
        command = chosen
    for option in command.params:  # the folders and files are another machine's
        if isinstance(option.type, click.Path):
            monkeypatch.setattr(option.type, "exists", False)
    context = command.make_context(script, given)
    assert not context.args


def test_every_script_is_named() -> None:
    named = {
        f"answers/{words.split()[0]}.py" if script == "quality" else f"{script}.py" for script, words in NAMED
    }
    assert {str(path.relative_to(REPOSITORY / "benchmarks")) for path in SCRIPTS} == named
