"""Real scans for validation: boxes and cylinders cut out of labelled RGB-D scenes (mOSD) by their labels.

The scenes name no objects, but their sets do: `learn0` to `learn24` show boxes, `learn33` to `learn44`
things that are cylinders, mostly cans, cups and jars. Parts of one object share the tens of their labels; 1
to 9 is the table, whose plane says what is up.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import numpy.typing as npt

from c2p_deploy.errors import C2PError, reason_of
from c2p_recipes.packs.objects import as_dense
from c2p_recipes.training_set import Part

SOURCE = "scanned boxes and cylinders"
_KINDS = ((range(25), "box"), (range(33, 45), "cylinder"))
_LEAST_POINTS = 300  # what shows less is a corner behind something else
_MARK = b"DATA binary_compressed\n"


def scanned_objects(folder: Path) -> Part:
    """One cloud of each object of the scenes in a folder, as the camera saw it, y up. Raises C2PError."""
    clouds, names = [], []
    for path in sorted(folder.glob("learn*.pcd")):
        number = int(re.findall(r"\d+", path.stem)[0])
        name = next((name for numbers, name in _KINDS if number in numbers), None)
        if name is None:
            continue
        points, label = read_labelled(path)
        up = table_normal(points[(label >= 1) & (label < 10)])
        turn = _onto_y(up)
        for thing in np.unique(label[label >= 20] // 10):
            cloud = points[label // 10 == thing]
            if len(cloud) >= _LEAST_POINTS:
                clouds.append(as_dense(cloud @ turn.T, 0))
                names.append(name)
    if not clouds:
        raise C2PError("holds no labelled scene", "give the folder with learn0.pcd … of mOSD", folder)
    return Part(SOURCE, 1.0, np.stack(clouds).astype(np.float16), tuple(names))


def read_labelled(path: Path) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Points [N, 3] with a return, in the camera's frame (z forward, y down), and their labels [N].

    Reads what mOSD is written as: compressed PCD with the fields label, x, y, z of four bytes each, first.
    Raises C2PError.
    """
    import lzf

    try:
        head, mark, body = path.read_bytes().partition(_MARK)
        fields = dict(line.split(" ", 1) for line in head.decode("ascii").splitlines() if " " in line)
        count = int(fields["POINTS"])
        if (
            not mark
            or not fields["FIELDS"].startswith("label x y z")
            or not fields["SIZE"].startswith("4 4 4 4")
        ):
            raise ValueError("its fields are not label, x, y, z")
        packed, size = np.frombuffer(body[:8], dtype="<u4")
        if count * 16 > size or size > 64 * count:
            raise ValueError("its size does not fit its number of points")
        data = lzf.decompress(body[8 : 8 + int(packed)], int(size))
        label = np.frombuffer(data, dtype="<u4", count=count)  # column by column
        points = np.frombuffer(data, dtype="<f4", count=3 * count, offset=4 * count).reshape(3, count).T
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise C2PError(f"is no labelled scene: {reason_of(error)}", "fetch mOSD again", path) from error
    seen = np.isfinite(points).all(axis=1) & (label > 0)
    return points[seen].astype(np.float64), label[seen].astype(np.int64)


def table_normal(table: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The unit normal [3] of the plane through most of these points, towards the camera at the origin."""
    centre = np.median(table, axis=0)
    kept = table
    normal = np.array([0.0, -1.0, 0.0])
    for _ in range(3):  # again without what stands off the plane
        normal = np.linalg.svd(kept[:: max(1, len(kept) // 5000)] - kept.mean(axis=0), full_matrices=False)[
            2
        ][2]
        off = np.abs((table - kept.mean(axis=0)) @ normal)
        kept = table[off < max(2 * float(np.median(off)), 0.003)]
    return np.asarray(-normal if normal @ centre > 0 else normal)


def _onto_y(up: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The rotation [3, 3] that brings a unit vector onto y, turning columns."""
    side = np.cross(up, [0.0, 0.0, 1.0])
    side /= np.linalg.norm(side)
    return np.stack([side, up, np.cross(side, up)])
