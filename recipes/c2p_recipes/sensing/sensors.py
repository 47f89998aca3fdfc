"""Depth cameras and LiDARs: how many pixels they have on an object, and what they do to its ranges.

Sizes are relative: the object's radius is 1. What is known of sensors is metric (noise of a stereo camera
grows with the square of the distance), so a sensor is drawn together with a size and a distance of the
object in metres.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from c2p_recipes.sensing.surfaces import Array, Rays, Seen, Surface, looking_from

Rng = np.random.Generator


@dataclass(frozen=True)
class Sensor:
    """A sensor before an object of radius 1.

    distance, elevation: of its place, in radii and degrees; columns, rows: pixels across the object; noise:
    standard deviation of ranges; step: ranges are multiples of it (0: any); flying: chance of a pixel at an
    edge to lie between the edge and what is behind; grazing: cosine under which surfaces return nothing.
    """

    distance: float
    elevation: float
    columns: int
    rows: int
    noise: float
    step: float
    flying: float
    grazing: float


def draw_depth_camera(rng: Rng, most_pixels: int) -> Sensor:
    """A structured-light, stereo or time-of-flight camera, 0.35 to 3 m from a thing of 3 cm to 1 m radius."""
    radius = np.exp(rng.uniform(np.log(0.03), np.log(1.0)))
    distance = max(np.exp(rng.uniform(np.log(0.35), np.log(3.0))), 1.5 * radius)
    focal = rng.uniform(350, 900)  # pixels
    pixels = int(np.clip(2 * radius / distance * focal, 14, most_pixels))
    quality = rng.uniform(0.2, 1.2)
    return Sensor(
        distance=float(distance / radius),
        elevation=rng.uniform(0, 65),
        columns=pixels,
        rows=pixels,
        noise=float(min(quality * 0.0013 * distance**2 / radius, 0.05)),
        step=float(min(rng.choice((0.0, 0.001, 0.0025)) * distance**2 / radius, 0.08)),
        flying=rng.choice((0.0, rng.uniform(0, 0.4))),
        grazing=rng.uniform(0.0, 0.25),
    )


def draw_lidar(rng: Rng, most_pixels: int) -> Sensor:
    """A spinning LiDAR, 2 to 30 m from a thing of 0.2 to 3 m radius: few rings, many points in each."""
    radius = np.exp(rng.uniform(np.log(0.2), np.log(3.0)))
    distance = max(np.exp(rng.uniform(np.log(2.0), np.log(30.0))), 1.5 * radius)
    width = np.rad2deg(2 * np.arctan(radius / distance))
    columns = int(np.clip(width / rng.uniform(0.09, 0.4), 14, most_pixels))
    rows = int(np.clip(width / rng.uniform(0.2, 2.0), 6, columns))
    return Sensor(
        distance=float(distance / radius),
        elevation=rng.uniform(-10, 20),
        columns=columns,
        rows=rows,
        noise=float(min(rng.uniform(0.003, 0.03) / radius, 0.05)),
        step=float(min(rng.choice((0.0, 0.002, 0.004)) / radius, 0.05)),
        flying=rng.choice((0.0, 0.1)),
        grazing=rng.uniform(0.0, 0.1),
    )


def place(sensor: Sensor, heading: float) -> Rays:
    """The sensor's rays, from this heading in degrees."""
    up, around = np.deg2rad(sensor.elevation), np.deg2rad(heading)
    eye = np.array([np.cos(up) * np.sin(around), np.sin(up), np.cos(up) * np.cos(around)])
    return looking_from(eye * max(sensor.distance, 1.2), sensor.columns, sensor.rows)


def measure(surface: Surface, sensor: Sensor, heading: float, rng: Rng) -> tuple[Array, Seen]:
    """Points [N, 3] as the sensor measures them, and what it measured without any error."""
    rays = place(sensor, heading)
    seen = surface.seen(rays)
    kept = seen.facing > sensor.grazing
    seen = Seen(seen.points[kept], seen.pixels[kept], seen.facing[kept])
    if len(seen.points) == 0:
        return seen.points, seen
    offset = seen.points - rays.eye
    exact = np.linalg.norm(offset, axis=1)
    ranges = exact
    if sensor.flying > 0:
        edge = _at_edges(seen.pixels, rays) & (rng.random(len(exact)) < sensor.flying)
        ranges = ranges + edge * rng.uniform(0, 0.5, len(exact))
    ranges = ranges + rng.normal(0, 1, len(exact)) * sensor.noise / np.sqrt(np.maximum(seen.facing, 0.2))
    if sensor.step > 0:
        ranges = np.round(ranges / sensor.step) * sensor.step
    return rays.eye + offset * (ranges / exact)[:, None], seen


def _at_edges(pixels: npt.NDArray[np.int64], rays: Rays) -> npt.NDArray[np.bool_]:
    """Whether a pixel has a neighbour without a return: bool [N]."""
    filled = np.zeros((rays.rows + 2, rays.columns + 2), dtype=bool)
    x = np.clip(pixels[:, 0], 0, rays.columns - 1) + 1
    y = np.clip(pixels[:, 1], 0, rays.rows - 1) + 1
    filled[y, x] = True
    return np.asarray(~(filled[y, x - 1] & filled[y, x + 1]))
