"""benchmarks/cold_start.py: the answer is timed, and the empty cache is the one that is used."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

import cold_start
from c2p_runtime.classifier import DEFAULT_ENGINE
from frame import timed


@pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])
def test_the_first_answer_comes_before_the_end(backend: str) -> None:
    if find_spec(backend) is None:  # and no import: OpenVINO's would phone home
        pytest.skip(f"needs {backend}")
    case = cold_start.Case("bundled model", DEFAULT_ENGINE, backend)
    found, whole = timed(lambda: cold_start.start(case))
    assert found["label"] == "chair" and found["backend"] == backend
    assert 0 < found["first_answer_s"] < whole


def test_without_a_cached_kernel_it_is_compiled(tmp_path: Path) -> None:
    case = cold_start.Case("bundled model", DEFAULT_ENGINE, "onnxruntime")
    cold_start.start_with(case, {"NUMBA_CACHE_DIR": str(tmp_path)})
    assert list(tmp_path.rglob("*_draw_view*.nbc"))
