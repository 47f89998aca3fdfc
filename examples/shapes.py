"""Everyday things as triangle meshes, and points on them.

Every part is a loft: a skin drawn over a row of rings. Lengths are metres, z is up, and things face the way
they do in ModelNet.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Ring = Floats  # [K, 3] corners of a closed loop


class Mesh(NamedTuple):
    vertices: Floats  # [N, 3]
    triangles: Ints  # [T, 3]


# --- primitives ---------------------------------------------------------------------------


def ring(
    width: float,
    depth: float,
    z: float,
    at: tuple[float, float] = (0, 0),
    roundness: float = 1.0,
    count: int = 24,
) -> Ring:
    """A level loop of this extent in x and y: an ellipse, or with less roundness a rounded rectangle."""
    angle = 2 * np.pi * (np.arange(count) + 0.5) / count
    x, y = (np.sign(c) * np.abs(c) ** roundness for c in (np.cos(angle), np.sin(angle)))
    return np.stack([at[0] + width / 2 * x, at[1] + depth / 2 * y, np.full(count, z)], axis=1)


def loft(rings: Sequence[Ring]) -> Mesh:
    """The closed skin over rings of K corners each; the first and the last are filled."""
    corners = len(rings[0])
    here = np.arange(corners)
    right = np.roll(here, -1)
    triangles = []
    for i in range(len(rings) - 1):
        low, high = i * corners, (i + 1) * corners
        triangles += [np.stack([low + here, low + right, high + right], axis=1)]
        triangles += [np.stack([low + here, high + right, high + here], axis=1)]
    first, last = len(rings) * corners, (len(rings) - 1) * corners
    triangles += [np.stack([right, here, np.full(corners, first)], axis=1)]
    triangles += [np.stack([last + here, last + right, np.full(corners, first + 1)], axis=1)]
    centres = [rings[0].mean(axis=0), rings[-1].mean(axis=0)]
    return Mesh(np.vstack([*rings, *centres]), np.vstack(triangles))


def box(size: tuple[float, float, float], centre: tuple[float, float, float]) -> Mesh:
    """A block with its edges along the axes."""
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) / 2
    flat = corners * size[:2] + centre[:2]
    return loft([np.column_stack([flat, np.full(4, centre[2] + side * size[2] / 2)]) for side in (-1, 1)])


def cushion(size: tuple[float, float, float], centre: tuple[float, float, float]) -> Mesh:
    """A block with soft edges."""
    rings = []
    for height, shrink in ((-0.5, 0.82), (-0.36, 0.96), (0, 1.0), (0.36, 0.96), (0.5, 0.82)):
        width, depth = (side - (1 - shrink) * size[2] for side in size[:2])
        rings.append(ring(width, depth, centre[2] + height * size[2], centre[:2], roundness=0.25))
    return loft(rings)


def turned_profile(profile: Sequence[tuple[float, float]], count: int = 24) -> Mesh:
    """What a lathe makes of a profile of (radius, z)."""
    return loft([ring(2 * radius, 2 * radius, z, count=count) for radius, z in profile])


def tube(path: Sequence[tuple[float, float, float]], radii: float | Sequence[float], count: int = 10) -> Mesh:
    """A round rod along a path that lies in a plane of two axes."""
    points = np.array(path, dtype=np.float64)
    tangents = np.gradient(points, axis=0)
    tangents /= np.sqrt((tangents**2).sum(axis=1, keepdims=True))
    normal = np.eye(3)[np.ptp(points, axis=0).argmin()]
    angle = 2 * np.pi * np.arange(count) / count
    rings = []
    for point, tangent, radius in zip(points, tangents, np.broadcast_to(radii, len(points)), strict=True):
        side = np.cross(normal, tangent)
        rings.append(point + radius * (np.cos(angle)[:, None] * side + np.sin(angle)[:, None] * normal))
    return loft(rings)


def joined(*meshes: Mesh) -> Mesh:
    """Several meshes as one."""
    firsts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes[:-1])])
    triangles = [mesh.triangles + first for mesh, first in zip(meshes, firsts, strict=True)]
    return Mesh(np.vstack([mesh.vertices for mesh in meshes]), np.vstack(triangles))


def moved(mesh: Mesh, x: float = 0, y: float = 0, z: float = 0) -> Mesh:
    """Shifted by x, y, z."""
    return Mesh(mesh.vertices + np.array([x, y, z]), mesh.triangles)


def tilted(mesh: Mesh, axis: int, degrees: float) -> Mesh:
    """Turned about axis 0 (x), 1 (y) or 2 (z) through the origin."""
    a, b = (axis + 1) % 3, (axis + 2) % 3
    cosine, sine = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    vertices = mesh.vertices.copy()
    vertices[:, a] = cosine * mesh.vertices[:, a] - sine * mesh.vertices[:, b]
    vertices[:, b] = sine * mesh.vertices[:, a] + cosine * mesh.vertices[:, b]
    return Mesh(vertices, mesh.triangles)


def mirrored(mesh: Mesh, axis: int) -> Mesh:
    """Reflected in the plane through the origin across axis 0 (x), 1 (y) or 2 (z)."""
    sign = np.where(np.arange(3) == axis, -1.0, 1.0)
    return Mesh(mesh.vertices * sign, mesh.triangles[:, ::-1])


# --- things -------------------------------------------------------------------------------


def chair() -> Mesh:
    """A dining chair, its back at +y."""
    parts = [cushion((0.44, 0.44, 0.07), (0, 0, 0.45))]
    for x in (-0.18, 0.18):
        parts.append(tube([(x, -0.18, 0.43), (x, -0.2, 0)], (0.024, 0.016)))
        parts.append(tube([(x, 0.18, 0.43), (x, 0.19, 0.22), (x, 0.23, 0)], (0.024, 0.02, 0.016)))
        parts.append(tube([(x, 0.18, 0.43), (x, 0.21, 0.66), (x, 0.27, 0.94)], (0.022, 0.02, 0.016)))
    back = tilted(cushion((0.38, 0.035, 0.34), (0, 0, 0)), 0, -11)
    return joined(*parts, moved(back, y=0.23, z=0.76))


def table() -> Mesh:
    """A dining table with an apron, long in y."""
    parts = [box((0.85, 1.6, 0.036), (0, 0, 0.732))]
    for x in (-0.36, 0.36):
        parts.append(box((0.022, 1.4, 0.09), (x, 0, 0.67)))
        parts += [box((0.064, 0.064, 0.714), (x, y, 0.357)) for y in (-0.73, 0.73)]
    parts += [box((0.7, 0.022, 0.09), (0, y, 0.67)) for y in (-0.73, 0.73)]
    return joined(*parts)


def sofa() -> Mesh:
    """A sofa for two, its back at +x."""
    parts = [box((0.82, 1.9, 0.22), (0, 0, 0.22))]
    parts.append(moved(tilted(cushion((0.2, 1.9, 0.6), (0, 0, 0)), 1, 8), x=0.36, z=0.58))
    for side in (-1, 1):
        parts.append(cushion((0.86, 0.2, 0.5), (0, side * 0.85, 0.37)))
        parts.append(cushion((0.64, 0.74, 0.16), (-0.09, side * 0.375, 0.4)))
        parts += [box((0.06, 0.06, 0.12), (x, side * 0.86, 0.06)) for x in (-0.34, 0.34)]
    return joined(*parts)


def bed() -> Mesh:
    """A double bed with two pillows, its head at +y."""
    parts = [box((1.58, 2.04, 0.2), (0, 0, 0.26)), cushion((1.5, 1.96, 0.24), (0, 0, 0.47))]
    parts.append(box((1.64, 0.06, 1.06), (0, 1.04, 0.53)))
    parts.append(box((1.64, 0.06, 0.56), (0, -1.04, 0.28)))
    pillow = tilted(cushion((0.66, 0.42, 0.15), (0, 0, 0)), 0, 18)
    parts += [moved(pillow, x=x, y=0.74, z=0.68) for x in (-0.37, 0.37)]
    parts += [box((0.08, 0.08, 0.17), (x, y, 0.085)) for x in (-0.72, 0.72) for y in (-0.96, 0.96)]
    return joined(*parts)


def lamp() -> Mesh:
    """A desk lamp, its hollow shade at -x."""
    foot = turned_profile([(0.1, 0), (0.1, 0.014), (0.085, 0.024), (0.014, 0.034)])
    arm = tube([(0.0, 0.0, 0.02), (0.02, 0.0, 0.1), (0.09, 0.0, 0.26), (-0.12, 0.0, 0.42)], 0.009)
    profile = [
        (0.016, 0.05),
        (0.026, 0.04),
        (0.036, 0.0),
        (0.11, -0.11),
        (0.106, -0.11),
        (0.03, 0.0),
        (0.016, 0.01),
    ]
    bulb = [(0.012, 0), (0.018, -0.03), (0.034, -0.06), (0.034, -0.09), (0.01, -0.11)]
    head = joined(turned_profile(profile), turned_profile(bulb, count=12))
    return joined(foot, arm, moved(tilted(head, 1, 20), x=-0.12, z=0.4))


def bottle() -> Mesh:
    """A wine bottle."""
    profile = [(0.03, 0.02), (0.034, 0.002), (0.038, 0.004), (0.038, 0.18), (0.036, 0.2), (0.028, 0.222)]
    profile += [
        (0.018, 0.24),
        (0.0145, 0.256),
        (0.0142, 0.292),
        (0.0168, 0.294),
        (0.0168, 0.304),
        (0.0142, 0.306),
    ]
    return turned_profile([*profile, (0.0142, 0.318), (0.01, 0.318)])


def mug() -> Mesh:
    """A mug with walls of 4 mm, its handle at +x."""
    wall = [
        (0.034, 0),
        (0.038, 0.003),
        (0.041, 0.012),
        (0.041, 0.094),
        (0.037, 0.094),
        (0.037, 0.008),
        (0.03, 0.005),
    ]
    bend = np.deg2rad(np.arange(-90, 91, 15.0))
    handle = [(0.044 + 0.026 * float(np.cos(a)), 0.0, 0.05 + 0.028 * float(np.sin(a))) for a in bend]
    return joined(turned_profile(wall), tube([(0.036, 0.0, 0.022), *handle, (0.036, 0.0, 0.078)], 0.0056))


def monitor() -> Mesh:
    """A computer monitor, its screen at -x."""
    panel = joined(
        box((0.03, 0.6, 0.35), (0, 0, 0)),
        box((0.04, 0.3, 0.2), (0.03, 0, -0.01)),
        *(box((0.012, 0.6, 0.016), (-0.018, 0, z)) for z in (-0.167, 0.167)),
        *(box((0.012, 0.016, 0.35), (-0.018, y, 0)) for y in (-0.292, 0.292)),
    )
    foot = loft([ring(0.2, 0.26, z, roundness=0.4) for z in (0, 0.012)])
    neck = tube([(0.04, 0.0, 0.01), (0.04, 0.0, 0.26)], 0.024)
    return joined(moved(tilted(panel, 1, -4), z=0.3), neck, moved(foot, x=0.01))


def bathtub() -> Mesh:
    """A built-up bathtub with a rim, long in y."""
    outer = [(0.64, 1.5, 0), (0.68, 1.56, 0.06), (0.74, 1.66, 0.5), (0.8, 1.74, 0.52), (0.8, 1.74, 0.55)]
    inner = [(0.7, 1.62, 0.55), (0.68, 1.58, 0.48), (0.6, 1.44, 0.14), (0.52, 1.34, 0.08)]
    rings = [ring(width, length, z, roundness=0.4, count=32) for width, length, z in outer + inner]
    return loft(rings)


def airplane() -> Mesh:
    """An airliner, its nose at +x."""
    # Rings of the fuselage from tail to nose: diameter, x, z of the middle.
    stations = [(0.4, -18.0, 1.3), (1.4, -16.0, 0.9), (2.8, -11.5, 0.35), (3.8, -6.5, 0), (3.8, 11.0, 0)]
    stations += [(3.5, 13.5, -0.1), (2.7, 15.8, -0.3), (1.4, 17.2, -0.5), (0.4, 17.8, -0.6)]
    hull = tilted(loft([ring(d, d, x, at=(-z, 0), count=16) for d, x, z in stations]), 1, 90)

    def blade(root: tuple[float, ...], tip: tuple[float, ...]) -> Mesh:
        """A wing along y between two profiles (x, y, z, chord, thickness)."""
        angle = 2 * np.pi * np.arange(10) / 10
        rings = []
        for x, y, z, chord, thickness in (root, tip):
            profile = [x + chord / 2 * np.cos(angle), np.full(10, y), z - thickness / 2 * np.sin(angle)]
            rings.append(np.stack(profile, axis=1))
        return loft(rings)

    engine = [(0.7, -1.9), (1.05, -0.8), (1.15, 1.2), (1.0, 1.7), (0.85, 1.6), (0.8, 0.6)]
    right = joined(
        blade((2.0, 0.5, -1.1, 7.6, 0.9), (-4.6, 17.0, 0.6, 1.8, 0.25)),
        blade((-14.6, 0.2, 0.9, 4.4, 0.4), (-17.4, 6.4, 1.5, 1.7, 0.16)),
        moved(tilted(turned_profile(engine, count=12), 1, 90), x=3.6, y=5.8, z=-2.1),
    )
    fin = tilted(blade((-14.0, 1.0, 0.0, 6.0, 0.5), (-17.8, 7.6, 0.0, 2.4, 0.24)), 0, 90)
    return joined(hull, right, mirrored(right, 1), fin)


# --- points -------------------------------------------------------------------------------


def to_grid(values: Floats) -> Floats:
    """Rounded to 0.1 mm, which hides the last bits in which processors may differ."""
    rounded: Floats = np.round(values, 4) + 0.0  # no negative zeros
    return rounded


def sample(mesh: Mesh, count: int, rng: np.random.Generator) -> Floats:
    """`count` points on a mesh, uniform by area: [count, 3]."""
    a, b, c = np.moveaxis(to_grid(mesh.vertices)[mesh.triangles], 1, 0)  # [T, 3] each
    areas = np.cumsum(np.sqrt((np.cross(b - a, c - a) ** 2).sum(axis=1)))
    random = rng.random((count, 3))
    hit = np.searchsorted(areas, random[:, 0] * areas[-1], side="right")
    u, v = random[:, 1:2], random[:, 2:3]
    u, v = np.where(u + v > 1, 1 - u, u), np.where(u + v > 1, 1 - v, v)  # fold the square into a triangle
    return to_grid(a[hit] + u * (b - a)[hit] + v * (c - a)[hit])
