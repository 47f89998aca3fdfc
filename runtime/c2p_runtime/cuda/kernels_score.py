"""The CUDA kernel that compares features with text features."""

from __future__ import annotations

import math

import numpy as np

from c2p_runtime.cuda.block import LANES, WARPS, block_max, block_sum, warp_sum
from c2p_runtime.cuda.numba_cuda import cuda, kernel

SCORE_THREADS = 1024  # one block has all labels of a cloud, so it is as large as blocks get


@kernel(SCORE_THREADS)
def score(features, text, logit_scale, scores):  # type: ignore[no-untyped-def]
    """Softmax of logit_scale · text @ features. Grid (B), one block a cloud, one warp a label.

    features: float32 [B, D]; text: float32 [C, D], of which neighbouring threads read neighbouring
    numbers; scores: float32 [B, C]. D and C are any.
    """
    cloud, thread, threads = cuda.blockIdx.x, cuda.threadIdx.x, cuda.blockDim.x
    slots = cuda.shared.array((2, WARPS), np.float32)
    labels, lane = scores.shape[1], thread % LANES
    largest = np.float32(-np.inf)
    for first in range(0, labels, threads // LANES):  # as often for every warp
        label, part = first + thread // LANES, np.float32(0)
        if label < labels:
            for d in range(lane, features.shape[1], LANES):
                part += features[cloud, d] * text[label, d]
        logit = warp_sum(part) * logit_scale
        if label < labels:
            if lane == 0:
                scores[cloud, label] = logit
            largest = max(largest, logit)
    largest = block_max(largest, slots[0])  # its barrier lets all threads see all logits, too
    total = np.float32(0)
    for label in range(thread, labels, threads):
        exponent = math.exp(scores[cloud, label] - largest)
        scores[cloud, label] = exponent
        total += exponent
    total = block_sum(total, slots[1])
    for label in range(thread, labels, threads):
        scores[cloud, label] /= total
