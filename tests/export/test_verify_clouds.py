"""The clouds that parity is measured on."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from c2p_deploy import DepthSpec, ViewSet, prepare_points, project_depth
from c2p_deploy.errors import C2PError, CloudError, CloudFileError
from c2p_deploy.projection.prepare import Prepared, prepare
from c2p_export import verify_clouds
from c2p_export.verify_clouds import cloud_files, depth_maps, depth_maps_in, made_up_clouds, superquadric

VIEWS, SPEC = ViewSet.named("clip2point-6"), DepthSpec(48, 0.05, 256)


def test_made_up_things_are_the_same_every_time_and_unlike_one_another() -> None:
    clouds = made_up_clouds(12)
    assert all(np.array_equal(a, b) for a, b in zip(clouds, made_up_clouds(12), strict=True))
    assert not np.array_equal(clouds[0], made_up_clouds(12, seed=1)[0])
    maps = depth_maps(clouds, VIEWS, SPEC).reshape(12, -1)
    drawn = maps < 1
    assert drawn.mean(axis=1).min() > 0.02 and drawn.mean(axis=1).max() < 0.9
    # Of two things, at least a twentieth of what either covers is not covered by the other.
    for i in range(12):
        for j in range(i):
            assert (drawn[i] ^ drawn[j]).sum() > 0.05 * (drawn[i] | drawn[j]).sum()


@given(
    power=st.tuples(*3 * [st.sampled_from([1.0, 2.0, 4.0, 16.0])]),
    rays=arrays(np.float64, (5, 3), elements=st.floats(-1, 1).map(lambda x: x or 0.5)),
)
def test_parts_are_skins(power: tuple[float, float, float], rays: np.ndarray) -> None:
    points = superquadric(rays, np.array(power))
    np.testing.assert_allclose((np.abs(points) ** power).sum(axis=1), 1, atol=1e-9)
    assert ((points * rays) >= 0).all()  # on the ray's side of the middle


def test_depth_maps_are_those_of_the_runtime() -> None:
    clouds = made_up_clouds(3)
    maps = depth_maps(clouds, VIEWS, SPEC)
    expected = [project_depth(prepare_points(cloud, SPEC), VIEWS, SPEC, "z") for cloud in clouds]
    np.testing.assert_array_equal(maps, np.stack(expected))


def test_a_folder_is_used_evenly_up_to_64_clouds(tmp_path: Path) -> None:
    for number in range(100):
        (tmp_path / f"{number:03}.npy").touch()
    numbers = [int(path.stem) for path in cloud_files(tmp_path)]
    assert len(numbers) == 64 and numbers[0] == 0 and numbers[-1] == 99
    assert set(np.diff(numbers)) == {1, 2}


def test_the_maps_of_a_folder_are_those_of_its_clouds(tmp_path: Path) -> None:
    clouds = made_up_clouds(3)
    for number, cloud in enumerate(clouds):
        np.save(tmp_path / f"{number}.npy", cloud)
    np.testing.assert_array_equal(depth_maps_in(tmp_path, VIEWS, SPEC), depth_maps(clouds, VIEWS, SPEC))


def test_every_cloud_is_prepared_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared = []

    def noted(cloud: np.ndarray, *how: Any) -> Prepared:
        prepared.append((len(cloud), *how))
        return prepare(cloud, *how)

    monkeypatch.setattr(verify_clouds, "prepare", noted)
    for points in (5, 6):
        np.save(tmp_path / f"{points}.npy", np.random.default_rng(0).normal(size=(points, 3)))
    depth_maps_in(tmp_path, VIEWS, SPEC, "paper")
    assert prepared == [(5, SPEC, "paper"), (6, SPEC, "paper")]


def test_what_cannot_be_read_or_drawn_is_not_left_out(tmp_path: Path) -> None:
    with pytest.raises(CloudFileError, match="no clouds in this directory"):
        depth_maps_in(tmp_path, VIEWS, SPEC)
    np.save(tmp_path / "a.npy", np.random.default_rng(0).normal(size=(9, 3)))
    (tmp_path / "b.ply").write_bytes(b"ply\nformat ascii 1.0\nelement vertex 3\n")
    with pytest.raises(C2PError, match=r"b\.ply"):
        depth_maps_in(tmp_path, VIEWS, SPEC)
    (tmp_path / "b.ply").unlink()
    np.save(tmp_path / "b.npy", np.zeros((5, 3)))
    with pytest.raises(CloudError, match=r"b\.npy: all 5 points coincide"):
        depth_maps_in(tmp_path, VIEWS, SPEC)
