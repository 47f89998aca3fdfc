"""Things on a table, as a depth camera sees them from one side, and what a scene classifier says of them.

    python examples/scene.py [--seed 0] [--write NAME.npy]

The camera stands in front of the table and looks down: it sees no back of anything, its depths are noisy and
rounded, and what is far or seen at a grazing angle has holes. The cloud is in its optical frame (x to the
right, y down, z ahead) and in metres. With --write it is kept, for `c2p-run --scene NAME.npy`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import numpy.typing as npt

from c2p_runtime import Classifier, SceneClassifier
from shapes import Floats, Mesh, bottle, box, lamp, monitor, moved, mug, tilted, turned_profile

WIDTH, HEIGHT, FOCAL = 640, 480, 575.0  # pixels
EYE = np.array([-0.95, 0.05, 0.62])  # metres; the table top is z = 0, and x leads away from the camera
DOWN = 30.0  # degrees, by which the camera looks down
NOISE = 0.0014  # metres, of a depth at one metre; it grows with the square
STEP = 0.0025  # metres at one metre, to which depths are rounded; so does this


def bowl() -> Mesh:
    """A cereal bowl with a foot."""
    outer = [(0.032, 0), (0.034, 0.008), (0.05, 0.014), (0.07, 0.035), (0.078, 0.06)]
    inner = [(0.074, 0.06), (0.064, 0.034), (0.044, 0.018), (0.01, 0.014)]
    return turned_profile(outer + inner)


def carton() -> Mesh:
    """Of cereals."""
    return box((0.06, 0.19, 0.26), (0, 0, 0.13))


def things(seed: int) -> list[Mesh]:
    """A table top and six things on it, each a little elsewhere and turned another way with each seed."""
    rng = np.random.default_rng(seed)
    spots = [
        (mug, -0.28, 0.2),
        (bowl, -0.3, -0.1),
        (bottle, -0.05, 0.38),
        (lamp, 0.12, -0.2),
        (monitor, 0.28, 0.16),
        (carton, -0.08, -0.42),
    ]
    placed = [box((1.1, 1.4, 0.03), (0, 0, -0.015))]
    for make, x, y in spots:
        x, y = np.array([x, y]) + rng.uniform(-0.03, 0.03, 2)
        turn = rng.uniform(-25, 25) if make is monitor else rng.uniform(0, 360)
        placed.append(moved(tilted(make(), 2, turn), x, y))
    return placed


def seen(meshes: list[Mesh], seed: int) -> npt.NDArray[np.float32]:
    """What the camera makes of meshes: float32 [N, 3], in its optical frame."""
    rng = np.random.default_rng([seed, 1])
    depth = np.full((HEIGHT, WIDTH), np.inf)
    slant = np.zeros((HEIGHT, WIDTH))  # cosine between ray and surface
    for mesh in meshes:
        draw(in_camera(mesh.vertices)[mesh.triangles], depth, slant)
    rows, columns = np.nonzero(np.isfinite(depth) & (rng.random(depth.shape) < 3 * slant))
    z = depth[rows, columns]
    z += rng.normal(size=len(z)) * NOISE * z**2
    z = np.round(z / (STEP * z**2)) * STEP * z**2
    return np.stack([(columns - WIDTH / 2) * z / FOCAL, (rows - HEIGHT / 2) * z / FOCAL, z], axis=1).astype(
        np.float32
    )


def in_camera(points: Floats) -> Floats:
    """Points [N, 3] of the table's frame in the camera's."""
    sine, cosine = np.sin(np.radians(DOWN)), np.cos(np.radians(DOWN))
    right, down, ahead = (0, -1, 0), (-sine, 0, -cosine), (cosine, 0, -sine)
    return np.asarray((points - EYE) @ np.array([right, down, ahead]).T)


def draw(triangles: Floats, depth: Floats, slant: Floats) -> None:
    """Puts triangles [T, 3, 3] in front of the camera into its z-buffer."""
    for corners in triangles:
        x, y = (
            corners[:, 0] / corners[:, 2] * FOCAL + WIDTH / 2,
            corners[:, 1] / corners[:, 2] * FOCAL + HEIGHT / 2,
        )
        left, top = max(int(x.min()), 0), max(int(y.min()), 0)
        right, bottom = min(int(x.max()) + 2, WIDTH), min(int(y.max()) + 2, HEIGHT)
        normal = np.cross(corners[1] - corners[0], corners[2] - corners[0])
        area = np.linalg.norm(normal)
        if left >= right or top >= bottom or area < 1e-12:
            continue
        rays = np.stack(np.meshgrid(np.arange(left, right), np.arange(top, bottom)), axis=-1) - (
            WIDTH / 2,
            HEIGHT / 2,
        )
        rays = np.concatenate([rays / FOCAL, np.ones((*rays.shape[:2], 1))], axis=2)
        towards = rays @ normal
        with np.errstate(divide="ignore", invalid="ignore"):
            z = (corners[0] @ normal) / towards
        hits = rays * z[..., None]
        inside = np.isfinite(z) & (z > 0.1)
        for a, b in ((0, 1), (1, 2), (2, 0)):
            inside &= np.cross(corners[b] - corners[a], hits - corners[a]) @ normal >= 0
        nearer = inside & (z < depth[top:bottom, left:right])
        depth[top:bottom, left:right][nearer] = z[nearer]
        facing = np.abs(towards) / area / np.linalg.norm(rays, axis=2)
        slant[top:bottom, left:right][nearer] = facing[nearer]


def main() -> None:
    parser = argparse.ArgumentParser(description="Name the things on a table.")
    parser.add_argument("--seed", type=int, default=0, help="of the places of the things, and of the noise")
    parser.add_argument("--write", type=Path, metavar="NAME.npy", help="keep the cloud")
    arguments = parser.parse_args()
    points = seen(things(arguments.seed), arguments.seed)
    if arguments.write is not None:
        np.save(arguments.write, points)
    with Classifier() as classifier, SceneClassifier(classifier) as scene_classifier:
        for thing in scene_classifier(points).objects:
            name = thing.label or f"unknown ({thing.guess}?), {thing.reason}"
            x, y, z = thing.box.center
            print(
                f"{name} {thing.confidence:.2f}, {thing.box.size.max():.2f} m, at ({x:.2f}, {y:.2f}, {z:.2f})"
            )


if __name__ == "__main__":
    main()
