"""Runs of the CUDA code that tests ask for: on a GPU where there is one, in numba's simulator everywhere.

`simulated` runs functions of this file in a process of their own, because the simulator is
chosen when numba is imported. It runs every CUDA thread as a thread of Python: for tiny
inputs only, and with the small blocks that `_simulate` sets.
"""

from __future__ import annotations

import ctypes
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest

from c2p_deploy import DepthSpec, ViewSet
from c2p_runtime.backends.gpu import find_gpus

Call = tuple[str, dict[str, Any]]


def needs_gpu(test: Any) -> Any:
    """Marks a test `gpu`, and skips it where there is none."""
    skip = pytest.mark.skipif(not find_gpus(), reason="needs an NVIDIA GPU")
    return pytest.mark.gpu(skip(test))


def simulated(*calls: Call) -> list[Any]:
    """What functions of this file return in the simulator; a call is a name and keyword arguments."""
    pytest.importorskip("numba_cuda", reason="needs numba-cuda; pip install -e '.[test]'")
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
    from c2p_runtime.cuda.launch import project_depth_cuda

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
    from c2p_runtime.cuda.device import Device
    from c2p_runtime.cuda.launch import DepthPipeline

    device = Device()
    pipeline = DepthPipeline(device, max(map(len, batches)), capacity, views, spec, **options)
    if warm_up:
        pipeline.warm_up()
    results = []
    for clouds in batches:
        points = np.full(pipeline.points.shape, np.nan, np.float32)
        spans = np.zeros(pipeline.spans.shape, np.int32)
        row = 0
        for b, cloud in enumerate(clouds):
            points[row : row + len(cloud)] = cloud
            spans[b] = row, len(cloud)
            row += len(cloud)
        pipeline.points.copy_to_device(points, stream=device.stream)
        pipeline.spans.copy_to_device(spans, stream=device.stream)
        pipeline.enqueue(len(clouds))
        device.stream.synchronize()
        results.append(
            {
                name: getattr(pipeline, name).copy_to_host(stream=device.stream)[: len(clouds)]
                for name in ("depth", "status", "samples", "kept", "strays")
            }
        )
    device.close()
    return results


def farthest_points(
    candidates: np.ndarray, finite: int, count: int, seed: int, threads: int | None
) -> np.ndarray:
    """What the kernel `farthest` samples from the first `finite` of candidates [C, 3], with such blocks."""
    from c2p_runtime.cuda import kernels_sampling
    from c2p_runtime.cuda.numba_cuda import cuda, launch

    samples = cuda.to_device(np.full((1, count, 3), np.nan, np.float32))
    kept = cuda.to_device(np.zeros(1, np.int32))
    kernel, threads = kernels_sampling.farthest_for(len(candidates), threads)
    finite_rows = cuda.to_device(np.array([finite], np.int32))
    launch(
        kernel, 1, threads, cuda.stream(), cuda.to_device(candidates[None]), finite_rows, seed, samples, kept
    )
    return samples.copy_to_host()[0, : kept.copy_to_host()[0]]


def clouds_without_strays(clouds: Sequence[np.ndarray], most: int) -> list[tuple[np.ndarray, int, int]]:
    """What `StrayRemoval` leaves of clouds of at most `most` points: points, how many it says, and strays."""
    from c2p_runtime.cuda.device import Device
    from c2p_runtime.cuda.outliers import StrayRemoval

    candidates = np.full((len(clouds), most, 3), np.nan, np.float32)
    for b, cloud in enumerate(clouds):
        candidates[b, : len(cloud)] = cloud
    finite = np.array([len(cloud) for cloud in clouds], np.int32)
    device = Device()
    removal = StrayRemoval(device, len(clouds), most)
    removal.enqueue(device.put(candidates), device.put(finite), len(clouds))
    found = (removal.points, removal.left, removal.strays)
    points, left, strays = (array.copy_to_host(stream=device.stream) for array in found)
    device.stream.synchronize()
    device.close()
    return [(points[b, : left[b]], int(left[b]), int(strays[b])) for b in range(len(clouds))]


def block_results(values: np.ndarray) -> np.ndarray:
    """`block_max` and `block_sum`, [2, T], in every thread of a block of T that have these values [T]."""
    from block_kernels import max_and_sum_for
    from c2p_runtime.cuda.numba_cuda import cuda

    found = cuda.to_device(np.zeros((2, len(values)), values.dtype))
    max_and_sum_for(values.dtype.type)[1, len(values)](cuda.to_device(values), found)
    return np.asarray(found.copy_to_host())


