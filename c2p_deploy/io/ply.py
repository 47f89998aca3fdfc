"""PLY: ascii and binary of both byte orders, clouds and meshes, any element order, any further properties.

Format: http://paulbourke.net/dataformats/ply/
"""

from __future__ import annotations

import difflib
import logging
import re
from array import array
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from c2p_deploy.errors import CloudFileError, one_line
from c2p_deploy.io.common import (
    NO_LIMITS_GIVEN,
    Geometry,
    Limits,
    batches,
    damaged,
    float_type,
    integer_rows,
    line_blocks,
    lines_of,
    not_numbers,
    parse_rows,
    polygons_of,
    quoted,
    whole_number,
)
from c2p_deploy.io.meshes.triangulate import triangulate

TYPES = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1",
    "short": "i2", "int16": "i2", "ushort": "u2", "uint16": "u2",
    "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4",
    "int64": "i8", "uint64": "u8",  # not in the standard, found in the wild
    "float": "f4", "float32": "f4", "double": "f8", "float64": "f8",
}  # fmt: skip
ORDERS = {"ascii": "=", "binary_little_endian": "<", "binary_big_endian": ">"}
KEYWORDS = "format", "element", "property", "comment", "obj_info", "end_header"
MOST_WORDS = 5  # of a declaration: property list uchar int vertex_indices
MOST_HEADER = 1 << 20  # bytes; a header is a few hundred
RAGGED_ROWS = 1 << 14  # of lists of varying length are put together at a time

_log = logging.getLogger("c2p_deploy")


class Property(NamedTuple):
    """One column of an element: a plain value, or a list led by its length."""

    name: str
    type: np.dtype[Any]  # byte order included
    count_type: np.dtype[Any] | None  # of a list's length; None for a plain value


class Element(NamedTuple):
    """A table of the file: `rows` rows of `properties`."""

    name: str
    rows: int
    properties: list[Property]


class Column(NamedTuple):
    """The values of one property in all rows."""

    values: NDArray[Any]  # (rows,), or all lists in a row
    counts: NDArray[np.int64] | None = None  # (rows,) lengths of the lists


def read_ply(data: bytes, path: Path, limits: Limits = NO_LIMITS_GIVEN) -> Geometry:
    """The `vertex` element, and the polygons of the `face` element where there is one.

    What follows the rows that the header declares is passed over with a warning.

    float64 where x, y or z is a double (or, in ascii, carries more than float32 can), else float32.
    """
    is_ascii, elements, body = _parse_header(data)
    names = [e.name for e in elements]
    if "vertex" not in names:
        raise CloudFileError("has no vertex element in its PLY header", "export it again with vertices")
    vertex = elements[names.index("vertex")]
    plain = [None if p.count_type else p.name for p in vertex.properties]
    if not {"x", "y", "z"} <= set(plain):
        raise CloudFileError(
            "has no vertex properties x, y and z in its PLY header", "export it with coordinates"
        )
    columns = [plain.index(axis) for axis in "xyz"]
    wanted = {names.index("vertex"): columns}
    face = names.index("face") if "face" in names else None
    if face is not None and (lists := _polygon_property(elements[face])):
        wanted[face] = lists

    if vertex.rows <= len(data):  # else that is what is to be said
        limits.check_points(vertex.rows)
    tables, surplus = (_read_ascii if is_ascii else _read_binary)(data, body, elements, wanted)
    if surplus:
        what = "rows" if is_ascii else "bytes"
        _log.warning("%s: %d %s beyond those its header declares", one_line(str(path)), surplus, what)
    values = [column.values for column in tables[names.index("vertex")]]
    types = [vertex.properties[i].type.newbyteorder("=") for i in columns]
    # A "float" in text is as precise as it is written.
    declared = np.dtype("f8") in types or (not is_ascii and all(type.kind == "f" for type in types))
    single = declared and np.dtype("f8") not in types
    points = np.empty((vertex.rows, 3), np.float32 if single else float_type(v.dtype for v in values))
    for axis, column in enumerate(values):
        points[:, axis] = column
    if face not in tables:
        return Geometry(points, None, declared)
    corners, counts = tables[face][0]
    if counts is None or len(counts) == 0:
        return Geometry(points, None, declared)
    if corners.dtype.kind == "f" and not (corners == np.round(corners)).all():
        raise damaged("has faces whose vertex indices are not whole numbers")
    return Geometry(points, triangulate(corners.astype(np.int64), counts, points), declared)


