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
from c2p_deploy.io.common import Geometry, damaged, quoted

MOST_COLUMNS = 64  # more look like coordinates in rows, or features
ZIP_RATIO, ZIP_FREE = 100, 16 << 20  # clouds compress 10 : 1 at best; a small member may be all zeros
RESAVE = "save one (N, 3) array of numbers with np.save or np.savez(points=...)"


def read_npy(data: bytes, path: Path) -> Geometry:
    """The first three columns of an (N, >= 3) array, or the fields x, y, z of a structured one.

    float64 for double (and, where needed, integer) arrays, else float32.
    """
    return _points(_read_array(io.BytesIO(data), len(data)))


def read_npz(data: bytes, path: Path) -> Geometry:
    """The array `points`, or else the only array that could be points; dtype as for `read_npy`."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            arrays = [member for member in archive.infolist() if member.filename.endswith(".npy")]
            for packed, unpacked in ((member.compress_size, member.file_size) for member in arrays):
                if unpacked > max(ZIP_FREE, ZIP_RATIO * packed):
                    raise CloudFileError(f"claims that {packed} bytes unpack to {unpacked}", RESAVE)
            members = {member.filename.removesuffix(".npy"): member for member in arrays}
            if "points" not in members:
                shaped = {name: m for name, m in members.items() if _could_be_points(archive, m)}
                if len(shaped) != 1:
                    names = ", ".join(members) or "none"
                    raise CloudFileError(
                        f"has {len(shaped)} arrays that could be points (of {quoted(names, 200)})", RESAVE
                    )
                members = {"points": next(iter(shaped.values()))}
            with archive.open(members["points"]) as stream:
                return _points(_read_array(stream, members["points"].file_size))
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


def _read_array(stream: IO[bytes], size: int) -> NDArray[Any]:
    """The array in `stream`, whose `size` bytes include the header."""
    shape, fortran, dtype = _read_header(stream)
    if (refusal := _refusal(shape, dtype)) is not None:
        raise CloudFileError(refusal, RESAVE)
    count, left = math.prod(shape), size - stream.tell()
    if min(shape) < 0 or count * dtype.itemsize > left:
        raise damaged(
            f"promises an array of shape {quoted(shape)} and type {dtype}, but only {left} bytes follow"
        )
    raw = stream.read(count * dtype.itemsize)
    if len(raw) != count * dtype.itemsize:
        raise damaged(f"promises {count * dtype.itemsize} bytes of array, but only {len(raw)} are there")
    return np.frombuffer(raw, dtype).reshape(shape, order="F" if fortran else "C")


def _points(array: NDArray[Any]) -> Geometry:
    columns = [array[axis] for axis in "xyz"] if array.dtype.names else list(array[:, :3].T)
    is_float = all(column.dtype.kind == "f" for column in columns)
    is_single = is_float and all(column.dtype.itemsize <= 4 for column in columns)
    points = np.stack([column.astype(np.float32 if is_single else np.float64) for column in columns], axis=1)
    return Geometry(points, None, declared=is_float)
