"""Which NVIDIA GPUs this machine has, asked of the driver itself.

Neither numba nor TensorRT is needed for the answer, and no CUDA context is created: that
would take hundreds of megabytes of the GPU's memory, on a Jetson of the machine's.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any

from c2p_deploy.errors import EngineError

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
    refuses to answer (`why_no_gpu`); never raises.
    """
    try:
        return _ask_driver()
    except (OSError, AttributeError):  # no driver, or not one that knows these functions
        return ()


def why_no_gpu() -> EngineError:
    """Why `find_gpus` finds none, and what to do."""
    try:
        _ask_driver()
    except _RefusedError as error:
        unknown = f"the CUDA driver answered {error.code}", "restart the machine, or install the driver anew"
        return EngineError(*_REFUSALS.get(error.code, unknown))
    except (OSError, AttributeError):
        pass
    return EngineError(_NO_DRIVER)


class _RefusedError(OSError):
    """The driver's answer was not CUDA_SUCCESS. code: the CUresult."""

    def __init__(self, code: int) -> None:
        super().__init__(f"the CUDA driver answered {code}")
        self.code = code


_NO_DRIVER = "this machine has no NVIDIA GPU or no driver for it"
_NO_DEVICE = "the NVIDIA driver sees no GPU"
QUIET = (_NO_DRIVER, _NO_DEVICE)  # problems that are none to who did not ask for a GPU
# CUresult -> what is wrong and what to do
_REFUSALS = {
    3: (
        "this process was forked from one that uses the GPU, which CUDA does not survive",
        "start it anew (multiprocessing's start method 'spawn'), or fork before a classifier is made",
    ),
    34: (
        "the CUDA driver found is the stub that programs are linked with",
        "take it out of LD_LIBRARY_PATH",
    ),
    100: (_NO_DEVICE, "look at CUDA_VISIBLE_DEVICES; in a container, start it with --gpus all"),
    803: (
        "the NVIDIA driver's two halves, kernel and library, are of different versions",
        "restart the machine",
    ),
    804: ("the CUDA compatibility library does not support this GPU", "update the driver instead"),
}


def _ask_driver() -> tuple[Gpu, ...]:
    driver = ctypes.CDLL("libcuda.so.1")
    _call(driver.cuInit, 0)
    count = ctypes.c_int()
    _call(driver.cuDeviceGetCount, ctypes.byref(count))
    return tuple(_describe(driver, ordinal) for ordinal in range(count.value))


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
    result = function(*arguments)
    if result != 0:
        raise _RefusedError(result)
