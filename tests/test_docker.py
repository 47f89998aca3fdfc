"""docker/: what the files install and copy is there. The images themselves are not built here."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from paths import REPOSITORY

FOLDER = REPOSITORY / "docker"
FILES = sorted(FOLDER.glob("Dockerfile.*"))


def project() -> dict:
    tomllib = pytest.importorskip("tomllib", reason="needs Python 3.11")
    return tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))


def instructions(path: Path) -> list[tuple[str, str]]:
    """Each instruction and its arguments, continued lines joined, without comments."""
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(line.split()[0], line.partition(" ")[2]) for line in joined.splitlines() if line]


def test_there_is_one_for_every_board() -> None:
    assert [path.suffix for path in FILES] == [".jetpack6", ".jetpack7", ".x86"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.suffix)
def test_extras_are_those_of_the_package(path: Path) -> None:
    known = set(project()["project"]["optional-dependencies"])
    (default,) = re.findall(r"^ARG EXTRAS=(\S+)$", path.read_text(), flags=re.MULTILINE)
    others = re.findall(r"EXTRAS=([a-z0-9,]+)", path.read_text() + (FOLDER / "README.md").read_text())
    assert {"ros", "view"} <= set(default.split(",")) <= known
    for extras in others:
        assert set(extras.split(",")) <= known
    assert any(kind == "RUN" and '".[${EXTRAS}]"' in what for kind, what in instructions(path))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.suffix)
def test_what_is_copied_is_there_and_is_all_that_is_built_from(path: Path) -> None:
    copied = {
        source
        for kind, what in instructions(path)
        if kind == "COPY" and not what.startswith("--from")
        for source in what.split()[:-1]
    }
    assert all((REPOSITORY / source).exists() for source in copied)
    settings = project()
    told = settings["project"]
    needed = {"pyproject.toml", "c2p_deploy", told["readme"], *told["license-files"]}
    assert copied == needed | set(settings["tool"]["setuptools"]["packages"]["find"]["where"]) - {"."}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.suffix)
def test_the_base_is_pinned_and_the_user_is_not_root(path: Path) -> None:
    steps = instructions(path)
    for kind, what in steps:
        if kind == "FROM":
            assert re.fullmatch(r"[\w./-]+:(?!latest)[\w.-]+( AS build)?", what)
    assert steps[-1][0] == "ENTRYPOINT" and json.loads(steps[-1][1])[0] in project()["project"]["scripts"]
    assert ("USER", "1001") in steps


def test_the_page_names_files_that_are_there() -> None:
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert "None of these images has been built yet." in page
    commands = [
        line for block in re.findall(r"```sh\n(.*?)```", page, flags=re.DOTALL) for line in block.splitlines()
    ]
    named = {word for line in commands for word in shlex.split(line) if word.startswith("docker/")}
    named |= set(re.findall(r"^\| `(Dockerfile\.\w+)`", page, flags=re.MULTILINE))
    assert {path.name for path in FILES} == {name.rpartition("/")[2] for name in named}
    for base in {what.split()[0] for path in FILES for kind, what in instructions(path) if kind == "FROM"}:
        assert f"`{base}`" in page
