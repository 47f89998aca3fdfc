"""From points to depth maps by CUDA kernels: against the reference, in the simulator and on a GPU."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from c2p_deploy import DepthSpec, ViewSet, project_depth_reference
from c2p_deploy.errors import CloudError, EngineError, OptionError
from c2p_deploy.projection.prepare import finite_points, to_unit_sphere
from c2p_runtime.cuda.sampling_reference import sample
from device_runs import depth_maps, needs_gpu, pipeline_runs, simulated
from paths import GOLDEN

# The only import of kernels in this process is behind these names.
NO_FINITE_POINT, ALL_COINCIDE, TOO_LARGE = 1, 2, 3

SIX = ViewSet.named("clip2point-6")
TEN = ViewSet.named("clip2point-10")
# Seen from the front, from above, and from one whose axes mix; nearer and farther than usual.
THREE = ViewSet("three", TEN.rotations[[0, 1, 5]], np.array([1, 0.9, 1.1], np.float32))
FRONT = ViewSet("front", np.eye(3, dtype=np.float32)[None], np.ones(1, dtype=np.float32))
SMALL = DepthSpec(image_size=16, point_radius=0.15)
RNG = np.random.default_rng(0)
MISMATCHES = 5e-6  # of pixels, that a GPU may get wrong


def scattered(count: int) -> np.ndarray:
    return RNG.uniform(-0.7, 0.7, (count, 3)).astype(np.float32)


def wall() -> np.ndarray:
    """Fills the frame, so that no background is left."""
    side = np.linspace(-1, 1, 6)
    return np.array([(x, y, 0.25 + 0.25 * (x > 0)) for x in side for y in side], np.float32)


UNUSABLE = np.array([[np.nan, 0, 0], [0, np.inf, 0], [0, 0, -np.inf], [2e38, 0, 0], [0, 2, 0]], np.float32)
AT_THE_CAMERA = np.array([[0, 0, -1], [0.02, 0, 0.5], [-0.5, 0.5, -0.5]], np.float32)  # z == 0 hides the next
BEHIND = np.array([[0, 0, -1.5], [0.5, 0.5, -2]], np.float32)
PROJECTIONS: dict[str, dict[str, Any]] = {
    "z up": {"points": scattered(30), "views": THREE, "spec": SMALL, "up": "z"},
    "y up": {"points": scattered(30), "views": THREE, "spec": SMALL, "up": "y"},
    **{
        f"{up} up": {"points": scattered(8), "views": THREE, "spec": SMALL, "up": up}
        for up in ("x", "-z", "-y", "-x")
    },
    "another size": {"points": scattered(40), "views": THREE, "spec": DepthSpec(23, 0.04)},
    "unusable points": {
        "points": np.concatenate([UNUSABLE, scattered(4)]),
        "views": THREE,
        "spec": SMALL,
    },
    "nothing to see": {"points": np.full((3, 3), np.nan, np.float32), "views": THREE, "spec": SMALL},
    "no point": {"points": np.empty((0, 3), np.float32), "views": THREE, "spec": SMALL},
    "at the camera": {"points": AT_THE_CAMERA, "views": FRONT, "spec": SMALL, "up": "y"},
    "behind the camera": {"points": BEHIND, "views": FRONT, "spec": SMALL, "up": "y"},
    "beyond the origin": {"points": wall()[::7], "views": FRONT, "spec": SMALL, "up": "y"},
    "no background": {"points": wall(), "views": FRONT, "spec": DepthSpec(16, 0.35), "up": "y"},
}

# Six points kept of up to 24 candidates: more than 24 are thinned, more than six sampled.
FEW = DepthSpec(image_size=16, point_radius=0.15, num_points=6)
HOLES = scattered(75)
HOLES[[0, 7, 8, 31, 32, 63, 64, 74]] = [np.nan, np.inf, 0]
CLOUDS: dict[str, tuple[np.ndarray, int]] = {
    "thinned": (scattered(70) * 1000 + 500, 0),
    "thinned, with holes": (HOLES, 0),
    "not thinned": (np.concatenate([scattered(20), HOLES[:1]]), 0),
    "passes": (scattered(5), 0),
    "one finite row too few": (HOLES[:8], 0),
    "empty": (np.empty((0, 3), np.float32), NO_FINITE_POINT),
    "not finite": (np.full((35, 3), np.nan, np.float32), NO_FINITE_POINT),
    "one point": (np.ones((1, 3), np.float32), ALL_COINCIDE),
    "coincide but for rounding": (np.float32([[1, 1, 1], [1, 1, 1 + 2**-23]]), ALL_COINCIDE),
    "coincide": (np.full((33, 3), 0.1, np.float32), ALL_COINCIDE),
    "too large": (np.concatenate([scattered(66), np.float32([[0, 2e18, 0]])]), TOO_LARGE),
    "as large as can be": (scattered(10) * np.float32(1e18), 0),
}
OPTIONS: dict[str, Any] = {"up": "y", "seed": 3}


@pytest.fixture(scope="module")
def results() -> dict[str, Any]:
    """Everything that is looked at in the simulator: it is slow to start."""
    calls: list[tuple[str, dict[str, Any]]] = [("depth_maps", case) for case in PROJECTIONS.values()]
    first, second = batches()
    common = {"capacity": 75, "views": FRONT, "spec": FEW}
    calls += [
        ("pipeline_runs", {"batches": [first, second], "warm_up": False, **common, **OPTIONS}),
        ("pipeline_runs", {"batches": [first[:1]], **common, "up": "z", "seed": 4, "dtype": np.float16}),
    ]
    *maps, pipeline, half = simulated(*calls)
    return {"maps": dict(zip(PROJECTIONS, maps, strict=True)), "pipeline": pipeline, "half": half[0]}


def batches() -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The clouds in one batch, and some of them again in a smaller one, which finds used buffers."""
    first = [cloud for cloud, _ in CLOUDS.values()]
    return first, [first[3], first[0]]


