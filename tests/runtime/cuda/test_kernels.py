"""The CUDA kernels: compiled for every GPU they are meant for, and run in the simulator or on a GPU."""

from __future__ import annotations

import re
import shutil
import subprocess
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from c2p_runtime.cuda.sampling_reference import farthest
from device_runs import farthest_points, needs_gpu, simulated

CAPABILITIES = [(8, 7), (9, 0), (11, 0)]  # Orin; H100 and H200; Thor
# Registers a thread may use: what ptxas 13.0 needs, rounded up, so that a change that costs more is seen.
# A block of 1,024 threads has no more than 64 each.
BUDGET = {
    "clear": 16,
    "splat": 56,
    "shade float32": 40,
    "shade float16": 40,
    "count_finite": 24,
    "pick_candidates": 48,
    "find_voxels": 64,
    "keep_parts": 64,
    "farthest 4": 56,
    "farthest 8": 64,
    "unit_sphere": 64,
    "score": 64,
}


def kernels_and_signatures() -> dict[str, tuple[Any, tuple[Any, ...]]]:
    """Every kernel with the types it is launched with."""
    from numba.cuda import types

    from c2p_runtime.cuda import kernels_outliers, kernels_sampling, kernels_score
    from c2p_runtime.cuda import kernels_projection as kernels

    def array(kind: Any, dimensions: int) -> Any:
        return types.Array(kind, dimensions, "C")

    real, whole, bits, seed = types.float32, types.int32, types.uint32, types.int64
    clouds, per_cloud, zbuffers = array(real, 3), array(whole, 1), array(bits, 3)
    per_view = array(real, 1)
    splat = (
        clouds,
        per_cloud,
        types.boolean,
        clouds,
        per_view,
        per_view,
        array(real, 1),
        real,
        zbuffers,
    )
    sampling = (clouds, per_cloud, seed, clouds, per_cloud)
    return {
        "clear": (kernels.clear, (zbuffers,)),
        "splat": (kernels.splat, splat),
        "shade float32": (kernels.shade, (zbuffers, array(real, 3))),
        "shade float16": (kernels.shade, (zbuffers, array(types.float16, 3))),
        "count_finite": (kernels_sampling.count_finite, (clouds, per_cloud, array(whole, 2))),
        "pick_candidates": (
            kernels_sampling.pick_candidates,
            (clouds, per_cloud, array(whole, 2), seed, clouds, per_cloud),
        ),
        "find_voxels": (kernels_outliers.find_voxels, (clouds, per_cloud, array(whole, 2))),
        "keep_parts": (
            kernels_outliers.keep_parts,
            (clouds, per_cloud, *[array(whole, 2)] * 7, clouds, per_cloud, per_cloud),
        ),
        "farthest 4": (kernels_sampling.farthest_for(4), sampling),
        "farthest 8": (kernels_sampling.farthest_for(8), sampling),
        "unit_sphere": (kernels_sampling.unit_sphere, (clouds, per_cloud, per_cloud, per_cloud)),
        "score": (kernels_score.score, (array(real, 2), array(real, 2), real, array(real, 2))),
    }


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
    if name in ("splat", "farthest 4", "farthest 8"):
        assert "fma" not in ptx  # the products round as those of the reference
        assert ptx.count("mul.rn.f32") >= 3
        assert not re.search(r"\bmul\.f32", ptx)  # ptxas would fuse these
    if name.startswith("shade"):
        assert "div.rn.f32" in ptx and "div.approx" not in ptx and "div.full" not in ptx
        assert ("cvt.rn.f16.f32" in ptx) == (name == "shade float16")


def find_ptxas() -> str | None:
    """The assembler of a CUDA toolkit on the path, or of NVIDIA's wheels."""
    wheels = Path(sysconfig.get_path("purelib"), "nvidia")
    in_wheels = [str(path) for path in sorted(wheels.glob("*/bin/ptxas"))]
    return shutil.which("ptxas") or next(iter(in_wheels), None)


@pytest.mark.parametrize("capability", CAPABILITIES, ids=str)
@pytest.mark.parametrize("name", BUDGET)
def test_no_kernel_spills_and_all_keep_within_their_registers(
    name: str,
    capability: tuple[int, int],
    ptx_of: Callable[[str, tuple[int, int]], str],
    tmp_path: Path,
) -> None:
    ptxas = find_ptxas()
    if ptxas is None:
        pytest.skip("needs ptxas, of a CUDA toolkit or of the package nvidia-cuda-nvcc")
    target = f"sm_{capability[0]}{capability[1]}"
    help_text = subprocess.run([ptxas, "--help"], capture_output=True, text=True, check=True).stdout
    if target not in help_text:
        pytest.skip(f"{ptxas} is too old for {target}")
    source = tmp_path / "kernel.ptx"
    # libNVVM may be newer than ptxas. PTX 9.0 is the first that knows all three targets.
    source.write_text(re.sub(r"(?m)^\.version .*", ".version 9.0", ptx_of(name, capability)))
    done = subprocess.run(
        [ptxas, "-v", f"-arch={target}", str(source), "-o", str(tmp_path / "kernel.cubin")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert re.findall(r"(\d+) bytes (?:stack frame|spill stores|spill loads)", done.stderr) == ["0"] * 3
    (registers,) = re.findall(r"Used (\d+) registers", done.stderr)
    assert int(registers) <= BUDGET[name]


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
def test_farthest_point_sampling_equals_the_reference_on_a_gpu() -> None:
    check_samplings([farthest_points(**sampling) for sampling in SAMPLINGS])


@needs_gpu
@pytest.mark.parametrize("count", [256, 1024, 2048])
def test_farthest_point_sampling_of_many_candidates_on_a_gpu(count: int) -> None:
    cloud = np.random.default_rng(1).normal(size=(4 * count, 3)).astype(np.float32)
    found = farthest_points(cloud, len(cloud), count, 6, 1024)
    np.testing.assert_array_equal(found, farthest(cloud, count, 6))
