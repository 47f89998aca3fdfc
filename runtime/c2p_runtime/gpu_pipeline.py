"""One engine call on the GPU: copied in, prepared, projected, encoded and scored on one stream.

Everything from the points on the device to the scores is captured in one CUDA graph per batch
size and launched as a whole (two graphs around the engine where it cannot be captured); nothing
is allocated after the first call of a batch size.
docs/runtime.md draws it buffer by buffer. Not run on hardware yet.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np
import numpy.typing as npt

from c2p_deploy import LabelSet, Manifest
from c2p_deploy.errors import CloudError, EngineError, UnusableCloudError
from c2p_deploy.projection import prepare
from c2p_deploy.projection.spec import UpAxis
from c2p_runtime.backends.base import address
from c2p_runtime.backends.choose import Choice, open_device_backend
from c2p_runtime.cuda import kernels_sampling
from c2p_runtime.cuda.cloud_input import DeviceCloud, HostCloud, as_input
from c2p_runtime.cuda.graph import CudaGraph, check
from c2p_runtime.cuda.kernels_score import SCORE_THREADS, score
from c2p_runtime.cuda.launch import DepthPipeline
from c2p_runtime.cuda.numba_cuda import check_gpu, cuda
from c2p_runtime.prediction import Prediction, check_features, check_scores, timing

_WRONG = {  # what the device says of a cloud -> problem and remedy
    kernels_sampling.NO_FINITE_POINT: prepare.NO_FINITE_POINT,
    kernels_sampling.ALL_COINCIDE: prepare.ALL_COINCIDE,
    kernels_sampling.TOO_LARGE: prepare.TOO_LARGE,
}


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
    ) -> None:
        """Raises EngineError or MissingDependencyError when it cannot be set up on this machine."""
        check_gpu()
        from cuda.bindings import driver

        self._driver = driver
        self._engine, self._manifest = engine, manifest
        self._labels, self._max_points = labels, max_points
        self._pid = os.getpid()
        self._lock = threading.Lock()
        batch, dim, names = manifest.batch.max, manifest.labels.dim, len(labels)
        self._stream = cuda.stream()  # makes the context that the backend then shares
        self._handle = int(self._stream)
        self._maps = DepthPipeline(
            batch, max_points, manifest.views, manifest.spec, up, seed, preparation=manifest.preparation
        )
        self._text = cuda.to_device(np.ascontiguousarray(labels.text_features.T))  # [D, C]
        self._logit_scale = np.float32(manifest.logit_scale)
        self._features = cuda.device_array((batch, dim), np.float32)
        self._scores = cuda.device_array((batch, names), np.float32)
        # Page-locked memory: copies to and from it need no copy in between and do not stop the host.
        self._staging = cuda.pinned_array((batch, max_points, 3), np.float32)
        self._counts = cuda.pinned_array(batch, np.int32)
        self._found_features = cuda.pinned_array((batch, dim), np.float32)
        self._found_scores = cuda.pinned_array((batch, names), np.float32)
        self._status = cuda.pinned_array(batch, np.int32)
        self._strays = cuda.pinned_array(batch, np.int32)
        self._backend = open_device_backend(choice, engine, manifest, self._handle)
        self._maps.warm_up(self._stream)
        self._graphs: list[CudaGraph] = []
        self._steps: dict[int, list[Callable[[], None]]] = {}  # by batch size
        self._event = check(driver, driver.cuEventCreate(0))

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
        with self._lock:
            cuda.current_context()  # of this thread, which may be a new one
            started = perf_counter()
            for index, cloud in enumerate(clouds):
                try:
                    self._copy_in(index, as_input(cloud, self._max_points))
                except CloudError as error:
                    raise UnusableCloudError(error.problem, error.remedy, index=index) from error
            between = perf_counter()
            self._launch(len(clouds))
            self._stream.synchronize()
            copy_ms = 1e3 * (between - started) / len(clouds)
            device_ms = 1e3 * (perf_counter() - between) / len(clouds)
            return self._predictions(len(clouds), copy_ms, device_ms)

    def close(self) -> None:
        """Frees the graphs; the buffers go with the object."""
        with self._lock:
            for graph in self._graphs:
                graph.close()
            self._graphs.clear()
            self._steps.clear()

    def _copy_in(self, index: int, cloud: HostCloud | DeviceCloud) -> None:
        """Puts a cloud's points and count into their place on the device, in stream order."""
        driver, points = self._driver, self._maps.points
        target = address(points) + index * 12 * self._max_points  # three float32 a point
        if isinstance(cloud, HostCloud):
            count = len(cloud.points)
            staged = self._staging[index, :count]
            with np.errstate(over="ignore", invalid="ignore"):  # infinities are dropped on the device
                np.subtract(cloud.points, cloud.offset, out=staged, casting="same_kind")
            source = staged.ctypes.data
            check(driver, driver.cuMemcpyHtoDAsync(target, source, 12 * count, self._handle))
        else:
            count = cloud.count
            if cloud.stream is not None:  # what fills it may still be going on there
                check(driver, driver.cuEventRecord(self._event, cloud.stream))
                check(driver, driver.cuStreamWaitEvent(self._handle, self._event, 0))
            check(driver, driver.cuMemcpyDtoDAsync(target, cloud.address, 12 * count, self._handle))
        self._counts[index] = count

    def _launch(self, batch: int) -> None:
        """Puts the whole call on the stream, from the second time on as graphs."""
        steps = self._steps.get(batch)
        if steps is None:
            # In the first run of a batch size the engine allocates and compiles, which a capture forbids.
            for part in (self._before, self._encode, self._after):
                part(batch)
            self._stream.synchronize()
            self._backend.keep_compiled()
            self._steps[batch] = self._captured(batch)
            return
        for step in steps:
            step()

    def _captured(self, batch: int) -> list[Callable[[], None]]:
        """What a call of this batch size consists of, from now on."""
        if self._backend.capturable:
            return [self._graph(batch, self._before, self._encode, self._after).launch]
        before, after = self._graph(batch, self._before), self._graph(batch, self._after)
        return [before.launch, partial(self._encode, batch), after.launch]

    def _graph(self, batch: int, *parts: Callable[[int], None]) -> CudaGraph:
        def work() -> None:
            for part in parts:
                part(batch)

        with cuda.defer_cleanup():  # numba frees memory when it likes, which a capture forbids
            self._graphs.append(CudaGraph(self._handle, work))
        return self._graphs[-1]

    def _before(self, batch: int) -> None:
        """From the counts on the host, and points on the device, to the engine's input."""
        self._maps.counts[:batch].copy_to_device(self._counts[:batch], stream=self._stream)
        self._maps.enqueue(self._stream, batch)

    def _encode(self, batch: int) -> None:
        self._backend.bind(address(self._maps.depth), address(self._features), batch)
        self._backend.enqueue(self._handle)

    def _after(self, batch: int) -> None:
        """From features to scores, and all that the host asks for back to it."""
        stream = self._stream
        score[batch, SCORE_THREADS, stream](self._features, self._text, self._logit_scale, self._scores)
        for source, target in (
            (self._features, self._found_features),
            (self._scores, self._found_scores),
            (self._maps.status, self._status),
            (self._maps.strays, self._strays),
        ):
            source[:batch].copy_to_host(target[:batch], stream=stream)

    def _predictions(self, batch: int, copy_ms: float, device_ms: float) -> list[Prediction]:
        for index in range(batch):
            if wrong := _WRONG.get(int(self._status[index])):
                raise UnusableCloudError(*wrong, index=index)
        check_features(self._found_features[:batch], batch, self._manifest, self._engine)
        check_scores(self._found_scores[:batch], self._engine)
        return [
            Prediction(
                self._labels.names,
                self._found_scores[index].copy(),
                self._found_features[index].copy(),
                timing(copy_ms, 0.0, device_ms, 0.0),
                self._labels.text_features,
                int(self._strays[index]),
            )
            for index in range(batch)
        ]
