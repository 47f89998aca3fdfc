"""Random changes to training clouds, applied to points before they are projected.

Clouds are [P, 3] in the unit sphere with y up. Working on points rather than on pictures
keeps every depth map a true projection of some cloud.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from c2p_deploy.projection.prepare import to_unit_sphere
from c2p_deploy.projection.spec import FloatArray

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Augmentation:
    """How strongly clouds are changed. Probabilities are per cloud."""

    free_yaw: float = 0.4  # probability of any heading; else the heading wobbles a little
    yaw_wobble: float = 10.0  # degrees, standard deviation
    tilt: float = 5.0  # degrees, standard deviation, of the up axis
    tip_over: float = 0.08  # probability of lying on another side (meshes only)
    stretch: float = 0.22  # largest |log| of the scale of each axis
    drop: float = 0.5  # probability of losing points, up to 60 % of them
    one_sided: float = 0.12  # probability of keeping only what one camera would see
    noise: float = 0.008  # largest standard deviation of the jitter of each point
    zoom: float = 0.08  # how much smaller than the unit sphere the cloud may be drawn


def augment(
    points: FloatArray, rng: np.random.Generator, config: Augmentation, *, any_pose: bool, may_tip: bool
) -> FloatArray:
    """A changed copy of points [P, 3], again centred and scaled to the unit sphere; [Q, 3], Q <= P."""
    cloud = points.astype(np.float64)
    cloud[:, 0] *= rng.choice((-1.0, 1.0))  # mirrored things bear the same name
    if any_pose:
        rotation = random_rotation(rng)
    else:
        turn = rng.uniform(0, 360) if rng.random() < config.free_yaw else rng.normal(0, config.yaw_wobble)
        rotation = about(1, turn)
        if may_tip and rng.random() < config.tip_over:
            rotation = about(int(rng.choice((0, 2))), float(rng.choice((90, 180, 270)))) @ rotation
        rotation = rotation @ about(0, rng.normal(0, config.tilt)) @ about(2, rng.normal(0, config.tilt))
    cloud = cloud * np.exp(rng.uniform(-config.stretch, config.stretch, 3)) @ rotation
    if rng.random() < config.one_sided:
        cloud = cloud[seen_from_one_side(cloud, rng)]
    if rng.random() < config.drop:
        keep = rng.random(len(cloud)) < rng.uniform(0.4, 1.0)
        keep[:2] = True  # never nothing
        cloud = cloud[keep]
    cloud = cloud + rng.normal(0, rng.uniform(0, config.noise), cloud.shape)
    return to_unit_sphere(cloud) * np.float32(1 - rng.uniform(0, config.zoom))


def seen_from_one_side(cloud: Array, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """The points a depth camera at a random heading, a little above, would see: bool [P].

    A coarse z-buffer: in each cell of a 24 x 24 grid only points near the front survive.
    """
    turned = cloud @ about(1, rng.uniform(0, 360)) @ about(0, rng.uniform(-10, 45))
    low, extent = turned.min(axis=0), np.ptp(turned, axis=0).max() + 1e-9
    cell = ((turned[:, :2] - low[:2]) / extent * 24).astype(np.int64)
    index = cell[:, 0] * 25 + cell[:, 1]
    front = np.full(25 * 25, np.inf)
    np.minimum.at(front, index, turned[:, 2])
    seen = turned[:, 2] <= front[index] + 0.12 * extent
    return seen if seen.sum() >= 32 else np.ones(len(cloud), dtype=bool)


def about(axis: int, degrees: float) -> Array:
    """Rotation matrix [3, 3] about a coordinate axis."""
    angle = np.deg2rad(degrees)
    c, s = np.cos(angle), np.sin(angle)
    a, b = [(1, 2), (2, 0), (0, 1)][axis]
    matrix = np.eye(3)
    matrix[a, a], matrix[a, b], matrix[b, a], matrix[b, b] = c, -s, s, c
    return matrix


def random_rotation(rng: np.random.Generator) -> Array:
    """A rotation matrix [3, 3], uniform over all orientations (QR of a Gaussian matrix)."""
    q, r = np.linalg.qr(rng.normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    if np.linalg.det(q) < 0:
        q[:, 0] = -q[:, 0]
    return np.asarray(q)
