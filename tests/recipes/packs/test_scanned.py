"""Objects are cut out of real scenes by their labels, and stand upright."""

from pathlib import Path

import numpy as np
import pytest

from c2p_deploy.errors import C2PError
from c2p_recipes.packs.scanned import read_labelled, scanned_objects, table_normal


def test_things_stand_on_the_table(shared: Path) -> None:
    points, label = read_labelled(shared / "data/scenes/learn33.pcd")
    up = table_normal(points[(label >= 1) & (label < 10)])
    height = points @ up
    level = np.median(height[label < 10])
    assert np.abs(height[label < 10] - level).mean() < 0.01  # metres
    for thing in np.unique(label[label >= 20] // 10):
        mine = height[label // 10 == thing]
        if len(mine) > 300:
            assert np.quantile(mine, 0.02) > level - 0.01
            assert 0.02 < mine.max() - level < 0.4


def test_scenes_become_named_clouds(shared: Path, tmp_path: Path) -> None:
    for name in ("learn0.pcd", "learn33.pcd", "learn25.pcd"):  # the last shows things of several kinds
        (tmp_path / name).symlink_to(shared / "data/scenes" / name)
    part = scanned_objects(tmp_path)
    assert set(part.names) == {"box", "cylinder"} and len(part.points) == len(part.names) >= 4
    radius = np.linalg.norm(part.points.astype(np.float64), axis=2).max(axis=1)
    assert radius == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(
    "content", [b"", b"FIELDS x y z\nDATA ascii\n1 2 3\n", b"POINTS 5\nDATA binary_compressed\n\x01"]
)
def test_another_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "learn0.pcd").write_bytes(content)
    with pytest.raises(C2PError, match="no labelled scene"):
        scanned_objects(tmp_path)


def test_a_turned_plane_is_found(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    up = np.array([0.1, -0.8, -0.6]) / np.linalg.norm([0.1, -0.8, -0.6])
    a = np.cross(up, [1, 0, 0])
    b = np.cross(up, a)
    plane = np.array([0, 0.3, 1.2]) + rng.uniform(-0.5, 0.5, (4000, 2)) @ np.stack([a, b])
    plane[:400] += up * 0.1  # things on it
    found = table_normal(plane + rng.normal(0, 0.001, plane.shape))
    assert found @ up > 0.999
