"""Capture and replay: the order of driver calls, with a driver that only records them.

On a GPU tests/runtime/test_gpu_pipeline.py replays real graphs.
"""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from c2p_deploy.errors import EngineError
from c2p_runtime.cuda.errors import OutOfMemoryError, check
from c2p_runtime.cuda.graph import CudaGraph


class Driver:
    """Answers every call with success and the call's name, but for those in `failing`."""

    CUstreamCaptureMode = SimpleNamespace(CU_STREAM_CAPTURE_MODE_THREAD_LOCAL="thread local")

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.failing: set[str] = set()

    def CUstream(self, handle: int) -> str:
        return f"stream {handle}"

    def cuGetErrorName(self, error: int) -> tuple[int, bytes]:
        return 0, f"CUDA_ERROR_{error}".encode()

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any) -> tuple[int, str]:
            self.calls.append(name)
            return (900 if name in self.failing else 0), f"result of {name}"

        return call


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Driver:
    recording = Driver()
    monkeypatch.setitem(sys.modules, "cuda.bindings", SimpleNamespace(driver=recording))
    return recording


def test_work_is_captured_once_and_launched_again_and_again(driver: Driver) -> None:
    graph = CudaGraph(7, lambda: driver.calls.append("work"))
    graph.launch()
    graph.launch()
    graph.close()
    assert driver.calls == [
        "cuStreamBeginCapture",
        "work",
        "cuStreamEndCapture",
        "cuGraphInstantiate",
        "cuGraphDestroy",
        "cuGraphLaunch",
        "cuGraphLaunch",
        "cuGraphExecDestroy",
    ]


def test_a_stream_does_not_stay_in_capture_when_the_work_fails(driver: Driver) -> None:
    def fail() -> None:
        raise EngineError("the engine refused")

    with pytest.raises(EngineError, match="the engine refused"):
        CudaGraph(7, fail)
    assert driver.calls == ["cuStreamBeginCapture", "cuStreamEndCapture"]


def test_a_graph_that_cannot_be_made_is_freed_and_named(driver: Driver) -> None:
    driver.failing = {"cuGraphInstantiate"}
    with pytest.raises(EngineError, match="the GPU refused: CUDA_ERROR_900"):
        CudaGraph(7, lambda: None)
    assert driver.calls[-1] == "cuGraphDestroy"


def test_check_gives_the_value_or_none(driver: Driver) -> None:
    assert check(driver, (0, 5)) == 5 and check(driver, (0,)) is None
    with pytest.raises(OutOfMemoryError, match=r"CUDA_ERROR_2; .*max_points_per_call"):
        check(driver, (2,))
    with pytest.raises(EngineError, match="CUDA_ERROR_700"):
        check(driver, (700,))
