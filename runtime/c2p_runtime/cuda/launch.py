"""Depth maps on the GPU: device buffers allocated once, and the chain of kernels over them.

    pipeline = DepthPipeline(max_batch, capacity, views, spec)
    pipeline.warm_up(stream)          # compiles and loads every kernel
    ... copy clouds to pipeline.points and their sizes to pipeline.counts, on the stream ...
    pipeline.enqueue(stream, batch)   # pipeline.depth and pipeline.status, in stream order

`enqueue` only launches kernels: it neither allocates, copies nor waits, and whatever changes
from call to call but the batch lies in device memory. So a batch size can be captured in a
CUDA graph once and replayed. Not run on hardware yet.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from c2p_deploy import DepthSpec, ViewSet
from c2p_deploy.errors import EngineError
from c2p_deploy.projection.compiled import checked
from c2p_deploy.projection.reference import pixel_centres
from c2p_deploy.projection.spec import FloatArray, Preparation, UpAxis, check_up
from c2p_runtime.cuda import kernels_projection as kernels
from c2p_runtime.cuda import kernels_sampling
from c2p_runtime.cuda.numba_cuda import check_gpu, cuda
from c2p_runtime.cuda.outliers import StrayRemoval
from c2p_runtime.cuda.sampling_reference import CANDIDATES_PER_POINT

# One block samples a cloud; beyond this its threads would hold more than 32 candidates each.
LARGEST_NUM_POINTS = 8192

Output = type[np.float32] | type[np.float16]


class DepthProjector:
    """Draws prepared clouds: z-buffers and depth maps [B, V, S, S] for up to max_batch clouds."""

    def __init__(
        self, max_batch: int, views: ViewSet, spec: DepthSpec, up: UpAxis = "z", dtype: Output = np.float32
    ) -> None:
        """dtype: of the depth maps, as the engine takes them. Raises MissingDependencyError without a GPU."""
        check_up(up)
        check_gpu()
        size = spec.image_size
        self.depth = cuda.device_array((max_batch, len(views), size, size), dtype)
        self._flat = self.depth.reshape(max_batch, len(views), size * size)
        self._zbuffers = cuda.device_array(self._flat.shape, np.uint32)
        self._z_up = up == "z"
        self._rotations = cuda.to_device(np.array(views.rotations))
        self._distances = cuda.to_device(np.array(views.distances))
        self._scales = cuda.to_device(np.float32(1) / views.distances)
        self._centres = cuda.to_device(pixel_centres(size))
        self._radius = np.float32(spec.point_radius)

    def enqueue(self, stream: Any, points: Any, kept: Any, batch: int) -> None:
        """Fills depth[:batch] from points float32 [B, N, 3], of which the first kept [B] (int32) count.

        stream: of numba; `cuda.external_stream` makes one of another library's. Both arrays on
        the device, N >= 1.
        """
        _, views, pixels = self._flat.shape
        grid = _blocks(pixels, kernels.CLEAR_THREADS), views, batch
        kernels.clear[grid, kernels.CLEAR_THREADS, stream](self._zbuffers)
        grid = _blocks(points.shape[1], kernels.SPLAT_THREADS), views, batch
        kernels.splat[grid, kernels.SPLAT_THREADS, stream](
            points,
            kept,
            self._z_up,
            self._rotations,
            self._distances,
            self._scales,
            self._centres,
            self._radius,
            self._zbuffers,
        )
        kernels.shade[(views, batch), kernels.SHADE_THREADS, stream](self._zbuffers, self._flat)


class DepthPipeline:
    """From raw clouds to depth maps on the GPU, for up to max_batch clouds of up to capacity points.

    points: float32 [max_batch, capacity, 3] and counts: int32 [max_batch] on the device, to be
    filled by the caller; counts lie in 0 ... capacity. depth: [max_batch, V, S, S] of dtype, the
    engine's input. status: int32 [max_batch], 0 or what is wrong with the cloud
    (NO_FINITE_POINT, ALL_COINCIDE, TOO_LARGE of `kernels_sampling`); the maps of such a cloud
    are all background. samples: float32 [max_batch, P, 3] and kept: int32 [max_batch], the
    prepared points that were drawn. strays: int32 [max_batch], how many points were removed before, as the
    preparation asks for.
    """

    def __init__(
        self,
        max_batch: int,
        capacity: int,
        views: ViewSet,
        spec: DepthSpec,
        up: UpAxis = "z",
        seed: int = 0,
        dtype: Output = np.float32,
        preparation: Preparation = "paper",
    ) -> None:
        """Raises MissingDependencyError without a GPU and EngineError when the spec has too many points."""
        if capacity > spec.num_points > LARGEST_NUM_POINTS:
            raise EngineError(
                f"clouds are sampled to at most {LARGEST_NUM_POINTS} points on the GPU and this engine takes "
                f"{spec.num_points}",
                "use device='cpu'",
            )
        self._projector = DepthProjector(max_batch, views, spec, up, dtype)
        self.depth = self._projector.depth
        self.points = cuda.device_array((max_batch, capacity, 3), np.float32)
        self.counts = cuda.device_array(max_batch, np.int32)
        self.samples = cuda.device_array((max_batch, min(capacity, spec.num_points), 3), np.float32)
        self.kept = cuda.device_array(max_batch, np.int32)
        self.status = cuda.device_array(max_batch, np.int32)
        self._seed = seed & 0xFFFFFFFF
        tiles = _blocks(capacity, kernels_sampling.TILE_THREADS)
        self._tile_counts = cuda.device_array((max_batch, tiles), np.int32)
        most = min(capacity, CANDIDATES_PER_POINT * spec.num_points)
        self._candidates = cuda.device_array((max_batch, most, 3), np.float32)
        self._finite = cuda.device_array(max_batch, np.int32)
        self._removal = StrayRemoval(max_batch, most) if preparation == "robust" else None
        self.strays = self._removal.strays if self._removal else cuda.to_device(np.zeros(max_batch, np.int32))
        searched = most if most > spec.num_points else 1  # else every cloud passes as it is
        self._farthest = kernels_sampling.farthest_for(_blocks(searched, kernels_sampling.BLOCK_THREADS))

    def enqueue(self, stream: Any, batch: int) -> None:
        """Launches the chain for the first `batch` clouds on a stream (see `DepthProjector.enqueue`)."""
        rows = (self._tile_counts.shape[1], batch), kernels_sampling.TILE_THREADS, stream
        kernels_sampling.count_finite[rows](self.points, self.counts, self._tile_counts)
        kernels_sampling.pick_candidates[rows](
            self.points, self.counts, self._tile_counts, self._seed, self._candidates, self._finite
        )
        candidates, finite = self._candidates, self._finite
        if self._removal is not None:
            self._removal.enqueue(stream, candidates, finite, batch)
            candidates, finite = self._removal.points, self._removal.left
        clouds = batch, kernels_sampling.BLOCK_THREADS, stream
        self._farthest[clouds](candidates, finite, self._seed, self.samples, self.kept)
        kernels_sampling.unit_sphere[clouds](self.samples, finite, self.kept, self.status)
        self._projector.enqueue(stream, self.samples, self.kept, batch)

    def warm_up(self, stream: Any) -> None:
        """Compiles and loads every kernel, by running the chain over empty clouds. Waits until it is done.

        Has to come before `enqueue` is captured in a graph: loading is forbidden during capture.
        """
        self.counts.copy_to_device(np.zeros(self.counts.shape, np.int32), stream=stream)
        self.enqueue(stream, len(self.counts))
        stream.synchronize()


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
    cloud = np.ascontiguousarray(cloud)
    projector = DepthProjector(1, views, spec, up)
    stream = cuda.stream()
    kept = cuda.to_device(np.array([len(cloud)], np.int32), stream=stream)
    if len(cloud) == 0:
        cloud = np.zeros((1, 3), np.float32)  # the device has no empty arrays; kept says that none counts
    projector.enqueue(stream, cuda.to_device(cloud[None], stream=stream), kept, 1)
    projector.depth.copy_to_host(out[None], stream=stream)
    stream.synchronize()
    return out


def _blocks(items: int, threads: int) -> int:
    """How many blocks of so many threads serve one thread to every item."""
    return -(-items // threads)
