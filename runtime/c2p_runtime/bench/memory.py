"""How much memory of the GPU a measurement took."""

from __future__ import annotations

from c2p_deploy.errors import EngineError
from c2p_runtime.cuda.errors import check


def free_gpu_memory() -> int | None:
    """Bytes free on the GPU where engines run, None when the driver cannot be asked.

    Of all processes together; on a Jetson it is the machine's memory. Makes CUDA's primary context
    if there is none, and keeps it, so that the context itself is not counted between two calls.

    """
    try:
        from cuda.bindings import driver
    except ImportError:
        return None
    try:
        check(driver, driver.cuInit(0))
        device = check(driver, driver.cuDeviceGet(0))
        context = check(driver, driver.cuDevicePrimaryCtxRetain(device))
        check(driver, driver.cuCtxPushCurrent(context))
        free = check(driver, driver.cuMemGetInfo())
        check(driver, driver.cuCtxPopCurrent())
    except (EngineError, RuntimeError):  # RuntimeError: the bindings', when there is no driver
        return None
    return int(free)
