"""Raw float32 points without a header, as LiDAR data sets keep them: KITTI, nuScenes, ScanNet, SUN RGB-D."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from c2p_deploy.errors import CloudFileError
from c2p_deploy.io.common import NO_LIMITS_GIVEN, Geometry, Limits

GIVE_COLUMNS = "say how many float32 values make one point (columns=4 for KITTI, 5 for nuScenes)"
FARTHEST = 1e6  # coordinates beyond it are another type of number read as float32
CYCLES = (2, 3, 4, 5, 6, 7, 8)  # row cycles in which another number of columns shows
BLOCK = 840  # their least common multiple: blocks of rows that start in phase
BLOCKS = 10  # looked at, spread over the file
# Kolmogorov-Smirnov distance between what should be one distribution. Measured on KITTI, nuScenes, ScanNet
# and SUN RGB-D: up to 0.14 in rows of the right length (nuScenes' rings take turns), 0.2 to 0.7 in others.
APART = 0.16
FEW_ROWS = 1000  # too few to take bare x y z on the strength of that distance alone


def read_bin(data: bytes, columns: int | None, limits: Limits = NO_LIMITS_GIVEN) -> Geometry:
    """The first three of every `columns` float32 values, little endian; without `columns` it is inferred.

    Inferred are 3 (x y z), 4 (and intensity), 5 (and ring or time) and 6 (and a colour or normal), only
    where exactly one of them explains the values. Random data cannot be told from points.
    -> (N, 3) float32
    """
    if len(data) % 4:
        raise CloudFileError(f"has {len(data)} bytes, no whole float32 values", "check that it holds float32")
    values = np.frombuffer(data, "<f4")
    if columns is None:
        columns = _infer_columns(values)
    elif values.size % columns:
        raise CloudFileError(f"has {values.size} values, no whole points of {columns}", "give other columns")
    limits.check_points(values.size // columns)
    return Geometry(values.reshape(-1, columns)[:, :3].astype(np.float32))


def _infer_columns(values: NDArray[np.float32]) -> int:
    size = np.abs(values)
    # negated, so that NaN counts; denormals are what integers look like
    if not ((size <= FARTHEST) & ((size == 0) | (size >= np.finfo(np.float32).tiny))).all():
        raise CloudFileError(
            "does not look like float32 points (values not finite, or enormous)", GIVE_COLUMNS
        )
    possible = [n for n in (3, 4, 5, 6) if values.size % n == 0 and _is_plausible(values.reshape(-1, n))]
    if len(possible) > 1:
        possible = [n for n in possible if _is_steady(values.reshape(-1, n))] or possible
    if len(possible) > 1:
        raise CloudFileError(
            f"may hold points of {' or '.join(map(str, possible))} values each", GIVE_COLUMNS
        )
    if possible == [3] and values.size < 3 * FEW_ROWS and any(values.size % n == 0 for n in (4, 5, 6, 7, 8)):
        possible = []  # attributes would have shown, but three columns and any unknown layout look alike
    if not possible:
        raise CloudFileError(
            f"holds {values.size} values that do not look like points of 3 to 6", GIVE_COLUMNS
        )
    return possible[0]


def _is_plausible(rows: NDArray[np.float32]) -> bool:
    """Whether `rows` (N, 3 to 6) looks like points: the right attributes behind x y z, in steady columns."""
    attributes = rows[:, 3:]
    if attributes.shape[1] == 0:
        return _is_steady(rows)
    if attributes.shape[1] == 3 and (np.abs(np.square(attributes).sum(axis=1) - 1) < 1e-2).all():
        return True  # normals
    if not _like_attribute(attributes).all():
        return False
    # If coordinates pass for attributes too (none is negative), the test has shown nothing.
    return bool(np.mean(_like_attribute(rows[:, :3])) < 0.99) or _is_steady(rows)


def _like_attribute(values: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which are what intensity, ring, time and colour are: 0 ... 255, or a 16-bit whole number."""
    like: NDArray[np.bool_] = (values >= 0) & (
        (values <= 255) | ((values <= 65535) & (values == np.round(values)))
    )
    return like


def _is_steady(rows: NDArray[Any]) -> bool:
    """Whether every column has one distribution, whatever the row.

    In rows of the wrong length coordinates and attributes take turns in every column: every second, third
    ... row is then distributed differently. (So it is, rightly, in a few scan patterns; those end in a
    question for the user.) Few rows always pass.
    """
    blocks = len(rows) // BLOCK
    if blocks > BLOCKS:
        starts = np.linspace(0, blocks - 1, BLOCKS).astype(np.int64) * BLOCK
        rows = rows[(starts[:, None] + np.arange(BLOCK)).ravel()]
    number = np.arange(len(rows))
    for column in rows.T:
        edges = np.unique(np.quantile(column, np.linspace(0, 1, 17)[1:-1]))
        below = np.searchsorted(edges, column)  # (N,) 0 ... len(edges)
        for cycle in CYCLES:
            width = len(edges) + 1
            counts = np.bincount(number % cycle * width + below, minlength=cycle * width)
            counts = counts.reshape(cycle, width)
            inside = counts.sum(axis=1, keepdims=True)
            if inside.min() == 0:
                continue
            shares = counts.cumsum(axis=1) / inside - counts.sum(axis=0).cumsum() / len(rows)
            if np.abs(shares).max() > APART + 1.5 / np.sqrt(inside.min()):
                return False
    return True
