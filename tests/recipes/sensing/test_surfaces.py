"""What rays meet is the front of a surface, and a dense cloud shows nearly what its mesh shows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from c2p_deploy.io.meshes.sample import sample_mesh
from c2p_recipes.sensing.surfaces import MeshSurface, PointSurface, looking_from
from c2p_recipes.shapes.catalogue import make_shape
from c2p_recipes.shapes.solids import superellipsoid

BALL = superellipsoid((2, 2, 2), segments=96)
MESH = MeshSurface(BALL.vertices, BALL.faces)
CLOUD = PointSurface(sample_mesh(BALL.vertices, BALL.faces, 4096, 0))

directions = st.tuples(*[st.floats(-1, 1)] * 3).map(np.array).filter(lambda d: np.linalg.norm(d) > 0.3)


@settings(max_examples=20, deadline=None)
@given(direction=directions, distance=st.floats(1.5, 20))
def test_rays_meet_the_near_side_of_a_ball(direction: np.ndarray, distance: float) -> None:
    eye = direction / np.linalg.norm(direction) * distance
    seen = MESH.seen(looking_from(eye, 32))
    assert len(seen.points) > 200
    assert np.linalg.norm(seen.points, axis=1) == pytest.approx(1, abs=0.01)
    assert (seen.points @ eye / distance > 1 / distance - 0.05).all()  # beyond that the ball hides itself
    assert (seen.facing > 0).all()


@pytest.mark.parametrize("distance", [2, 4, 20])
@pytest.mark.parametrize("direction", [(0, 0, 1), (1, 0.3, 0), (0.2, 1, 0.1), (-1, 1, -1)])
def test_a_cloud_hides_its_back(direction: tuple[float, ...], distance: float) -> None:
    eye = np.array(direction) / np.linalg.norm(direction) * distance
    seen = CLOUD.seen(looking_from(eye, 96))
    towards = seen.points @ eye / distance
    assert (towards > 1 / distance - 0.35).mean() > 0.99  # the rim is as thick as a cell
    assert len(seen.points) > 700


@pytest.mark.parametrize("label", ["mug", "drill", "chess piece", "desk"])
def test_a_dense_cloud_shows_what_its_mesh_shows(label: str) -> None:
    shape = make_shape(label, 0)
    middle = (shape.vertices.max(axis=0) + shape.vertices.min(axis=0)) / 2
    vertices = (shape.vertices - middle) / np.linalg.norm(shape.vertices - middle, axis=1).max()
    rays = looking_from(np.array([2.0, 1.5, 2.5]), 64)
    exact = MeshSurface(vertices, shape.faces).seen(rays).points
    rough = PointSurface(sample_mesh(vertices, shape.faces, 8192, 0)).seen(rays).points
    apart = np.linalg.norm(rough[:, None] - exact[None], axis=2)
    assert np.quantile(apart.min(axis=1), 0.9) < 0.06  # it shows little that is hidden
    assert np.quantile(apart.min(axis=0), 0.9) < 0.12  # and hides little that is seen


def test_pixels_are_where_rays_go() -> None:
    rays = looking_from(np.array([0.0, 1.0, 3.0]), 24, rows=10)
    pixels, depth = rays.pixels_of(rays.eye + 2.5 * rays.directions())
    index = np.arange(240)
    assert pixels == pytest.approx(np.stack([index % 24 + 0.5, index // 24 + 0.5], 1))
    assert (depth > 0).all()
