"""NumPy files: NPY and NPZ. Nothing is ever unpickled, and no array is larger than its file says."""

from __future__ import annotations

import io
import math
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from c2p_deploy.errors import CloudFileError, reason_of
from c2p_deploy.io.common import (
    NO_LIMITS_GIVEN,
    Geometry,
    Limits,
    check_unpacked,
    damaged,
    float_type,
    quoted,
)

MOST_COLUMNS = 64  # more look like coordinates in rows, or features
METHODS = zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED  # what NumPy writes; of others a few bytes make gigabytes
MOST_MEMBERS = 10_000
RESAVE = "save one (N, 3) array of numbers with np.save or np.savez(points=...)"


def read_npy(data: bytes, path: Path, limits: Limits = NO_LIMITS_GIVEN) -> Geometry:
    """The first three columns of an (N, >= 3) array, or the fields x, y, z of a structured one.

    float64 for double (and, where needed, integer) arrays, else float32.
    """
    return _points(_read_array(io.BytesIO(data), len(data), len(data), limits))


def read_npz(data: bytes, path: Path, limits: Limits = NO_LIMITS_GIVEN) -> Geometry:
    """The array `points`, or else the only array that could be points; dtype as for `read_npy`."""
    if data.count(b"PK\1\2") > MOST_MEMBERS:
        raise CloudFileError(f"is an archive of more than {MOST_MEMBERS} arrays", RESAVE)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            arrays = [member for member in archive.infolist() if member.filename.endswith(".npy")]
            for member in arrays:
                if member.compress_type not in METHODS:
                    raise CloudFileError("is packed by another method than NumPy's", RESAVE)
                if member.compress_size > len(data):
                    raise damaged(f"promises {member.compress_size} packed bytes in {len(data)}")
            members = {member.filename.removesuffix(".npy"): member for member in arrays}
            if "points" not in members:
                shaped = {name: m for name, m in members.items() if _could_be_points(archive, m)}
                if len(shaped) != 1:
                    names = ", ".join(members) or "none"
                    raise CloudFileError(
                        f"has {len(shaped)} arrays that could be points (of {quoted(names, 200)})", RESAVE
                    )
                members = {"points": next(iter(shaped.values()))}
            chosen = members["points"]
            with archive.open(chosen) as stream:
                return _points(_read_array(stream, chosen.file_size, chosen.compress_size, limits))
    except CloudFileError:
        raise
    except Exception as error:  # damage shows as one of a dozen kinds
        raise damaged(
            f"is not an NPZ archive that can be opened ({quoted(reason_of(error), 200)})"
        ) from error


def _could_be_points(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bool:
    try:
        with archive.open(member) as stream:
            shape, _, dtype = _read_header(stream)
    except CloudFileError:
        return False
    return _refusal(shape, dtype) is None


def _read_header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, Fortran order, dtype."""
    try:
        version = np.lib.format.read_magic(stream)
        if version == (1, 0):
            return np.lib.format.read_array_header_1_0(stream)
        if version == (2, 0):
            return np.lib.format.read_array_header_2_0(stream)
    except Exception as error:  # NumPy parses the header with Python's tokenizer: many kinds of error
        raise damaged(f"has an NPY header that makes no sense ({quoted(reason_of(error), 200)})") from error
    raise CloudFileError(f"is an NPY file of version {version[0]}.{version[1]}", RESAVE)


def _refusal(shape: tuple[int, ...], dtype: np.dtype[Any]) -> str | None:
    """Why an array cannot be points; None if it can."""
    if dtype.hasobject:
        return "holds Python objects, which are not read for safety"
    if dtype.names is not None:
        if len(shape) == 1 and all(axis in dtype.names and dtype[axis].kind in "fiu" for axis in "xyz"):
            return None
        return f"holds records of {quoted(dtype.names)}, without numbers x, y and z"
    if dtype.kind not in "fiu":
        return f"holds {dtype.name} values, which are not coordinates"
    if len(shape) != 2 or not 3 <= shape[1] <= MOST_COLUMNS:
        return f"holds an array of shape {quoted(shape)}, not (points, 3 or a few more)"
    return None


def _read_array(stream: IO[bytes], size: int, packed: int, limits: Limits) -> NDArray[Any]:
    """The array in `stream`, whose `size` bytes include the header and are `packed` bytes of the file."""
    shape, fortran, dtype = _read_header(stream)
    if (refusal := _refusal(shape, dtype)) is not None:
        raise CloudFileError(refusal, RESAVE)
    count, left = math.prod(shape), size - stream.tell()
    if min(shape) < 0 or count * dtype.itemsize > left:
        raise damaged(
            f"promises an array of shape {quoted(shape)} and type {dtype}, but only {left} bytes follow"
        )
    limits.check_points(shape[0])
    if packed < size:
        check_unpacked(count * dtype.itemsize, shape[0], packed)
    raw = stream.read(count * dtype.itemsize)
    if len(raw) != count * dtype.itemsize:
        raise damaged(f"promises {count * dtype.itemsize} bytes of array, but only {len(raw)} are there")
    return np.frombuffer(raw, dtype).reshape(shape, order="F" if fortran else "C")


def _points(array: NDArray[Any]) -> Geometry:
    columns = [array[axis] for axis in "xyz"] if array.dtype.names else list(array[:, :3].T)
    points = np.empty((len(array), 3), float_type(column.dtype for column in columns))
    for axis, column in enumerate(columns):
        points[:, axis] = column
    return Geometry(points, None, declared=all(column.dtype.kind == "f" for column in columns))