def classifier_runs(
    engine: str,
    batches: Sequence[Sequence[Any]],
    max_points: int = 64,
    capturable: bool = True,
    **options: Any,
) -> dict[str, Any]:
    """What a `Classifier` of the GPU pipeline answers, batch by batch, and what it asked of the driver.

    In the simulator only: device memory is the computer's there, so that a stand-in for the driver can
    copy it, one for a graph repeats the captured work, and ONNX Runtime on the CPU reads and writes it.
    A cloud ("device", points, stream) is handed over as memory of the device.
    """
    from c2p_deploy.errors import C2PError
    from c2p_runtime import Classifier, classifier, gpu_pipeline
    from c2p_runtime.backends.choose import Choice

    calls: list[str] = []
    _stand_in_for_the_driver(calls)
    _Plan.capturable = capturable
    classifier.choose = lambda *_: Choice("cuda", "tensorrt")
    gpu_pipeline.open_device_backend = lambda choice, engine, manifest, stream: _Plan(engine, manifest, calls)
    gpu_pipeline.CudaGraph = lambda stream, work: _Graph(work, calls)
    gpu_pipeline.address = lambda array: array._ary.ctypes.data
    gpu_pipeline.require_cuda = lambda: None
    clf = Classifier(engine, max_points=max_points, **options)
    answers: list[Any] = []
    for clouds in batches:
        try:
            found = clf.batch([_on_device(c) if isinstance(c, tuple) else c for c in clouds])
            answers.append([(p.label, p.scores, p.features, p.timing_ms) for p in found])
        except C2PError as error:
            answers.append((type(error).__name__, str(error)))
        calls.append("answered")
    used = len(calls)
    with Classifier(engine, labels=["rod"], max_points=max_points, **options) as second:
        beside = [second(batches[0][0]), clf(batches[0][0]), second(batches[0][0])]
    with ThreadPoolExecutor(4) as pool:
        threaded = list(pool.map(lambda _: clf(batches[0][0]).features, range(4)))
    clf._pipeline._pid += 1  # as in a process forked from this one
    try:
        forked = str(clf(batches[0][0]))
    except C2PError as error:
        forked = str(error)
    del calls[used:]
    clf.close()
    return {
        "answers": answers,
        "calls": calls,
        "device": clf.device,
        "threaded": threaded,
        "beside": [(prediction.label, prediction.features) for prediction in beside],
        "forked": forked,
    }


class _Stream:
    """The simulator's stream has no handle."""

    def __int__(self) -> int:
        return 7

    def synchronize(self) -> None:
        pass


class _Graph:
    """Engines stay set as they are now, as in a real capture."""

    def __init__(self, work: Any, calls: list[str]) -> None:
        calls.append("capture")
        self._work, self._calls = work, calls
        self._bound = [(plan, plan.bound) for plan in _Plan.made]

    def launch(self) -> None:
        self._calls.append("replay")
        for plan, bound in self._bound:
            plan.bound = bound
        self._work()

    def close(self) -> None:
        self._calls.append("free")


class _Plan:
    """A device backend that runs the `.onnx` on the CPU, on memory given by its address."""

    name, capturable = "tensorrt", True
    made: ClassVar[list[_Plan]] = []

    def __init__(self, engine: Any, manifest: Any, calls: list[str]) -> None:
        from c2p_runtime.backends.onnxruntime import OnnxRuntimeBackend

        self._backend = OnnxRuntimeBackend(engine, manifest)
        size = manifest.spec.image_size
        self._maps, self._dim = (len(manifest.views), size, size), manifest.labels.dim
        self._calls = calls
        self.bound: Any = None
        self.made.append(self)

    def bind(self, depth: int, features: int, batch: int) -> None:
        self.bound = _memory(depth, (batch, *self._maps)), _memory(features, (batch, self._dim))

    def enqueue(self, stream: int) -> None:
        assert stream == 7
        depth, features = self.bound
        self._calls.append(f"engine {len(depth)}")
        features[:] = self._backend.run(np.ascontiguousarray(depth))

    def keep_compiled(self) -> None:
        self._calls.append("keep")


def _memory(address: int, shape: tuple[int, ...]) -> np.ndarray:
    count = int(np.prod(shape))
    return np.ctypeslib.as_array((ctypes.c_float * count).from_address(address)).reshape(shape)


def _stand_in_for_the_driver(calls: list[str]) -> None:
    """`cuda.bindings.driver` that copies at once, and notes what is asked of it."""

    def copy(target: int, source: int, size: int, stream: int) -> tuple[int]:
        assert stream == 7
        ctypes.memmove(target, source, size)
        return (0,)

    def noted(name: str, result: Any = None) -> Any:
        def call(*arguments: Any) -> tuple[Any, ...]:
            calls.append(f"{name} {' '.join(map(str, arguments))}")
            return (0, result)

        return call

    driver = SimpleNamespace(
        cuMemcpyHtoDAsync=copy,
        cuMemcpyDtoDAsync=copy,
        cuCtxGetCurrent=lambda: (0, 1),
        cuStreamSynchronize=lambda stream: (0,),
        cuEventCreate=lambda flags: (0, "event"),
        cuEventDestroy=noted("destroy"),
        cuEventRecord=noted("record"),
        cuStreamWaitEvent=noted("wait"),
    )
    sys.modules["cuda.bindings"] = SimpleNamespace(driver=driver)  # type: ignore[assignment]


def _on_device(cloud: tuple[str, np.ndarray, int | None]) -> Any:
    _, points, stream = cloud
    interface = {"shape": points.shape, "typestr": points.dtype.str, "version": 3, "stream": stream}
    return SimpleNamespace(
        __cuda_array_interface__={**interface, "data": (points.ctypes.data, False)}, points=points
    )


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

    from c2p_runtime.cuda import device, kernels_outliers, kernels_sampling, kernels_score
    from c2p_runtime.cuda import kernels_projection as kernels

    device.new_stream, device.close_stream = _Stream, lambda handle: None
    device.memory = lambda: (1 << 40, 1 << 40)
    kernels.CLEAR_BLOCKS, kernels.CLEAR_THREADS, kernels.SPLAT_THREADS = 1, 32, 32
    # Of two warps, which have to agree; maps of 23 x 23 are three blocks each.
    kernels.SHADE_THREADS = kernels_score.SCORE_THREADS = 64
    kernels.SHADE_PIXELS = 256
    kernels_sampling.TILE_THREADS = kernels_sampling.BLOCK_THREADS = 64
    kernels_sampling.FARTHEST_THREADS = 64
    kernels_outliers.OUTLIER_THREADS = 32  # they meet hundreds of times


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