def _polygon_property(face: Element) -> list[int]:
    """The list property that holds the corners; empty if there is none."""
    lists = [i for i, p in enumerate(face.properties) if p.count_type]
    named = [i for i in lists if face.properties[i].name in ("vertex_indices", "vertex_index")]
    return (named or lists)[:1]


def _parse_header(data: bytes) -> tuple[bool, list[Element], int]:
    """Whether the body is text, the elements in file order, and where the body begins."""
    begin = re.match(rb"ply[ \t]*(\r\n|\n|\r)", data)
    if begin is None:
        raise damaged("does not begin with a line 'ply'")
    end = re.compile(rb"[\r\n][ \t]*end_header[ \t]*(?=[\r\n]|\Z)").search(data, begin.start(1), MOST_HEADER)
    if end is None:
        raise damaged("has a PLY header without end_header")
    # The line ending of the first line also ends the header: a byte after it that looks like one may be data.
    endings = begin.group(1), b"\r\n", b"\n", b"\r"
    body = end.end() + next((len(mark) for mark in endings if data.startswith(mark, end.end())), 0)
    order, elements = "", list[Element]()
    in_comment = False  # whether the line before was one
    for line in re.split("\r\n|\n|\r", data[begin.end() : end.start()].decode("latin-1")):
        words = line.split()
        match words:
            case ["format", name, *_] if name in ORDERS and not order:
                order = ORDERS[name]
            case ["element", name, rows]:
                elements.append(Element(name, whole_number(rows, f"the number of {quoted(name)} rows"), []))
            case ["property", "list", count, kind, name] if (
                elements and {count, kind} <= TYPES.keys() and order
            ):
                count_type = np.dtype(order + TYPES[count])
                if count_type.kind == "f":
                    raise damaged(f"declares a list whose length is a {count}")
                elements[-1].properties.append(Property(name, np.dtype(order + TYPES[kind]), count_type))
            case ["property", kind, name] if elements and kind in TYPES and order:
                elements[-1].properties.append(Property(name, np.dtype(order + TYPES[kind]), None))
            case [] | ["comment" | "obj_info", *_]:
                pass
            case _ if not (_is_prose(words) and (in_comment or len(words) > MOST_WORDS)):
                raise damaged(f"has a PLY header line that makes no sense here: {quoted(line.strip())!r}")
            case _:
                continue  # the rest of a comment that an exporter broke in two, or one without the word
        in_comment = words[:1] in (["comment"], ["obj_info"])
    if not order:
        raise damaged("has a PLY header without a format line")
    return order == "=", elements, body


def _is_prose(words: list[str]) -> bool:
    """Whether a header line is no keyword, not even a misspelt one, nor declares anything."""
    looks_declared = len(words) > 1 and words[1].lower() in {*TYPES, *ORDERS, "list", "vertex", "face"}
    return not looks_declared and not difflib.get_close_matches(words[0][:20].lower(), KEYWORDS, cutoff=0.7)


def _truncated(element: Element, found: str) -> CloudFileError:
    return damaged(f"promises {element.rows} rows of {quoted(element.name)}, but {found}")


