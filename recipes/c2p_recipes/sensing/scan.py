"""`random_scan`: one of the many ways in which a robot gets to see an object.

A whole cloud, or what one sensor sees of it, or several fused with small errors; then what segmentation
does to it: a neighbour hides a part, the frame cuts a border off, the support plane takes the foot or
leaves a rim of itself, holes; and any number of points. Up stays up but for a small tilt.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from c2p_deploy.projection.prepare import to_unit_sphere
from c2p_deploy.projection.spec import FloatArray
from c2p_recipes.augment import about
from c2p_recipes.sensing.sensors import Rng, draw_depth_camera, draw_lidar, measure
from c2p_recipes.sensing.surfaces import Array, PointSurface, Seen, Surface

LEAST_POINTS = 24  # of a scan: what shows fewer is looked at again


@dataclass(frozen=True)
class ScanOptions:
    """How often which kind of scan is drawn, and how much happens to it. Chances are per scan.

    The kinds' chances add up to 1 with `whole`, what remains.
    """

    one_camera: float = 0.3
    fused: float = 0.15  # two to four views, of a turning object or a moving robot
    lidar: float = 0.1
    neighbour: float = 0.2  # something stands before it
    cut: float = 0.15  # a border is cut off
    foot: float = 0.2  # the support plane took the lowest part, or left a rim
    holes: float = 0.2
    strays: float = 0.08  # points that belong to something else
    noise: float = 0.5  # jitter of every point, up to 2 % of the radius, whatever the sensor
    thin: float = 0.4  # points are lost at random, down to 64
    free_heading: float = 0.6  # else it wobbles
    wobble: float = 15.0  # degrees, standard deviation
    tilt: float = 4.0  # degrees, standard deviation
    most_pixels: int = 96  # across the object


def random_scan(surface: Surface, whole: Array, rng: Rng, options: ScanOptions) -> FloatArray:
    """A scan [N, 3] in the unit sphere, y up, N >= LEAST_POINTS; the same rng state gives the same scan.

    surface: of the object; whole: a dense cloud [M, 3] of it, for the scans that see everything.
    """
    for _ in range(4):
        cloud, seen = _sighted(surface, whole, rng, options)
        cloud = _segmented(cloud, seen, rng, options)
        if len(cloud) >= LEAST_POINTS and np.ptp(cloud, axis=0).max() > 0.05:
            break
    else:
        cloud = whole
    if rng.random() < options.thin:
        cloud = _thinned(cloud, rng)
    if rng.random() < options.noise:
        cloud = cloud + rng.normal(0, rng.uniform(0, 0.02), cloud.shape)
    turn = rng.uniform(0, 360) if rng.random() < options.free_heading else rng.normal(0, options.wobble)
    turned = (
        cloud @ about(1, turn) @ about(0, rng.normal(0, options.tilt)) @ about(2, rng.normal(0, options.tilt))
    )
    return to_unit_sphere(turned)


def one_sided(surface: Surface, rng: Rng, most_pixels: int = 96) -> FloatArray:
    """What one depth camera sees, with its errors and nothing else: for validation. [N, 3], unit sphere, y
    up.
    """
    while True:
        cloud, _ = measure(surface, draw_depth_camera(rng, most_pixels), rng.uniform(0, 360), rng)
        if len(cloud) >= 64:
            return to_unit_sphere(cloud)


def _sighted(surface: Surface, whole: Array, rng: Rng, options: ScanOptions) -> tuple[Array, Seen | None]:
    """Points of one kind of scan, and the pixels they were seen in where one place saw them all."""
    kind, heading = rng.random(), rng.uniform(0, 360)
    if kind < options.one_camera:
        return measure(surface, draw_depth_camera(rng, options.most_pixels), heading, rng)
    kind -= options.one_camera
    if kind < options.lidar:
        return measure(surface, draw_lidar(rng, options.most_pixels), heading, rng)
    kind -= options.lidar
    if kind < options.fused:
        clouds = []
        sensor = draw_depth_camera(rng, options.most_pixels)
        for _ in range(int(rng.integers(2, 5))):
            cloud, _ = measure(surface, sensor, heading, rng)
            drift = about(1, rng.normal(0, 1.5))
            clouds.append(cloud @ drift + rng.normal(0, 0.01, 3))
            heading += rng.uniform(30, 150)
        return np.concatenate(clouds), None
    return whole, None


def _segmented(cloud: Array, seen: Seen | None, rng: Rng, options: ScanOptions) -> Array:
    """What is left of it when it has been cut out of its surroundings."""
    keep = np.ones(len(cloud), dtype=bool)
    if len(cloud) < LEAST_POINTS:
        return cloud
    if rng.random() < options.neighbour:
        keep &= ~_hidden(cloud[:, [0, 1]] if seen is None else seen.pixels.astype(np.float64), rng)
    if rng.random() < options.cut:
        keep &= _cut(cloud, rng)
    if rng.random() < options.holes:
        keep &= _holed(cloud, rng)
    cloud = cloud[keep]
    if len(cloud) < LEAST_POINTS:
        return cloud
    if rng.random() < options.foot:
        cloud = _footed(cloud, rng)
    if rng.random() < options.strays:
        few = int(rng.integers(1, max(2, len(cloud) // 30)))
        cloud = np.concatenate([cloud, rng.uniform(-1, 1, (few, 3)) * np.abs(cloud).max(axis=0) * 1.15])
    return cloud


def _hidden(places: Array, rng: Rng) -> npt.NDArray[np.bool_]:
    """Those behind something that stands before one side, up to two fifths; places: in the picture [N, 2]."""
    angle = rng.choice((0.0, np.pi)) + rng.normal(0, 0.35)  # mostly from the left or the right
    along = places @ np.array([np.cos(angle), np.sin(angle)])
    return np.asarray(along < np.quantile(along, rng.uniform(0.05, 0.4)))


def _cut(cloud: Array, rng: Rng) -> npt.NDArray[np.bool_]:
    """What a border leaves of it: a random plane takes up to a quarter of the points."""
    normal = rng.normal(size=3)
    along = cloud @ (normal / np.linalg.norm(normal))
    return np.asarray(along > np.quantile(along, rng.uniform(0.02, 0.25)))


def _holed(cloud: Array, rng: Rng) -> npt.NDArray[np.bool_]:
    """Without what lies in a few balls: shiny, black or glass parts return nothing."""
    keep = np.ones(len(cloud), dtype=bool)
    for _ in range(int(rng.integers(1, 5))):
        centre, radius = cloud[rng.integers(len(cloud))], rng.uniform(0.06, 0.25)
        keep &= ((cloud - centre) ** 2).sum(axis=1) > radius**2
    return keep


def _footed(cloud: Array, rng: Rng) -> Array:
    """Without its lowest part, which went with the plane it stands on, or with a rim of that plane."""
    low, high = cloud[:, 1].min(), np.ptp(cloud[:, 1])
    if rng.random() < 0.6:
        kept = cloud[cloud[:, 1] > low + rng.uniform(0.01, 0.12) * high]
        return kept if len(kept) >= LEAST_POINTS else cloud
    count = int(rng.integers(1, max(2, len(cloud) // 12)))
    near = cloud[rng.integers(len(cloud), size=count)] + rng.normal(0, 0.08, (count, 3))
    near[:, 1] = low + rng.normal(0, 0.01, count)
    return np.concatenate([cloud, near])


def _thinned(cloud: Array, rng: Rng) -> Array:
    """Fewer points, down to 64: a far thing, a coarse sensor, a voxel grid."""
    if len(cloud) <= 64:
        return cloud
    count = int(np.exp(rng.uniform(np.log(64), np.log(len(cloud)))))
    return cloud[rng.choice(len(cloud), count, replace=False)]


def surface_of(points: npt.ArrayLike) -> PointSurface:
    """The surface that a dense cloud stands for."""
    return PointSurface(np.asarray(points, dtype=np.float64))