def reference(case: dict[str, Any]) -> np.ndarray:
    with np.errstate(all="ignore"):  # of what is not a number
        return project_depth_reference(**case)


@pytest.mark.parametrize("name", PROJECTIONS)
def test_depth_maps_equal_the_reference(name: str, results: dict[str, Any]) -> None:
    expected = reference(PROJECTIONS[name])
    assert expected.shape[1:] == (PROJECTIONS[name]["spec"].image_size,) * 2
    np.testing.assert_array_equal(results["maps"][name], expected)


def test_the_cases_are_what_they_are_called() -> None:
    maps = {name: reference(case) for name, case in PROJECTIONS.items()}
    assert (maps["no background"] < 1).all()
    for name in ("nothing to see", "no point", "behind the camera"):
        assert (maps[name] == 1).all()
    assert maps["beyond the origin"].min() > 0.1  # near is 1, not the nearest point
    assert maps["at the camera"][0, 7:9, 7:9].min() == 1  # hidden by a point of depth 0
    assert maps["at the camera"].min() < 1
    assert len(np.unique(maps["z up"])) > 20


def check_prepared(found: dict[str, np.ndarray], b: int, name: str, seed: int) -> np.ndarray:
    """Compares cloud b of a batch with the reference; returns the points that should have been drawn."""
    cloud, status = CLOUDS[name]
    assert found["status"][b] == status, name
    if status != 0:
        assert found["kept"][b] == 0, name
        return np.empty((0, 3), np.float32)
    expected = to_unit_sphere(sample(cloud, FEW.num_points, seed, 4))
    assert found["kept"][b] == len(expected), name
    np.testing.assert_array_equal(found["samples"][b, : len(expected)], expected, err_msg=name)
    return expected


def check_pipeline(runs: list[dict[str, np.ndarray]]) -> None:
    names = list(CLOUDS)
    for found, order in zip(runs, (names, [names[3], names[0]]), strict=True):
        for b, name in enumerate(order):
            drawn = check_prepared(found, b, name, OPTIONS["seed"])
            expected = project_depth_reference(drawn, FRONT, FEW, OPTIONS["up"])
            np.testing.assert_array_equal(found["depth"][b], expected, err_msg=name)


def test_clouds_of_different_sizes_in_one_batch(results: dict[str, Any]) -> None:
    check_pipeline(results["pipeline"])


