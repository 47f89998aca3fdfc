"""Whether an ONNX file keeps weights in other files, found without the package `onnx`.

Our engines never do. One that does names the others itself, so opening it could read any file of the
computer. A model is nested protobuf messages, each a row of fields: a key, which is number and wire type,
then a varint, 4 or 8 bytes, or a length and as many bytes. Only messages that can hold a tensor are looked
into; everything else, weights among them, is stepped over where it lies.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path

from c2p_deploy.errors import EngineError, reason_of

_DEEPEST = 100  # subgraphs within subgraphs, of which an engine has none; protobuf's own bound, too

# The fields that hold messages in which a tensor can lie: message -> field -> message (onnx.proto).
_HOLDS: dict[str, dict[int, str]] = {
    "Model": {7: "Graph", 20: "Training", 25: "Function"},
    "Training": {1: "Graph", 2: "Graph"},
    "Function": {7: "Node", 11: "Attribute"},
    "Graph": {1: "Node", 5: "Tensor", 15: "SparseTensor"},
    "Node": {5: "Attribute"},
    "Attribute": {5: "Tensor", 6: "Graph", 10: "Tensor", 11: "Graph", 22: "SparseTensor", 23: "SparseTensor"},
    "SparseTensor": {1: "Tensor", 2: "Tensor"},
}
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14  # of a tensor: where its data are, and whether that counts (1)


def check_self_contained(path: Path, reader: str) -> None:
    """Raises EngineError for an ONNX file that cannot be read, is none, or keeps weights in other files.

    reader: what is about to open it, for people.
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            external = _is_external(data, 0, len(data), "Model", 0)
    except OSError as error:
        problem = f"{reader} cannot load it: {reason_of(error)}"
        raise EngineError(problem, "check the path", path) from error
    except (ValueError, IndexError) as error:  # an empty file, too
        problem = f"{reader} cannot load it: it is damaged, or not an ONNX file"
        raise EngineError(problem, "export it again", path) from error
    if external:
        raise EngineError(
            "keeps weights in other files, which an engine must not name",
            "export it again, or save it whole: onnx.save(model, path, save_as_external_data=False)",
            path,
        )


def _is_external(data: mmap.mmap, at: int, end: int, message: str, depth: int) -> bool:
    """Whether a tensor within the message at data[at:end] has its data elsewhere."""
    if depth > _DEEPEST:
        raise ValueError("nested too deeply")
    for field, value, start, stop in _fields(data, at, end):
        if message == "Tensor":
            if field == _EXTERNAL_DATA or (field == _DATA_LOCATION and value != 0):
                return True
        elif (inner := _HOLDS[message].get(field)) and _is_external(data, start, stop, inner, depth + 1):
            return True
    return False


def _fields(data: mmap.mmap, at: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Number, value, begin and end of every field: a value where it is a varint, else its bytes.

    Raises ValueError for what is not a message.
    """
    while at < end:
        key, at = _varint(data, at, end)
        wire, value, start = key & 7, 0, at
        if wire == 0:
            value, at = _varint(data, at, end)
            start = at
        elif wire == 2:
            length, start = _varint(data, at, end)
            at = start + length
        elif wire in (1, 5):
            at += 8 if wire == 1 else 4
        else:
            raise ValueError("not a protobuf message")
        if key >> 32:  # readers that cut it off would see another field
            raise ValueError("not a key of protobuf")
        if at > end:
            raise ValueError("ends within a field")
        yield key >> 3, value, start, at


def _varint(data: mmap.mmap, at: int, end: int) -> tuple[int, int]:
    """The number at data[at], seven bits a byte and the lowest first, and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= end:
            break
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise ValueError("not a number of protobuf")
