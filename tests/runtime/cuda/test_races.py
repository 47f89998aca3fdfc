"""That a data race would be found: a barrier is taken out, and the launch has to fail.

Under the emulator's search for races; tests marked `races` run there, too, and must pass.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from c2p_runtime.cuda.sampling_reference import farthest
from device_runs import needs_gpu

searching = pytest.mark.skipif(
    os.environ.get("C2P_EMULATOR_RACES") != "1", reason="needs the GPU emulator, run with --races"
)
_BARRIER = "cuda.syncthreads()\n"
# Of the modules' text, in order: two of `pick_candidates`, one of `farthest`; what all reductions share.
BARRIERS = [("kernels_sampling", 0), ("kernels_sampling", 1), ("kernels_sampling", 2), ("block", 0)]


def without(module: str, barrier: int | None) -> ModuleType:
    """The sampling kernels as they are, or without a barrier of theirs, or of `block`."""
    from c2p_runtime.cuda import block, kernels_sampling

    replaced = changed(block, barrier) if module == "block" else block
    sys.modules["c2p_runtime.cuda.block"] = replaced
    try:
        return changed(kernels_sampling, barrier if module == "kernels_sampling" else None)
    finally:
        sys.modules["c2p_runtime.cuda.block"] = block


def changed(module: Any, barrier: int | None) -> ModuleType:
    parts = Path(module.__file__).read_text().split(_BARRIER)
    if barrier is not None:
        parts[barrier : barrier + 2] = [parts[barrier] + "pass\n" + parts[barrier + 1]]
    # What is kept of compiled kernels is known by their file: a mutant's would be taken for the real one.
    text = _BARRIER.join(parts).replace("import cuda, kernel, libdevice", "import cuda, libdevice")
    from c2p_runtime.cuda.numba_cuda import cuda

    copy = importlib.util.module_from_spec(importlib.util.spec_from_loader("mutant", loader=None))  # type: ignore[arg-type]
    copy.__dict__["kernel"] = lambda threads: cuda.jit(launch_bounds=threads)
    exec(compile(text, module.__file__, "exec"), copy.__dict__)
    return copy


def sample(kernels: Any) -> None:
    """Runs the whole of sampling with these kernels, on a cloud with holes."""
    from c2p_runtime.cuda.device import Device
    from c2p_runtime.cuda.numba_cuda import launch

    device = Device()
    cloud = np.random.default_rng(0).normal(size=(700, 3)).astype(np.float32)
    cloud[::5] = np.nan
    points, spans = device.put(cloud), device.put(np.array([[0, 700]], np.int32))
    tile_counts, finite = device.empty((1, 3), np.int32), device.empty(1, np.int32)
    candidates, samples = (device.empty((1, rows, 3), np.float32) for rows in (256, 64))
    kept, status = device.empty(1, np.int32), device.empty(1, np.int32)
    rows = (3, 1), 256, device.stream
    launch(kernels.count_finite, *rows, points, spans, tile_counts)
    launch(kernels.pick_candidates, *rows, points, spans, tile_counts, 3, candidates, finite)
    kernel, threads = kernels.farthest_for(256)
    launch(kernel, 1, threads, device.stream, candidates, finite, 3, samples, kept)
    found = samples.copy_to_host(stream=device.stream)[0]
    expected = farthest(candidates.copy_to_host(stream=device.stream)[0], 64, 3)
    launch(kernels.unit_sphere, 1, kernels.BLOCK_THREADS, device.stream, samples, finite, kept, status)
    device.stream.synchronize()
    device.close()
    np.testing.assert_array_equal(found, expected)


def test_these_are_all_barriers() -> None:
    folder = Path(__file__).parents[3] / "runtime/c2p_runtime/cuda"
    for module in ("kernels_sampling", "block"):
        written = (folder / f"{module}.py").read_text().count(_BARRIER)
        assert written == sum(name == module for name, _ in BARRIERS)


@needs_gpu
@pytest.mark.races
def test_the_kernels_as_they_are_have_no_race() -> None:
    sample(without("kernels_sampling", None))


@needs_gpu
@pytest.mark.races
@searching
@pytest.mark.parametrize(("module", "barrier"), BARRIERS)
def test_a_barrier_left_out_is_a_race(module: str, barrier: int) -> None:
    with pytest.raises(Exception, match="LAUNCH_FAILED"):
        sample(without(module, barrier))
