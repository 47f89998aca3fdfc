"""benchmarks/scene.py: the ways that are compared find the same things where there is no doubt."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import scene
from harness.scene_others import Clusters, Parameters, Program, on_points
from report.comparisons import scene_cutting

GIVEN = Parameters(size=0.01, plane=0.015, iterations=100, tolerance=0.02, least=10)


def table_before_a_camera() -> tuple[scene.Points, np.ndarray]:
    """A table, y down, one metre below the camera, with three boxes' tops over it; of which box, or -1."""
    x, z = (a.ravel() for a in np.meshgrid(np.arange(-0.5, 0.5, 0.004), np.arange(1.0, 2.0, 0.004)))
    box = np.full(len(x), -1)
    for number, (left, near) in enumerate(((-0.4, 1.2), (0.1, 1.3), (0.3, 1.8))):
        box[(x > left) & (x < left + 0.1) & (z > near) & (z < near + 0.1)] = number
    y = np.where(box >= 0, 0.9, 1.0) + np.random.default_rng(0).normal(0, 0.001, len(x))
    return np.stack([x, y, z], axis=1).astype(np.float32), box


@pytest.mark.parametrize("name", scene.CUTS)
def test_each_way_finds_what_stands_apart(name: str) -> None:
    points, box = table_before_a_camera()
    things = on_points(points, scene.CUTS[name](points, GIVEN), GIVEN)
    assert len(things) == 3 and scene.best_overlaps(things, box).min() > 0.8


def test_points_belong_to_the_nearest_centroid_if_it_is_near() -> None:
    centroids = Clusters(np.array([[0.0, 0, 0], [1, 0, 0], [2, 0, 0]]), np.array([5, -1, 7]))
    points = np.array([[2.01, 0, 0], [0.01, 0, 0], [1, 0, 0], [2.5, 0, 0], [0, 0.01, 0]], np.float32)
    assert [thing.tolist() for thing in on_points(points, centroids, GIVEN)] == [[1, 4], [0]]


def test_another_program_is_told_when_and_says_how_long(tmp_path: Path) -> None:
    code = tmp_path / "other.py"
    code.write_text(
        "import sys, numpy as np\n"
        "p = np.fromfile(sys.argv[1], np.float32).reshape(-1, 3)\n"
        "for k, _ in enumerate(sys.stdin):\n"
        "    np.c_[p, np.arange(len(p)) - 1].astype(np.float32).tofile(sys.argv[2])\n"
        "    print(k + 0.5, flush=True)\n"
    )
    points = np.arange(9, dtype=np.float32).reshape(3, 3)
    program = Program([sys.executable, str(code)], points, GIVEN, tmp_path / "files")
    assert [program.milliseconds(), program.milliseconds()] == [0.5, 1.5]
    np.testing.assert_array_equal(program.clusters().centroids, points)
    assert program.clusters().cluster.tolist() == [-1, 0, 1]
    program.close()
    with pytest.raises(scene.C2PError, match="ended with 0"):
        program.milliseconds()


def test_the_table_has_a_line_for_each_way() -> None:
    summary = {"median": 12.0, "q1": 11.0, "q3": 13.0}
    results = {
        "threads": 2,
        "scenes": {"tabletop": {"points": 1234, "voxel": 0.01, "ms": {"one": summary, "two": summary}}},
        "quality": {
            name: {"found": 4, "of": 5, "overlap_mean": 0.75, "further": 3} for name in ("one", "two")
        },
        "left_out": {"PCL": "no g++"},
    }
    text = scene_cutting(json.loads(json.dumps(results)))
    assert "Left out: PCL (no g++)." in text and "voxels of 10 mm (tabletop)" in text
    assert text.splitlines()[-1] == "| two | 12.0 (11.0–13.0) | 4 of 5 | 0.75 | 3 |"
