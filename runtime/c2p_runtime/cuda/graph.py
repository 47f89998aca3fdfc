"""CUDA graphs: what was put on a stream once is launched again with one call.

Through NVIDIA's own bindings of the driver, which come with numba-cuda: numba itself has no graphs.
"""

from __future__ import annotations

from collections.abc import Callable

from c2p_runtime.cuda.errors import check


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
