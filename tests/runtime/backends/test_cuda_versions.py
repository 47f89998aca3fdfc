"""CUDA 12 and 13 on one machine: what fits, and what is said of what does not."""

from __future__ import annotations

import pytest

from c2p_runtime.backends.cuda_versions import (
    numba_cuda,
    onnxruntime_cuda,
    why_numba_mismatch,
    why_onnxruntime_mismatch,
)
from c2p_runtime.backends.gpu import Gpu

ORIN = Gpu("Orin", "8.7", 8 << 30)
THOR = Gpu("NVIDIA Thor", "11.0", 122 << 30)


@pytest.mark.parametrize(
    ("driver", "compiled_by", "gpu"),
    [((12, 6), 12, ORIN), ((13, 0), 13, THOR), ((13, 2), 12, ORIN), (None, 13, None), ((13, 0), None, THOR)],
)
def test_what_fits(driver: tuple[int, int] | None, compiled_by: int | None, gpu: Gpu | None) -> None:
    assert why_numba_mismatch(driver, compiled_by, gpu) is None
    assert why_onnxruntime_mismatch(driver, compiled_by) is None


def test_cuda_13_on_a_board_of_cuda_12() -> None:
    error = why_numba_mismatch((12, 6), 13, ORIN)
    assert error is not None
    assert error.problem == "the CUDA 13 of numba-cuda is too new: the driver speaks CUDA 12.6"
    assert "[cuda12]" in error.remedy
    error = why_onnxruntime_mismatch((12, 6), 13)
    assert error is not None
    assert error.problem == "this ONNX Runtime is for CUDA 13, the driver speaks CUDA 12.6"
    assert "[cuda12]" in error.remedy and "onnxruntime-gpu<1.27" in error.remedy


def test_cuda_12_on_a_board_that_it_does_not_know() -> None:
    error = why_numba_mismatch((13, 0), 12, THOR)
    assert error is not None and "does not know this GPU (NVIDIA Thor, SM110)" in error.problem
    assert "[cuda13]" in error.remedy


def test_what_is_installed_says_what_it_is_for() -> None:
    pytest.importorskip("numba_cuda")
    assert numba_cuda() in (12, 13)
    ort = pytest.importorskip("onnxruntime.capi.build_and_package_info")
    built_for = getattr(ort, "cuda_version", None)
    assert onnxruntime_cuda() == (int(built_for.split(".")[0]) if built_for else None)
