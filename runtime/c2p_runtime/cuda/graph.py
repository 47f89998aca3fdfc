"""CUDA graphs: what was put on a stream once is launched again with one call.

Not run on hardware yet. Through NVIDIA's own bindings of the driver, which come with numba-cuda:
numba itself has no graphs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from c2p_deploy.errors import EngineError


class CudaGraph:
    """The work that a function put on a stream, to be launched again and again.

    Captured in thread-local mode, so that other threads may go on using CUDA meanwhile. Memory
    and kernels that the work uses have to exist beforehand and to stay.
    """

    def __init__(self, stream: int, work: Callable[[], None]) -> None:
        """stream: handle of the stream that `work` puts its launches on. Raises EngineError."""
        from cuda.bindings import driver

        self._driver = driver
        self._stream = driver.CUstream(stream)
        mode = driver.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL
        check(driver, driver.cuStreamBeginCapture(self._stream, mode))
        try:
            work()
        except BaseException:
            driver.cuStreamEndCapture(self._stream)  # the stream is of no use while it captures
            raise
        graph = check(driver, driver.cuStreamEndCapture(self._stream))
        try:
            self._executable = check(driver, driver.cuGraphInstantiate(graph, 0))
        finally:
            driver.cuGraphDestroy(graph)

    def launch(self) -> None:
        """Puts the whole work on the stream it was captured from, and does not wait."""
        check(self._driver, self._driver.cuGraphLaunch(self._executable, self._stream))

    def close(self) -> None:
        """Frees the graph."""
        self._driver.cuGraphExecDestroy(self._executable)


def check(driver: Any, result: tuple[Any, ...]) -> Any:
    """The value of a call to NVIDIA's driver. Raises EngineError with CUDA's name of what went wrong."""
    error, *values = result
    if int(error) != 0:
        _, name = driver.cuGetErrorName(error)
        raise EngineError(f"the GPU refused: {name.decode() if name else error}")
    return values[0] if values else None
