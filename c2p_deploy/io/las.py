"""LAS by its fixed header (ASPRS, versions 1.0 to 1.4); LAZ, its compressed form, through laspy."""

from __future__ import annotations

import importlib.util
import struct
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

from c2p_deploy.errors import CloudFileError, MissingDependencyError
from c2p_deploy.extras import install
from c2p_deploy.io.common import NO_LIMITS_GIVEN, Floats, Geometry, Limits, damaged

LAZ_RATIO = 200  # airborne LiDAR packs 10 : 1


class Header(NamedTuple):
    body: int  # where the points begin
    point_size: int  # bytes
    points: int
    scale: Floats  # (3,) float64
    offset: Floats  # (3,) float64
    compressed: bool


def read_las(data: bytes, path: Path, limits: Limits = NO_LIMITS_GIVEN) -> Geometry:
    """All points in the unit of the file (metres, as a rule), float64: survey coordinates need it."""
    header = _parse_header(data)
    if header.compressed:
        return Geometry(_read_laz(path, header, limits))
    left = len(data) - header.body
    if header.points * header.point_size > left:
        raise damaged(
            f"promises {header.points} points of {header.point_size} bytes, but only {left} are there"
        )
    limits.check_points(header.points)
    # Every point format begins with X, Y, Z as 32-bit integers.
    raw = np.ndarray((header.points, 3), "<i4", data, header.body, strides=(header.point_size, 4))
    return Geometry(raw * header.scale + header.offset)


def _parse_header(data: bytes) -> Header:
    if len(data) < 227 or not data.startswith(b"LASF"):
        raise damaged("does not begin with a complete LAS header")
    major, minor = data[24], data[25]
    if (major, minor) > (1, 4) or major != 1:
        raise CloudFileError(f"is LAS of the unknown version {major}.{minor}", "save it as LAS 1.2 or 1.4")
    header_size, body, blocks, kind, point_size, points = struct.unpack_from("<HIIBHI", data, 94)
    if minor == 4 and header_size >= 375 and len(data) >= 375:
        points = struct.unpack_from("<Q", data, 247)[0] or points
        extended_at, extended = struct.unpack_from("<QI", data, 235)
        if extended and extended_at + 60 * extended > len(data):
            raise damaged("promises LAS records beyond its end")
    # Checked here so that no reader walks through the four billion records a broken header may claim.
    if not 227 <= header_size + 54 * blocks <= body <= len(data) or point_size < 20:
        raise damaged("has a LAS header whose sizes contradict the file's")
    numbers = np.frombuffer(data, "<f8", 6, 131)
    return Header(body, point_size, points, numbers[:3], numbers[3:], bool(kind & 0x80))


def _read_laz(path: Path, header: Header, limits: Limits) -> Floats:
    """Decompressed by laspy in a process of its own.

    Its decoder trusts the sizes within compressed data, and ends the whole process when it cannot allocate
    them. There, that costs a clear error and not the robot's program.
    """
    size = header.points * header.point_size
    if size > LAZ_RATIO * path.stat().st_size:
        raise damaged(f"promises {header.points} points in {path.stat().st_size} bytes")
    limits.check_points(header.points)
    if not all(importlib.util.find_spec(name) for name in ("laspy", "lazrs")):
        raise MissingDependencyError(
            "is a compressed LAS file (LAZ)", f"{install('las')}, or save it as uncompressed LAS"
        )
    command = [sys.executable, "-c", DECODE, str(path), str(2**30 + 10 * size), *sys.path]
    try:
        decoder = subprocess.run(command, capture_output=True, timeout=60 + header.points / 1e5)
    except subprocess.TimeoutExpired as error:
        raise damaged("holds compressed points that do not end") from error
    if decoder.returncode != 0 or len(decoder.stdout) != 24 * header.points:
        raise damaged("holds compressed points that do not decompress")
    return np.frombuffer(decoder.stdout, np.float64).reshape(-1, 3)


DECODE = """
import sys
path, memory = sys.argv[1], int(sys.argv[2])
sys.path[:] = sys.argv[3:]
import laspy, numpy
try:
    import resource
    with open("/proc/self/statm") as statm:
        memory += int(statm.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
except (ImportError, OSError):
    pass
sys.stdout.buffer.write(numpy.ascontiguousarray(laspy.read(path).xyz, "f8").tobytes())
"""
