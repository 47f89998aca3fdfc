"""The projections ours is compared with: pixels counted by hand, and the steps written out plainly."""

import numpy as np
import pytest

from c2p_deploy import DepthSpec, ViewSet, prepare_points, project_depth
from c2p_deploy.projection.reference import to_view
from c2p_train.evaluate.pointclip_projections import project_dense, project_sparse

VIEWS = ViewSet.named("clip2point-6")
FRONT = ViewSet("front", VIEWS.rotations[:1], VIEWS.distances[:1])  # looks along -z: x to the left, y up
SPEC = DepthSpec(image_size=32, point_radius=0.06)


def test_a_point_lights_the_pixel_under_it_and_no_other() -> None:
    # seen from +z: the last point is nearest; +x of the world is to the right of this camera
    points = np.array([[0.9, 0.9, -0.5], [0.9, -0.9, 0.0], [-0.9, 0.9, 0.5], [-0.9, 0.9, -0.2]])
    (depth,) = project_sparse(points, FRONT, SPEC, up="y")
    expected = np.zeros((32, 32), dtype=np.float32)
    expected[1, 30] = 1 / 255  # farthest
    expected[30, 30] = 1 / 255 + 254 / 255 / 2
    expected[1, 1] = 1  # nearest, and it hides the point behind it
    np.testing.assert_allclose(depth, expected, atol=1e-6)


@pytest.mark.parametrize("project", [project_sparse, project_dense])
def test_objects_stand_where_ours_stand(project, chair: np.ndarray) -> None:
    points = prepare_points(chair, SPEC)
    theirs = project(points, VIEWS, SPEC, up="z")
    ours = project_depth(points, VIEWS, SPEC, up="z")
    assert theirs.shape == ours.shape and theirs.dtype == np.float32
    assert theirs.min() == 0 and 0.5 < theirs.max() <= 1
    for lit, covered in zip(theirs > 0.05, ours < 1, strict=True):
        if project is project_sparse:
            assert lit.sum() > 50 and covered[lit].mean() > 0.95  # a disc covers the pixel of its point
        else:
            assert lit[covered].mean() > 0.95


def test_dense_maps_are_the_described_steps(chair: np.ndarray) -> None:
    points = prepare_points(chair, SPEC)
    (depth,) = project_dense(points, FRONT, SPEC, up="y")
    x, y, z = to_view(points, FRONT.rotations[0], FRONT.distances[0]).T.astype(np.float64)
    bright = 1 / 255 + 254 / 255 * (z.max() - z) / (z.max() - z.min())
    grid = np.zeros((8, 16, 16))
    for u, v, b in zip(x, y, bright, strict=True):
        cell = (min(int(b * 8), 7), int((1 - v) * 8), int((1 - u) * 8))
        grid[cell] = max(grid[cell], b)
    pooled, smooth = np.zeros_like(grid), np.zeros_like(grid)
    for p, i, j in np.ndindex(grid.shape):
        pooled[p, i, j] = grid[p, max(i - 2, 0) : i + 3, max(j - 2, 0) : j + 3].max()
    for p, i, j in np.ndindex(grid.shape):
        total = weight = 0.0
        for di in (-1, 0, 1):
            for dj in (-1, 0, 1):
                w = np.exp(-(di * di + dj * dj) / 18)
                weight += w
                if 0 <= i + di < 16 and 0 <= j + dj < 16:
                    total += w * pooled[p, i + di, j + dj]
        smooth[p, i, j] = total / weight
    small = smooth.max(axis=0)
    # bilinear magnification by two: the centre of a fine cell is a quarter from that of a coarse one
    for i, j in ((8, 8), (15, 20), (21, 9)):
        a, b = (i - 1) // 2 if i % 2 == 0 else i // 2, (j - 1) // 2 if j % 2 == 0 else j // 2
        wa, wb = (0.75 if i % 2 == 0 else 0.25), (0.75 if j % 2 == 0 else 0.25)
        expected = (
            (1 - wa) * (1 - wb) * small[a, b] + wa * (1 - wb) * small[a + 1, b]
            + (1 - wa) * wb * small[a, b + 1] + wa * wb * small[a + 1, b + 1]
        )  # fmt: skip
        assert depth[i, j] == pytest.approx(expected, abs=1e-5)


def test_a_flat_cloud_and_points_outside_the_frame_are_drawn(  # the nearest is the farthest
) -> None:
    points = np.array([[0.5, 0.5, 0.0], [-0.5, 0.5, 0.0], [3.0, 0.0, 0.0]])
    for project in (project_sparse, project_dense):
        depth = project(points, FRONT, SPEC, up="y")
        assert np.isfinite(depth).all() and depth.max() == pytest.approx(1)
