"""Voxel grid, support plane and Euclidean clusters, as one would write them with one library or another.

All take the same parameters, the largest plane by RANSAC with the same number of hypotheses, and say of each
voxel's centroid which cluster it is in. What is measured ends there; back to the points leads `on_points`.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree
from sklearn.cluster import DBSCAN
from sklearn.linear_model import RANSACRegressor

from c2p_deploy.errors import C2PError
from c2p_runtime.scene.cutting.frame import Frame
from c2p_runtime.scene.cutting.supports import find_levels
from c2p_runtime.scene.cutting.voxels import connected, neighbours_of, voxels_of

HERE = Path(__file__).parent
Points = npt.NDArray[np.float32]
Array = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Parameters:
    """size: of voxels, metres; plane: metres to which points are a plane's; iterations: of RANSAC.

    tolerance: metres between centroids that are connected; least: voxels of a cluster.
    """

    size: float
    plane: float
    iterations: int
    tolerance: float
    least: int


@dataclass(frozen=True)
class Clusters:
    """centroids: [V, 3] of the voxels; cluster: int64 [V], below 0 for none."""

    centroids: Array
    cluster: IntArray


Cut = Callable[[Points, Parameters], Clusters]


def by_our_kernels(points: Points, given: Parameters) -> Clusters:
    """Ours without its creases and boxes: voxels of one size, planes, and what is connected.

    Voxels are connected that touch, be it with a corner. In place of a distance, a plane has its own spread.
    """
    voxels = voxels_of(points, given.size)
    frame = Frame(np.array([0.0, -1.0, 0.0]), float(np.cos(np.radians(75))), True)
    free = np.ones(len(voxels.keys), bool)
    for level in find_levels(voxels, frame):
        free[level.inside] = False
    return _with_the_rest(voxels.centres, free, connected(neighbours_of(voxels.keys[free])), given)


def by_scipy(points: Points, given: Parameters) -> Clusters:
    """NumPy's unique and its RANSAC by hand, SciPy's k-d tree and connected components."""
    centroids = _voxel_grid(points, given)
    free = ~_plane_by_hand(centroids, given)
    left = centroids[free]
    pairs = cKDTree(left).query_pairs(given.tolerance, output_type="ndarray")
    graph = coo_array((np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), shape=(len(left), len(left)))
    return _with_the_rest(centroids, free, connected_components(graph, directed=False)[1], given)


def by_sklearn(points: Points, given: Parameters) -> Clusters:
    """The RANSAC of scikit-learn, of y by x and z as a camera has them, and its DBSCAN."""
    centroids = _voxel_grid(points, given)
    ransac = RANSACRegressor(
        residual_threshold=given.plane, max_trials=given.iterations, stop_probability=1.0, random_state=0
    )
    free = ~ransac.fit(centroids[:, [0, 2]], centroids[:, 1]).inlier_mask_
    found = DBSCAN(eps=given.tolerance, min_samples=1).fit_predict(centroids[free])
    return _with_the_rest(centroids, free, found, given)


def _voxel_grid(points: Points, given: Parameters) -> Array:
    at = np.floor(points / np.float32(given.size)).astype(np.int64)
    at -= at.min(axis=0)
    rows, columns = at.max(axis=0)[1:] + 1
    key = (at[:, 0] * rows + at[:, 1]) * columns + at[:, 2]
    _, voxel, counts = np.unique(key, return_inverse=True, return_counts=True)
    return np.stack([np.bincount(voxel, axis) / counts for axis in points.T], axis=1)


def _plane_by_hand(points: Array, given: Parameters) -> npt.NDArray[np.bool_]:
    rng = np.random.default_rng(0)
    best = np.zeros(len(points), bool)
    for _ in range(given.iterations):
        a, b, c = points[rng.choice(len(points), 3, replace=False, shuffle=False)]
        normal = np.cross(b - a, c - a)
        length = np.linalg.norm(normal)
        if length > 0:
            inside = np.abs((points - a) @ (normal / length)) < given.plane
            best = inside if inside.sum() > best.sum() else best
    return best


def _with_the_rest(
    centroids: Array, free: npt.NDArray[np.bool_], found: npt.ArrayLike, given: Parameters
) -> Clusters:
    """Of all voxels [V] which cluster they are in, if those that are free are in `found` ones."""
    found = np.asarray(found, np.int64)
    cluster = np.full(len(centroids), -1)
    cluster[free] = np.where(np.bincount(found)[found] >= given.least, found, -1)
    return Clusters(centroids, cluster)


def on_points(points: Points, clusters: Clusters, given: Parameters) -> list[IntArray]:
    """The points of each cluster: those whose nearest centroid is in it."""
    far, nearest = cKDTree(clusters.centroids).query(points)
    cluster = np.where(far < 2 * given.size, clusters.cluster[nearest], -1)
    return [np.flatnonzero(cluster == number) for number in np.unique(cluster[cluster >= 0])]


class Program:
    """Another program that cuts a scene each time it is told to; scene_pcl.cpp says how they speak."""

    def __init__(self, command: list[str], points: Points, given: Parameters, folder: Path) -> None:
        folder.mkdir(parents=True)
        points.tofile(folder / "points")
        self._voxels = folder / "voxels"
        self._name = Path(command[-1]).name
        arguments = [*command, str(folder / "points"), str(self._voxels), *map(str, astuple(given))]
        self._process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def milliseconds(self) -> float:
        """Cuts it once. Raises C2PError."""
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write("\n")
            self._process.stdin.flush()
            return float(self._process.stdout.readline())
        except (OSError, ValueError):
            raise C2PError(f"{self._name} ended with {self._process.wait()}") from None

    def clusters(self) -> Clusters:
        """What it found when it cut the scene first."""
        rows = np.fromfile(self._voxels, np.float32).reshape(-1, 4)
        return Clusters(rows[:, :3].astype(np.float64), rows[:, 3].astype(np.int64))

    def close(self) -> None:
        """Ends it."""
        self._process.communicate()


def open3d_command(python: Path) -> tuple[list[str], str]:
    """What runs scene_open3d.py by the Python of an environment with Open3D; its version. Raises C2PError."""
    asked = subprocess.run(
        [str(python), "-c", "import open3d; print(open3d.__version__)"], capture_output=True, text=True
    )
    if asked.returncode:
        raise C2PError("has no Open3D", "make an environment with it: pip install open3d", python)
    return [str(python), str(HERE / "scene_open3d.py")], asked.stdout.split()[-1]


def pcl_command(folder: Path) -> tuple[list[str], str]:
    """Compiles scene_pcl.cpp into a folder; PCL's version. Raises C2PError without a compiler or PCL."""
    found = sorted(Path("/usr/include").glob("pcl-*"))
    if shutil.which("g++") is None or not found:
        raise C2PError("no g++, or no PCL under /usr/include", "apt-get install g++ libpcl-dev")
    program = folder / "scene_pcl"
    parts = ("common", "filters", "segmentation", "search", "kdtree", "sample_consensus")
    libraries = [f"-lpcl_{part}" for part in parts]
    include = [f"-I{found[-1]}", "-I/usr/include/eigen3"]
    command = ["g++", "-O2", "-std=c++17", *include, str(HERE / "scene_pcl.cpp"), "-o", str(program)]
    compiled = subprocess.run([*command, *libraries], capture_output=True, text=True)
    if compiled.returncode:
        last = compiled.stderr.strip().splitlines()[-1:]
        raise C2PError(f"scene_pcl.cpp does not compile: {' '.join(last)}")
    return [str(program)], found[-1].name.partition("-")[2]
