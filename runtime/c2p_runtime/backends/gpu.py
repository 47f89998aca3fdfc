"""Which NVIDIA GPUs this machine has, asked of the driver itself.

Neither numba nor TensorRT is needed for the answer, and no CUDA context is created: that
would take hundreds of megabytes of the GPU's memory, on a Jetson of the machine's.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any

# CUdevice_attribute of cuda.h
_COMPUTE_CAPABILITY_MAJOR = 75
_COMPUTE_CAPABILITY_MINOR = 76


@dataclass(frozen=True)
class Gpu:
    """One GPU as the driver describes it."""

    name: str
    compute_capability: str  # "8.7"
    memory: int  # bytes in total; on a Jetson the machine's own memory


def sm_name(compute_capability: str) -> str:
    """How NVIDIA's tools write a compute capability: "SM87" for "8.7"."""
    return "SM" + compute_capability.replace(".", "")


def find_gpus() -> tuple[Gpu, ...]:
    """The GPUs in the driver's order, which is CUDA's: the first is where engines run.

    CUDA_VISIBLE_DEVICES is obeyed. Empty without a driver or a device, and when the driver
    refuses to answer; never raises.
    """
    try:
        driver = ctypes.CDLL("libcuda.so.1")
        _call(driver.cuInit, 0)
        count = ctypes.c_int()
        _call(driver.cuDeviceGetCount, ctypes.byref(count))
        return tuple(_describe(driver, ordinal) for ordinal in range(count.value))
    except (OSError, AttributeError):  # no driver, or not one that knows these functions
        return ()


def _describe(driver: Any, ordinal: int) -> Gpu:
    device, major, minor = ctypes.c_int(), ctypes.c_int(), ctypes.c_int()
    name, memory = ctypes.create_string_buffer(256), ctypes.c_size_t()
    _call(driver.cuDeviceGet, ctypes.byref(device), ordinal)
    _call(driver.cuDeviceGetName, name, len(name), device)
    _call(driver.cuDeviceGetAttribute, ctypes.byref(major), _COMPUTE_CAPABILITY_MAJOR, device)
    _call(driver.cuDeviceGetAttribute, ctypes.byref(minor), _COMPUTE_CAPABILITY_MINOR, device)
    _call(driver.cuDeviceTotalMem_v2, ctypes.byref(memory), device)
    return Gpu(name.value.decode(errors="replace"), f"{major.value}.{minor.value}", memory.value)


def _call(function: Any, *arguments: Any) -> None:
    """Raises OSError for every CUresult but CUDA_SUCCESS."""
    result = function(*arguments)
    if result != 0:
        raise OSError(f"the CUDA driver answered {result}")
