"""Stray points on the GPU: the buffers of `kernels_outliers`, allocated once, and its launches."""

from __future__ import annotations

from typing import Any

import numpy as np

from c2p_runtime.cuda import kernels_outliers as kernels
from c2p_runtime.cuda.device import Device
from c2p_runtime.cuda.numba_cuda import launch


class StrayRemoval:
    """Removes the strays of up to max_batch clouds of up to `most` candidates each.

    points: float32 [max_batch, most, 3], the candidates that stay, in their order; left: int32 [max_batch],
    how many, or what `finite` said of a cloud that has none; strays: int32 [max_batch], how many are missing.
    """

    def __init__(self, device: Device, max_batch: int, most: int) -> None:
        """Raises OutOfMemoryError."""

        def whole(*shape: int) -> Any:
            return device.empty((max_batch, *shape), np.int32)

        self._stream = device.stream
        self.points = device.empty((max_batch, most, 3), np.float32)
        self.left, self.strays = whole(), whole()
        self._keys = whole(most)
        slots = 1 << (2 * most).bit_length()
        self._by_slot = whole(slots), whole(slots)
        self._by_voxel = tuple(whole(most) for _ in range(4))

    def enqueue(self, candidates: Any, finite: Any, batch: int) -> None:
        """Fills points, left and strays [:batch] on the device's stream; only launches kernels.

        candidates: float32 [max_batch, most, 3] and finite: int32 [max_batch], on the device, both as
        `pick_candidates` leaves them.
        """
        clouds = batch, kernels.OUTLIER_THREADS, self._stream
        launch(kernels.find_voxels, *clouds, candidates, finite, self._keys)
        launch(
            kernels.keep_parts,
            *clouds,
            candidates,
            finite,
            self._keys,
            *self._by_slot,
            *self._by_voxel,
            self.points,
            self.left,
            self.strays,
        )
