"""Scans are what sensors give: points on the surface but for the errors drawn, in the pixels and rings they
have.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from c2p_deploy.io.meshes.sample import sample_mesh
from c2p_recipes.sensing.scan import LEAST_POINTS, ScanOptions, one_sided, random_scan, surface_of
from c2p_recipes.sensing.sensors import Sensor, draw_depth_camera, draw_lidar, measure, place
from c2p_recipes.sensing.surfaces import MeshSurface
from c2p_recipes.shapes.solids import superellipsoid

BALL = superellipsoid((2, 2, 2), segments=96)
MESH = MeshSurface(BALL.vertices, BALL.faces)
WHOLE = sample_mesh(BALL.vertices, BALL.faces, 4096, 0)
EXACT = Sensor(distance=4, elevation=20, columns=48, rows=48, noise=0, step=0, flying=0, grazing=0)
seeds = st.integers(0, 2**32 - 1)


def with_(sensor: Sensor, **changes: float) -> Sensor:
    return Sensor(**{**vars(sensor), **changes})


@settings(max_examples=20, deadline=None)
@given(seed=seeds, noise=st.floats(0.001, 0.05))
def test_ranges_are_off_by_the_noise_along_the_ray(seed: int, noise: float) -> None:
    rng = np.random.default_rng(seed)
    points, seen = measure(MESH, with_(EXACT, noise=noise), 30, rng)
    eye = place(EXACT, 30).eye
    ray = (seen.points - eye) / np.linalg.norm(seen.points - eye, axis=1, keepdims=True)
    error = points - seen.points
    along = (error * ray).sum(axis=1)
    assert np.linalg.norm(error - along[:, None] * ray, axis=1) == pytest.approx(0, abs=1e-9)
    assert 0.8 * noise < along.std() < 2.3 * noise  # slanted surfaces are measured worse


def test_ranges_are_multiples_of_the_step() -> None:
    points, _ = measure(MESH, with_(EXACT, step=0.05), 200, np.random.default_rng(0))
    ranges = np.linalg.norm(points - place(EXACT, 200).eye, axis=1) / 0.05
    assert ranges == pytest.approx(np.round(ranges), abs=1e-6)


def test_flying_pixels_lie_behind_the_edge() -> None:
    points, seen = measure(MESH, with_(EXACT, flying=1.0), 0, np.random.default_rng(0))
    eye = place(EXACT, 0).eye
    behind = np.linalg.norm(points - eye, axis=1) - np.linalg.norm(seen.points - eye, axis=1)
    assert behind.min() >= -1e-9 and 0.02 < (behind > 1e-6).mean() < 0.2


def test_a_lidar_has_rings() -> None:
    _, seen = measure(MESH, with_(EXACT, rows=7, columns=90), 0, np.random.default_rng(0))
    assert len(np.unique(seen.pixels[:, 1])) <= 7 and len(seen.points) > 300


def test_what_a_sensor_sees_of_a_ball_is_one_side() -> None:
    scan = one_sided(MESH, np.random.default_rng(3))
    assert scan.shape[1] == 3 and len(scan) >= 64
    # A ball seen whole is as deep as it is wide; one side of it is about half as deep.
    spread = np.sqrt(np.linalg.eigvalsh(np.cov(scan.T)))
    assert spread[0] < 0.75 * spread[1]


@settings(max_examples=20, deadline=None)
@given(seed=seeds)
def test_every_scan_can_be_classified(seed: int) -> None:
    surface = surface_of(WHOLE) if seed % 2 else MESH
    scan = random_scan(surface, WHOLE, np.random.default_rng(seed), ScanOptions())
    assert scan.dtype == np.float32 and np.isfinite(scan).all() and len(scan) >= LEAST_POINTS
    assert np.linalg.norm(scan, axis=1).max() == pytest.approx(1, abs=1e-5)
    again = random_scan(surface, WHOLE, np.random.default_rng(seed), ScanOptions())
    assert np.array_equal(scan, again)


def test_without_chances_a_scan_is_the_whole_cloud() -> None:
    nothing = {name: 0.0 for name, value in vars(ScanOptions()).items() if isinstance(value, float)}
    scan = random_scan(surface_of(WHOLE), WHOLE, np.random.default_rng(0), ScanOptions(**nothing))
    assert scan == pytest.approx(WHOLE, abs=0.05)


@settings(max_examples=20, deadline=None)
@given(seed=seeds)
def test_far_and_small_things_have_few_pixels_and_much_noise(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for sensor in (draw_depth_camera(rng, 96), draw_lidar(rng, 96)):
        assert 6 <= sensor.rows <= sensor.columns <= 96
        assert sensor.distance >= 1.5 - 1e-9 and 0 <= sensor.noise <= 0.05
