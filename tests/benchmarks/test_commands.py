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
SCRIPTS = sorted(
    path.stem for path in (REPOSITORY / "benchmarks").glob("*.py") if "\n@benchmark(" in path.read_text()
)


@pytest.mark.parametrize(("script", "words"), NAMED, ids=[script + words for script, words in NAMED])
def test_the_script_is_there_and_knows_the_options(
    script: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = import_module(script).main
    assert isinstance(command, click.Command)
    for option in command.params:  # the folders and files are another machine's
        if isinstance(option.type, click.Path):
            monkeypatch.setattr(option.type, "exists", False)
    context = command.make_context(script, shlex.split(words))
    assert not context.args


def test_every_script_is_named() -> None:
    assert SCRIPTS and {script for script, _ in NAMED} == set(SCRIPTS)
