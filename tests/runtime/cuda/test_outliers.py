"""Stray points on the GPU: what stays is what the reference keeps, in the simulator and on a GPU."""

from __future__ import annotations

import numpy as np

from c2p_deploy import DepthSpec, ViewSet
from c2p_deploy.projection.outliers import kept_points_reference
from c2p_deploy.projection.prepare import to_unit_sphere
from c2p_runtime.cuda.sampling_reference import CANDIDATES_PER_POINT, farthest, thin
from device_runs import clouds_without_strays, needs_gpu, pipeline_runs, simulated

FRONT = ViewSet("front", np.eye(3, dtype=np.float32)[None], np.ones(1, dtype=np.float32))


def box(count: int, seed: int) -> np.ndarray:
    """float32 [count, 3] on the surface of a box that reaches to 1."""
    rays = np.random.default_rng(seed).normal(size=(count, 3))
    return np.asarray(rays / np.abs(rays).max(axis=1, keepdims=True) * (1, 0.8, 0.6), np.float32)


def with_strays(count: int, strays: int, seed: int) -> np.ndarray:
    """A box, and strays at any distance; two of them are there twice."""
    rng = np.random.default_rng(seed)
    away = rng.normal(size=(strays, 3)) * np.exp(rng.uniform(0, 6, (strays, 1))) + 3
    return rng.permutation(np.concatenate([box(count, seed), away, away[:2]])).astype(np.float32)


def clouds(count: int) -> list[np.ndarray]:
    """Of at most `count` points, an even number and odd ones."""
    small = np.float32(1e-30)
    return [
        with_strays(count - 4, 2, 1),
        with_strays(count - 5, 3, 2)[: count - 1],
        np.concatenate([box(count // 2 - 4, 3), box(count // 2, 4) * 0.2 + 9]),  # two parts, as large
        np.concatenate([np.zeros((count // 2, 3), np.float32), with_strays(count // 2 - 3, 1, 5) + 4]),
        with_strays(count - 4, 2, 6) * small,
        np.full((count, 3), 7, np.float32),
        box(20, 7),  # too few for one to be a stray
        np.empty((0, 3), np.float32),
    ]


def check(found: list[tuple[np.ndarray, int, int]], count: int) -> None:
    for index, ((points, left, strays), cloud) in enumerate(zip(found, clouds(count), strict=True)):
        kept = kept_points_reference(cloud) if len(cloud) else np.ones(0, bool)
        assert (left, strays) == (kept.sum(), (~kept).sum()), index
        np.testing.assert_array_equal(points, cloud[kept], err_msg=str(index))
    assert [strays > 0 for _, _, strays in found] == [True, True, False, True, True, False, False, False]


# 72 points are at most 18 kept of four candidates each, and so looked at; more are thinned before.
SPEC = DepthSpec(image_size=16, point_radius=0.15, num_points=18)
CLOUDS = [with_strays(67, 2, 1), with_strays(70, 3, 2), np.full((40, 3), np.nan, np.float32)]


def test_what_stays_is_what_the_reference_keeps() -> None:
    """Of one small cloud only: threads of Python meet hundreds of times for each."""
    cloud = np.concatenate([box(38, 1), np.float32([[9, 0, 1], [9, 0, 1], [-40, 3, 0]])])[::-1]
    kept = kept_points_reference(cloud)
    assert list(np.flatnonzero(~kept)) == [0]  # the one that is there twice is more than a 32nd
    ((points, left, strays),) = simulated(("clouds_without_strays", {"clouds": [cloud], "most": 50}))[0]
    assert (left, strays) == (40, 1)
    np.testing.assert_array_equal(points, cloud[kept])


def check_pipeline(robust: dict[str, np.ndarray], paper: dict[str, np.ndarray]) -> None:
    assert list(robust["status"]) == list(paper["status"]) == [0, 0, 1]
    assert not paper["strays"].any() and robust["strays"][2] == 0
    for b, cloud in enumerate(CLOUDS[:2]):
        candidates = thin(cloud, CANDIDATES_PER_POINT * SPEC.num_points, 3)
        kept = kept_points_reference(candidates)
        assert robust["strays"][b] == (~kept).sum() > 0
        for found, stay in ((robust, candidates[kept]), (paper, candidates)):
            expected = to_unit_sphere(farthest(stay, SPEC.num_points, 3))
            np.testing.assert_array_equal(found["samples"][b, : len(expected)], expected)


@needs_gpu
def test_what_stays_on_a_gpu_is_what_the_reference_keeps() -> None:
    check(clouds_without_strays(clouds(1000), 1024), 1000)


@needs_gpu
def test_on_a_gpu_strays_go_after_thinning_and_before_sampling() -> None:
    runs = [
        pipeline_runs([CLOUDS], 80, FRONT, SPEC, seed=3, preparation=preparation)[0]
        for preparation in ("robust", "paper")
    ]
    check_pipeline(*runs)
