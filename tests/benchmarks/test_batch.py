"""benchmarks/batch.py: every size is timed as often as it should be, and what is derived is right."""

from __future__ import annotations

from collections.abc import Sequence
from time import sleep
from typing import Any

import numpy as np
import pytest

import batch
from c2p_deploy.errors import C2PError
from c2p_runtime.prediction import Prediction, timing


class Slow:
    """Takes 4 ms per call and 1 ms per cloud. turned: in a batch it answers something else."""

    device = "cpu"

    def __init__(self, turned: bool = False) -> None:
        self.turned = turned
        self.sizes: list[int] = []

    def batch(self, clouds: Sequence[Any]) -> list[Prediction]:
        self.sizes.append(len(clouds))
        sleep(4e-3 + 1e-3 * len(clouds))
        features = np.array([0, 1] if self.turned and len(clouds) > 1 else [1, 0], dtype=np.float32)
        stages = timing(0.25, 0.0, 0.75 + 4 / len(clouds), 0.0)
        return [Prediction(("a",), np.ones(1, np.float32), features, stages, features[None]) for _ in clouds]


def test_sizes_take_turns_and_figures_are_per_cloud() -> None:
    slow = Slow()
    calls = batch.over_batches(slow, (1, 4), 4, seed=0)
    assert slow.sizes == [1, 4] + [1, 4, 4, 1] * 2  # the first two warm up
    figures = batch.batch_figures(4, calls[4], engine_calls=1)
    assert figures["ms_per_call"]["n"] == 4
    assert figures["ms_per_cloud"]["median"] == pytest.approx(figures["ms_per_call"]["median"] / 4, rel=1e-3)
    assert figures["stages_ms_per_cloud"]["prepare"]["median"] == 0.25
    assert figures["stages_ms_per_cloud"]["encode"]["median"] == 1.75
    assert figures["clouds_per_second"] == pytest.approx(4e3 / figures["ms_per_call"]["median"], rel=1e-3)


def test_slow_calls_are_made_less_often() -> None:
    assert [batch.affordable(seconds, 20) for seconds in (0.1, 1.5, 60.0)] == [20, 10, 3]
    assert batch.affordable(60.0, 1) == 1


def test_one_call_per_scene_against_one_per_object() -> None:
    slow = Slow()
    figures = batch.scene_figures(batch.over_scenes(slow, (5,), 2, seed=0)[5])
    each = [1] * 5
    assert slow.sizes == [5, *each, 5, *each, *each, 5]
    assert figures["ratio"]["median"] < 0.7  # 9 ms against 25
    ms, per_second = figures["ms_per_frame"], figures["frames_per_second"]
    assert per_second["one_call"] == pytest.approx(1e3 / ms["one_call"]["median"], rel=1e-3)
    assert per_second["one_call"] > per_second["call_per_object"]
    assert figures["points"]["n"] == 10


def test_ways_that_answer_differently_are_not_compared() -> None:
    with pytest.raises(C2PError, match="cosine 0"):
        batch.over_scenes(Slow(turned=True), (1, 2), 2, seed=0)


def test_objects_of_a_scene_are_as_large_as_is_said() -> None:
    objects = batch.scene(50, np.random.default_rng(0))
    sizes = [len(points) for points in objects]
    assert 200 <= min(sizes) < 500 and 8_000 < max(sizes) <= 20_000
    assert 1_000 < np.median(sizes) < 4_000  # spread evenly over the logarithm: the middle is 2,000
    again = batch.scene(50, np.random.default_rng(0))
    assert all(np.array_equal(a, b) for a, b in zip(objects, again, strict=True))
