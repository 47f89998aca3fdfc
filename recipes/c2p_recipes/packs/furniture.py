"""The Debian package `sweethome3d-furniture`: meshes with a name, a size and a creator each.

A .deb is an `ar` archive with a tar archive in it, whose .sh3f files are zip archives of a catalogue
(PluginFurnitureCatalog.properties) and OBJ models. Nothing is unpacked onto the disk.
"""

from __future__ import annotations

import io
import re
import tarfile
import zipfile
from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt

from c2p_deploy.errors import C2PError, reason_of
from c2p_deploy.io.common import Floats, Ints
from c2p_deploy.io.meshes.obj import read_obj

_REMEDY = "fetch it again: apt-get download sweethome3d-furniture"
_CATALOGUE = "PluginFurnitureCatalog.properties"
_MOST_BYTES = 1 << 30  # of the package: it has 120 MB
_MOST_MODEL = 200 << 20  # bytes of a model


@dataclass(frozen=True)
class FurniturePiece:
    """One entry of a catalogue."""

    pack: str  # Scopia, KatorLegaz …
    name: str
    creator: str
    path: str  # of the model in its archive
    rotation: npt.NDArray[np.float64]  # [3, 3]; turns columns of the model's coordinates
    size: tuple[float, float, float]  # metres: width, height, depth


@dataclass(frozen=True)
class FurnitureMesh:
    """A piece with its surface: vertices [N, 3] upright (y up), in metres; faces [F, 3]."""

    piece: FurniturePiece
    vertices: npt.NDArray[np.float64]
    faces: npt.NDArray[np.int64]


def read_furniture(package: Path, wanted: Container[str] | None = None) -> Iterator[FurnitureMesh]:
    """All pieces of the package, or those whose model path is `wanted`, one at a time.

    A model that cannot be read is left out. Raises C2PError for a file that is not the package.
    """
    for pack, archive in _archives(package):
        for piece in _catalogue(archive, pack, package):
            if wanted is None or piece.path in wanted:
                try:
                    if archive.getinfo(piece.path).file_size > _MOST_MODEL:
                        continue
                    model = read_obj(archive.read(piece.path), Path(piece.path))
                except (C2PError, KeyError, zipfile.BadZipFile, OSError):
                    continue
                if model.triangles is not None:
                    yield _upright(model.points, model.triangles, piece)


def read_catalogues(package: Path) -> list[FurniturePiece]:
    """What is in the package, without its surfaces. Raises C2PError."""
    return [piece for pack, archive in _archives(package) for piece in _catalogue(archive, pack, package)]


def _archives(package: Path) -> Iterator[tuple[str, zipfile.ZipFile]]:
    """The .sh3f archives in a .deb, by name."""
    try:
        if package.stat().st_size > _MOST_BYTES:
            raise C2PError("is too large to be the package", _REMEDY, package)
        data = _ar_member(package.read_bytes(), "data.tar")
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            for member in tar:
                if member.isfile() and member.name.endswith(".sh3f"):
                    content = tar.extractfile(member)
                    assert content is not None  # it is a file
                    with zipfile.ZipFile(io.BytesIO(content.read())) as archive:
                        yield PurePosixPath(member.name).stem, archive
    except (OSError, ValueError, EOFError, tarfile.TarError, zipfile.BadZipFile) as error:
        raise C2PError(f"is not the Debian package: {reason_of(error)}", _REMEDY, package) from error


def _ar_member(data: bytes, name: str) -> bytes:
    """The content of the first member of an ar archive whose name starts so. Raises ValueError."""
    if not data.startswith(b"!<arch>\n"):
        raise ValueError("no ar archive")
    at = 8
    while at + 60 <= len(data):
        member, size = data[at : at + 16].decode("ascii", "replace"), int(data[at + 48 : at + 58])
        if member.startswith(name):
            return data[at + 60 : at + 60 + size]
        at += 60 + size + size % 2
    raise ValueError(f"no {name} in it")


def _catalogue(archive: zipfile.ZipFile, pack: str, package: Path) -> list[FurniturePiece]:
    """The entries of a catalogue: lines `key#number=value`, as Java writes them."""
    try:
        text = archive.read(_CATALOGUE).decode("latin-1")
    except KeyError as error:
        raise C2PError(f"{pack} has no catalogue", _REMEDY, package) from error
    entries: dict[int, dict[str, str]] = {}
    for key, number, value in re.findall(r"^(\w+)#(\d+)=(.*?)\s*$", text, re.MULTILINE):
        entries.setdefault(int(number), {})[key] = re.sub(
            r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), value
        )
    pieces = []
    for _, entry in sorted(entries.items()):
        numbers = [float(value) for value in entry.get("modelRotation", "1 0 0 0 1 0 0 0 1").split()]
        if {"name", "model"} <= entry.keys() and len(numbers) == 9:
            size = tuple(float(entry.get(key, "nan")) / 100 for key in ("width", "height", "depth"))
            pieces.append(
                FurniturePiece(
                    pack,
                    entry["name"],
                    entry.get("creator", pack),
                    entry["model"].lstrip("/"),
                    np.array(numbers).reshape(3, 3),
                    (size[0], size[1], size[2]),
                )
            )
    return pieces


def _upright(points: Floats, faces: Ints, piece: FurniturePiece) -> FurnitureMesh:
    """Turned and stretched to its catalogue's size, as Sweet Home 3D shows it."""
    turned = points.astype(np.float64) @ piece.rotation.T
    used = turned[np.unique(faces)]
    extent, size = np.ptp(used, axis=0), np.array(piece.size)
    scale = np.where((extent > 1e-9) & np.isfinite(size), size / np.maximum(extent, 1e-9), 1.0)
    centre = (used.max(axis=0) + used.min(axis=0)) / 2
    return FurnitureMesh(piece, (turned - centre) * scale, faces)
