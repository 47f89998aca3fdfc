"""Which CUDA the driver speaks, and which one the installed packages were made for.

CUDA 12 and CUDA 13 mix in one direction only: a newer driver runs older code, an older driver no newer.
So what was installed for 13 fails on a driver of 12, late and with a bare number; and a board that is
newer than CUDA 12, as Thor, cannot be compiled for by it. Both are found here before anything is loaded.
"""

from __future__ import annotations

import ctypes
import re
from importlib.metadata import PackageNotFoundError, distribution, version

from c2p_deploy.errors import MissingDependencyError
from c2p_deploy.extras import install
from c2p_runtime.backends.gpu import Gpu, sm_name

_NEWEST_OF_CUDA_12 = (12, 1)  # compute capability; but 11.0 got its number in CUDA 13
_RENUMBERED = ("11.0",)


def driver_cuda() -> tuple[int, int] | None:
    """The newest CUDA that this machine's driver runs, (12, 6); None without a driver."""
    found = ctypes.c_int()
    try:
        if ctypes.CDLL("libcuda.so.1").cuDriverGetVersion(ctypes.byref(found)) != 0:
            return None
    except (OSError, AttributeError):
        return None
    return found.value // 1000, found.value % 1000 // 10


def numba_cuda() -> int | None:
    """The major version of CUDA that kernels are compiled with: 12 or 13; None when nothing says.

    nvJitLink makes the machine code, so that counts; without its wheels CUDA is the system's, and
    NVIDIA's bindings have to be of the same.
    """
    for package in ("nvidia-nvjitlink", "nvidia-nvjitlink-cu12", "cuda-bindings"):
        try:
            return int(version(package).split(".")[0])
        except (PackageNotFoundError, ValueError):
            continue
    return None


def onnxruntime_cuda() -> int | None:
    """The major version of CUDA that the installed ONNX Runtime is for; None when it is for none."""
    for package in ("onnxruntime-gpu", "onnxruntime"):
        try:
            info = distribution(package).locate_file("onnxruntime/capi/build_and_package_info.py")
            found = re.search(r"cuda_version\s*=\s*['\"](\d+)", info.read_text())
        except (PackageNotFoundError, OSError):
            continue
        if found:
            return int(found[1])
    return None


def why_numba_mismatch(
    driver: tuple[int, int] | None, compiled_by: int | None, gpu: Gpu | None
) -> MissingDependencyError | None:
    """Why kernels that this CUDA compiles do not run on this driver and GPU; None when they do, or may."""
    if driver is None or compiled_by is None:
        return None
    fitting = install(f"cuda{driver[0]}")
    speaks = f"the driver speaks CUDA {driver[0]}.{driver[1]}"
    if compiled_by > driver[0]:
        return MissingDependencyError(
            f"the CUDA {compiled_by} of numba-cuda is too new: {speaks}",
            f"pip uninstall -y nvidia-nvjitlink nvidia-nvvm; {fitting}; or update the driver",
        )
    if compiled_by == 12 and gpu is not None and driver[0] > 12:
        capability = tuple(map(int, gpu.compute_capability.split(".")))
        if gpu.compute_capability in _RENUMBERED or capability > _NEWEST_OF_CUDA_12:
            return MissingDependencyError(
                f"the CUDA 12 of numba-cuda does not know this GPU ({gpu.name}, "
                f"{sm_name(gpu.compute_capability)}), and {speaks}",
                f"pip uninstall -y nvidia-nvjitlink-cu12 nvidia-cuda-nvcc-cu12; {fitting}",
            )
    return None


def why_onnxruntime_mismatch(
    driver: tuple[int, int] | None, built_for: int | None
) -> MissingDependencyError | None:
    """Why this ONNX Runtime does not run on this driver; None when it does, or may."""
    if driver is None or built_for is None or built_for <= driver[0]:
        return None
    return MissingDependencyError(
        f"this ONNX Runtime is for CUDA {built_for}, the driver speaks CUDA {driver[0]}.{driver[1]}",
        f"{install(f'cuda{driver[0]}')} (for CUDA 12 onnxruntime-gpu<1.27), or update the driver",
    )
