"""The reference projection and the fast one against the authors' renderer, bit for bit.

Both have one signature and one truth, so every test here runs on both.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from c2p_deploy import DepthSpec, ViewSet, project_depth, project_depth_reference
from c2p_deploy.errors import OptionError
from c2p_deploy.projection.reference import pixel_centres, z_buffers
from c2p_deploy.projection.spec import UP_AXES, UpAxis, turn_up, up_vector
from paths import GOLDEN, SHARED

Project = Callable[..., np.ndarray]
both = pytest.mark.parametrize(
    "project", [project_depth_reference, project_depth], ids=["reference", "numba"]
)
TEN = ViewSet.named("clip2point-10")
PAPER = DepthSpec()


def settings_in(golden: "np.lib.npyio.NpzFile") -> list[str]:
    """The "v10_rot1" of every "depth01_v10_rot1" in a golden file."""
    return [name.removeprefix("depth01_") for name in golden if name.startswith("depth01_")]


def renders(folder: Path) -> list[Path]:
    """The files of clouds and their depth maps in a folder of goldens, full or excerpts."""
    others = ("cameras", "aug", "ntxent", "models", "training")
    return [file for file in sorted(folder.glob("*.npz")) if file.stem not in others]


@both
@pytest.mark.parametrize(
    "file",
    [*renders(GOLDEN), *renders(SHARED / "golden/render")],
    ids=lambda file: f"{'excerpt' if file.parent == GOLDEN else 'full'} {file.stem}",
)
def test_depth_maps_equal_the_authors(project: Project, file: Path) -> None:
    with np.load(file) as golden:
        found = settings_in(golden)
        assert found
        for setting in found:
            views = ViewSet.named("clip2point-" + setting[1 : setting.index("_")])
            up = "z" if setting.endswith("rot1") else "y"
            depth = project(golden["points"], views, PAPER, up)
            assert depth.dtype == np.float32
            np.testing.assert_array_equal(
                depth, golden[f"depth01_{setting}"], err_msg=f"{file.name} {setting}"
            )


@both
@pytest.mark.parametrize("size", [8, 16, 64])
def test_a_pixel_whose_centre_lies_on_the_edge_of_a_disc_is_outside(project: Project, size: int) -> None:
    """The radius is two pixels to the bit, the point lies on a centre: nine are nearer, four just as far."""
    x, y = pixel_centres(size)[[size // 2, size // 2 - 2]]
    front = ViewSet("front", np.eye(3)[None], np.ones(1))
    depth = project(np.array([[x, y, 0]], np.float32), front, DepthSpec(size, 4 / size), "y")
    hit = np.argwhere(depth[0] < 1) - [size // 2 - 2, size // 2]
    assert sorted(map(tuple, hit.tolist())) == [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)]


def test_z_buffers_equal_the_authors() -> None:
    with np.load(GOLDEN / "chair.npz") as golden:
        zbuf = np.stack(list(z_buffers(turn_up(golden["points"], "z"), TEN, PAPER)))
        np.testing.assert_array_equal(zbuf, golden["zbuf_v10_rot1"])


@both
def test_jittered_distances_equal_the_authors(project: Project) -> None:
    """The pre-training path: camera distance jittered by 10 %, which scales the cloud too."""
    with np.load(GOLDEN / "aug.npz") as golden:
        for b in range(len(golden["points"])):
            views = ViewSet("jittered", golden["R"][b], golden["aug_dist"][b])
            depth = project(golden["points"][b], views, PAPER, "y")
            np.testing.assert_array_equal(depth < 1, golden["zbuf"][b] > 0)
            # The authors' look-at puts the camera up to one ulp off the distance it was asked for.
            np.testing.assert_allclose(depth, golden["depth01"][b], atol=3e-7, rtol=0)


def test_pixel_centres_equal_the_authors() -> None:
    with np.load(GOLDEN / "cameras.npz") as golden:
        np.testing.assert_array_equal(pixel_centres(224), golden["col_x_ndc"])


def test_z_up_is_turned_as_the_authors_turn_it() -> None:
    points = np.array([[1, 2, 3]], dtype=np.float32)
    np.testing.assert_array_equal(turn_up(points, "z"), [[-2, 3, -1]])
    with np.load(GOLDEN / "cameras.npz") as golden:
        np.testing.assert_array_equal(turn_up(points, "z"), points @ golden["rot1"] @ golden["rot2"])
    np.testing.assert_array_equal(turn_up(points, "y"), points)
    with pytest.raises(OptionError, match="'z', 'y', 'x'"):
        turn_up(points, "up")  # type: ignore[arg-type]


@pytest.mark.parametrize("up", UP_AXES)
def test_whatever_is_up_becomes_y_and_nothing_is_mirrored(up: UpAxis) -> None:
    turn = turn_up(np.eye(3, dtype=np.float32), up)  # row vectors: points @ turn
    np.testing.assert_array_equal(up_vector(up) @ turn, [0, 1, 0])
    np.testing.assert_array_equal(turn @ turn.T, np.eye(3))
    assert np.linalg.det(turn) == 1
    cloud = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    np.testing.assert_array_equal(turn_up(cloud, up), cloud @ turn)


def test_frames_of_sensors_are_seen_alike() -> None:
    """A robot's (ahead, left, up), a camera's (right, down, ahead) and NED of the same point."""
    ahead, left, up = np.random.default_rng(0).normal(size=(3, 20)).astype(np.float32)
    robot = turn_up(np.stack([ahead, left, up], axis=1), "z")
    np.testing.assert_array_equal(turn_up(np.stack([-left, -up, ahead], axis=1), "-y"), robot)
    np.testing.assert_array_equal(turn_up(np.stack([ahead, -left, -up], axis=1), "-z"), robot)


@both
def test_image_axes(project: Project) -> None:
    """+x of the camera is left and +y is up: a point there lands in that corner."""
    front = ViewSet("front", np.eye(3, dtype=np.float32)[None], np.ones(1, dtype=np.float32))
    depth = project(
        [[0.5, 0.5, 0.0], [-0.9, -0.9, 0.5]], front, DepthSpec(image_size=64, point_radius=0.1), "y"
    )[0]
    rows, columns = np.nonzero(depth < 1)
    upper_left = (rows < 32) & (columns < 32)
    assert upper_left.any() and not upper_left.all()
    assert depth[16, 16] == 0  # the nearest point is black
    assert (rows[~upper_left] > 48).all() and (columns[~upper_left] > 48).all()


finite_clouds = hnp.arrays(
    np.float32, st.tuples(st.integers(1, 40), st.just(3)), elements=st.floats(-1.5, 1.5, width=32)
)
any_clouds = hnp.arrays(np.float32, st.tuples(st.integers(0, 12), st.just(3)), elements=st.floats(width=32))
specs = st.builds(DepthSpec, st.integers(8, 64), st.floats(0.01, 0.3))


@settings(max_examples=60)
@given(cloud=finite_clouds, spec=specs, up=st.sampled_from(UP_AXES))
def test_fast_equals_reference(cloud: np.ndarray, spec: DepthSpec, up: str) -> None:
    np.testing.assert_array_equal(
        project_depth(cloud, TEN, spec, up),  # type: ignore[arg-type]
        project_depth_reference(cloud, TEN, spec, up),  # type: ignore[arg-type]
    )


@settings(max_examples=60)
@given(cloud=any_clouds)
@pytest.mark.filterwarnings("ignore:.*encountered.*:RuntimeWarning")  # inf - inf in the reference
def test_nothing_leads_to_values_outside_the_range(cloud: np.ndarray) -> None:
    spec = DepthSpec(image_size=32, point_radius=0.1)
    for depth in (project_depth(cloud, TEN, spec), project_depth_reference(cloud, TEN, spec)):
        assert np.isfinite(depth).all()
        assert ((depth >= 0) & (depth <= 1)).all()


@both
def test_without_background_the_nearest_point_is_black(project: Project) -> None:
    """A wall that fills the frame behind the origin: near is 1.25, not the 1.0 of a background."""
    side = np.linspace(-1.2, 1.2, 40)
    wall = np.array([(x, y, 0.25 + 0.25 * (x > 0)) for x in side for y in side], dtype=np.float32)
    front = ViewSet("front", np.eye(3, dtype=np.float32)[None], np.ones(1, dtype=np.float32))
    depth = project(wall, front, DepthSpec(image_size=32, point_radius=0.1), "y")[0]
    far = np.float32(0.25) / np.float32(1.5) * np.float32(200) / np.float32(255)
    assert depth.min() == 0 and depth.max() == far  # of (1.5 - 1.25) / 1.5


def test_many_points_with_a_buffer_given(chair: np.ndarray) -> None:
    cloud = np.tile(chair / np.abs(chair).max() / 2, (30, 1))
    out = np.full((10, 112, 112), 7, dtype=np.float32)
    spec = DepthSpec(image_size=112, point_radius=0.04)
    result = project_depth(cloud, TEN, spec, out=out)
    assert result is out
    np.testing.assert_array_equal(out, project_depth_reference(cloud[:1024], TEN, spec))


@pytest.mark.parametrize(
    "out",
    [
        np.empty((10, 8, 8), np.float64),
        np.empty((9, 8, 8), np.float32),
        np.empty((10, 8, 16), np.float32)[..., ::2],
    ],
)
def test_a_buffer_that_does_not_fit_is_refused(out: np.ndarray) -> None:
    with pytest.raises(OptionError, match="out must be"):
        project_depth(np.zeros((3, 3)), TEN, DepthSpec(image_size=8), out=out)


def test_points_of_a_wrong_shape_are_refused() -> None:
    with pytest.raises(OptionError, match=r"\[N, 3\]"):
        project_depth(np.zeros((3, 4)), TEN, PAPER)


@pytest.mark.parametrize(
    "values", [(7, 0.02, 1024), (224, 0.0, 1024), (224, float("nan"), 1024), (224, 0.02, 1)]
)
def test_impossible_specs_are_refused(values: tuple[int, float, int]) -> None:
    with pytest.raises(OptionError):
        DepthSpec(*values)
