"""Arrays out of NumPy's files, whose headers are not believed: they may promise terabytes.

`numpy.load` allocates what a header says before it looks for the bytes. Here these are counted first.
"""

from __future__ import annotations

import io
import math
import zipfile
from os import PathLike
from typing import Any

import numpy as np
import numpy.typing as npt

from c2p_deploy.errors import reason_of
from c2p_deploy.io.common import quoted
from c2p_deploy.json_file import check_regular, read_small

MOST_BYTES = 2 << 30  # of a file, and of all arrays in it
_RATIO, _FREE = 20, 64 << 20  # what packed arrays may become: so many times the file, and this besides


def load_array(path: str | PathLike[str]) -> npt.NDArray[Any]:
    """The array in an `.npy`. Raises OSError, and ValueError for what is none or holds objects."""
    return array_of(read_small(path, MOST_BYTES))


def load_arrays(path: str | PathLike[str]) -> dict[str, npt.NDArray[Any]]:
    """The arrays in an `.npz` by their names. Raises OSError and ValueError, as above."""
    check_regular(path, MOST_BYTES)
    try:
        with zipfile.ZipFile(path) as packed:
            members = packed.infolist()
            size = sum(member.compress_size for member in members)
            if sum(member.file_size for member in members) > min(MOST_BYTES, _RATIO * size + _FREE):
                raise ValueError(f"{size} bytes claim to hold more than {_RATIO} times as many")
            if any(
                member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for member in members
            ):
                raise ValueError("it is packed as NumPy does not pack")
            return {member.filename.removesuffix(".npy"): array_of(packed.read(member)) for member in members}
    except (OSError, ValueError):
        raise
    except Exception as error:  # zipfile and zlib have errors of many kinds for damaged files
        raise ValueError(f"not an .npz ({reason_of(error)})") from error


def array_of(data: bytes) -> npt.NDArray[Any]:
    """The array that the bytes of an `.npy` hold. Raises ValueError."""
    stream = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(stream)
        read_header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, fortran, dtype = read_header(stream)
    except Exception as error:  # NumPy has Python's tokenizer read the header: many kinds of error
        raise ValueError(f"its NPY header makes no sense ({quoted(reason_of(error), 200)})") from error
    if dtype.hasobject:
        raise ValueError("it holds Python objects, which are not read for safety")
    size, left = math.prod(shape) * dtype.itemsize, len(data) - stream.tell()
    if min(shape, default=0) < 0 or size > left:
        raise ValueError(f"it promises an array of {size} bytes, but {left} are there")
    raw = np.frombuffer(data, dtype, math.prod(shape), stream.tell()) if size else np.empty(shape, dtype)
    return raw.reshape(shape, order="F" if fortran else "C").copy()