def test_a_cloud_that_the_cpu_refuses_has_a_status() -> None:
    for cloud, status in CLOUDS.values():
        if status == 0:
            to_unit_sphere(finite_points(cloud))
        else:
            with pytest.raises(CloudError):
                to_unit_sphere(finite_points(cloud))


def test_half_precision_is_the_rounded_map(results: dict[str, Any]) -> None:
    found = results["half"]
    drawn = check_prepared(found, 0, "thinned", 4)
    assert found["depth"].dtype == np.float16
    expected = project_depth_reference(drawn, FRONT, FEW, "z").astype(np.float16)
    np.testing.assert_array_equal(found["depth"][0], expected)


def test_another_seed_takes_other_points() -> None:
    cloud, _ = CLOUDS["thinned"]
    assert not np.array_equal(sample(cloud, 6, 3, 4), sample(cloud, 6, 4, 4))


def test_more_points_than_a_block_can_sample_are_refused() -> None:
    pytest.importorskip("numba_cuda", reason="needs numba-cuda; pip install -e '.[test]'")
    from c2p_runtime.cuda.launch import DepthPipeline

    with pytest.raises(EngineError, match=r"at most 8192 points on the GPU.*takes 10000; use device='cpu'"):
        DepthPipeline(SimpleNamespace(), 1, 20_000, FRONT, DepthSpec(num_points=10_000))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"points": np.zeros((3, 4))}, r"\[N, 3\]"),
        ({"out": np.empty((1, 8, 8), np.float32)}, "out must be"),
        ({"up": "w"}, "'z', 'y', 'x'"),
    ],
)
def test_wrong_arguments_are_refused(change: dict[str, Any], message: str) -> None:
    pytest.importorskip("numba_cuda", reason="needs numba-cuda; pip install -e '.[test]'")
    with pytest.raises(OptionError, match=message):
        depth_maps(**{"points": np.zeros((3, 3)), "views": FRONT, "spec": SMALL, **change})


# --- on a GPU -----------------------------------------------------------------------------


def assert_close(found: np.ndarray, expected: np.ndarray, message: str) -> None:
    assert np.isfinite(found).all(), message
    assert np.count_nonzero(found != expected) <= MISMATCHES * expected.size, message


@needs_gpu
def test_depth_maps_equal_the_authors_on_a_gpu() -> None:
    compared = 0
    for file in sorted(Path(GOLDEN).glob("*.npz")):
        with np.load(file) as golden:
            for name in (key for key in golden if key.startswith("depth01_v")):
                views = TEN if "v10" in name else SIX
                up = "z" if name.endswith("rot1") else "y"
                found = depth_maps(points=golden["points"], views=views, spec=DepthSpec(), up=up)
                assert_close(found, golden[name], f"{file.name} {name}")
                compared += 1
    assert compared >= 10


@needs_gpu
@pytest.mark.parametrize("name", PROJECTIONS)
def test_depth_maps_equal_the_reference_on_a_gpu(name: str) -> None:
    assert_close(depth_maps(**PROJECTIONS[name]), reference(PROJECTIONS[name]), name)


@needs_gpu
@pytest.mark.races
def test_clouds_of_different_sizes_in_one_batch_on_a_gpu() -> None:
    check_pipeline(pipeline_runs(list(batches()), 75, FRONT, FEW, **OPTIONS))


@needs_gpu
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_large_clouds_on_a_gpu(dtype: type) -> None:
    clouds = [RNG.normal(size=(count, 3)).astype(np.float32) for count in (100_000, 1_000, 5_000, 70_001)]
    clouds[0][::17] = np.nan
    (found,) = pipeline_runs([clouds], 100_000, TEN, DepthSpec(), up="z", seed=5, dtype=dtype)
    for b, cloud in enumerate(clouds):
        drawn = to_unit_sphere(sample(cloud, 1024, 5, 4))
        assert_close(found["samples"][b, : len(drawn)], drawn, f"samples of cloud {b}")
        expected = project_depth_reference(drawn, TEN, DepthSpec(), "z").astype(dtype)
        assert_close(found["depth"][b], expected, f"maps of cloud {b}")