def _read_binary(
    data: bytes, body: int, elements: Sequence[Element], wanted: Mapping[int, list[int]]
) -> tuple[dict[int, list[Column]], int]:
    """Columns `wanted[i]` of every element i asked for, and how many bytes follow the last element."""
    tables: dict[int, list[Column]] = {}
    for index, element in enumerate(elements):
        if tables.keys() == wanted.keys():
            return tables, 0  # of what nobody asked for, not even the length is looked at
        columns = wanted.get(index, [])
        sizes = [(p.count_type or p.type).itemsize for p in element.properties]
        if element.rows * sum(sizes) > len(data) - body:
            raise _truncated(element, f"the {len(data) - body} bytes left cannot hold them")
        if not element.rows or not sizes:
            found = [Column(np.empty(0), np.empty(0, np.int64)) for _ in columns]
        elif (rows := _uniform_rows(data, body, element)) is not None:
            found = [Column(rows[f"{i}"].ravel(), _lengths(rows, i)) for i in columns]
            body += rows.nbytes
        else:
            found, body = _ragged_rows(data, body, element, columns)
        if index in wanted:
            tables[index] = found
    return tables, len(data) - body


def _lengths(rows: NDArray[Any], column: int) -> NDArray[np.int64] | None:
    """Lengths of the lists in a column of `_uniform_rows`; None for plain values."""
    return rows[f"{column}#"].astype(np.int64) if f"{column}#" in (rows.dtype.names or ()) else None


def _uniform_rows(data: bytes, start: int, element: Element) -> NDArray[Any] | None:
    """The element as a structured array with fields "0", "1", ... ("0#": length of list 0).

    None where a list has not the same length in all rows.
    """
    fields: list[tuple[Any, ...]] = []
    position = start
    for i, prop in enumerate(element.properties):
        length: tuple[int, ...] = ()
        if prop.count_type is not None:
            count = _list_length(data, position, prop.count_type)
            if count is None or count * prop.type.itemsize * element.rows > len(data) - start:
                return None
            fields.append((f"{i}#", prop.count_type))
            position += prop.count_type.itemsize
            length = (count,)
        fields.append((f"{i}", prop.type, length))
        position += prop.type.itemsize * (length[0] if length else 1)
    if (position - start) * element.rows > len(data) - start:
        return None
    rows = np.frombuffer(data, np.dtype(fields), element.rows, start)
    lists = [name for name in rows.dtype.names or () if name.endswith("#")]
    return rows if all((rows[name] == rows[name][0]).all() for name in lists) else None


def _list_length(data: bytes, position: int, type: np.dtype[Any]) -> int | None:
    """The length stored at `position`; None if it is negative or beyond the end."""
    if position + type.itemsize > len(data):
        return None
    length = int(np.frombuffer(data, type, 1, position)[0])
    return length if length >= 0 else None


def _ragged_rows(data: bytes, start: int, element: Element, columns: list[int]) -> tuple[list[Column], int]:
    """Like `_uniform_rows` for lists of varying length, row by row; also returns where the element ends.

    Of lists only those of three values and more: they are polygons.
    """
    order: Literal["big", "little"] = (
        "big" if any(p.type.str[0] == ">" for p in element.properties) else "little"
    )
    steps = [
        (i in columns, p.type.itemsize, p.count_type and (p.count_type.itemsize, p.count_type.kind == "i"))
        for i, p in enumerate(element.properties)
    ]
    parts: dict[int, list[Column]] = {i: [] for i in columns}
    position, size = start, len(data)
    for first in range(0, element.rows, RAGGED_ROWS):
        rows = range(first, min(first + RAGGED_ROWS, element.rows))
        found = [array("q") for _ in steps]  # position, count, position, count ...
        if len(steps) == 1 and (counted := steps[0][2]) is not None and counted[0] == 1:  # as in most meshes
            itemsize, append = steps[0][1], found[0].append
            for row in rows:
                if position >= size or ((count := data[position]) > 127 and counted[1]):
                    raise _truncated(element, f"row {row} is incomplete")
                append(position + 1)
                append(count)
                position += 1 + count * itemsize
                if position > size:
                    raise _truncated(element, f"row {row} is incomplete")
            rows = range(0)
        for row in rows:
            for i, (is_wanted, itemsize, counted) in enumerate(steps):
                count = 1
                if counted is not None:
                    width, signed = counted
                    count = int.from_bytes(data[position : position + width], order, signed=signed)
                    position += width
                    if count < 0 or position > size:
                        raise _truncated(element, f"row {row} is incomplete")
                if is_wanted:
                    found[i].append(position)
                    found[i].append(count)
                position += count * itemsize
            if position > size:
                raise _truncated(element, f"row {row} is incomplete")
        for i in columns:
            at, counts = np.frombuffer(found[i], np.int64).reshape(-1, 2).T
            parts[i].append(_gathered(data, element.properties[i], at, counts))
    return [_joined(parts[i]) for i in columns], position


