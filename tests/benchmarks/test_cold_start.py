"""benchmarks/cold_start.py: it is the answer that is timed."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

import cold_start
from c2p_runtime.classifier import DEFAULT_ENGINE
from harness.frame import timed


@pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])
def test_the_first_answer_comes_before_the_end(backend: str) -> None:
    if find_spec(backend) is None:  # and no import: OpenVINO's would phone home
        pytest.skip(f"needs {backend}")
    case = cold_start.Case("bundled model", DEFAULT_ENGINE, backend)
    found, whole = timed(lambda: cold_start.start(case))
    assert found["label"] == "chair" and found["backend"].startswith(backend)
    assert 0 < found["first_answer_s"] < whole
