"""What the benchmark of the CPU compares computes the same, on the cores it says."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from c2p_runtime import Classifier
from c2p_train.model.checkpoint import save_checkpoint
from paths import REPOSITORY
from small_models import checkpoint

pytestmark = pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs Linux")


@pytest.fixture(scope="module")
def cpu() -> Iterator[ModuleType]:
    """benchmarks/cpu.py; the scripts there import each other as neighbours."""
    sys.path.insert(0, str(REPOSITORY / "benchmarks"))
    try:
        import cpu

        yield cpu
    finally:
        sys.path.remove(str(REPOSITORY / "benchmarks"))


@pytest.mark.parametrize("head", ["zeroshot", "gdpa"])
def test_the_ways_in_torch_give_the_answer_of_the_engine(
    cpu: ModuleType, chair: np.ndarray, head: str, tmp_path: Path
) -> None:
    from engines_here import export_engine  # a neighbour of `cpu`

    file, small = tmp_path / "model.pt", checkpoint(head)
    save_checkpoint(small, file)
    engine = export_engine(file, small, tmp_path / "model.onnx")
    with Classifier(engine, device="cpu", backend="onnxruntime") as classifier:
        expected = classifier(chair)
    for way, path in cpu.torch_paths(small).items():
        (found,) = path.batch([chair])
        tolerance = 1e-4 if path.dtype == torch.float32 else 0.05
        np.testing.assert_allclose(found.features, expected.features, atol=tolerance, err_msg=way)
        np.testing.assert_allclose(found.scores, expected.scores, atol=20 * tolerance, err_msg=way)
        assert found.timing_ms.keys() == expected.timing_ms.keys()


def test_a_process_sees_the_cores_it_was_given_and_this_one_keeps_its_own(cpu: ModuleType) -> None:
    mine = os.sched_getaffinity(0)
    with cpu.limited_to(1) as process:
        assert process.submit(os.sched_getaffinity, 0).result() == {min(mine)}
    assert os.sched_getaffinity(0) == mine


def a_thread_strays(other: int) -> tuple[int, int, set[int]]:
    """Run in a process of one core: strays found, strays found again, where the stray thread is now."""
    import cpu

    ready, done = threading.Event(), threading.Event()

    def stray() -> None:
        os.sched_setaffinity(0, {other})
        ready.set()
        done.wait()

    thread = threading.Thread(target=stray)
    thread.start()
    ready.wait()
    assert thread.native_id is not None
    found = cpu.bring_back_threads(), cpu.bring_back_threads(), os.sched_getaffinity(thread.native_id)
    done.set()
    thread.join()
    return found


def test_threads_tied_to_other_cores_are_brought_back(cpu: ModuleType) -> None:
    mine = sorted(os.sched_getaffinity(0))
    if len(mine) < 2:
        pytest.skip("needs two cores")
    with cpu.limited_to(1) as process:
        assert process.submit(a_thread_strays, mine[1]).result() == (1, 0, {mine[0]})


def test_core_counts_double_and_end_with_all(cpu: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    for cores, counts in {1: [1], 2: [1, 2], 6: [1, 2, 4, 6], 8: [1, 2, 4, 8]}.items():
        monkeypatch.setattr(os, "sched_getaffinity", lambda pid, cores=cores: set(range(cores)))
        assert cpu.core_counts() == counts


def test_derived_figures(cpu: ModuleType) -> None:
    def measured(encode_ms: float, blas: float) -> dict[str, object]:
        times = {"encode_ms": {"median": encode_ms}}
        blas_gflops = {"median": blas}
        others = {"agreement": {"w": {}}, "threads_brought_back": 0}
        return {"blas_gflops": blas_gflops, "ways": {"w": times}, **others}

    found = cpu.with_limits(measured(50.0, 100.0), 4.0, measured(90.0, 51.0))["ways"]["w"]
    assert found["gflops"] == 80.0  # 4 GFLOP in 50 ms
    assert found["of_float32_blas"] == 0.8
    assert found["speed_up"] == 1.8
