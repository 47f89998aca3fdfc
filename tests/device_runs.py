"""Runs of the CUDA code that tests ask for: on a GPU where there is one, in numba's simulator everywhere.

`simulated` runs functions of this file in a process of their own, because the simulator is
chosen when numba is imported. It runs every CUDA thread as a thread of Python: for tiny
inputs only, and with the small blocks that `_simulate` sets.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from c2p_deploy import DepthSpec, ViewSet
from c2p_runtime.gpu import find_gpus

Call = tuple[str, dict[str, Any]]


def needs_gpu(test: Any) -> Any:
    """Marks a test `gpu`, and skips it where there is none."""
    skip = pytest.mark.skipif(not find_gpus(), reason="needs an NVIDIA GPU")
    return pytest.mark.gpu(skip(test))


def simulated(*calls: Call) -> list[Any]:
    """What functions of this file return in the simulator; a call is a name and keyword arguments."""
    pytest.importorskip("numba_cuda", reason="needs numba-cuda; pip install 'c2p-deploy[test]'")
    # An integer that overflows is an error of ours; what is not a number passes a GPU without a word.
    warnings = ["-W", "error::RuntimeWarning", "-W", "ignore:invalid value:RuntimeWarning"]
    done = subprocess.run(
        [sys.executable, *warnings, __file__],
        input=pickle.dumps(calls),
        capture_output=True,
        check=False,
        env={**os.environ, "NUMBA_ENABLE_CUDASIM": "1"},
    )
    assert done.returncode == 0, done.stderr.decode()
    results: list[Any] = pickle.loads(done.stdout)
    return results


def depth_maps(**arguments: Any) -> np.ndarray:
    """`project_depth_cuda` of these arguments."""
    from c2p_runtime.project_cuda import project_depth_cuda

    return project_depth_cuda(**arguments)


def pipeline_runs(
    batches: Sequence[Sequence[np.ndarray]],
    capacity: int,
    views: ViewSet,
    spec: DepthSpec,
    warm_up: bool = True,
    **options: Any,
) -> list[dict[str, np.ndarray]]:
    """What one `DepthPipeline` leaves on the device after each batch of clouds; points unused are NaN."""
    from c2p_runtime.cuda import cuda
    from c2p_runtime.project_cuda import DepthPipeline

    pipeline = DepthPipeline(max(map(len, batches)), capacity, views, spec, **options)
    stream = cuda.stream()
    if warm_up:
        pipeline.warm_up(stream)
    results = []
    for clouds in batches:
        points = np.full(pipeline.points.shape, np.nan, np.float32)
        counts = np.zeros(pipeline.counts.shape, np.int32)
        for b, cloud in enumerate(clouds):
            points[b, : len(cloud)] = cloud
            counts[b] = len(cloud)
        pipeline.points.copy_to_device(points)
        pipeline.counts.copy_to_device(counts)
        pipeline.enqueue(stream, len(clouds))
        stream.synchronize()
        results.append(
            {
                name: getattr(pipeline, name).copy_to_host()[: len(clouds)]
                for name in ("depth", "status", "samples", "kept")
            }
        )
    return results


def farthest_points(candidates: np.ndarray, finite: int, count: int, seed: int, threads: int) -> np.ndarray:
    """What the kernel `farthest` samples from the first `finite` of candidates [C, 3], with such blocks."""
    from c2p_runtime import kernels_sampling
    from c2p_runtime.cuda import cuda

    samples = cuda.to_device(np.full((1, count, 3), np.nan, np.float32))
    kept = cuda.to_device(np.zeros(1, np.int32))
    kernel = kernels_sampling.farthest_for(-(-len(candidates) // threads))
    kernel[1, threads](
        cuda.to_device(candidates[None]), cuda.to_device(np.array([finite], np.int32)), seed, samples, kept
    )
    return samples.copy_to_host()[0, : kept.copy_to_host()[0]]


# --- the simulator ------------------------------------------------------------------------


def _simulate() -> None:
    """Teaches the simulator what it lacks of what the kernels use, and makes blocks small."""
    from numba import cuda
    from numba.cuda import libdevice
    from numba.cuda.simulator.kernel import BlockManager, BlockThread
    from numba.cuda.simulator.kernelapi import FakeCUDAModule

    libdevice.fmul_rn = lambda a, b: np.float32(a * b)
    libdevice.float_as_int = lambda x: np.float32(x).view(np.int32)
    libdevice.int_as_float = lambda x: np.int32(x).view(np.float32)
    jit = cuda.jit
    cuda.jit = lambda function=None, launch_bounds=None, **options: jit(function, **options)
    BlockManager.run = _run_block
    BlockThread.syncthreads = lambda thread: thread._manager.barrier.wait()
    FakeCUDAModule.shfl_xor_sync = _shfl_xor_sync
    FakeCUDAModule.ballot_sync = _ballot_sync

    from c2p_runtime import kernels, kernels_sampling

    kernels.CLEAR_THREADS = kernels.SPLAT_THREADS = kernels.SHADE_THREADS = 32
    kernels_sampling.TILE_THREADS = kernels_sampling.BLOCK_THREADS = 64  # of two warps, which have to agree


def _run_block(manager: Any, block: tuple[int, ...], *arguments: Any) -> None:
    """One block's threads, from start to end. The simulator polls its threads, at ten times the time.

    A barrier that not all threads reach, which hangs a GPU, ends in an error after a while.
    """
    from numba.cuda.simulator.kernel import BlockThread

    def body() -> None:
        try:
            manager._f(*arguments)
        except BaseException:
            manager.barrier.abort()
            raise

    places = list(np.ndindex(*manager._block_dim))
    manager.barrier = threading.Barrier(len(places), timeout=60)
    threads = [BlockThread(body, manager, block, place, manager._debug) for place in places]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    errors = [thread.exception[0] for thread in threads if thread.exception is not None]
    for error in sorted(errors, key=lambda e: isinstance(e, threading.BrokenBarrierError)):
        raise error  # the one that broke the barrier comes first


def _exchanged(value: Any) -> tuple[int, dict[int, Any]]:
    """This thread's place in its block, and the values of all threads: the whole block has to take part.

    Two boards take turns, so that one barrier is enough.
    """
    thread: Any = threading.current_thread()
    thread.exchanges = getattr(thread, "exchanges", 0) + 1
    values = thread._manager.__dict__.setdefault(f"board{thread.exchanges % 2}", {})
    values[thread.thread_id] = value
    thread.syncthreads()
    return thread.thread_id, values


def _shfl_xor_sync(module: Any, mask: int, value: Any, lane_mask: int) -> Any:
    place, values = _exchanged(value)
    return values[place ^ lane_mask]


def _ballot_sync(module: Any, mask: int, predicate: Any) -> int:
    place, values = _exchanged(bool(predicate))
    first = place - place % 32
    return sum(values[first + lane] << lane for lane in range(32))


if __name__ == "__main__":
    _simulate()
    called = pickle.loads(sys.stdin.buffer.read())
    sys.stdout.buffer.write(pickle.dumps([globals()[name](**arguments) for name, arguments in called]))
