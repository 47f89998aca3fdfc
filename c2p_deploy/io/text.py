"""Points as rows of text: XYZ, TXT, ASC, PTS, CSV; with or without a header, any usual delimiter."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np

from c2p_deploy.errors import CloudFileError
from c2p_deploy.io.common import Geometry, as_utf8, damaged, not_numbers, quoted

LINE_END = re.compile(rb"\r\n|\n|\r")
COMMENTS = ("#", "//", "%")
# How programs name coordinates: CloudCompare "//X Y Z", ParaView "Points:0", Excel "x [m]"
AXES = ({"x", "points:0", "points_0"}, {"y", "points:1", "points_1"}, {"z", "points:2", "points_2"})


def read_text(data: bytes, path: Path) -> Geometry:
    """Columns x, y, z where a header (or a comment above the data) names them, else the first three.

    float32 where that suffices. The first row of words is the header; a first row of one number is the
    count of a PTS file, and must be right.
    """
    text = as_utf8(data)
    if b"\0" in text:
        raise CloudFileError("holds bytes that are not text", "check its suffix, or save it as text")
    header: list[str] = []
    promised: int | None = None
    position = 0  # of the first row of numbers
    while True:
        line, following = _line(text, position)
        if not line and following == len(text):
            raise CloudFileError("holds no row of numbers", "check that points were written to it")
        if not line:
            position = following
            continue
        words = _split(line)
        columns = _columns(header) or [0, 1, 2]
        values = [words[i] for i in columns if i < len(words)]
        if line.startswith(COMMENTS):
            named = _split(line.lstrip("#/%,; \t"))
            header = named if _columns(named) else header
        elif re.fullmatch(r"sep=.", line):  # Excel announces its delimiter
            pass
        elif promised is None and not header and len(words) == 1 and words[0].isdigit():
            promised = int(words[0][:18])
        elif values and all(_is_number(value) for value in values):
            break
        elif not header:
            header = words
        else:
            raise CloudFileError(f"has a row that is not numbers: {quoted(line)!r}", "put one row per point")
        position = following

    if len(words) <= max(columns):
        raise CloudFileError(
            f"has rows of {len(words)} columns: {quoted(line)!r}", "give x, y and z in every row"
        )
    delimiter = _delimiter(line)
    body = text[position:]
    if delimiter == ";" and "," in line and "." not in line:
        body = body.replace(b",", b".")  # decimal commas, as spreadsheets write in much of Europe
    stream = io.TextIOWrapper(
        io.BytesIO(body), "utf-8", errors="replace"
    )  # not lines: these files can be large
    quote = '"' if '"' in line else None
    try:
        points = np.loadtxt(stream, delimiter=delimiter, usecols=columns, ndmin=2, quotechar=quote)
    except ValueError as error:
        raise not_numbers(error) from error
    if promised is not None and promised != len(points):
        raise damaged(f"promises {promised} points on its first line, but holds {len(points)}")
    return Geometry(points, None, declared=False)


def _line(text: bytes, position: int) -> tuple[str, int]:
    """The line that begins at `position`, stripped, and where the next begins."""
    end = LINE_END.search(text, position)
    stop, following = (end.start(), end.end()) if end else (len(text), len(text))
    return text[position:stop].decode("utf-8", "replace").strip(), following


def _delimiter(line: str) -> str | None:
    """';', ',' or None for spaces and tabs."""
    return next((mark for mark in ";," if mark in line), None)


def _split(line: str) -> list[str]:
    delimiter = _delimiter(line)
    words = line.split(delimiter) if delimiter else re.findall(r'"[^"]*"|\S+', line)
    return [word.strip().strip('"').strip() for word in words]


def _columns(header: list[str]) -> list[int] | None:
    """Where x, y and z stand in a header; None if it does not name all three."""
    names = [re.split(r"[\[(]", word)[0].strip().lower() for word in header]  # without units
    found = [next((i for i, name in enumerate(names) if name in axis), None) for axis in AXES]
    return None if None in found else [i for i in found if i is not None]


def _is_number(word: str) -> bool:
    try:
        float(word.replace(",", "."))
    except ValueError:
        return False
    return True
