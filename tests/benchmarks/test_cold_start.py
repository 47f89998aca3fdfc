"""benchmarks/cold_start.py: no stage goes missing, and the empty cache is the one that is used."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest

from c2p_runtime.classifier import DEFAULT_ENGINE
from paths import REPOSITORY

STAGES = [
    "interpreter", "import numpy", "import click", "import c2p_deploy", "import numba", "import c2p_runtime",
    "import the backend", "manifest", "SHA-256 of the engine", "choice of the backend", "labels",
    "load the engine", "load the kernel", "read the cloud", "first call", "second call", "exit",
]  # fmt: skip


@pytest.fixture(scope="module")
def cold_start() -> Iterator[ModuleType]:
    """benchmarks/cold_start.py; the scripts there import each other as neighbours."""
    sys.path.insert(0, str(REPOSITORY / "benchmarks"))
    try:
        import cold_start

        yield cold_start
    finally:
        sys.path.remove(str(REPOSITORY / "benchmarks"))


@pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])
def test_stages_follow_each_other_without_gaps(cold_start: ModuleType, backend: str) -> None:
    if find_spec(backend) is None:  # and no import: OpenVINO's would phone home
        pytest.skip(f"needs {backend}")
    found = cold_start.start(cold_start.Case("bundled model", DEFAULT_ENGINE, backend))
    assert sorted(found.stages_s) == sorted(STAGES)
    assert min(found.stages_s.values()) >= 0
    assert sum(found.stages_s.values()) == pytest.approx(found.whole_s)
    after = found.stages_s["second call"] + found.stages_s["exit"]
    assert found.first_answer_s == pytest.approx(found.whole_s - after)
    assert found.told["label"] == "chair" and found.told["backend"] == backend
    assert 1e-3 * found.told["first_call_ms"]["total"] <= found.stages_s["first call"]


def test_without_a_cached_kernel_it_is_compiled(cold_start: ModuleType, tmp_path: Path) -> None:
    case = cold_start.Case("bundled model", DEFAULT_ENGINE, "onnxruntime")
    cold_start.start_with(case, {"NUMBA_CACHE_DIR": str(tmp_path)})
    assert list(tmp_path.rglob("*_draw_view*.nbc"))
