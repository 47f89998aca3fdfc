"""What CUDA's driver refuses, as errors that name it; a memory that is full says how much was wanted."""

from __future__ import annotations

from typing import Any

from c2p_deploy.errors import EngineError

_OUT_OF_MEMORY = 2  # CUresult
LESS_MEMORY = (
    "close other programs, make the classifier with smaller max_points or max_points_per_call, or export the "
    "engine with a smaller --max-batch"
)


class OutOfMemoryError(EngineError):
    """The GPU has less memory than was wanted."""


def check(driver: Any, result: tuple[Any, ...]) -> Any:
    """The value of a call to NVIDIA's driver. Raises EngineError with CUDA's name of what went wrong."""
    error, *values = result
    if int(error) != 0:
        _, name = driver.cuGetErrorName(error)
        problem = f"the GPU refused: {name.decode() if name else error}"
        raise OutOfMemoryError(problem, LESS_MEMORY) if int(error) == _OUT_OF_MEMORY else EngineError(problem)
    return values[0] if values else None


def out_of_memory(wanted: int | str, free: int, total: int) -> OutOfMemoryError:
    """The error of a device that has fewer bytes than wanted; or wanted is what the one who asked says."""
    asked = f"{wanted:,} bytes wanted" if isinstance(wanted, int) else wanted
    return OutOfMemoryError(f"no memory on the GPU: {asked}, {free:,} free of {total:,}", LESS_MEMORY)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of numba, NVIDIA's bindings or an engine says that the device's memory is full."""
    code, text = getattr(error, "code", None), str(error).lower()
    return code == _OUT_OF_MEMORY or any(
        words in text for words in ("out_of_memory", "out of memory", "failed to allocate memory")
    )
