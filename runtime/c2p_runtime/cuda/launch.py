"""Depth maps on the GPU: device buffers allocated once, and the chain of kernels over them.

    pipeline = DepthPipeline(device, max_batch, max_points, views, spec)
    pipeline.warm_up()        # compiles and loads every kernel
    ... copy clouds to pipeline.points and where they lie to pipeline.spans, on device.stream ...
    pipeline.enqueue(batch)   # pipeline.depth and pipeline.status, in stream order

`enqueue` only launches kernels: it neither allocates, copies nor waits, and whatever changes
from call to call but the batch lies in device memory. So a batch size can be captured in a
CUDA graph once and replayed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from c2p_deploy import DepthSpec, ViewSet
from c2p_deploy.errors import EngineError
from c2p_deploy.projection.compiled import checked
from c2p_deploy.projection.reference import pixel_centres
from c2p_deploy.projection.spec import UP_AXES, FloatArray, Preparation, UpAxis, check_up
from c2p_runtime.cuda import kernels_projection as kernels
from c2p_runtime.cuda import kernels_sampling
from c2p_runtime.cuda.device import Device
from c2p_runtime.cuda.numba_cuda import check_gpu, launch
from c2p_runtime.cuda.outliers import StrayRemoval
from c2p_runtime.cuda.sampling_reference import CANDIDATES_PER_POINT

# One block samples a cloud; beyond this its threads would hold more than 32 candidates each.
LARGEST_NUM_POINTS = 8192

Output = type[np.float32] | type[np.float16]


class DepthProjector:
    """Draws prepared clouds: depth maps [B, V, S, S] for up to max_batch clouds."""

    def __init__(
        self,
        device: Device,
        max_batch: int,
        views: ViewSet,
        spec: DepthSpec,
        up: UpAxis = "z",
        dtype: Output = np.float32,
    ) -> None:
        """dtype: of the depth maps, as the engine takes them. Raises OutOfMemoryError."""
        check_up(up)
        self._device, size = device, spec.image_size
        self._pixels = np.int32(size * size)
        self.depth = device.empty((max_batch, len(views), size, size), dtype)
        self._flat = self.depth.reshape(self.depth.size)
        self._zbuffers = device.empty(self.depth.size, np.uint32)
        parts = _blocks(size * size, kernels.SHADE_PIXELS)
        self._ranges = device.empty((max_batch, len(views), parts, 2), np.int32)
        self._up = np.int32(UP_AXES.index(up))
        self._rotations = device.put(views.rotations)
        self._distances = device.put(views.distances)
        self._scales = device.put(np.float32(1) / views.distances)
        self._centres = device.put(pixel_centres(size))
        self._radius = np.float32(spec.point_radius)
        launch(kernels.clear, kernels.CLEAR_BLOCKS, kernels.CLEAR_THREADS, device.stream, self._zbuffers)

    def enqueue(self, points: Any, kept: Any, batch: int) -> None:
        """Fills depth[:batch] from points float32 [B, N, 3], of which the first kept [B] (int32) count.

        Both arrays on the device, N >= 1; on the device's stream.
        """
        stream, views = self._device.stream, self.depth.shape[1]
        grid = _blocks(points.shape[1], kernels.SPLAT_THREADS), views, batch
        launch(
            kernels.splat,
            grid,
            kernels.SPLAT_THREADS,
            stream,
            points,
            kept,
            self._up,
            self._rotations,
            self._distances,
            self._scales,
            self._centres,
            self._radius,
            self._zbuffers,
        )
        grid = self._ranges.shape[2], views, batch
        drawn = self._zbuffers, self._pixels, self._ranges
        launch(kernels.depth_range, grid, kernels.SHADE_THREADS, stream, *drawn)
        launch(kernels.shade, grid, kernels.SHADE_THREADS, stream, *drawn, self._flat)


class DepthPipeline:
    """From raw clouds to depth maps on the GPU, for up to max_batch clouds of up to max_points points.

    points: float32 [max_total, 3] and spans: int32 [max_batch, 2] on the device, to be filled by the
    caller: the first row of each cloud, and how many, 0 ... max_points. depth: [max_batch, V, S, S] of
    dtype, the engine's input. status: int32 [max_batch], 0 or what is wrong with the cloud
    (NO_FINITE_POINT, ALL_COINCIDE, TOO_LARGE of `kernels_sampling`); the maps of such a cloud
    are all background. samples: float32 [max_batch, P, 3] and kept: int32 [max_batch], the
    prepared points that were drawn. strays: int32 [max_batch], how many points were removed before, as the
    preparation asks for.
    """

    def __init__(
        self,
        device: Device,
        max_batch: int,
        max_points: int,
        views: ViewSet,
        spec: DepthSpec,
        up: UpAxis = "z",
        seed: int = 0,
        dtype: Output = np.float32,
        preparation: Preparation = "paper",
        max_total: int | None = None,
    ) -> None:
        """max_total: points of all clouds of a call together; None is max_batch times max_points.

        Raises OutOfMemoryError, and EngineError when the spec has too many points.
        """
        if max_points > spec.num_points > LARGEST_NUM_POINTS:
            raise EngineError(
                f"clouds are sampled to at most {LARGEST_NUM_POINTS} points on the GPU and this engine takes "
                f"{spec.num_points}",
                "use device='cpu'",
            )
        self._device = device
        self._projector = DepthProjector(device, max_batch, views, spec, up, dtype)
        self.depth = self._projector.depth
        self.points = device.empty(
            (max_batch * max_points if max_total is None else max_total, 3), np.float32
        )
        self.spans = device.empty((max_batch, 2), np.int32)
        self.samples = device.empty((max_batch, min(max_points, spec.num_points), 3), np.float32)
        self.kept = device.empty(max_batch, np.int32)
        self.status = device.empty(max_batch, np.int32)
        self._seed = seed & 0xFFFFFFFF
        tiles = _blocks(max_points, kernels_sampling.TILE_THREADS)
        self._tile_counts = device.empty((max_batch, tiles), np.int32)
        most = min(max_points, CANDIDATES_PER_POINT * spec.num_points)
        self._candidates = device.empty((max_batch, most, 3), np.float32)
        self._finite = device.empty(max_batch, np.int32)
        self._removal = StrayRemoval(device, max_batch, most) if preparation == "robust" else None
        no_strays = np.zeros(max_batch, np.int32)
        self.strays = self._removal.strays if self._removal else device.put(no_strays)
        searched = most if most > spec.num_points else 1  # else every cloud passes as it is
        self._farthest = kernels_sampling.farthest_for(searched)

    def enqueue(self, batch: int) -> None:
        """Launches the chain for the first `batch` clouds on the device's stream."""
        stream = self._device.stream
        rows = (self._tile_counts.shape[1], batch), kernels_sampling.TILE_THREADS, stream
        clouds = self.points, self.spans, self._tile_counts
        launch(kernels_sampling.count_finite, *rows, *clouds)
        launch(kernels_sampling.pick_candidates, *rows, *clouds, self._seed, self._candidates, self._finite)
        candidates, finite = self._candidates, self._finite
        if self._removal is not None:
            self._removal.enqueue(candidates, finite, batch)
            candidates, finite = self._removal.points, self._removal.left
        farthest, threads = self._farthest
        found = self.samples, self.kept
        launch(farthest, batch, threads, stream, candidates, finite, self._seed, *found)
        threads = kernels_sampling.BLOCK_THREADS
        launch(
            kernels_sampling.unit_sphere, batch, threads, stream, self.samples, finite, self.kept, self.status
        )
        self._projector.enqueue(self.samples, self.kept, batch)

    def warm_up(self) -> None:
        """Compiles and loads every kernel, by running the chain over empty clouds. Waits until it is done.

        Has to come before `enqueue` is captured in a graph: loading is forbidden during capture.
        """
        self.spans.copy_to_device(np.zeros(self.spans.shape, np.int32), stream=self._device.stream)
        self.enqueue(len(self.spans))
        self._device.stream.synchronize()


def project_depth_cuda(
    points: npt.ArrayLike,
    views: ViewSet,
    spec: DepthSpec,
    up: UpAxis = "z",
    out: FloatArray | None = None,
) -> FloatArray:
    """`project_depth` on the GPU: depth maps float32 [V, S, S] of prepared points [N, 3].

    Allocates and copies at every call: for comparisons. Raises OptionError as `project_depth`
    does, and MissingDependencyError without a GPU.
    """
    cloud, out = checked(points, views, spec, out)
    check_up(up)
    check_gpu()
    device = Device()
    try:
        projector = DepthProjector(device, 1, views, spec, up)
        kept = device.put(np.array([len(cloud)], np.int32))
        if len(cloud) == 0:
            cloud = np.zeros((1, 3), np.float32)  # the device has no empty arrays; kept says that none counts
        projector.enqueue(device.put(cloud[None]), kept, 1)
        projector.depth.copy_to_host(out[None], stream=device.stream)
        device.stream.synchronize()
    finally:
        device.close()
    return out


def _blocks(items: int, threads: int) -> int:
    """How many blocks of so many threads serve one thread to every item."""
    return -(-items // threads)
