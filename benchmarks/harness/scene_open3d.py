"""What benchmarks/scene.py compares with: the same as scene_pcl.cpp, by Open3D.

A program by itself, because Open3D wants an environment of its own: it needs nothing but that and NumPy.
Arguments, lines read and what is written are those of scene_pcl.cpp.
"""

from __future__ import annotations

import sys
from pathlib import Path
from time import perf_counter

import numpy as np
import open3d


def main(points_file: str, voxels_file: str, *numbers: str) -> None:
    """Cuts the scene once for every line read."""
    size, plane_distance, iterations, tolerance, least = map(float, numbers)
    cloud = open3d.geometry.PointCloud()
    points = np.fromfile(points_file, np.float32).reshape(-1, 3)
    cloud.points = open3d.utility.Vector3dVector(points.astype(np.float64))
    open3d.utility.random.seed(0)
    for _ in sys.stdin:
        started = perf_counter()
        voxels = cloud.voxel_down_sample(size)
        _, plane = voxels.segment_plane(plane_distance, 3, int(iterations))
        left = voxels.select_by_index(plane, invert=True)
        # With one point, every one is a core point: DBSCAN is Euclidean clustering.
        found = np.asarray(left.cluster_dbscan(tolerance, 1))
        found = np.where(np.bincount(found)[found] >= least, found, -1)
        ms = 1e3 * (perf_counter() - started)
        if not Path(voxels_file).exists():
            label = np.full(len(voxels.points), -1)
            label[np.setdiff1d(np.arange(len(label)), plane)] = found
            rows = np.column_stack([np.asarray(voxels.points), label]).astype(np.float32)
            rows.tofile(voxels_file)
        print(ms, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
