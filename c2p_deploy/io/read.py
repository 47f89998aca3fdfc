"""`read_cloud`: which reader a file goes to, and what every file goes through before and after it."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import numpy as np

from c2p_deploy.errors import C2PError, CloudFileError, OptionError, reason_of
from c2p_deploy.io.arrays import read_npy, read_npz
from c2p_deploy.io.bin import read_bin
from c2p_deploy.io.common import NO_LIMITS_GIVEN, Floats, Geometry, Limits, narrow, quoted
from c2p_deploy.io.las import read_las
from c2p_deploy.io.meshes.gltf import read_gltf
from c2p_deploy.io.meshes.obj import read_obj
from c2p_deploy.io.meshes.off import read_off
from c2p_deploy.io.meshes.sample import sample_mesh
from c2p_deploy.io.meshes.stl import read_stl
from c2p_deploy.io.pcd import read_pcd
from c2p_deploy.io.ply import read_ply
from c2p_deploy.io.text import read_text

READERS: dict[str, Callable[[bytes, Path, Limits], Geometry]] = {
    ".asc": read_text,
    ".csv": read_text,
    ".glb": read_gltf,
    ".gltf": read_gltf,
    ".las": read_las,
    ".laz": read_las,
    ".npy": read_npy,
    ".npz": read_npz,
    ".obj": read_obj,
    ".off": read_off,
    ".pcd": read_pcd,
    ".ply": read_ply,
    ".pts": read_text,
    ".stl": read_stl,
    ".txt": read_text,
    ".xyz": read_text,
}
CLOUD_SUFFIXES: tuple[str, ...] = tuple(sorted([*READERS, ".bin"]))
"""All suffixes `read_cloud` takes, in lower case; it ignores case."""

# How files begin that are often found under a wrong name: what that is, and the suffixes it is right for.
MAGIC: list[tuple[bytes, str, tuple[str, ...]]] = [
    (b"version https://git-lfs", "a Git LFS pointer", ()),
    (b"ply\n", "PLY", (".ply",)),
    (b"ply\r", "PLY", (".ply",)),
    (b"# .PCD", "PCD", (".pcd",)),
    (b"VERSION .7\n", "PCD", (".pcd",)),
    (b"VERSION 0.7\n", "PCD", (".pcd",)),
    (b"OFF\n", "OFF", (".off",)),
    (b"OFF\r", "OFF", (".off",)),
    (b"glTF", "binary glTF", (".glb", ".gltf")),
    (b"\x93NUMPY", "a NumPy array", (".npy",)),
    (b"PK\x03\x04", "a ZIP archive", (".npz",)),
    (b"LASF", "LAS", (".las", ".laz")),
    (b"PAR1", "Parquet", ()),
    (b"\x1f\x8b", "gzip", ()),
    (b"BZh", "bzip2", ()),
    (b"\xfd7zXZ", "xz", ()),
    (b"\x28\xb5\x2f\xfd", "zstd", ()),
    (b"\x89PNG", "a PNG image", ()),
    (b"\xff\xd8\xff", "a JPEG image", ()),
    (b"%PDF", "PDF", ()),
    (b"\x89HDF", "HDF5", ()),
    (b"\x89MCAP", "an MCAP recording", ()),
    (b"#ROSBAG", "a ROS bag", ()),
    (b"SQLite format 3", "an SQLite (rosbag2) file", ()),
    (b"<!DOCTYPE", "a web page", ()),
    (b"<html", "a web page", ()),
]
REMEDIES = {
    "a Git LFS pointer": "fetch the file itself with 'git lfs pull'",
    "a web page": "download the file again",
}


def read_cloud(
    path: str | os.PathLike[str],
    *,
    mesh_points: int = 8192,
    seed: int = 0,
    columns: int | None = None,
    max_bytes: int = NO_LIMITS_GIVEN.file_bytes,
    max_points: int = NO_LIMITS_GIVEN.points,
) -> Floats:
    """Read a point cloud, or sample points from a mesh.

    Args:
        path: the file; its suffix (see `CLOUD_SUFFIXES`) says which format it has.
        mesh_points: how many points to draw, uniformly by area, from a file that has faces. Files without
            faces give all their points.
        seed: of that drawing; the same seed gives the same points to the bit.
        columns: float32 values per point of a headerless `.bin` file; inferred where that is beyond doubt.
        max_bytes: larger files are refused, together with those that they refer to.
        max_points: files of more points, of meshes of more vertices, are refused.

    Returns:
        (N, 3) C-contiguous array of x, y, z in the unit and axes of the file, N >= 1, all finite: rows with
        NaN or infinity, as organised clouds have them, are left out. float32; or float64 where the source
        stores doubles, or where coordinates are so large beside the extent (UTM) that float32 would move a
        point by more than a hundred-thousandth of it.

    Raises:
        CloudFileError: the file cannot be read, or holds no finite point. The message is one line,
            "PATH: what is wrong; what to do". Counts in a header are compared with the file before anything
            is allocated, so that a broken or hostile file costs neither much memory nor time.
        MissingDependencyError: reading it needs an optional package (LAZ: the extra `las`).
        OptionError: `mesh_points` < 1, `seed` < 0, `columns` < 3, `max_bytes` < 1 or `max_points` < 1.
    """
    if mesh_points < 1:
        raise OptionError(f"mesh_points must be at least 1, not {mesh_points}")
    if seed < 0:
        raise OptionError(f"seed must be at least 0, not {seed}")
    if columns is not None and columns < 3:
        raise OptionError(f"columns must be at least 3, not {columns}")
    if max_bytes < 1:
        raise OptionError(f"max_bytes must be at least 1, not {max_bytes}")
    if max_points < 1:
        raise OptionError(f"max_points must be at least 1, not {max_points}")
    try:
        with np.errstate(all="ignore"):  # values that overflow are dropped in the end as not finite
            return _read(Path(path), mesh_points, seed, columns, Limits(max_bytes, max_points))
    except C2PError as error:
        raise error.at(path) from error
    except OSError as error:
        opened = f"cannot be opened ({reason_of(error)})"
        raise CloudFileError(opened, "check the path and its permissions", path) from error
    except MemoryError as error:
        remedy = "reduce its number of points"
        raise CloudFileError("needs more memory than there is", remedy, path) from error
    except Exception as error:  # whatever a decoder did not foresee is a fault of the file to the user
        found = f"cannot be read ({type(error).__name__}: {quoted(reason_of(error), 200)})"
        raise CloudFileError(found, "check that it is what its suffix says", path) from error


def _read(path: Path, mesh_points: int, seed: int, columns: int | None, limits: Limits) -> Floats:
    suffix = path.suffix.lower()
    data = _load(path, suffix, limits)
    _check_magic(data, suffix)
    if suffix == ".bin":
        points, triangles, declared = read_bin(data, columns, limits)
    else:
        points, triangles, declared = READERS[suffix](data, path, limits)
    del data  # what follows needs the memory
    if triangles is not None and len(triangles):
        points = sample_mesh(points, triangles, mesh_points, seed)
    if len(points) == 0:
        raise CloudFileError("holds no points", "check that points were written to it")
    finite = np.isfinite(points).all(axis=1)
    if not finite.any():
        raise CloudFileError(
            f"holds {len(points)} points, none of them finite", "check the sensor or export that made it"
        )
    points = points if finite.all() else points[finite]
    return np.ascontiguousarray(points if declared else narrow(points))


def _load(path: Path, suffix: str, limits: Limits) -> bytes:
    try:
        status = path.stat()
    except FileNotFoundError:
        raise CloudFileError("no such file", "check the path") from None
    except ValueError as error:  # a NUL in the name
        raise CloudFileError(f"is not a file name ({reason_of(error)})", "check the path") from error
    mode = status.st_mode
    if stat.S_ISDIR(mode):
        raise CloudFileError("is a directory", "give the files in it")
    if not stat.S_ISREG(mode):  # reading a pipe or device may never end
        raise CloudFileError("is not a regular file", "save the points to a file first")
    if suffix not in CLOUD_SUFFIXES:
        found = f"has the unknown suffix {suffix!r}" if suffix else "has no suffix"
        raise CloudFileError(found, f"convert or rename it to one of {' '.join(CLOUD_SUFFIXES)}")
    limits.check_bytes(status.st_size)
    data = path.read_bytes()
    if not data:
        raise CloudFileError("is empty (0 bytes)", "write or copy it again")
    return data


def _check_magic(data: bytes, suffix: str) -> None:
    """Refuse content that is plainly something else than its suffix says."""
    for magic, name, suffixes in MAGIC:
        if data.startswith(magic) and suffix not in suffixes:
            remedy = (
                f"rename it to {suffixes[0]}"
                if suffixes
                else f"convert it to one of {' '.join(CLOUD_SUFFIXES)}"
            )
            raise CloudFileError(f"is {name}, not what {suffix} stands for", REMEDIES.get(name, remedy))
