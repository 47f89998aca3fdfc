"""The clouds that parity is measured on, the user's or things made up here, and their depth maps.

NumPy only, because a robot without torch checks its plan too.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from c2p_deploy import DepthSpec, ViewSet
from c2p_deploy.errors import CloudError, UnusableCloudError
from c2p_deploy.io import find_clouds, read_cloud
from c2p_deploy.projection.compiled import project_depth
from c2p_deploy.projection.prepare import prepare
from c2p_deploy.projection.spec import FloatArray, Preparation, UpAxis

GENERATED = 32
_MOST_FILES = 64  # of a folder, spread over it: enough to see a difference, few enough to wait for


def made_up_clouds(count: int = GENERATED, seed: int = 0, points: int = 2048) -> list[FloatArray]:
    """`count` clouds float32 [points, 3] of things of one to six parts, z up, each unlike the others.

    A part is a superquadric |x/a|^p + |y/b|^q + |z/c|^r = 1: a ball, a box, a rod, a plate or
    something between them. Parts stand about one axis, as in furniture and vessels.
    """
    rng = np.random.default_rng(seed)
    clouds = []
    for _ in range(count):
        parts = []
        for _ in range(rng.integers(1, 7)):
            size = rng.uniform(0.05, 1.0, 3) ** 1.5
            middle = rng.normal(0, (0.3, 0.3, 0.5))
            rays = rng.normal(size=(points, 3))
            parts.append(middle + size * superquadric(rays, rng.choice([1.0, 2.0, 4.0, 16.0], 3)))
        which = rng.integers(len(parts), size=points)
        cloud = np.stack(parts)[which, np.arange(points)]
        clouds.append(cloud.astype(np.float32))
    return clouds


def superquadric(rays: npt.NDArray[np.float64], power: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Where rays [N, 3] from the middle meet |x|^p + |y|^q + |z|^r = 1, power = (p, q, r): [N, 3]."""
    rays = rays / np.abs(rays).max(axis=1, keepdims=True)
    low, high = np.zeros(len(rays)), np.ones(len(rays))
    for _ in range(50):  # the sum rises along a ray: halve the interval
        middle = (low + high) / 2
        outside = (np.abs(rays * middle[:, None]) ** power).sum(axis=1) > 1
        low, high = np.where(outside, low, middle), np.where(outside, middle, high)
    return np.asarray(rays * low[:, None])


def cloud_files(folder: Path) -> list[Path]:
    """Up to 64 clouds of a folder, spread evenly over its files. Raises CloudFileError for none."""
    paths = find_clouds(str(folder))
    chosen = np.unique(np.linspace(0, len(paths) - 1, _MOST_FILES).round().astype(int))
    return [paths[i] for i in chosen]


def depth_maps(
    clouds: Sequence[FloatArray],
    views: ViewSet,
    spec: DepthSpec,
    preparation: Preparation = "robust",
    up: UpAxis = "z",
) -> FloatArray:
    """Depth maps float32 [N, V, S, S] of N clouds, prepared as the runtime prepares them.

    Raises UnusableCloudError for the first that cannot be drawn.
    """
    maps = np.empty((len(clouds), len(views), spec.image_size, spec.image_size), dtype=np.float32)
    for index, cloud in enumerate(clouds):
        try:
            points = prepare(cloud, spec, preparation).points
        except CloudError as error:
            raise UnusableCloudError(error.problem, error.remedy, index=index) from error
        project_depth(points, views, spec, up, out=maps[index])
    return maps


def depth_maps_in(
    folder: Path, views: ViewSet, spec: DepthSpec, preparation: Preparation = "robust"
) -> FloatArray:
    """The depth maps of the `cloud_files` of a folder. Raises C2PError that names the file.

    One that cannot be read or drawn is an error: a check that leaves things out is none.
    """
    paths = cloud_files(folder)
    try:
        return depth_maps([read_cloud(path) for path in paths], views, spec, preparation)
    except UnusableCloudError as error:
        raise error.at(paths[error.index]) from error
