"""Finding GPUs: no CPU has one, so a driver is played whose calls are recorded."""

from __future__ import annotations

import ctypes
from typing import Any

import pytest

from c2p_runtime.backends import gpu
from c2p_runtime.backends.gpu import Gpu, find_gpus, sm_name, why_no_gpu

ORIN = Gpu("Orin", "8.7", 65_803_456_512)
THOR = Gpu("NVIDIA Thor", "11.0", 131_882_934_272)


class Driver:
    """libcuda.so.1 with these GPUs; handles are 100, 101, ... so that they differ from ordinals."""

    code = 999  # of what fails

    def __init__(self, *gpus: Gpu, failing: str = "") -> None:
        self.gpus, self.failing, self.calls = gpus, failing, []

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any) -> int:
            self.calls.append(name)
            if name == self.failing:
                return self.code
            getattr(self, f"_{name}")(*arguments)
            return 0

        if name.startswith("_"):
            raise AttributeError(name)
        return call

    def _cuInit(self, flags: int) -> None:
        assert flags == 0

    def _cuDeviceGetCount(self, count: Any) -> None:
        count._obj.value = len(self.gpus)

    def _cuDeviceGet(self, device: Any, ordinal: int) -> None:
        device._obj.value = 100 + ordinal

    def _cuDeviceGetName(self, name: Any, length: int, device: Any) -> None:
        assert length == len(name)
        name.value = self.gpus[device.value - 100].name.encode()

    def _cuDeviceGetAttribute(self, value: Any, attribute: int, device: Any) -> None:
        major, minor = self.gpus[device.value - 100].compute_capability.split(".")
        value._obj.value = int({75: major, 76: minor}[attribute])

    def _cuDeviceTotalMem_v2(self, memory: Any, device: Any) -> None:
        assert isinstance(memory._obj, ctypes.c_size_t)  # more than 4 GB
        memory._obj.value = self.gpus[device.value - 100].memory


def play(monkeypatch: pytest.MonkeyPatch, driver: Driver) -> None:
    monkeypatch.setattr(gpu.ctypes, "CDLL", lambda name: {"libcuda.so.1": driver}[name])


def test_every_gpu_is_described_and_no_context_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = Driver(ORIN, THOR)
    play(monkeypatch, driver)
    assert find_gpus() == (ORIN, THOR)
    assert driver.calls[0] == "cuInit"
    assert not any("Ctx" in call for call in driver.calls)


@pytest.mark.parametrize(
    "failing", ["cuInit", "cuDeviceGetCount", "cuDeviceGet", "cuDeviceGetName", "cuDeviceTotalMem_v2"]
)
def test_a_driver_that_refuses_means_no_gpu(monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    play(monkeypatch, Driver(ORIN, failing=failing))
    assert find_gpus() == ()


def test_a_driver_without_these_functions_means_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu.ctypes, "CDLL", lambda name: object())
    assert find_gpus() == ()


def test_no_device_and_no_driver_mean_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    play(monkeypatch, Driver())
    assert find_gpus() == ()
    monkeypatch.undo()
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        assert find_gpus() == ()
    else:
        pytest.skip("this machine has a driver")


@pytest.mark.parametrize(("capability", "name"), [("8.7", "SM87"), ("11.0", "SM110")])
def test_sm_name(capability: str, name: str) -> None:
    assert sm_name(capability) == name


@pytest.mark.parametrize(
    ("code", "problem", "remedy"),
    [
        (3, "this process was forked from one that uses the GPU", "spawn"),
        (100, "the NVIDIA driver sees no GPU", "CUDA_VISIBLE_DEVICES"),
        (803, "of different versions", "restart"),
        (999, "the CUDA driver answered 999", "restart"),
    ],
)
def test_why_a_driver_finds_none(
    monkeypatch: pytest.MonkeyPatch, code: int, problem: str, remedy: str
) -> None:
    driver = Driver(ORIN, failing="cuInit")
    driver.code = code
    play(monkeypatch, driver)
    assert find_gpus() == ()
    error = why_no_gpu()
    assert problem in error.problem and remedy in error.remedy


def test_a_machine_without_a_driver_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise OSError(name)

    monkeypatch.setattr(gpu.ctypes, "CDLL", missing)
    assert why_no_gpu().problem == "this machine has no NVIDIA GPU or no driver for it"
