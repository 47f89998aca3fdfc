"""The named objects of open packs: labelled by the table, as dense clouds, set upright.

`objects.tsv` and `objects.npz` hold 2,048 points of each; where the Debian package is there, objects of its
packs are sampled anew from their meshes, more densely.
"""

from __future__ import annotations

import csv
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

import numpy as np
import numpy.typing as npt

from c2p_deploy import progress
from c2p_deploy.errors import C2PError, reason_of
from c2p_deploy.io.meshes.sample import sample_mesh
from c2p_deploy.projection.prepare import to_unit_sphere
from c2p_deploy.projection.spec import FloatArray
from c2p_recipes.augment import about
from c2p_recipes.packs.furniture import FurnitureMesh, read_furniture
from c2p_recipes.vocabulary.table import label_of

DENSE_POINTS = 4096  # of an object
_COLUMNS = {"pack", "name", "category", "path"}
_AXES = {"x": 0, "y": 1, "z": 2}


@dataclass(frozen=True)
class NamedObject:
    """One row of objects.tsv that has a label.

    turn: about which axis (0 to 2) by how many degrees it has to be turned to stand upright, if at all.
    """

    row: int
    pack: str  # with the category, where one pack holds many
    name: str
    label: str
    path: str
    turn: tuple[int, float] | None = None

    @property
    def is_furniture(self) -> bool:
        """Whether it is of the Debian package, where it has a mesh."""
        return self.pack.startswith("sweethome3d-furniture/")


def named_objects(folder: Path) -> list[NamedObject]:
    """The objects of objects.tsv that the table has a label for, but for those that were looked at and
    dropped.

    Raises C2PError for a file that is not there or not such a table.
    """
    found = []
    for number, row in enumerate(object_rows(folder)):
        label = label_of(row["name"], row["category"])
        fix = _fixes().get((row["pack"], row["path"]))
        if label is not None and fix != "drop":
            pack = f"{row['pack']}/{row['category']}" if row["pack"] == "quaternius" else row["pack"]
            turn = None if fix is None else _turn(fix)
            found.append(NamedObject(number, pack, row["name"], label, row["path"], turn))
    return found


def object_rows(folder: Path) -> list[dict[str, str]]:
    """All rows of objects.tsv, by column.

    Raises C2PError for a file that is not there or not such a table.
    """
    table = folder / "objects.tsv"
    try:
        with table.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE, restval=""))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise C2PError(
            f"cannot be read: {reason_of(error)}", "give the folder with objects.tsv", table
        ) from error
    if not rows or not set(rows[0]) >= _COLUMNS:
        raise C2PError("is no table of objects", f"it needs the columns {', '.join(sorted(_COLUMNS))}", table)
    return rows


def object_points(folder: Path) -> npt.NDArray[np.float16]:
    """The clouds [N, P, 3] of objects.npz, one for each row of objects.tsv. Raises C2PError."""
    archive = folder / "objects.npz"
    unreadable = (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error)
    other_file = (TypeError, AttributeError)  # one array, no archive; the latter is what Python 3.10 raises
    try:
        with np.load(archive) as stored:
            points: npt.NDArray[np.float16] = stored["points"]
    except (*unreadable, *other_file) as error:
        raise C2PError(
            f"cannot be read: {reason_of(error)}", "give the folder with objects.npz", archive
        ) from error
    if points.ndim != 3 or points.shape[2] != 3:
        raise C2PError(f"holds points {points.shape}, not clouds [N, P, 3]", "copy it again", archive)
    return points


@cache
def _fixes() -> dict[tuple[str, str], str]:
    """What has to be done to an object, by pack and path: `drop`, or a turn."""
    text = resources.files("c2p_recipes.vocabulary").joinpath("object_fixes.tsv").read_text(encoding="utf-8")
    lines = [line.split("\t") for line in text.splitlines() if not line.startswith("#")][1:]
    return {(pack, path): fix for pack, path, fix, _ in lines}


def _turn(fix: str) -> tuple[int, float]:
    axis, degrees = fix.split()
    return _AXES[axis], float(degrees)


def dense_clouds(
    objects: Sequence[NamedObject], folder: Path, furniture: Path, seed: int
) -> npt.NDArray[np.float16]:
    """Points [N, DENSE_POINTS, 3] of the objects, in the unit sphere, y up.

    folder: of objects.npz; furniture: the Debian package. Objects with fewer points repeat them. Raises
    C2PError.
    """
    points = object_points(folder)
    if len(points) <= max(each.row for each in objects):
        raise C2PError(
            f"holds points {points.shape}, not one cloud per row of objects.tsv",
            "copy it again",
            folder / "objects.npz",
        )
    clouds = np.empty((len(objects), DENSE_POINTS, 3), dtype=np.float16)
    with progress.task("sampling objects", len(objects)) as task:
        meshes = meshes_of(objects, furniture)
        for index, each in enumerate(objects):
            if (mesh := meshes.get(each.row)) is not None:
                cloud = sample_mesh(mesh.vertices, mesh.faces, DENSE_POINTS, seed)
            else:
                cloud = points[each.row].astype(np.float64)
            if each.turn is not None:
                cloud = cloud @ about(*each.turn)
            clouds[index] = as_dense(cloud, seed)
            task.advance()
    return clouds


def meshes_of(objects: Sequence[NamedObject], furniture: Path) -> dict[int, FurnitureMesh]:
    """The meshes that the Debian package has of these objects, by row. Raises C2PError."""
    wanted = {each.path for each in objects if each.is_furniture}
    found = {mesh.piece.path: mesh for mesh in read_furniture(furniture, wanted)} if wanted else {}
    return {each.row: found[each.path] for each in objects if each.is_furniture and each.path in found}


def as_dense(cloud: npt.NDArray[np.floating], seed: int) -> FloatArray:
    """DENSE_POINTS of a cloud [N, 3], in the unit sphere: drawn at random, or with some repeated."""
    if len(cloud) > DENSE_POINTS:
        cloud = cloud[np.random.default_rng(seed).choice(len(cloud), DENSE_POINTS, replace=False)]
    return np.resize(to_unit_sphere(cloud), (DENSE_POINTS, 3))
