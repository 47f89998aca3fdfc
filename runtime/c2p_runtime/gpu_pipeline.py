"""One engine call on the GPU: copied in, prepared, projected, encoded and scored on one stream.

Everything from the points on the device to the scores is captured in one CUDA graph per batch
size and launched as a whole (two graphs around the engine where it cannot be captured); nothing
is allocated after the first call of a batch size.
docs/runtime.md draws it buffer by buffer.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np
import numpy.typing as npt

from c2p_deploy import LabelSet, Manifest
from c2p_deploy.errors import CloudError, EngineError, UnusableCloudError, reason_of
from c2p_deploy.projection import native, prepare
from c2p_deploy.projection.spec import UpAxis
from c2p_runtime.backends.base import address
from c2p_runtime.backends.choose import Choice, open_device_backend, require_cuda
from c2p_runtime.cuda import kernels_sampling
from c2p_runtime.cuda.cloud_input import DeviceCloud, HostCloud, as_input
from c2p_runtime.cuda.device import Device, explained
from c2p_runtime.cuda.errors import check
from c2p_runtime.cuda.graph import CudaGraph
from c2p_runtime.cuda.kernels_score import SCORE_THREADS, score
from c2p_runtime.cuda.launch import DepthPipeline
from c2p_runtime.cuda.numba_cuda import cuda, launch
from c2p_runtime.prediction import Prediction, check_features, check_scores, timing

_log = logging.getLogger("c2p_runtime")
_WRONG = {  # what the device says of a cloud -> problem and remedy
    kernels_sampling.NO_FINITE_POINT: prepare.NO_FINITE_POINT,
    kernels_sampling.ALL_COINCIDE: prepare.ALL_COINCIDE,
    kernels_sampling.TOO_LARGE: prepare.TOO_LARGE,
}
_NO_TIMING = 2  # flag of an event: it orders streams, and nothing else


class GpuPipeline:
    """Buffers, stream, engine and graphs of one classifier. Calls from several threads take turns."""

    def __init__(
        self,
        engine: Path,
        manifest: Manifest,
        choice: Choice,
        labels: LabelSet,
        up: UpAxis,
        seed: int,
        max_points: int,
        max_points_per_call: int | None = None,
    ) -> None:
        """max_points_per_call: of all clouds of an engine call together; None is the most there can be.

        Raises EngineError or MissingDependencyError when it cannot be set up on this machine.
        """
        require_cuda()
        from cuda.bindings import driver

        self._driver = driver
        self._engine, self._manifest = engine, manifest
        self._labels, self._max_points = labels, max_points
        self._pid = os.getpid()
        self._lock = threading.Lock()
        batch, dim, names = manifest.batch.max, manifest.labels.dim, len(labels)
        self._max_total = batch * max_points if max_points_per_call is None else max_points_per_call
        self._graphs: list[CudaGraph] = []
        self._steps: dict[int, list[Callable[[], None]]] = {}  # by batch size
        self._bound = 0  # the batch size that the engine is set to
        with explained("set up", engine):
            self._device = device = Device()  # makes the context that the backend then shares
            self._handle = device.handle
            self._context = int(check(driver, driver.cuCtxGetCurrent()))
            self._event = check(driver, driver.cuEventCreate(_NO_TIMING))
            self._maps = DepthPipeline(
                device,
                batch,
                max_points,
                manifest.views,
                manifest.spec,
                up,
                seed,
                preparation=manifest.preparation,
                max_total=self._max_total,
            )
            self._text = device.put(labels.text_features)  # [C, D]
            self._logit_scale = np.float32(manifest.logit_scale)
            self._features = device.empty((batch, dim), np.float32)
            self._scores = device.empty((batch, names), np.float32)
            self._staging = device.pinned((self._max_total, 3), np.float32)
            self._spans = device.pinned((batch, 2), np.int32)
            self._found_features = device.pinned((batch, dim), np.float32)
            self._found_scores = device.pinned((batch, names), np.float32)
            self._status = device.pinned(batch, np.int32)
            self._strays = device.pinned(batch, np.int32)
            self._points_at, self._staging_at = address(self._maps.points), self._staging.ctypes.data
            self._backend = open_device_backend(choice, engine, manifest, self._handle)
            self._maps.warm_up()

    @property
    def backend(self) -> str:
        """What runs the engine."""
        return self._backend.name

    def run(self, clouds: Sequence[npt.ArrayLike]) -> list[Prediction]:
        """Predictions for at most as many clouds as the batch profile allows.

        Raises UnusableCloudError for a cloud without a shape, or with more points than the buffers hold.
        """
        if os.getpid() != self._pid:
            raise EngineError(
                "this classifier was made before the process forked, which CUDA does not survive",
                "make the classifier in the process that uses it",
                self._engine,
            )
        with self._lock, explained("run it", self._engine):
            if int(check(self._driver, self._driver.cuCtxGetCurrent())) != self._context:
                cuda.current_context()  # of a thread that is new here
            predictions: list[Prediction] = []
            inputs = self._inputs(clouds)
            if sum(cloud.rows for cloud in inputs) <= self._max_total:
                return self._call(inputs)
            while len(predictions) < len(clouds):
                first = len(predictions)
                try:
                    predictions += self._call(inputs[first : first + self._fitting(inputs[first:])])
                except UnusableCloudError as error:
                    error.index += first
                    raise
            return predictions

    def close(self) -> None:
        """Frees graphs, engine, event and stream; the buffers go with the object."""
        with self._lock:
            for graph in self._graphs:
                graph.close()
            self._graphs.clear()
            self._steps.clear()
            if self._event is not None:
                del self._backend  # first: engines look at the stream once more when they end
                self._driver.cuEventDestroy(self._event)
                self._device.close()
                self._event = None

    def _inputs(self, clouds: Sequence[npt.ArrayLike]) -> list[HostCloud | DeviceCloud]:
        found = []
        for index, cloud in enumerate(clouds):
            try:
                found.append(as_input(cloud, self._max_points, self._handle))
            except CloudError as error:
                raise UnusableCloudError(error.problem, error.remedy, index=index) from error
        return found

    def _fitting(self, inputs: Sequence[HostCloud | DeviceCloud]) -> int:
        """How many of these clouds, from the first on, the buffers hold together."""
        total = 0
        for number, cloud in enumerate(inputs):
            total += cloud.rows
            if total > self._max_total:
                return number
        return len(inputs)

    def _call(self, inputs: Sequence[HostCloud | DeviceCloud]) -> list[Prediction]:
        """One engine call."""
        batch, started, row = len(inputs), perf_counter(), 0
        for index, cloud in enumerate(inputs):
            self._copy_in(cloud, row)
            self._spans[index, 0], self._spans[index, 1] = row, cloud.rows
            row += cloud.rows
        between = perf_counter()
        self._enqueue(batch)
        check(self._driver, self._driver.cuStreamSynchronize(self._handle))
        found = self._predictions(batch, between - started, perf_counter() - between)
        if batch not in self._steps:
            self._steps[batch] = self._captured(batch)
        return found

    def _copy_in(self, cloud: HostCloud | DeviceCloud, row: int) -> None:
        """Puts a cloud's points into their place on the device, from this row on, in stream order."""
        driver, size, place = self._driver, 12 * cloud.rows, 12 * row  # three float32 a point
        if isinstance(cloud, HostCloud):
            staged = self._staging[row : row + cloud.rows]
            if cloud.points.dtype == np.float32:
                np.copyto(staged, cloud.points)
            else:
                native.run("to_local", np.ascontiguousarray(cloud.points), cloud.rows, staged)
            source = self._staging_at + place
            check(driver, driver.cuMemcpyHtoDAsync(self._points_at + place, source, size, self._handle))
            return
        if cloud.stream is not None:  # what fills it may still be going on there
            check(driver, driver.cuEventRecord(self._event, cloud.stream))
            check(driver, driver.cuStreamWaitEvent(self._handle, self._event, 0))
        check(driver, driver.cuMemcpyDtoDAsync(self._points_at + place, cloud.address, size, self._handle))

    def _enqueue(self, batch: int) -> None:
        """Puts the whole call on the stream: the first time of a batch size as it comes, then as graphs."""
        for step in self._steps.get(batch) or self._plain(batch):
            step()

    def _plain(self, batch: int) -> list[Callable[[], None]]:
        return [partial(part, batch) for part in (self._before, self._encode, self._after)]

    def _captured(self, batch: int) -> list[Callable[[], None]]:
        """What a call of this batch size consists of from now on. It has run once: engines allocate then.

        An answer is never lost for a graph: what cannot be captured is called piece by piece.
        """
        self._backend.keep_compiled()
        try:
            if self._backend.capturable:
                # The engine is set to this batch size already; inside a capture it must not be.
                return [self._graph(batch, self._before, self._run_engine, self._after).launch]
            before, after = self._graph(batch, self._before), self._graph(batch, self._after)
            return [before.launch, partial(self._encode, batch), after.launch]
        except Exception as error:
            _log.warning(
                "%s: calls of %d clouds go without a CUDA graph, and so take longer: %s",
                self._engine,
                batch,
                reason_of(error),
            )
            return self._plain(batch)

    def _graph(self, batch: int, *parts: Callable[[int], None]) -> CudaGraph:
        def work() -> None:
            for part in parts:
                part(batch)

        with cuda.defer_cleanup():  # numba frees memory when it likes, which a capture forbids
            graph = CudaGraph(self._handle, work)
        self._graphs.append(graph)
        return graph

    def _before(self, batch: int) -> None:
        """From where the clouds lie, on the host, and points on the device, to the engine's input."""
        self._maps.spans[:batch].copy_to_device(self._spans[:batch], stream=self._device.stream)
        self._maps.enqueue(batch)

    def _encode(self, batch: int) -> None:
        if self._bound != batch:
            self._backend.bind(address(self._maps.depth), address(self._features), batch)
            self._bound = batch
        self._run_engine(batch)

    def _run_engine(self, batch: int) -> None:
        self._backend.enqueue(self._handle)

    def _after(self, batch: int) -> None:
        """From features to scores, and all that the host asks for back to it."""
        stream = self._device.stream
        launch(
            score, batch, SCORE_THREADS, stream, self._features, self._text, self._logit_scale, self._scores
        )
        for source, target in (
            (self._features, self._found_features),
            (self._scores, self._found_scores),
            (self._maps.status, self._status),
            (self._maps.strays, self._strays),
        ):
            source[:batch].copy_to_host(target[:batch], stream=stream)

    def _predictions(self, batch: int, copying: float, running: float) -> list[Prediction]:
        """What the host has got back, looked at. copying, running: seconds of the call."""
        for index in range(batch):
            if wrong := _WRONG.get(int(self._status[index])):
                raise UnusableCloudError(*wrong, index=index)
        check_features(self._found_features[:batch], batch, self._manifest, self._engine)
        check_scores(self._found_scores[:batch], self._engine)
        stages = timing(1e3 * copying / batch, 0.0, 1e3 * running / batch, 0.0)
        return [
            Prediction(
                self._labels.names,
                self._found_scores[index].copy(),
                self._found_features[index].copy(),
                stages,
                self._labels.text_features,
                int(self._strays[index]),
            )
            for index in range(batch)
        ]
