"""Zip archives of torch.save and torch.jit.save, read without PyTorch's own readers.

Those trust what a file says of itself: a tensor of a few bytes may stride over terabytes, a compressed
record may be a thousand times its size, and TorchScript regards an archive as a program. Here the pickle in
an archive can only describe: it is made of a few kinds of step, calls nothing but what this module names,
and what it says of a tensor is compared with the bytes of its record before there is a tensor.
"""

from __future__ import annotations

import io
import math
import pickle
import pickletools
import zipfile
from pathlib import Path
from typing import Any, NamedTuple, TypeGuard

import torch
from torch import Tensor

from c2p_deploy.errors import CheckpointError, reason_of
from c2p_deploy.json_file import check_regular

# A large CLIP has 1,300 tensors, described by 100 KiB in 40,000 steps.
_LARGEST_PICKLE = 16 << 20
_MOST_STEPS = 1_000_000
_MOST_CLASSES = 20_000  # of TorchScript's modules
_MOST_AXES = 16
_CHUNK = 1 << 20

# What torch.save and TorchScript write; none of them takes more memory than a small multiple of its bytes.
_STEPS = {
    *("PROTO", "STOP", "MARK", "GLOBAL", "REDUCE", "NEWOBJ", "BUILD", "BINPERSID"),
    *("BINPUT", "LONG_BINPUT", "BINGET", "LONG_BINGET"),
    *("NONE", "NEWTRUE", "NEWFALSE", "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE"),
    *("EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "EMPTY_LIST", "APPEND", "APPENDS"),
    *("EMPTY_DICT", "SETITEM", "SETITEMS"),
}
_KINDS = {
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}


class Malformed(Exception):
    """What an archive holds that none has. Its text is a clause that reads after "PATH: "."""


class Archive:
    """An open archive, whose records are not compressed and together no larger than its file.

    Raises CheckpointError, for a file that is not a zip, too; use it as a context manager.
    """

    def __init__(self, path: Path) -> None:
        try:
            check_regular(path)
            self._zip = zipfile.ZipFile(path)
        except FileNotFoundError as error:
            raise CheckpointError("no such file", "check the path", path) from error
        except zipfile.BadZipFile as error:
            raise CheckpointError(
                "cannot be loaded as a checkpoint: damaged, another kind of file, or of a PyTorch before 1.6",
                "copy it again, or save it anew with today's torch.save",
                path,
            ) from error
        except (OSError, ValueError, NotImplementedError) as error:
            problem = f"cannot be loaded as a checkpoint: {reason_of(error)}"
            raise CheckpointError(problem, "check the file", path) from error
        self.path, self.size = path, path.stat().st_size
        self._records = {record.filename: record for record in self._zip.infolist()}
        self.folder = next(iter(self._records), "").split("/")[0]

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *args: object) -> None:
        self._zip.close()

    def __contains__(self, name: str) -> bool:
        return f"{self.folder}/{name}" in self._records

    def check_sizes(self) -> None:
        """Raises Malformed for records of tensors that are compressed, or larger than the file."""
        if len(self._records) < len(self._zip.infolist()):
            raise Malformed("holds two records of one name")
        total = 0
        for name, record in self._records.items():
            if not name.startswith(f"{self.folder}/code/"):  # TorchScript compresses its program
                if record.compress_type != zipfile.ZIP_STORED or record.file_size != record.compress_size:
                    raise Malformed("holds compressed records, which no checkpoint has")
                total += record.file_size
        if total > self.size:
            raise Malformed("promises more bytes than it has")

    def length(self, name: str) -> int:
        """The bytes of a record. Raises Malformed when there is none of this name."""
        if name not in self:
            raise Malformed(f"has no record {name}")
        return self._records[f"{self.folder}/{name}"].file_size

    def read(self, name: str, most: int) -> bytes:
        """A record of at most so many bytes. Raises Malformed for a larger one."""
        if self.length(name) > most:
            raise Malformed(f"has a record {name} larger than any checkpoint's")
        with self._zip.open(f"{self.folder}/{name}") as record:
            return record.read(most)

    def read_into(self, name: str, out: memoryview) -> None:
        """Fills `out` with a record of as many bytes."""
        with self._zip.open(f"{self.folder}/{name}") as record:
            done = 0
            while done < len(out):
                part = record.read(min(_CHUNK, len(out) - done))
                if not part:
                    raise Malformed(f"ends within its record {name}")
                out[done : done + len(part)] = part
                done += len(part)  # at the end zipfile compares the checksum

    def contents(self) -> Any:
        """What the archive describes: plain values, tensors on the CPU, and TorchScript's modules.

        Ordered dictionaries come as plain ones. Raises Malformed, or what a pickle can raise.
        """
        self.check_sizes()
        data = self.read("data.pkl", _LARGEST_PICKLE)
        _check_steps(data)
        if "byteorder" in self and self.read("byteorder", 16) != b"little":
            raise Malformed("was written on a machine of the other byte order")
        return _Tensors(self).of(_Unpickler(io.BytesIO(data)).load(), 0)


class Module:
    """A module of TorchScript: the name of its class, and its attributes. It does nothing."""

    qualified_name = ""
    attributes: dict[str, Any]

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, dict) or not all(isinstance(name, str) for name in state):
            raise Malformed("holds a module without named attributes")
        self.attributes = state


class _Kind(NamedTuple):
    dtype: torch.dtype


class _Storage(NamedTuple):
    record: str
    dtype: torch.dtype
    numel: int


class _Described(NamedTuple):
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]


