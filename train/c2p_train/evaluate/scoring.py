"""From the features of views to scores and accuracy: how features are set against text features, once.

A cloud is named by the text feature that is nearest to its feature; the scores are cosines, up to the
length of the feature, which ranks nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from c2p_deploy.projection.spec import FloatArray
from c2p_train.model.heads import Head

_HEAD_BATCH = 512  # clouds that go through a head at once


def head_features(
    head: Head, per_view: Sequence[FloatArray], device: torch.device | str = "cpu"
) -> FloatArray:
    """Features float32 [N, D] of a head, from raw features [N, V, D] of the depth (and image) encoder.

    The head is moved to `device` and put into evaluation mode.
    """
    head.to(device).eval()
    batches = []
    with torch.inference_mode():
        for start in range(0, len(per_view[0]), _HEAD_BATCH):
            rows = slice(start, start + _HEAD_BATCH)
            # Copied: what comes from the cache is read-only, which torch warns of.
            paths = (torch.from_numpy(raw[rows].copy()).to(device) for raw in per_view)
            batches.append(head(*paths).cpu().numpy())
    return np.concatenate(batches)


def scores(features: FloatArray, text_features: FloatArray) -> FloatArray:
    """Scores [N, C] of features [N, D] against the text features [C, D] of C labels."""
    return np.asarray(features @ text_features.T)


def top1(features: FloatArray, text_features: FloatArray, label: npt.NDArray[np.int64]) -> float:
    """The share, in [0, 1], of features [N, D] whose nearest text feature [C, D] is row label [N]."""
    return float((scores(features, text_features).argmax(axis=1) == label).mean())
