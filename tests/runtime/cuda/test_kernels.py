"""The CUDA kernels: compiled for every GPU they are meant for, and run in the simulator or on a GPU."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from c2p_runtime.cuda.sampling_reference import farthest
from device_runs import farthest_points, needs_gpu, simulated
from kernel_signatures import BUDGET, kernels_and_signatures

CAPABILITIES = [(8, 7)]  # Orin; what other boards get is looked at in test_cubins.py


@pytest.fixture(scope="module")
def ptx_of() -> Iterator[Callable[[str, tuple[int, int]], str]]:
    """PTX of a kernel for a compute capability, as `cuda.jit` would compile it there."""
    pytest.importorskip("numba_cuda", reason="needs numba-cuda; pip install -e '.[test]'")
    from numba.cuda import dispatcher
    from numba.cuda.cudadrv import nvvm

    from c2p_runtime.cuda.numba_cuda import cuda

    if not nvvm.is_available():
        pytest.skip("needs libNVVM; pip install -e '.[test]'")
    kernels = kernels_and_signatures()
    compiled: dict[tuple[str, tuple[int, int]], str] = {}

    def compile_for(name: str, capability: tuple[int, int]) -> str:
        if (name, capability) not in compiled:
            kernel, signature = kernels[name]
            bounds = kernel.targetoptions["launch_bounds"]
            # numba asks the present GPU what to compile a kernel's device functions for.
            patch.setattr(
                dispatcher, "get_current_device", lambda: SimpleNamespace(compute_capability=capability)
            )
            compiled[name, capability], _ = cuda.compile_ptx(
                kernel.py_func, signature, cc=capability, launch_bounds=bounds
            )
        return compiled[name, capability]

    with pytest.MonkeyPatch.context() as patch:
        yield compile_for


@pytest.mark.parametrize("capability", CAPABILITIES, ids=str)
@pytest.mark.parametrize("name", BUDGET)
def test_every_kernel_compiles_for_every_board(
    name: str, capability: tuple[int, int], ptx_of: Callable[[str, tuple[int, int]], str]
) -> None:
    ptx = ptx_of(name, capability)
    assert f".target sm_{capability[0]}{capability[1]}" in ptx
    assert ".extern .func" not in ptx  # nothing that would have to be linked
    if name == "splat":
        assert re.search(r"\b(atom|red)(\.\w+)*\.global\.min\.u32", ptx)
        assert ".cas." not in ptx
    if name in ("splat", "farthest 4096", "farthest 8192"):
        assert "fma" not in ptx  # the products round as those of the reference
        assert ptx.count("mul.rn.f32") >= 3
        assert not re.search(r"\bmul\.f32", ptx)  # ptxas would fuse these
    if name.startswith("shade"):
        assert "div.rn.f32" in ptx and "div.approx" not in ptx and "div.full" not in ptx
        assert ("cvt.rn.f16.f32" in ptx) == (name == "shade float16")


# --- farthest-point sampling --------------------------------------------------------------

RNG = np.random.default_rng(0)
SCATTERED = RNG.normal(size=(70, 3)).astype(np.float32)
GRID = np.stack(np.meshgrid([0, 1, 2], [0, 1, 2], [0, 1, 2]), axis=-1).reshape(-1, 3).astype(np.float32)
SAMPLINGS: list[dict[str, Any]] = [
    {"candidates": SCATTERED, "finite": 70, "count": 9, "seed": 1, "threads": 64},  # two warps, two each
    {
        "candidates": SCATTERED,
        "finite": 33,
        "count": 8,
        "seed": 2,
        "threads": 32,
    },  # fewer than there is room for
    {"candidates": SCATTERED, "finite": 7, "count": 7, "seed": 3, "threads": 32},  # passes as it is
    {"candidates": SCATTERED, "finite": 0, "count": 7, "seed": 3, "threads": 32},
    {"candidates": GRID, "finite": 27, "count": 12, "seed": 4, "threads": 64},  # equal distances
    {"candidates": np.zeros((9, 3), np.float32), "finite": 9, "count": 4, "seed": 5, "threads": 32},
]


def check_samplings(results: list[np.ndarray]) -> None:
    for sampling, found in zip(SAMPLINGS, results, strict=True):
        available = sampling["candidates"][: sampling["finite"]]
        np.testing.assert_array_equal(found, farthest(available, sampling["count"], sampling["seed"]))


def test_farthest_point_sampling_equals_the_reference() -> None:
    check_samplings(simulated(*[("farthest_points", sampling) for sampling in SAMPLINGS]))


@needs_gpu
@pytest.mark.races
def test_farthest_point_sampling_equals_the_reference_on_a_gpu() -> None:
    check_samplings([farthest_points(**sampling) for sampling in SAMPLINGS])


@needs_gpu
@pytest.mark.parametrize("count", [256, 1024, 2048])  # whose blocks have 256, 256 and 1,024 threads
def test_farthest_point_sampling_of_many_candidates_on_a_gpu(count: int) -> None:
    cloud = np.random.default_rng(1).normal(size=(4 * count, 3)).astype(np.float32)
    found = farthest_points(cloud, len(cloud), count, 6, None)
    np.testing.assert_array_equal(found, farthest(cloud, count, 6))
