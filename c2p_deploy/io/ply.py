"""PLY: ascii and binary of both byte orders, clouds and meshes, any element order, any further properties.

Format: http://paulbourke.net/dataformats/ply/
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from c2p_deploy.errors import CloudFileError
from c2p_deploy.io.common import Geometry, damaged, not_numbers, parse_rows, quoted, whole_number
from c2p_deploy.io.triangulate import triangulate

TYPES = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1",
    "short": "i2", "int16": "i2", "ushort": "u2", "uint16": "u2",
    "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4",
    "int64": "i8", "uint64": "u8",  # not in the standard, found in the wild
    "float": "f4", "float32": "f4", "double": "f8", "float64": "f8",
}  # fmt: skip
ORDERS = {"ascii": "=", "binary_little_endian": "<", "binary_big_endian": ">"}


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


def read_ply(data: bytes, path: Path) -> Geometry:
    """The `vertex` element, and the polygons of the `face` element where there is one.

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

    tables = (_read_ascii if is_ascii else _read_binary)(data, body, elements, wanted)
    points = np.stack([column.values for column in tables[names.index("vertex")]], axis=1)
    types = [vertex.properties[i].type.newbyteorder("=") for i in columns]
    # A "float" in text is as precise as it is written.
    declared = np.dtype("f8") in types or (not is_ascii and all(type.kind == "f" for type in types))
    single = declared and np.dtype("f8") not in types
    points = points.astype(np.float32 if single else np.float64)
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
    # The line ending of the first line also ends the header: a byte after it that looks like one may be data.
    begin = re.match(rb"ply[ \t]*(\r\n|\n|\r)", data)
    if begin is None:
        raise damaged("does not begin with a line 'ply'")
    newline = re.escape(begin.group(1))
    last_line = re.compile(newline + rb"[ \t]*end_header[ \t]*(?:" + newline + rb"|\Z)")
    end = last_line.search(data, begin.start(1))
    if end is None:
        raise damaged("has a PLY header without end_header")
    order, elements = "", list[Element]()
    for line in data[begin.end() : end.start()].decode("latin-1").split(begin.group(1).decode()):
        match line.split():
            case ["format", name, *_] if name in ORDERS:
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
            case ["format" | "element" | "property", *_]:
                raise damaged(f"has a PLY header line that makes no sense here: {quoted(line.strip())!r}")
            # all else is comment, obj_info, or a comment that an exporter broke in two
    if not order:
        raise damaged("has a PLY header without a format line")
    return order == "=", elements, end.end()


def _truncated(element: Element, found: str) -> CloudFileError:
    return damaged(f"promises {element.rows} rows of {quoted(element.name)}, but {found}")


def _read_binary(
    data: bytes, body: int, elements: Sequence[Element], wanted: Mapping[int, list[int]]
) -> dict[int, list[Column]]:
    """Columns `wanted[i]` of every element i asked for."""
    tables: dict[int, list[Column]] = {}
    for index, element in enumerate(elements):
        if tables.keys() == wanted.keys():
            break
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
    return tables


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
    """Like `_uniform_rows` for lists of varying length, row by row; also returns where the element ends."""
    positions: dict[int, list[int]] = {i: [] for i in columns}
    lengths: dict[int, list[int]] = {i: [] for i in columns}
    position = start
    for row in range(element.rows):
        for i, (_, type, count_type) in enumerate(element.properties):
            count = 1
            if count_type is not None:
                length = _list_length(data, position, count_type)
                if length is None:
                    raise _truncated(element, f"row {row} is incomplete")
                count = length
                position += count_type.itemsize
            if i in positions:
                positions[i].append(position)
                lengths[i].append(count)
            position += count * type.itemsize
        if position > len(data):
            raise _truncated(element, f"row {row} is incomplete")
    tables = []
    for i in columns:
        _, type, count_type = element.properties[i]
        counts = np.array(lengths[i], np.int64)
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        offsets = np.repeat(np.array(positions[i], np.int64), counts) + within * type.itemsize
        values = np.frombuffer(data, np.uint8)[offsets[:, None] + np.arange(type.itemsize)].view(type).ravel()
        tables.append(Column(values, counts if count_type is not None else None))
    return tables, position


def _read_ascii(
    data: bytes, body: int, elements: Sequence[Element], wanted: Mapping[int, list[int]]
) -> dict[int, list[Column]]:
    """Columns `wanted[i]` of every element i asked for; one row a line."""
    lines = [line for line in data[body:].splitlines() if line.strip()]
    tables: dict[int, list[Column]] = {}
    for index, element in enumerate(elements):
        rows = element.rows if element.properties else 0
        if tables.keys() == wanted.keys():
            break
        if rows > len(lines):
            raise _truncated(element, f"only {len(lines)} are there")
        here, lines = lines[:rows], lines[rows:]
        if index not in wanted:
            continue
        columns = wanted[index]
        if any(p.count_type for p in element.properties[: max(columns) + 1]):
            tables[index] = _ragged_lines(here, element, columns)
        else:
            tables[index] = [Column(values) for values in parse_rows(here, columns).T]
    return tables


def _ragged_lines(lines: list[bytes], element: Element, columns: list[int]) -> list[Column]:
    """Columns behind or made of lists, whose position differs from line to line."""
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
        return [
            Column(
                np.fromiter(map(float, words[i]), np.float64, len(words[i])),
                np.array(counts[i], np.int64) if element.properties[i].count_type else None,
            )
            for i in columns
        ]
    except ValueError as error:
        raise not_numbers(error) from error