def _gathered(data: bytes, prop: Property, at: NDArray[np.int64], counts: NDArray[np.int64]) -> Column:
    """The values of one property, of which `counts` lie at each position `at`."""
    if prop.count_type is not None:
        at, counts = at[counts >= 3], counts[counts >= 3]
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    offsets = np.repeat(at, counts) + within * prop.type.itemsize
    raw = np.frombuffer(data, np.uint8)
    values = np.stack([raw[offsets + i] for i in range(prop.type.itemsize)], axis=-1).view(prop.type).ravel()
    return Column(values, counts if prop.count_type is not None else None)


def _joined(parts: Sequence[Column]) -> Column:
    counts = [part.counts for part in parts if part.counts is not None]
    return Column(np.concatenate([part.values for part in parts]), np.concatenate(counts) if counts else None)


def _read_ascii(
    data: bytes, body: int, elements: Sequence[Element], wanted: Mapping[int, list[int]]
) -> tuple[dict[int, list[Column]], int]:
    """Columns `wanted[i]` of every element i asked for, and how many rows follow the last; one row a line."""
    left = sum(map(len, line_blocks(data, body)))
    lines = lines_of(data, body)
    tables: dict[int, list[Column]] = {}
    for index, element in enumerate(elements):
        rows = element.rows if element.properties else 0
        if rows > left:
            if tables.keys() == wanted.keys():
                return tables, 0
            raise _truncated(element, f"only {left} are there")
        left -= rows
        here = islice(lines, rows)
        if index not in wanted:
            next(islice(here, rows, None), None)  # passes over them
            continue
        columns = wanted[index]
        if any(p.count_type for p in element.properties[: max(columns) + 1]):
            parts = [_ragged_lines(batch, element, columns) for batch in batches(here)]
            tables[index] = [_joined(column) for column in zip(*parts, strict=True)]
            tables[index] = tables[index] or [Column(np.empty(0), np.empty(0, np.int64)) for _ in columns]
        else:
            tables[index] = [Column(values) for values in parse_rows(here, columns).T]
    return tables, left


def _ragged_lines(lines: list[bytes], element: Element, columns: list[int]) -> list[Column]:
    """Columns behind or made of lists, whose position differs from line to line."""
    if len(element.properties) == 1 and (fast := integer_rows(lines)) is not None:
        numbers, in_row = fast
        begins = np.cumsum(in_row) - in_row
        lengths = numbers[begins]
        if (lengths == in_row - 1).all():
            values = np.delete(numbers, begins)
            return [Column(*polygons_of(values, lengths))]
    words: dict[int, list[bytes]] = {i: [] for i in columns}
    counts: dict[int, list[int]] = {i: [] for i in columns}
    for line in lines:
        tokens, position = line.split(), 0
        for i, prop in enumerate(element.properties[: max(columns) + 1]):
            count = 1
            if prop.count_type is not None:
                count = whole_number(b"".join(tokens[position : position + 1]), "the length of a list")
                position += 1
            if position + count > len(tokens):
                raise _truncated(element, f"the row {quoted(line.strip().decode('latin-1'))!r} is incomplete")
            if i in words:
                words[i] += tokens[position : position + count]
                counts[i].append(count)
            position += count
    try:
        return [_column(words[i], counts[i], element.properties[i].count_type is not None) for i in columns]
    except ValueError as error:
        raise not_numbers(error) from error


def _column(words: list[bytes], counts: list[int], is_list: bool) -> Column:
    values = np.fromiter(map(float, words), np.float64, len(words))
    return Column(*polygons_of(values, np.array(counts, np.int64))) if is_list else Column(values)
