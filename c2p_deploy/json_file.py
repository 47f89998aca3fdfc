"""Reading small files that somebody else wrote, JSON above all, without being hurt by them.

What stands beside an engine is copied from machine to machine by people. A pipe or a device in its place must
not hang the robot, and a few megabytes of brackets must not fill its memory.
"""

from __future__ import annotations

import errno
import json
import os
import reprlib
import stat
from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import Any

MOST_BYTES = 64 << 20
# One pair of brackets makes 64 bytes of memory out of two, one comma about as much.
_MOST_BRACKETS = 100_000
_MOST_COMMAS = 4_000_000


def check_regular(path: str | PathLike[str], most_bytes: int | None = None) -> None:
    """Raises OSError, as opening it would, for what is no regular file or larger than that.

    To be asked before opening: opening a pipe waits for who writes to it, opening a device may do anything.
    """
    try:
        found = Path(path).stat()
    except ValueError as error:  # a zero byte, or what the file system's encoding does not have
        raise OSError(errno.EINVAL, "no file can have this name") from error
    _check(found, most_bytes)


def read_small(path: str | PathLike[str], most_bytes: int = MOST_BYTES) -> bytes:
    """The bytes of a regular file. Raises OSError, also for any other kind and for a larger one."""
    check_regular(path, most_bytes)
    # What was regular a moment ago may have been replaced: then opening does not wait, either.
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        _check(os.fstat(handle), most_bytes)
        data = file.read(most_bytes + 1)
    if len(data) > most_bytes:  # it has grown
        raise _too_large(most_bytes)
    return data


def parse_json(data: bytes) -> Any:
    """What the bytes of a JSON file stand for.

    Raises ValueError, in words, for what is no JSON (RFC 8259; NaN and Infinity are none), and for what
    has a key twice, a number that no float64 holds, or is nested or branched beyond any use.
    """
    if data.count(b"[") + data.count(b"{") > _MOST_BRACKETS or data.count(b",") > _MOST_COMMAS:
        raise ValueError("it has more parts than any such file needs")
    try:
        return json.loads(
            data.decode("utf-8"),
            parse_constant=_no_constant,
            parse_float=_finite,
            object_pairs_hook=_without_doubles,
        )
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def shown(value: object) -> str:
    """A value from a file or a caller, short enough for a message, whatever it is."""
    try:
        return reprlib.repr(value)
    except Exception:  # __repr__ of a caller's own object; an integer of more digits than Python writes
        return f"a {type(value).__name__}"


def is_whole(value: object) -> bool:
    """Whether it is an int, which to Python True is, too, and to us is not."""
    return type(value) is int


def is_number(value: object) -> bool:
    """Whether it is an int or a float, NumPy's float64 among them; it need not be finite."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _check(found: os.stat_result, most_bytes: int | None) -> None:
    if not stat.S_ISREG(found.st_mode):
        what = "a folder" if stat.S_ISDIR(found.st_mode) else "a pipe, a device or a socket"
        raise OSError(errno.EINVAL, f"it is {what}, not a file")
    if most_bytes is not None and found.st_size > most_bytes:
        raise _too_large(most_bytes)


def _too_large(most_bytes: int) -> OSError:
    return OSError(errno.EFBIG, f"it is larger than {most_bytes >> 20} MiB, too large for such a file")


def _no_constant(name: str) -> float:
    raise ValueError(f"it holds {name}, which is no JSON")


def _finite(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"it holds {shown(text)}, larger than any float64")
    return value


def _without_doubles(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"it has the key {shown(key)} twice")
        found[key] = value
    return found
