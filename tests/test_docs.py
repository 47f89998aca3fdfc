"""What the documents point at is there: files, headings, modules and the names in them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from paths import REPOSITORY

STAGES = ("", "runtime", "train", "export", "recipes")  # folders that import packages lie in
PACKAGES = ("c2p_deploy", "c2p_runtime", "c2p_train", "c2p_export", "c2p_recipes")
DOCUMENTS = sorted(
    path.relative_to(REPOSITORY).as_posix()
    for pattern in ("*.md", "docs/*.md", "benchmarks/*.md", "docker/*.md", "examples/**/*.md")
    for path in REPOSITORY.glob(pattern)
)
# What has changed is told by the names it had then.
OF_TODAY = [document for document in DOCUMENTS if document != "CHANGELOG.md"]

LINK = re.compile(r"\]\(([^()\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
# A path from the repository's root, or from the folder of a stage: a known first folder, a file's suffix.
PATH = re.compile(
    rf"(?<![\w./-])((?:{'|'.join((*PACKAGES, *STAGES[1:]))}|benchmarks|docs|examples|tests)"
    r"/[\w./-]+\.(?:cff|json|md|npz|onnx|png|pt|py|svg|toml|yml))\b"
)
MODULE = re.compile(rf"(?<![\w./-])((?:{'|'.join(PACKAGES)})(?:\.\w+)+)(?![\w/])")


def text_of(document: str) -> str:
    return (REPOSITORY / document).read_text(encoding="utf-8")


def prose_of(document: str) -> str:
    """The document without its blocks of code."""
    return re.sub(r"^```.*?^```$", "", text_of(document), flags=re.MULTILINE | re.DOTALL)


def anchors_of(document: str) -> set[str]:
    """What a link may name after the #: headings as GitHub makes anchors of them."""
    times: Counter[str] = Counter()
    found = set()
    for heading in re.findall(r"^#{1,6} +(.+?) *$", prose_of(document), flags=re.MULTILINE):
        shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        anchor = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")
        found.add(f"{anchor}-{times[anchor]}" if times[anchor] else anchor)
        times[anchor] += 1
    return found


def wrong_links(document: str) -> Iterator[str]:
    folder = (REPOSITORY / document).parent
    for link in LINK.findall(CODE.sub("", prose_of(document))):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = folder / name if name else REPOSITORY / document
        if not target.exists():
            yield f"{link}: no such file"
        elif anchor and anchor not in anchors_of(target.resolve().relative_to(REPOSITORY).as_posix()):
            yield f"{link}: no such heading"


@cache
def source_of(module: str) -> str | None:
    """The source of a module or a package; None where there is none of that name."""
    for stage in STAGES:
        path = REPOSITORY / stage / module.replace(".", "/")
        for file in (path.with_suffix(".py"), path / "__init__.py"):
            if file.is_file():
                return file.read_text(encoding="utf-8")
    return None


def is_there(dotted: str) -> bool:
    """Whether a.b.c is a module, or a name that module a.b (or a) holds."""
    module, names = dotted, ""
    while (source := source_of(module)) is None and "." in module:
        module, _, last = module.rpartition(".")
        names = last  # of several names, the first is the module's own
    return source is not None and (not names or re.search(rf"\b{names}\b", source) is not None)


def wrong_names(document: str) -> Iterator[str]:
    for path in PATH.findall(text_of(document)):
        if "NAME" not in path and not any((REPOSITORY / stage / path).exists() for stage in STAGES):
            yield f"{path}: no such file"
    for code in CODE.findall(prose_of(document)):
        for dotted in MODULE.findall(code):
            if not is_there(dotted):
                yield f"{dotted}: no such module or name"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    assert not list(wrong_links(document))


@pytest.mark.parametrize("document", OF_TODAY)
def test_files_and_modules_are_called_what_they_are(document: str) -> None:
    assert not list(wrong_names(document))


def test_one_version() -> None:
    """The package, the citation and the newest entry of the changelog speak of one release."""
    (version,) = re.findall(r'^version = "(.+)"$', text_of("pyproject.toml"), flags=re.MULTILINE)
    newest = re.search(r"^## (\S+)(?: \((\S+)\))?$", text_of("CHANGELOG.md"), flags=re.MULTILINE)
    assert newest is not None
    if newest[1] == "Unreleased":
        return  # between two releases
    citation = text_of("CITATION.cff")
    assert newest[1] == version
    assert f'\nversion: "{version}"\n' in citation
    assert f'\ndate-released: "{newest[2]}"\n' in citation


def test_anchors_are_those_of_github(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ("# On a CPU", "```", "# no heading", "```", "## `scale.py`", "## On a CPU", "## On a CPU")
    (tmp_path / "x.md").write_text("\n".join((*lines, "## The `c2p-run` [way](y.md): fast, 3-fold", "")))
    monkeypatch.setitem(globals(), "REPOSITORY", tmp_path)
    assert anchors_of("x.md") == {
        "on-a-cpu",
        "scalepy",
        "on-a-cpu-1",
        "on-a-cpu-2",
        "the-c2p-run-way-fast-3-fold",
    }
