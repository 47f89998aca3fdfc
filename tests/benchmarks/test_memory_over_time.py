"""benchmarks/memory_over_time.py: all threads call, and what counts comes after the first rounds."""

from __future__ import annotations

import pytest

import memory_over_time
from c2p_deploy.errors import C2PError


def test_all_threads_call_while_memory_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_over_time, "_LARGEST_BATCH", 1)
    found = memory_over_time.run_threads("onnxruntime", threads=2, seconds=2, every=1, seed=0)
    assert found["calls"] >= 6 and found["samples"]
    for seconds, megabytes, _ in found["samples"]:
        assert seconds > 0 and 50 < megabytes < 10_000


def test_growth_is_what_comes_after_the_first_rounds() -> None:
    warming = [[float(s), 10.0 * s, s // 3] for s in range(0, 60, 10)]
    steady = [[float(s), 600 + s / 60, 24 + s] for s in range(60, 300, 10)]
    figures = memory_over_time.figures_of({"calls": 9, "samples": warming + steady})
    assert figures["steady_from_s"] == 60 and figures["mb_per_minute"] == pytest.approx(1, abs=0.02)
    assert 601 < figures["first_half_mb"] < figures["second_half_mb"] < figures["highest_mb"] < 605
    with pytest.raises(C2PError, match="too few calls"):
        memory_over_time.figures_of({"calls": 9, "samples": warming})
