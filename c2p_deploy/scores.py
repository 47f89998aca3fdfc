"""Scores of labels: the softmax of scaled cosines with their text features."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from c2p_deploy.projection.spec import FloatArray


def softmax(logits: npt.NDArray[np.floating]) -> FloatArray:
    """Softmax over the last axis, as float32, without overflow."""
    exponent = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(exponent / exponent.sum(axis=-1, keepdims=True), dtype=np.float32)


def label_scores(features: FloatArray, text: FloatArray, logit_scale: float) -> FloatArray:
    """Scores float32 [N, C] of features [N, D] by text features [C, D]."""
    return softmax(logit_scale * (features @ text.T))
