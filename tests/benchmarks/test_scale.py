"""benchmarks/scale.py: what is counted is right, and what is reckoned follows from what was measured."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import count
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from c2p_deploy import ViewSet
from c2p_train.learn.losses import nt_xent
from paths import REPOSITORY

TRAINING = {"gflop_per_pair": 60.0, "pairs_per_s": {"median": 2.0}, "image_size": 224, "parameters": 1}
PRETRAINING: dict[str, Any] = {
    "rendering": {"224": {"cpu_s_mean": 0.36}},
    "storing": {
        "224": {
            "shard_size": 256,
            "bytes_per_pair": 100_000,
            "picture_bytes": 6_000,
            "cloud_bytes": 12_000,
            "written_mb_per_s": 500.0,
            "checked_mb_per_s": 1_000.0,
            "opened_us_per_pair": 50.0,
            "index_bytes_per_pair": 400,
            "index_peak_bytes_per_pair": 2_000,
        }
    },
    "drawing": {"224": {"cpu_ms": {"whole pair": {"median": 2.0}}, "bytes_to_device": 500_000}},
    "training": {"ViT-B/32, AdamW, bfloat16": TRAINING},
}


@pytest.fixture(scope="module")
def neighbours() -> Iterator[None]:
    """The scripts in benchmarks/ import each other as neighbours."""
    sys.path.insert(0, str(REPOSITORY / "benchmarks"))
    yield
    sys.path.remove(str(REPOSITORY / "benchmarks"))


@pytest.fixture(scope="module")
def reckoning(neighbours: None) -> ModuleType:
    import scale_reckoning

    return scale_reckoning


@pytest.fixture(scope="module")
def pretraining(neighbours: None) -> ModuleType:
    import scale_pretraining

    return scale_pretraining


@pytest.fixture(scope="module")
def scale(neighbours: None) -> ModuleType:
    import scale

    return scale


def test_storage_shards_and_core_hours(reckoning: ModuleType) -> None:
    assert reckoning.rendering_cost(PRETRAINING, "224", 10_000_000) == {
        "bytes": 1e12,
        "shards": 39_063,  # the last one is not full
        "core_hours": pytest.approx(1000),
        "writing_hours": pytest.approx(2000 / 3600),
    }
    assert reckoning.rendering_cost(PRETRAINING, "224", 256)["shards"] == 1
    assert reckoning.rendering_cost(PRETRAINING, "224", 257)["shards"] == 2


def test_opening_takes_every_pair_into_account(reckoning: ModuleType) -> None:
    cost = reckoning.opening_cost(PRETRAINING["storing"]["224"], 10_000_000)
    assert cost == pytest.approx(
        {
            "seconds": 500,
            "held_bytes": 4e9,
            "peak_bytes": 2e10,
            "order_bytes": 8e7,
            "checking_hours": 1000 / 3600,
        }
    )


def test_training_hours_follow_from_pairs_per_second(reckoning: ModuleType) -> None:
    assert reckoning.training_hours(TRAINING, 7_200, 1) == pytest.approx(1)
    assert reckoning.training_hours(TRAINING, 7_200, 100) == pytest.approx(100)


def test_gpu_hours_are_operations_over_rate(reckoning: ModuleType) -> None:
    # 60 GFLOP x 1e6 pairs x 60 epochs = 3.6e18: an hour of 1,000 TFLOP/s.
    assert reckoning.gpu_hours(TRAINING, 1_000_000, 60, tflops=1000, gpus=1) == pytest.approx(1)
    assert reckoning.gpu_hours(TRAINING, 1_000_000, 60, tflops=100, gpus=8) == pytest.approx(10 / 8)


def test_a_gpu_is_fed_by_pairs_per_second(reckoning: ModuleType) -> None:
    need = reckoning.feeding(PRETRAINING, "ViT-B/32, AdamW, bfloat16", tflops=60)
    assert need == pytest.approx({"pairs": 1000, "cores": 2, "bytes_read": 18e6, "bytes_to_device": 500e6})


def test_the_loss_grows_with_the_square_of_the_batch(reckoning: ModuleType, pretraining: ModuleType) -> None:
    kept, gflop = {}, {}
    for pairs in (8, 16, 32, 64):
        features = torch.randn(2, pairs, 16, requires_grad=True)
        with pretraining.saved_bytes() as saved:
            nt_xent(features[0], features[1])
        kept[str(pairs)] = sum(saved.values())
        gflop[str(pairs)] = 1.0 * pairs**2
    predicted = reckoning.loss_cost(
        {
            "kept_bytes": {size: kept[size] for size in ("8", "16")},
            "gflop": {"8": 64.0, "16": 256.0},
            "dim": 16,
        },
        TRAINING,
        batch=64,
        processes=4,
    )
    assert predicted["kept_bytes"] == pytest.approx(kept["64"], rel=0.05)
    assert predicted["kept_bytes"] > 4 * (2 * 64) ** 2  # a matrix of all rows against all at least
    assert predicted["gflop"] == gflop["64"]
    assert predicted["gathered_bytes"] == 64 * 3 * 16 * 4
    assert predicted["encoders_gflop"] == 60 * 64 / 4


def test_what_torch_keeps_is_counted_once(pretraining: ModuleType) -> None:
    x = torch.ones(1000, requires_grad=True)
    with pretraining.saved_bytes() as saved:
        y = x * 2.0  # keeps nothing
        assert sum(saved.values()) == 0
        (y * y).sum()  # keeps y, for either factor
    assert sum(saved.values()) == 4000


def test_every_way_begins_as_often_as_the_others(scale: ModuleType) -> None:
    clock, order = count(), []

    def way(name: str) -> Any:
        def run() -> dict[str, float]:
            order.append(name)
            return {"total": float(next(clock))}

        return run

    found = scale.in_turn({name: way(name) for name in "abc"}, repeats=3)
    assert "".join(order[::2]) == "abcbcacab"  # each turn runs twice
    assert order[::2] == order[1::2]
    assert found["a"]["total"]["n"] == 3  # the first run of a turn does not count
    assert found["a"]["total"]["min"] == 1


@pytest.mark.parametrize("views", [1, 2, 4, 6, 10])
def test_view_sets_are_the_papers_or_begin_as_they_do(scale: ModuleType, views: int) -> None:
    found = scale.view_set(views)
    known = ViewSet.named("clip2point-6" if views == 6 else "clip2point-10")
    np.testing.assert_array_equal(found.rotations, known.rotations[:views])
    assert len(found) == views
