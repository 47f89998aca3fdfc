"""Points as rows of text: XYZ, TXT, ASC, PTS, CSV; with or without a header, any usual delimiter."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from c2p_deploy.errors import CloudFileError
from c2p_deploy.io.common import (
    MOST_LINE,
    NO_LIMITS_GIVEN,
    Geometry,
    Limits,
    as_utf8,
    damaged,
    lines_of,
    not_numbers,
    quoted,
    unix_lines,
)

COMMENTS = ("#", "//", "%")
MOST_NAMES = 1000  # comments looked at in search of names
# The next line that is no comment; and the next that is none, or might name columns.
NO_COMMENT = re.compile(rb"^[^\S\n]*(?=[^\s#/%]|/(?!/))", re.MULTILINE)
NAMES = re.compile(
    NO_COMMENT.pattern + rb"|^[^\S\n]*(?=(?:#|//|%)(?=[^\n]*[xX])(?=[^\n]*[yY])(?=[^\n]*[zZ]))",
    re.MULTILINE,
)
# How programs name coordinates: CloudCompare "//X Y Z", ParaView "Points:0", Excel "x [m]", others "pos_x",
# "coord.X", "x_mm"; surveyors "Easting". Not "nx" or "vx", which are normals and velocities.
AXES = (
    {"x", "points:0", "points_0", "easting"},
    {"y", "points:1", "points_1", "northing"},
    {"z", "points:2", "points_2", "elevation", "height", "altitude"},
)
_WORDED = re.compile(
    r"(?:(?:pos|position|point|points|coord|coordinate|loc|location|xyz)[\W_]*)?([xyz])"
    r"(?:[\W_]*(?:pos|position|coord|coordinate|m|cm|mm))?"
)


def read_text(data: bytes, path: Path, limits: Limits = NO_LIMITS_GIVEN) -> Geometry:
    """Columns x, y, z where a header (or a comment above the data) names them, else the first three.

    float32 where that suffices. The first row of words is the header; one that names as many columns as
    there are, but no x, y and z, is refused: whatever the first three are, a cloud they are not. A first row
    of one number is the count of a PTS file, and must be right.
    """
    text = unix_lines(as_utf8(data))
    if b"\0" in text:
        raise CloudFileError("holds bytes that are not text", "check its suffix, or save it as text")
    header: list[str] = []
    promised: int | None = None
    position = 0  # of the first row of numbers
    comments = 0
    while True:
        begin = (NAMES if comments < MOST_NAMES else NO_COMMENT).search(text, position)
        if begin is None:
            raise CloudFileError("holds no row of numbers", "check that points were written to it")
        position = begin.start()
        line, following = _line(text, position)
        words = _split(line)
        columns = _columns(header) or [0, 1, 2]
        values = [words[i] for i in columns if i < len(words)]
        if line.startswith(COMMENTS):
            comments += 1
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
    if len(header) == len(words) and _columns(header) is None:
        raise CloudFileError(
            f"has the columns {quoted(', '.join(header), 200)}, of which none are x, y and z",
            "name those x, y and z, or leave the row of names out to have the first three taken",
        )
    delimiter = _delimiter(line)
    rows = _rows(text, position, limits)
    if delimiter == ";" and "," in line and "." not in line:  # as spreadsheets write in much of Europe
        rows = (row.replace(",", ".") for row in rows)
    quote = '"' if '"' in line else None
    try:
        points = np.loadtxt(rows, delimiter=delimiter, usecols=columns, ndmin=2, quotechar=quote)
    except ValueError as error:
        raise not_numbers(error) from error
    if promised is not None and promised != len(points):
        raise damaged(f"promises {promised} points on its first line, but holds {len(points)}")
    return Geometry(points, None, declared=False)


def _line(text: bytes, position: int) -> tuple[str, int]:
    """The line that begins at `position`, stripped, and where the next begins."""
    end = text.find(b"\n", position)
    end = len(text) if end < 0 else end
    if end - position > MOST_LINE:
        raise damaged(f"has a line of {end - position} bytes, which no row of numbers is")
    return text[position:end].decode("utf-8", "replace").strip(), end + 1


def _rows(text: bytes, position: int, limits: Limits) -> Iterator[str]:
    """The lines from `position` on that hold more than a comment."""
    number = 0
    for line in lines_of(text, position):
        row = line.decode("utf-8", "replace")
        if not row.lstrip().startswith("#"):
            number += 1
            limits.check_points(number)
            yield row


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
    if not all(any(name in axis for name in names) for axis in AXES):
        names = [match[1] if (match := _WORDED.fullmatch(name)) else name for name in names]
    found = [next((i for i, name in enumerate(names) if name in axis), None) for axis in AXES]
    return None if None in found else [i for i in found if i is not None]


def _is_number(word: str) -> bool:
    try:
        float(word.replace(",", "."))
    except ValueError:
        return False
    return True
