"""What goes wrong in the first minute on a GPU: its other users, memory, captures, engines that do not load.

On a GPU with whatever engine it has; without one in the emulator, whose driver enforces the rules of capture.
"""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from c2p_deploy.errors import CloudError, EngineError
from c2p_runtime import Classifier
from device_runs import needs_gpu
from dlpack import DLPackPoints
from engines import write_engine

RNG = np.random.default_rng(0)
CLOUDS = [RNG.normal(size=(count, 3)).astype(np.float32) for count in (9, 30, 12)]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_engine(tmp_path_factory.mktemp("engine"), max_batch=3)


@pytest.fixture(scope="module")
def clf(engine: Path) -> Iterator[Classifier]:
    with Classifier(engine, device="cuda", up="y", max_points=64) as made:
        yield made


def backend() -> Any:
    from c2p_runtime.backends import onnxruntime

    return onnxruntime.OnnxRuntimeCudaBackend


def same(found: list[Any], expected: list[Any]) -> None:
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a.features, b.features, atol=1e-6)


@needs_gpu
def test_auto_goes_on_without_an_engine_that_does_not_load(
    engine: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(self: Any, *_: Any) -> None:
        raise EngineError("ONNX Runtime cannot use CUDA here: no cuDNN", "pip install it")

    monkeypatch.setattr(backend(), "__init__", refuse)
    with caplog.at_level(logging.WARNING, "c2p_runtime"), Classifier(engine, up="y") as auto:
        assert auto.device == "cpu"
        auto(CLOUDS[0])
    assert [record.getMessage() for record in caplog.records] == [
        f"{engine}: runs on the CPU: ONNX Runtime cannot use CUDA here: no cuDNN; pip install it"
    ]
    with pytest.raises(EngineError, match=r"tiny\.onnx: ONNX Runtime cannot use CUDA here: no cuDNN"):
        Classifier(engine, device="cuda")


@needs_gpu
def test_what_a_library_raises_at_set_up_is_an_error_of_ours(
    engine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Any, *_: Any) -> None:
        raise RuntimeError("CUBLAS_STATUS_NOT_INITIALIZED")

    monkeypatch.setattr(backend(), "__init__", fail)
    with pytest.raises(EngineError, match=r"cannot set up on the GPU: CUBLAS.*; run c2p-doctor"):
        Classifier(engine, device="cuda")


@needs_gpu
def test_others_on_the_legacy_stream_and_captures_leave_each_other_alone(
    engine: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from cuda.bindings import driver

    from c2p_runtime.cuda.numba_cuda import cuda

    answers, stop, turns = set(), threading.Event(), threading.Event()

    def other() -> None:  # as torch and CuPy do, and as another classifier's set-up might
        cuda.current_context()
        source = np.zeros(64, np.float32)
        _, target = driver.cuMemAlloc(source.nbytes)
        while not stop.is_set():
            (answer,) = driver.cuMemcpyHtoD(target, source.ctypes.data, source.nbytes)
            answers.add(answer.name)
            _, more = driver.cuMemAlloc(64)
            driver.cuMemFree(more)
            turns.set()

    enqueue = backend().enqueue

    def slowly(self: Any, stream: int) -> None:
        turns.clear()
        turns.wait(5)  # the other is at work while this one captures
        enqueue(self, stream)

    monkeypatch.setattr(backend(), "enqueue", slowly)
    if not hasattr(backend(), "_session"):  # the emulator's can be captured; ONNX Runtime's cannot
        monkeypatch.setattr(backend(), "capturable", True)
    thread = threading.Thread(target=other)
    thread.start()
    try:
        with (
            caplog.at_level(logging.WARNING, "c2p_runtime"),
            Classifier(engine, device="cuda", up="y") as busy,
        ):
            first = [busy.batch(CLOUDS[:n]) for n in (1, 2, 3)]
            again = [busy.batch(CLOUDS[:n]) for n in (1, 2, 3)]
    finally:
        stop.set()
        thread.join()
    assert answers == {"CUDA_SUCCESS"} and not caplog.records
    for a, b in zip(first, again, strict=True):
        same(a, b)


@needs_gpu
def test_graphs_of_batch_sizes_in_turns(engine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not hasattr(backend(), "_session"):
        monkeypatch.setattr(backend(), "capturable", True)
    with (
        Classifier(engine, device="cuda", up="y", max_points=64) as gpu,
        Classifier(engine, device="cpu", up="y") as cpu,
    ):
        for _ in range(3):
            for batch in (CLOUDS, CLOUDS[:1], CLOUDS[1:]):
                same(gpu.batch(batch), cpu.batch(batch))


@needs_gpu
def test_a_capture_that_fails_costs_the_graph_and_no_answer(
    engine: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from cuda.bindings import driver

    from c2p_runtime.cuda import launch

    enqueue = launch.DepthProjector.enqueue

    def allocating(self: Any, *arguments: Any) -> None:  # which a capture forbids
        enqueue(self, *arguments)
        driver.cuMemAlloc(64)

    monkeypatch.setattr(launch.DepthProjector, "enqueue", allocating)
    caplog.set_level(logging.WARNING, "c2p_runtime")
    with Classifier(engine, device="cuda", up="y", max_points=64) as gpu:
        first, again = gpu(CLOUDS[1]), gpu(CLOUDS[1])
    np.testing.assert_array_equal(first.features, again.features)
    (record,) = caplog.records
    assert "calls of 1 clouds go without a CUDA graph" in record.getMessage()
    assert "CUDA_ERROR_STREAM_CAPTURE" in record.getMessage()


@needs_gpu
def test_buffers_that_the_gpu_cannot_hold_are_not_even_asked_for(
    engine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from c2p_runtime.cuda import device

    monkeypatch.setattr(device, "memory", lambda: (5_000_000_000, 8 << 30))
    wanted = "9,663,676,416 bytes wanted, 5,000,000,000 free of 8,589,934,592"
    with pytest.raises(
        EngineError, match=rf"tiny\.onnx: no memory on the GPU: {wanted}; .*max_points_per_call"
    ):
        Classifier(engine, device="cuda", max_points=1 << 28)


@needs_gpu
def test_a_driver_that_runs_out_of_memory(engine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from numba.cuda.cudadrv.driver import CudaAPIError

    from c2p_runtime.cuda import device
    from c2p_runtime.cuda.numba_cuda import cuda

    def full(shape: Any, *_: Any, **__: Any) -> None:
        raise CudaAPIError(2, "Call to cuMemAlloc results in CUDA_ERROR_OUT_OF_MEMORY")

    with monkeypatch.context() as patch:
        patch.setattr(cuda, "device_array", full)
        with pytest.raises(
            EngineError, match=r"tiny\.onnx: no memory on the GPU: [\d,]+ bytes wanted, [\d,]+ free"
        ):
            Classifier(engine, device="cuda")
    assert device.memory()[0] > 0  # and the context is as it was


@needs_gpu
def test_more_points_than_a_call_holds_take_more_calls(engine: Path, clf: Classifier) -> None:
    clouds = [CLOUDS[1], CLOUDS[0], CLOUDS[1]]
    with Classifier(engine, device="cuda", up="y", max_points=32, max_points_per_call=40) as small:
        same(small.batch(clouds), clf.batch(clouds))
        with pytest.raises(CloudError, match=r"cloud 2: all points coincide"):
            small.batch([CLOUDS[1], CLOUDS[0], np.ones((30, 3))])


@needs_gpu
def test_points_by_dlpack_make_our_stream_wait(clf: Classifier) -> None:
    from c2p_runtime.cuda.device import Device

    device = Device()
    points = device.put(CLOUDS[1])
    address = points.__cuda_array_interface__["data"][0]
    theirs = DLPackPoints(address, (30, 3))
    np.testing.assert_array_equal(clf(theirs).features, clf(CLOUDS[1]).features)
    assert theirs.streams == [clf._pipeline._handle]  # type: ignore[union-attr]
    with pytest.raises(CloudError, match=r"must be float32 \[N, 3\] without gaps, got float64"):
        clf(DLPackPoints(address, (15, 3), bits=64))
    with pytest.raises(CloudError, match=r"got shape \(90,\)"):
        clf(DLPackPoints(address, (90,)))
    with pytest.raises(CloudError, match="lie on GPU 1"):
        clf(DLPackPoints(address, (30, 3), device=1))
    device.close()


@needs_gpu
@pytest.mark.races
def test_nothing_is_warned_of(engine: Path) -> None:
    from numba.core.errors import NumbaPerformanceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("error", NumbaPerformanceWarning)
        with Classifier(engine, device="cuda", up="y", max_points=64) as quiet:
            quiet(CLOUDS[0])


@needs_gpu
def test_what_a_classifier_made_it_destroys(engine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cuda.bindings import driver

    counts: dict[str, int] = {}
    for what in ("Event", "Stream", "GraphExec"):
        for name in (f"cu{what}Create", f"cu{what}Destroy", "cuGraphInstantiate"):
            if hasattr(driver, name):
                real = getattr(driver, name)

                def counted(*arguments: Any, real: Any = real, name: str = name) -> Any:
                    counts[name] = counts.get(name, 0) + 1
                    return real(*arguments)

                monkeypatch.setattr(driver, name, counted)
    with Classifier(engine, device="cuda", up="y", max_points=64) as made:
        made(CLOUDS[0])
        made.batch(CLOUDS)
    assert counts["cuEventDestroy"] == counts["cuEventCreate"] == 1
    assert counts["cuStreamDestroy"] == counts["cuStreamCreate"] == 1
    assert counts["cuGraphExecDestroy"] >= 2
