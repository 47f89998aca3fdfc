"""`read_stream`: a cloud out of a pipe, which has no name that would say which format it has."""

from __future__ import annotations

import codecs
import re
import tempfile
from pathlib import Path
from typing import Any, BinaryIO

from c2p_deploy.errors import C2PError, CloudFileError, OptionError
from c2p_deploy.io.common import NO_LIMITS_GIVEN, Floats
from c2p_deploy.io.read import CLOUD_SUFFIXES, MAGIC, REMEDIES, read_cloud

_NAME = "standard input"  # in messages
_HEAD = 1 << 16  # bytes that are looked at
_CHUNK = 1 << 20
# Formats that begin with words, besides those of MAGIC.
_TELLING = (
    (re.compile(rb"\A\s*[A-Z0-9]*OFF\s"), ".off"),
    (re.compile(rb"\A(?:\s*#[^\n]*\n)*\s*(?:VERSION|FIELDS)\s"), ".pcd"),
    (re.compile(rb"\A\s*solid\b[^\n]*\n\s*facet\b"), ".stl"),
    (re.compile(rb"\A\s*\{"), ".gltf"),
    (re.compile(rb"^v[ \t]+[-+.\d]", re.MULTILINE), ".obj"),
)


def read_stream(
    stream: BinaryIO,
    *,
    columns: int | None = None,
    max_bytes: int = NO_LIMITS_GIVEN.file_bytes,
    **options: Any,
) -> Floats:
    """Read a point cloud, or sample points from a mesh, from a pipe: all of it, up to its end.

    Its first bytes tell the format; of raw floats only `columns` does. What it holds is kept in a temporary
    file meanwhile. options: those of `read_cloud`, which says what comes out. Raises what `read_cloud`
    raises, of "standard input".
    """
    try:
        head = stream.read(_HEAD)
        if not head:
            raise CloudFileError("is empty (0 bytes)", "write a cloud to it")
        with tempfile.TemporaryDirectory(prefix="c2p-") as folder:
            path = Path(folder, f"stdin{_suffix_of(head, columns)}")
            with path.open("wb") as file:
                size = file.write(head)
                while chunk := stream.read(_CHUNK):
                    size += file.write(chunk)
                    if size > max_bytes:
                        break  # reading it says so
            return read_cloud(path, columns=columns, max_bytes=max_bytes, **options)
    except OptionError:
        raise
    except C2PError as error:
        error.path = _NAME
        raise


def _suffix_of(head: bytes, columns: int | None) -> str:
    """The suffix for a file of these first bytes. Raises CloudFileError where they do not tell."""
    for magic, name, suffixes in MAGIC:
        if head.startswith(magic):
            if not suffixes:
                remedy = f"convert it to one of {' '.join(CLOUD_SUFFIXES)}"
                raise CloudFileError(f"is {name}, no point cloud", REMEDIES.get(name, remedy))
            return suffixes[0]
    if columns is not None:
        return ".bin"
    for pattern, suffix in _TELLING:
        if pattern.search(head):
            return suffix
    if b"\0" in head and not head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        triangles = int.from_bytes(head[80:84], "little")
        if len(head) == min(_HEAD, 84 + 50 * triangles):
            return ".stl"  # binary, which begins with anything
        raise CloudFileError(
            "has no format that its first bytes tell", "save it under its suffix, or give its columns"
        )
    return ".xyz"
