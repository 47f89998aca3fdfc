"""What the threads of a block find out together, for all types and numbers of warps that kernels have."""

from __future__ import annotations

import numpy as np
import pytest

from device_runs import block_results, needs_gpu, simulated

RNG = np.random.default_rng(0)
# Whole numbers, so that no order of a sum rounds; all below zero, so that lanes without a warp would show.
VALUES = [
    RNG.integers(-1000, -1, threads).astype(kind)
    for threads, kind in (
        (32, np.float32),
        (64, np.int32),
        (96, np.float64),
        (64, np.int64),
        (96, np.float32),
    )
]


def check(results: list[np.ndarray]) -> None:
    for values, (largest, total) in zip(VALUES, results, strict=True):
        np.testing.assert_array_equal(largest, np.full(len(values), values.max()))
        np.testing.assert_array_equal(total, np.full(len(values), values.sum()))


def test_every_thread_has_the_largest_value_and_the_sum() -> None:
    check(simulated(*[("block_results", {"values": values}) for values in VALUES]))


@needs_gpu
@pytest.mark.parametrize("threads", [None, 256, 1024])
def test_every_thread_has_the_largest_value_and_the_sum_on_a_gpu(threads: int | None) -> None:
    if threads is None:
        check([block_results(values) for values in VALUES])
        return
    values = RNG.integers(-1000, -1, threads).astype(np.float32)
    largest, total = block_results(values)
    assert set(largest) == {values.max()} and set(total) == {values.sum()}
