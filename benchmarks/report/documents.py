"""Blocks and plots of the repository's documents: writing them, and saying which do not agree.

A block is compared character by character. Pixels depend on matplotlib's version, so that a plot is
judged by the SHA-256 of its results, which it carries as PNG text.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Sequence
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from c2p_deploy.errors import C2PError
from c2p_deploy.files import atomic_path, sha256_of, write_atomic

from .blocks import BLOCKS
from .words import Results, machine

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks" / "results"
_DOCUMENTS = ("*.md", "benchmarks/*.md", "docs/**/*.md")
_PLOTS = "docs/plots"
_BEGIN = re.compile(r"<!-- results: (\S+), written by benchmarks/report -->")
_LIKE_BEGIN = "<!-- results"
_END = "<!-- end of results -->"
_PNG_KEY = "Results"
_PALETTE = 128  # colours of a plot, shades of its letters included: a third of the bytes


def rewritten(text: str, file: str, write: Callable[[str], str]) -> tuple[str, list[str]]:
    """The text of a Markdown file with every block as `write` makes it of the block's name.

    Also returned, a line each with file (as `file` names it) and line number: the blocks that were not
    so before, and those for which `write` raises C2PError, which are left as they are.
    Raises C2PError for markers that do not belong together.
    """
    lines: list[str] = []
    found: list[str] = []
    name, begun = "", 0  # the block that this line is in, and where it begins; 0: in none
    inside: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.lstrip().startswith(_LIKE_BEGIN):
            begin = _BEGIN.fullmatch(line)
            if begin is None:
                raise C2PError(f"{file}:{number}: no such marker; write {_marker('NAME')!r}, not indented")
            if begun:
                raise C2PError(
                    f"{file}:{number}: block {begin[1]!r} begins inside block {name!r} of line {begun}; "
                    f"put {_END!r} on a line of its own before it"
                )
            name, begun, inside = begin[1], number, []
            lines.append(line)
        elif line == _END:
            if not begun:
                raise C2PError(
                    f"{file}:{number}: ends a block that does not begin; put {_marker('NAME')!r} on a line "
                    "of its own above it"
                )
            try:
                new = ["", *write(name).split("\n"), ""]
                if new != inside:
                    found.append(f"{file}:{begun}: block {name!r} does not agree with the results")
            except C2PError as error:
                new = inside
                found.append(f"{file}:{begun}: {error}")
            lines += [*new, line]
            begun = 0
        else:
            (inside if begun else lines).append(line)
    if begun:
        raise C2PError(
            f"{file}:{begun}: block {name!r} does not end; put {_END!r} on a line of its own below it"
        )
    return "\n".join(lines), found


def read_results(source: str) -> Results:
    """What results/SOURCE.json holds. Raises C2PError."""
    path = RESULTS / f"{source}.json"
    try:
        results: Results = json.loads(path.read_text(encoding="utf-8"))
        _ = [results["environment"][key] for key in ("cpu", "cores", "command")]
    except FileNotFoundError:
        raise C2PError(f"{_shown(path)}: not there; run the benchmark that writes it") from None
    except (ValueError, KeyError, TypeError) as error:
        raise C2PError(
            f"{_shown(path)}: not what a benchmark writes ({_named(error)}); measure again"
        ) from error
    return results


def made(make: Callable[..., Any], sources: Sequence[str]) -> Any:
    """What `make` gives for these results. Raises C2PError where they lack what it shows."""
    results = [read_results(source) for source in sources]
    try:
        return make(*results)
    except (LookupError, AttributeError, TypeError, ValueError, StopIteration) as error:
        files = ", ".join(_shown(RESULTS / f"{source}.json") for source in sources)
        commands = " and ".join(f"`{one['environment']['command']}`" for one in results)
        raise C2PError(
            f"{files}: without what {make.__name__!r} shows ({_named(error)}); measure again: {commands}"
        ) from error


def block_text(folder: Path, name: str) -> str:
    """A block as it stands in a Markdown file of this folder. Raises C2PError."""
    if name not in BLOCKS:
        raise C2PError(f"no block is called {name!r}", f"there are {', '.join(BLOCKS)}")
    block = BLOCKS[name]
    text: str = made(block.text, block.sources)
    if block.plot:
        text = f"![{block.caption}](/{_PLOTS}/{name}.png)\n\n{text}"
    whole = text + ("\n\n" if "\n" in text else " ") + origin(block.sources)
    root = os.path.relpath(ROOT, folder)
    return whole.replace("](/", "](" if root == "." else f"]({root}/")


def origin(sources: Sequence[str]) -> str:
    """Which files, made by which commands on which machine; machines one by one when they differ."""
    about = {source: read_results(source)["environment"] for source in sources}
    machines = {source: machine(environment) for source, environment in about.items()}
    files = {
        source: f"[{source}.json](/benchmarks/results/{source}.json), made by `{environment['command']}`"
        for source, environment in about.items()
    }
    if len(set(machines.values())) == 1:
        return f"Measured on {machines[sources[0]]}: {'; '.join(files.values())}."
    each = "; ".join(f"on {machines[source]}: {file}" for source, file in files.items())
    return f"Measured on different machines, **not to be compared** with each other: {each}."


def digests(sources: Sequence[str]) -> str:
    """What a plot of these results carries. Raises C2PError."""
    for source in sources:
        read_results(source)
    return ", ".join(f"{source}.json sha256 {sha256_of(RESULTS / f'{source}.json')}" for source in sources)


def drawn_from(path: Path) -> str | None:
    """What a plot carries; None when it carries nothing, or is none."""
    try:
        with Image.open(path) as picture:
            carried = picture.info.get(_PNG_KEY)
    except OSError:
        return None
    return carried if isinstance(carried, str) else None


def draw(name: str) -> None:
    """Draws the plot of a block. Raises C2PError."""
    block = BLOCKS[name]
    assert block.plot is not None
    drawn = BytesIO()
    made(block.plot, block.sources).savefig(drawn, format="png")
    carried = PngInfo()
    carried.add_text(_PNG_KEY, digests(block.sources))
    path = ROOT / _PLOTS / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as temporary, Image.open(drawn) as picture:
        small = picture.convert("RGB").quantize(_PALETTE)
        small.save(temporary, format="PNG", optimize=True, pnginfo=carried)


def write_all() -> list[str]:
    """Writes every block and draws every plot that can be; a line for each plot that cannot.

    Raises C2PError, before anything is changed, for markers that do not belong together.
    """
    new = {path: text for path, (text, found) in _documents().items() if found}
    failed = []
    for name in _plotted():
        try:
            draw(name)
        except C2PError as error:
            failed.append(f"{_PLOTS}/{name}.png: {error}")
    for path, text in new.items():
        write_atomic(path, text.encode())
    return failed


def disagreements() -> list[str]:
    """A line for all that does not agree with the results, cannot be made of them, or stands nowhere.

    Raises C2PError for markers that do not belong together.
    """
    documents = _documents()
    found = [line for _, lines in documents.values() for line in lines]
    everything = "\n".join(text for text, _ in documents.values())
    found += [f"block {name!r} stands in no document" for name in BLOCKS if _marker(name) not in everything]
    for name in _plotted():
        file = f"{_PLOTS}/{name}.png"
        try:
            if drawn_from(ROOT / file) != digests(BLOCKS[name].sources):
                found.append(f"{file}: not drawn from the results as they are")
        except C2PError as error:
            found.append(f"{file}: {error}")
    for path in sorted((ROOT / _PLOTS).glob("*")):
        if path.stem not in _plotted():
            found.append(f"{_shown(path)}: drawn by nothing; delete it")
    shown = {source for block in BLOCKS.values() for source in block.sources}
    for path in sorted(RESULTS.glob("*.json")):
        if path.stem not in shown:
            found.append(f"{_shown(path)}: shown by no block; delete it")
    return found


def _plotted() -> list[str]:
    return [name for name, block in BLOCKS.items() if block.plot]


def _documents() -> dict[Path, tuple[str, list[str]]]:
    """Of each Markdown file: what `rewritten` returns."""
    return {
        path: rewritten(path.read_text(encoding="utf-8"), _shown(path), partial(block_text, path.parent))
        for pattern in _DOCUMENTS
        for path in sorted(ROOT.glob(pattern))
    }


def _marker(name: str) -> str:
    return f"<!-- results: {name}, written by benchmarks/report -->"


def _shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _named(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