def _describe(storage: object, offset: object, shape: object, stride: object, *_: object) -> _Described:
    """In the place of `torch._utils._rebuild_tensor_v2`."""
    if not isinstance(storage, _Storage) or not _is_count(offset):
        raise Malformed("holds a tensor without a storage")
    if not _are_counts(shape) or not _are_counts(stride) or len(shape) != len(stride):
        raise Malformed("holds a tensor without a shape")
    return _Described(storage, offset, shape, stride)


def _parameter(data: object, *_: object) -> object:
    """In the place of `torch._utils._rebuild_parameter`."""
    return data


def _list(data: object, *_: object) -> object:
    """In the place of TorchScript's makers of lists, and of what notes the type of one."""
    return data


def _new_dict(*args: object) -> dict[Any, Any]:
    if args:
        raise Malformed("holds a dictionary made of something else")
    return _Dict()


class _Dict(dict[Any, Any]):
    """In the place of `OrderedDict`; what modules note on theirs (`_metadata`) is dropped."""

    def __setstate__(self, state: object) -> None:
        pass


_CALLS: dict[tuple[str, str], Any] = {
    ("torch._utils", "_rebuild_tensor_v2"): _describe,
    ("torch._utils", "_rebuild_parameter"): _parameter,
    ("collections", "OrderedDict"): _new_dict,
    **{("torch.jit._pickle", f"build_{kind}list"): _list for kind in ("int", "double", "bool", "tensor")},
    ("torch.jit._pickle", "restore_type_tag"): _list,
    **{("torch", name): _Kind(dtype) for name, dtype in _KINDS.items()},
}


class _Unpickler(pickle.Unpickler):
    _classes = 0

    def find_class(self, module: str, name: str) -> Any:
        if module == "__torch__" or module.startswith("__torch__."):
            self._classes += 1
            if self._classes > _MOST_CLASSES:
                raise Malformed("has more kinds of modules than any model")
            return type("Module", (Module,), {"qualified_name": f"{module}.{name}"})
        try:
            return _CALLS[module, name]
        except KeyError:
            raise Malformed(f"asks for {module}.{name}, which no weights need") from None

    def persistent_load(self, pid: object) -> _Storage:
        match pid:
            case ("storage", _Kind(dtype), str(record), str(), int(numel), *_) if _is_count(numel):
                return _Storage(record, dtype, numel)
        raise Malformed("holds a storage of an unknown kind")


class _Tensors:
    """Descriptions become tensors, each storage read once."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._storages: dict[str, Tensor] = {}
        self._done: dict[int, tuple[Any, Any]] = {}  # by identity: what was made of what
        self._total = 0

    def of(self, value: Any, depth: int) -> Any:
        if id(value) in self._done:
            return self._done[id(value)][1]
        if depth > 100:
            raise Malformed("is nested too deeply")
        found: Any
        if value is None or isinstance(value, (bool, int, float, str)):
            return value
        if isinstance(value, _Described):
            found = self._tensor(value)
        elif isinstance(value, Module):
            found = type(value)()
            found.attributes = self.of(getattr(value, "attributes", {}), depth + 1)
        elif isinstance(value, dict):
            if not all(isinstance(key, (str, int, float)) for key in value):
                raise Malformed("holds a dictionary whose keys are not words or numbers")
            found = {key: self.of(each, depth + 1) for key, each in value.items()}
        elif type(value) in (list, tuple):
            found = type(value)([self.of(each, depth + 1) for each in value])
        else:
            raise Malformed(f"holds a value of no use among weights ({type(value).__name__})")
        self._done[id(value)] = value, found
        return found

    def _tensor(self, described: _Described) -> Tensor:
        storage, offset, shape, stride = described
        count = math.prod(shape)
        if count == 0:
            return torch.empty(shape, dtype=storage.dtype)
        last = offset + sum((n - 1) * step for n, step in zip(shape, stride, strict=True))
        # More numbers than the storage has would be some of them again and again.
        if last >= storage.numel or count > storage.numel:
            raise Malformed("describes a tensor that does not lie within its record")
        self._total += count * storage.dtype.itemsize
        if self._total > 2 * self._archive.size:
            raise Malformed("describes more weights than it holds")
        return torch.as_strided(self._storage(storage), shape, stride, offset)

    def _storage(self, storage: _Storage) -> Tensor:
        if storage.record not in self._storages:
            name, size = f"data/{storage.record}", storage.numel * storage.dtype.itemsize
            if self._archive.length(name) != size:
                raise Malformed(f"has a record {name} of another length than it says")
            raw = torch.empty(size, dtype=torch.uint8)
            self._archive.read_into(name, raw.numpy().data)
            self._storages[storage.record] = raw
        return self._storages[storage.record].view(storage.dtype)


def _is_count(value: object) -> TypeGuard[int]:
    return type(value) is int and 0 <= value < 1 << 48


def _are_counts(values: object) -> TypeGuard[tuple[int, ...]]:
    return isinstance(values, tuple) and len(values) <= _MOST_AXES and all(map(_is_count, values))


def _check_steps(data: bytes) -> None:
    """Raises Malformed for a pickle that no checkpoint has, before anything is made of it."""
    for done, (step, argument, _) in enumerate(pickletools.genops(data)):
        if step.name not in _STEPS:
            raise Malformed(f"holds a pickle with {step.name}, which no weights need")
        # A pickle numbers one by one what it keeps; room is made up to the highest number.
        beyond = step.name == "LONG_BINPUT" and isinstance(argument, int) and argument > done
        if done > _MOST_STEPS or beyond:
            raise Malformed("holds a pickle unlike any checkpoint's")
