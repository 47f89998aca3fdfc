"""The CUDA kernel that compares features with text features. Not run on hardware yet."""

from __future__ import annotations

import math

import numpy as np

from c2p_runtime.cuda.block import WARPS, block_max, block_sum
from c2p_runtime.cuda.numba_cuda import cuda, kernel

SCORE_THREADS = 256


@kernel(SCORE_THREADS)
def score(features, text, logit_scale, scores):  # type: ignore[no-untyped-def]
    """Softmax of logit_scale · features @ text. Grid (B), blocks of SCORE_THREADS, one block a cloud.

    features: float32 [B, D]; text: float32 [D, C], so that neighbouring threads, which serve
    neighbouring labels, read neighbouring numbers; scores: float32 [B, C]. D and C are any.
    """
    cloud, thread, threads = cuda.blockIdx.x, cuda.threadIdx.x, cuda.blockDim.x
    slots = cuda.shared.array((2, WARPS), np.float32)
    labels = scores.shape[1]
    largest = np.float32(-np.inf)
    for label in range(thread, labels, threads):
        logit = np.float32(0)
        for d in range(features.shape[1]):
            logit += features[cloud, d] * text[d, label]
        logit *= logit_scale
        scores[cloud, label] = logit
        largest = max(largest, logit)
    largest = block_max(largest, slots[0])
    total = np.float32(0)
    for label in range(thread, labels, threads):
        exponent = math.exp(scores[cloud, label] - largest)
        scores[cloud, label] = exponent
        total += exponent
    total = block_sum(total, slots[1])
    for label in range(thread, labels, threads):
        scores[cloud, label] /= total
