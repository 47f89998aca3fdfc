"""A classifier on the GPU: the same answers as on the CPU, by one graph per batch size."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from c2p_runtime import Classifier
from device_runs import needs_gpu, simulated
from engines import write_engine
from paths import GOLDEN

RNG = np.random.default_rng(0)
# No more points than the engine takes: what is sampled of larger clouds differs from the CPU's.
CLOUDS = [RNG.normal(size=(count, 3)).astype(np.float32) for count in (9, 30, 12)]
FAR_AWAY = CLOUDS[0].astype(np.float64) * 0.125 + 5e6
# A box, and one point that belongs to nothing.
STRAY = np.concatenate([np.random.default_rng(1).uniform(size=(39, 3)), [[9, 0, 1]]]).astype(np.float32)
HOLES = np.concatenate([CLOUDS[1], np.full((2, 3), np.nan, np.float32)])
BATCHES: list[list[Any]] = [
    [CLOUDS[0]],
    [CLOUDS[1]],
    CLOUDS,
    [CLOUDS[2], HOLES, FAR_AWAY],
    [("device", CLOUDS[0], 5), ("device", CLOUDS[1], None)],
    [CLOUDS[0], np.full((4, 3), np.nan)],
    [np.ones((5, 3))],
    [CLOUDS[0], np.zeros((65, 3), np.float32)],
    [("device", FAR_AWAY, None)],
    [CLOUDS[0]],
]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    # Looking for stray points takes the simulator most of its time: one run of few calls does.
    paper, robust = (
        write_engine(tmp_path_factory.mktemp(preparation), max_batch=3, preparation=preparation)
        for preparation in ("paper", "robust")
    )
    found, other = simulated(
        ("classifier_runs", {"engine": str(paper), "up": "y", "batches": BATCHES}),
        (
            "classifier_runs",
            {"engine": str(robust), "up": "y", "batches": [[STRAY], [STRAY]], "capturable": False},
        ),
    )
    found["engine"], found["robust"], found["other"] = paper, robust, other
    result: dict[str, Any] = found
    return result


def same(found: list[tuple[Any, ...]], clouds: list[np.ndarray], clf: Classifier, atol: float) -> None:
    for (label, scores, features, timing), expected in zip(found, clf.batch(clouds), strict=True):
        np.testing.assert_allclose(features, expected.features, atol=atol)
        np.testing.assert_allclose(scores, expected.scores, atol=1e-5 + atol)
        assert label == expected.label and scores.dtype == np.float32
        assert list(timing) == list(expected.timing_ms)


def test_answers_are_those_of_the_cpu(run: dict[str, Any]) -> None:
    with Classifier(run["engine"], up="y", device="cpu") as clf:
        for answers, clouds in zip(run["answers"][:5], BATCHES[:5], strict=True):
            plain = [cloud[1] if isinstance(cloud, tuple) else cloud for cloud in clouds]
            # In float64 the far cloud is centred before it is rounded, on the CPU after.
            same(answers, plain, clf, atol=1e-6)
        same(run["answers"][-1], BATCHES[-1], clf, atol=1e-6)  # after all the errors
    assert run["device"] == "cuda"


def test_errors_name_the_cloud(run: dict[str, Any]) -> None:
    kinds, messages = zip(*run["answers"][5:9], strict=True)
    assert kinds == ("UnusableCloudError",) * 4
    assert messages[0].startswith("cloud 1: no finite point in the cloud")
    assert messages[1].startswith("all points coincide")
    assert messages[2].startswith("cloud 1: 65 points, but the buffers on the GPU hold 64")
    assert "must be float32 [N, 3] without gaps, got <f8" in messages[3]


def test_a_batch_size_runs_once_is_captured_and_then_replayed(run: dict[str, Any]) -> None:
    calls = run["calls"]
    steps = [call for call in calls if not call.startswith(("record", "wait"))]
    # Twice one cloud, twice three, two on the device; two with an unusable one; one; two that do not
    # even start (too large, not float32), and one again.
    assert steps == [
        *("engine 1", "keep", "capture", "answered"),
        *("replay", "engine 1", "answered"),
        *("engine 3", "keep", "capture", "answered"),
        *("replay", "engine 3", "answered"),
        *("engine 2", "keep", "capture", "answered"),
        *("replay", "engine 2", "answered"),
        *("replay", "engine 1", "answered"),
        *("answered", "answered"),
        *("replay", "engine 1", "answered"),
        *("free", "free", "free", "destroy event"),
    ]


def test_an_engine_that_cannot_be_captured_runs_between_two_graphs(run: dict[str, Any]) -> None:
    other = run["other"]
    assert other["calls"] == [
        *("engine 1", "keep", "capture", "capture", "answered"),
        *("replay", "engine 1", "replay", "answered"),
        *("free", "free", "destroy event"),
    ]
    (first,), (second,) = other["answers"]
    np.testing.assert_array_equal(first[1], second[1])


def test_stray_points_are_removed_where_the_engine_says_so(run: dict[str, Any]) -> None:
    with Classifier(run["robust"], up="y", device="cpu") as clf, Classifier(run["engine"], up="y") as paper:
        assert clf(STRAY).strays == 1
        same(run["other"]["answers"][0], [STRAY], clf, atol=1e-6)
        assert np.abs(run["other"]["answers"][0][0][2] - paper(STRAY).features).max() > 0.01


def test_threads_take_turns(run: dict[str, Any]) -> None:
    (_, _, features, _), *_ = run["answers"][0]
    assert len(run["threaded"]) == 4
    for found in run["threaded"]:
        np.testing.assert_array_equal(found, features)


def test_two_classifiers_in_one_process_do_not_mix(run: dict[str, Any]) -> None:
    (label, _, features, _), *_ = run["answers"][0]
    assert [found for found, _ in run["beside"]] == ["rod", label, "rod"]
    for _, found in run["beside"]:
        np.testing.assert_array_equal(found, features)


def test_a_classifier_does_not_outlive_a_fork(run: dict[str, Any]) -> None:
    assert "made before the process forked" in run["forked"]


def test_work_on_the_stream_of_the_points_is_waited_for(run: dict[str, Any]) -> None:
    waits = [call for call in run["calls"] if call.startswith(("record", "wait"))]
    assert waits == ["record event 5", "wait 7 event 0"]  # not for the cloud that is complete


@needs_gpu
def test_on_a_gpu_answers_are_those_of_the_cpu() -> None:
    with np.load(GOLDEN / "chair.npz") as golden:
        chair = golden["points_raw"]
    clouds = [chair, chair[:300], chair * [1, 1, 0.5]]
    with Classifier(device="cuda") as gpu, Classifier(device="cpu") as cpu:
        for _ in range(3):  # the first call of a size is not captured, the others are replayed
            for batch in (clouds, clouds[:1]):
                for a, b in zip(gpu.batch(batch), cpu.batch(batch), strict=True):
                    np.testing.assert_allclose(a.features, b.features, atol=1e-3)
                    assert a.label == b.label


@needs_gpu
def test_on_a_gpu_a_replay_gives_the_same_bits_and_allocates_nothing() -> None:
    from cuda.bindings import driver

    with Classifier(device="cuda") as clf:
        cloud = RNG.normal(size=(20_000, 3)).astype(np.float32)
        first = clf(cloud)
        clf(cloud)
        _, free, _ = driver.cuMemGetInfo()
        for _ in range(5):
            np.testing.assert_array_equal(clf(cloud).features, first.features)
        assert driver.cuMemGetInfo()[1] == free


@needs_gpu
def test_on_a_gpu_points_of_the_device_give_the_same_answer() -> None:
    from c2p_runtime.cuda.numba_cuda import cuda

    with np.load(GOLDEN / "chair.npz") as golden:
        chair = golden["points_raw"]
    with Classifier(device="cuda") as clf:
        host = clf(chair)
        stream = cuda.stream()
        device = clf(cuda.to_device(np.ascontiguousarray(chair), stream=stream))
        np.testing.assert_array_equal(device.features, host.features)
    assert device.label == host.label == "chair"
