"""The benchmark of the CPU runs what it says, on the cores it says."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

import cpu
from c2p_deploy import Manifest
from engines import write_engine
from harness.engines_here import CPU_BACKENDS, PRECISIONS

pytestmark = pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs Linux")


def test_every_precision_by_every_backend_is_timed_or_left_out_with_a_reason(tmp_path: Path) -> None:
    engines = {precision: write_engine(tmp_path, name=precision) for precision in PRECISIONS}
    for precision, engine in engines.items():  # who runs an engine goes by that
        path = Manifest.path_for(engine)
        replace(Manifest.load(path), precision=precision).save(path)
    with cpu.limited_to(1) as process:
        found = process.submit(cpu.compare_ways, engines, 2).result()
    assert found["seen"] == 1
    ways = {f"{backend} {precision}" for backend in CPU_BACKENDS for precision in PRECISIONS}
    assert found["ways"].keys() | found["left_out"].keys() == ways
    assert {f"onnxruntime {precision}" for precision in PRECISIONS} <= found["ways"].keys()
    for times in found["ways"].values():
        assert times["encode_ms"]["n"] == times["end_to_end_ms"]["n"] == 2
        assert 0 < times["encode_ms"]["median"] < times["end_to_end_ms"]["median"]


def test_a_process_sees_the_cores_it_was_given_and_this_one_keeps_its_own() -> None:
    mine = os.sched_getaffinity(0)
    with cpu.limited_to(1) as process:
        assert process.submit(os.sched_getaffinity, 0).result() == {min(mine)}
    assert os.sched_getaffinity(0) == mine


def test_core_counts_double_and_end_with_all(monkeypatch: pytest.MonkeyPatch) -> None:
    for cores, counts in {1: [1], 2: [1, 2], 6: [1, 2, 4, 6], 8: [1, 2, 4, 8]}.items():
        monkeypatch.setattr(os, "sched_getaffinity", lambda pid, cores=cores: set(range(cores)))
        assert cpu.core_counts() == counts
