"""The CUDA kernel that compares features with text features. Not run on hardware yet."""

from __future__ import annotations

import math

import numpy as np

from c2p_runtime.cuda.numba_cuda import cuda, kernel

SCORE_THREADS = 256


@kernel(SCORE_THREADS)
def score(features, text, logit_scale, scores):  # type: ignore[no-untyped-def]
    """Softmax of logit_scale · features @ text. Grid (B), blocks of SCORE_THREADS, one block a cloud.

    features: float32 [B, D]; text: float32 [D, C], so that neighbouring threads, which serve
    neighbouring labels, read neighbouring numbers; scores: float32 [B, C]. D and C are any.
    """
    cloud, thread, threads = cuda.blockIdx.x, cuda.threadIdx.x, cuda.blockDim.x
    shared = cuda.shared.array(SCORE_THREADS, np.float32)
    labels = scores.shape[1]
    largest = np.float32(-np.inf)
    for label in range(thread, labels, threads):
        logit = np.float32(0)
        for d in range(features.shape[1]):
            logit += features[cloud, d] * text[d, label]
        logit *= logit_scale
        scores[cloud, label] = logit
        largest = max(largest, logit)
    shared[thread] = largest
    cuda.syncthreads()
    half = threads // 2
    while half > 0:
        if thread < half:
            shared[thread] = max(shared[thread], shared[thread + half])
        cuda.syncthreads()
        half //= 2
    largest = shared[0]
    cuda.syncthreads()  # everybody has read it before it is written again

    total = np.float32(0)
    for label in range(thread, labels, threads):
        exponent = math.exp(scores[cloud, label] - largest)
        scores[cloud, label] = exponent
        total += exponent
    shared[thread] = total
    cuda.syncthreads()
    half = threads // 2
    while half > 0:
        if thread < half:
            shared[thread] += shared[thread + half]
        cuda.syncthreads()
        half //= 2
    for label in range(thread, labels, threads):
        scores[cloud, label] /= shared[0]
