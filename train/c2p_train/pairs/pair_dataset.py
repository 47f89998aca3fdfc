"""`PairDataset`: random access to the image–depth pairs that `c2p-train render` wrote."""

from __future__ import annotations

import hashlib
import io
from array import array
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from c2p_deploy import ViewSet
from c2p_deploy.errors import PairsError, reason_of
from c2p_deploy.files import sha256_of
from c2p_deploy.json_file import parse_json, read_small
from c2p_deploy.projection.spec import FloatArray
from c2p_train.numpy_files import array_of
from c2p_train.pairs.shards import FORMAT, VERSION, canonical_json

_MOST_JSON = 1 << 20  # bytes of a sample's description
_BLOCK = 512  # bytes: tar headers and data begin at multiples of it


class PairDataset:
    """N objects, each with V pictures and K clouds; y is up, clouds lie in the unit sphere.

    views: the cameras of the pictures; image_size: S; num_points: P; samplings: K; classes: plain
    words, sorted; digest: SHA-256 that changes with the content, not with where or when they were rendered.

    Shards are indexed once, by their tar headers, and opened for every read: an instance holds no file
    and can be pickled, forked and shared by threads. The constructor checks dataset.json and presence and
    size of every shard; `verify` compares hashes. Raises PairsError.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        description = _read_description(root)
        try:
            self.views = ViewSet.from_dict(description["view_set"])
            self.image_size = int(description["image_size"])
            self.num_points = int(description["spec"]["num_points"])
            self.samplings = int(description["samplings"])
            self.classes: tuple[str, ...] = tuple(str(name) for name in description["classes"])
            self._shards = [
                (root / s["name"], int(s["bytes"]), str(s["sha256"])) for s in description["shards"]
            ]
            count = int(description["count"])
        except (KeyError, TypeError, ValueError) as error:
            raise PairsError(f"is damaged ({error!r})", "render it again", root / "dataset.json") from error
        description.pop("plan", None)  # holds the times of the meshes
        self.digest = hashlib.sha256(canonical_json(description)).hexdigest()

        self._keys: list[str] = []
        # Arrays from the first object on: as lists of tuples they would take five times the memory.
        labels, shards = array("q"), array("q")
        members = array("q")  # offset and size of JSON, points and pictures, object after object
        for number, (path, size, _) in enumerate(self._shards):
            self._check_size(path, size)
            for key, class_name, extents in _index(path, 2 + len(self.views)):
                self._keys.append(key)
                labels.append(self._class_index(path, class_name))
                members.extend(chain.from_iterable(extents))
                shards.append(number)
        if len(self._keys) != count:
            raise PairsError(
                f"dataset.json promises {count} objects, the shards hold {len(self._keys)}",
                "render it again",
                root,
            )
        self._labels = np.asarray(labels, dtype=np.int64)
        self._shard = np.asarray(shards, dtype=np.int64)
        self._members = np.asarray(members, dtype=np.int64).reshape(count, 2 + len(self.views), 2)

    def __len__(self) -> int:
        return len(self._keys)

    def key(self, i: int) -> str:
        """ "CLASS/ID" of object i, its name in the shards."""
        return self._keys[i]

    def label(self, i: int) -> int:
        """Index into `classes` of object i."""
        return int(self._labels[i])

    def points(self, i: int) -> FloatArray:
        """The clouds of object i, float32 [K, P, 3]."""
        try:
            points = array_of(self._read(i, 1))
        except ValueError as error:
            raise self._damaged(i) from error
        if points.shape != (self.samplings, self.num_points, 3) or points.dtype != np.float32:
            raise self._damaged(i)
        return np.asarray(points)

    def image(self, i: int, view: int) -> npt.NDArray[np.uint8]:
        """The picture of object i from camera `view`, RGB on white, uint8 [S, S, 3]."""
        if not 0 <= view < len(self.views):
            raise IndexError(f"view {view} of {len(self.views)}")
        try:
            picture = np.asarray(Image.open(io.BytesIO(self._read(i, 2 + view)), formats=["PNG"]))
        except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
            raise self._damaged(i) from error
        if picture.shape != (self.image_size, self.image_size, 3) or picture.dtype != np.uint8:
            raise self._damaged(i)
        return picture

    def verify(self) -> None:
        """Reads every shard and compares its SHA-256. Raises PairsError for the first that differs."""
        for path, size, sha256 in self._shards:
            self._check_size(path, size)
            if sha256_of(path) != sha256:
                raise PairsError("its content has changed since it was rendered", _REMEDY, path)

    def _read(self, i: int, member: int) -> bytes:
        path = self._shards[self._shard[i]][0]
        offset, size = self._members[i, member].tolist()
        with path.open("rb", buffering=0) as file:
            file.seek(offset)
            data: bytes = file.read(size)
        if len(data) != size:
            raise self._damaged(i)
        return data

    def _damaged(self, i: int) -> PairsError:
        return PairsError(f"{self.key(i)} in it is damaged", _REMEDY, self._shards[self._shard[i]][0])

    def _check_size(self, path: Path, size: int) -> None:
        if not path.is_file():
            raise PairsError("no such shard", _REMEDY, path)
        if path.stat().st_size != size:
            raise PairsError(f"has {path.stat().st_size} bytes instead of {size}", _REMEDY, path)

    def _class_index(self, path: Path, class_name: str) -> int:
        try:
            return self.classes.index(class_name)
        except ValueError:
            problem = f"holds the class {class_name!r} that is not in dataset.json"
            raise PairsError(problem, _REMEDY, path) from None


_REMEDY = "delete it and repeat the render command, which renders what is missing"


def _read_description(root: Path) -> dict[str, Any]:
    path = root / "dataset.json"
    if not path.is_file():
        hint = "finish it by repeating the render command" if (root / ".render").is_dir() else "render one"
        raise PairsError("is no finished folder of pairs (it has no dataset.json)", hint, root)
    try:
        description = parse_json(read_small(path))
    except (OSError, ValueError) as error:
        raise PairsError(f"is not JSON ({reason_of(error)})", "render it again", path) from error
    if not isinstance(description, dict) or description.get("format") != FORMAT:
        raise PairsError("does not describe image–depth pairs", "give a folder of c2p-train render", path)
    if description.get("version") != VERSION:
        raise PairsError(
            f"has version {description.get('version')!r}, this c2p-deploy reads {VERSION}",
            "render it again",
            path,
        )
    return description


def _index(path: Path, members: int) -> list[tuple[str, str, list[tuple[int, int]]]]:
    """Key, class name and the extents (offset, size) of the members of every sample of a shard.

    Shards are plain USTAR with the members of a sample in a fixed order, JSON first. Python's tarfile
    would take five times as long, which is half a minute for the whole of ShapeNet.
    """
    samples: list[tuple[str, str, list[tuple[int, int]]]] = []
    with path.open("rb") as file:
        offset = 0
        while True:
            extents = []
            names = []
            class_name = ""
            for member in range(members):
                file.seek(offset)
                header = file.read(_BLOCK)
                if member == 0 and not header.strip(b"\0"):
                    return samples
                try:
                    name, size = _parse_header(header)
                    if member == 0:
                        if size > _MOST_JSON:
                            raise ValueError(f"describes a sample in {size} bytes")
                        class_name = str(parse_json(file.read(size))["class"])
                except (ValueError, KeyError, TypeError) as error:
                    raise PairsError(
                        f"is not a shard of pairs ({reason_of(error)})", _REMEDY, path
                    ) from error
                names.append(name)
                extents.append((offset + _BLOCK, size))
                offset += _BLOCK + -(-size // _BLOCK) * _BLOCK
            key = names[0].removesuffix(".json")
            expected = ["json", "points.npy", *(f"{view:02}.png" for view in range(members - 2))]
            if names != [f"{key}.{suffix}" for suffix in expected]:
                raise PairsError(f"holds {key} in parts or out of order", _REMEDY, path)
            samples.append((key, class_name, extents))


def _parse_header(header: bytes) -> tuple[str, int]:
    """Name and size of a USTAR header. Raises ValueError."""
    if len(header) != _BLOCK or header[257:262] != b"ustar" or header[156:157] != b"0":
        raise ValueError("a tar header is missing")
    name, prefix = header[:100].rstrip(b"\0").decode(), header[345:500].rstrip(b"\0").decode()
    return (f"{prefix}/{name}" if prefix else name), int(header[124:136].rstrip(b"\0 "), 8)
