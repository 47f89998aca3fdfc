"""The device as this package uses it: a stream of its own, memory, and errors that say what to do.

The stream does not wait for CUDA's legacy default stream, nor that for it: torch, CuPy or another
classifier may use theirs while a graph is captured here. Whatever is copied at set-up goes over the
stream, too, and is waited for.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from c2p_deploy.errors import C2PError, EngineError, reason_of
from c2p_runtime.cuda.errors import OutOfMemoryError, check, is_out_of_memory, out_of_memory
from c2p_runtime.cuda.numba_cuda import check_gpu, cuda

Shape = int | tuple[int, ...]


class Device:
    """A stream, and memory that is used in its order. For one thread at a time."""

    def __init__(self) -> None:
        """Makes CUDA's context for this thread, too, if there is none. Raises MissingDependencyError."""
        check_gpu()
        self.stream = new_stream()  # numba's
        self.handle = int(self.stream)  # CUDA's

    def empty(self, shape: Shape, dtype: npt.DTypeLike) -> Any:
        """An array on the device. Raises OutOfMemoryError."""
        return allocate(shape, dtype, self.stream)

    def pinned(self, shape: Shape, dtype: npt.DTypeLike) -> Any:
        """A page-locked array of the host: copies from and to it need no copy in between, nor the host."""
        return _allocated(_bytes(shape, dtype), lambda: cuda.pinned_array(shape, dtype))

    def put(self, array: npt.NDArray[Any]) -> Any:
        """A copy of a host array on the device, complete when this returns. Raises OutOfMemoryError."""
        array = np.ascontiguousarray(array)
        found = self.empty(array.shape, array.dtype)
        found.copy_to_device(array, stream=self.stream)
        self.stream.synchronize()
        return found

    def close(self) -> None:
        """Destroys the stream. Arrays are freed once nothing refers to them."""
        close_stream(self.handle)


def allocate(shape: Shape, dtype: npt.DTypeLike, stream: Any = 0) -> Any:
    """An array on the device, for use in the order of a stream of numba's. Raises OutOfMemoryError."""
    size, (free, total) = _bytes(shape, dtype), memory()
    # Asked for more than there is, a Jetson, whose memory is the system's, may end other programs first.
    if size > total:
        raise out_of_memory(size, free, total)
    return _allocated(size, lambda: cuda.device_array(shape, dtype, stream=stream))


def new_stream() -> Any:
    """A stream, as numba takes it, that does not wait for the legacy default stream."""
    from cuda.bindings import driver

    cuda.current_context()
    flags = driver.CUstream_flags.CU_STREAM_NON_BLOCKING
    return cuda.external_stream(int(check(driver, driver.cuStreamCreate(flags))))


def close_stream(handle: int) -> None:
    """Destroys a stream of `new_stream` as soon as its work is done."""
    from cuda.bindings import driver

    driver.cuStreamDestroy(handle)


def memory() -> tuple[int, int]:
    """Bytes that are free, and bytes in all, on the device of this thread's context."""
    found = cuda.current_context().get_memory_info()
    return int(found.free), int(found.total)


class explained:
    """What numba, NVIDIA's bindings or a compiler raise inside becomes an EngineError of this engine."""

    def __init__(self, doing: str, engine: Path) -> None:
        """doing: what could not be done, as "set up"."""
        self._doing, self._engine = doing, engine

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None or not isinstance(error, Exception):
            return
        if isinstance(error, EngineError) and error.path is None:
            raise error.at(self._engine) from error
        if isinstance(error, C2PError):
            return
        if is_out_of_memory(error):
            raise out_of_memory(reason_of(error), *memory()).at(self._engine) from error
        problem = f"cannot {self._doing} on the GPU: {reason_of(error)}"
        raise EngineError(problem, "run c2p-doctor", self._engine) from error


def _bytes(shape: Shape, dtype: npt.DTypeLike) -> int:
    return int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize


def _allocated(size: int, allocate: Callable[[], Any]) -> Any:
    try:
        return allocate()
    except Exception as error:  # numba's, which has several
        if isinstance(error, OutOfMemoryError) or not is_out_of_memory(error):
            raise
        raise out_of_memory(size, *memory()) from error
