"""The GPU's memory, asked of a stand-in for the driver."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from c2p_runtime.bench.memory import free_gpu_memory


def test_gpu_memory_is_asked_of_the_primary_context(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def answers(name: str, *values: Any) -> Any:
        return lambda *arguments: asked.append((name, *arguments)) or (0, *values)

    driver = SimpleNamespace(
        cuInit=answers("init"),
        cuDeviceGet=answers("device", "dev"),
        cuDevicePrimaryCtxRetain=answers("retain", "ctx"),
        cuCtxPushCurrent=answers("push"),
        cuMemGetInfo=answers("memory", 123, 456),
        cuCtxPopCurrent=answers("pop", "ctx"),
        cuGetErrorName=lambda error: (0, b"CUDA_ERROR_NO_DEVICE"),
    )
    monkeypatch.setitem(sys.modules, "cuda.bindings", SimpleNamespace(driver=driver))
    assert free_gpu_memory() == 123
    assert asked == [("init", 0), ("device", 0), ("retain", "dev"), ("push", "ctx"), ("memory",), ("pop",)]
    driver.cuInit = lambda flags: (100,)
    assert free_gpu_memory() is None
    monkeypatch.setitem(sys.modules, "cuda.bindings", None)
    assert free_gpu_memory() is None
