"""Accuracy of an encoder on the held-out clouds."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from c2p_deploy import DepthSpec, LabelSet, ViewSet
from c2p_runtime import project_depth
from c2p_train.dataset import Clouds
from c2p_train.encoder import DepthEncoder, view_features


def accuracies(
    encoder: DepthEncoder,
    clouds: Clouds,
    labels: LabelSet,
    offered: LabelSet,
    spec: DepthSpec,
    views: ViewSet,
) -> dict[str, float]:
    """Top-1 accuracy per source on its held-out clouds.

    A source is judged over the offered labels, except one whose classes are a small part of
    them (ModelNet10), which is judged over its own classes as its benchmark is.
    """
    held_out = np.flatnonzero(clouds.held_out)
    scores = cloud_scores(encoder, clouds, held_out, labels, spec, views)
    return {
        name: float(np.mean([right for _, right in results]))
        for name, results in judge(scores, clouds, held_out, offered).items()
    }


def judge(
    scores: npt.NDArray[np.float32], clouds: Clouds, indices: npt.NDArray[np.int64], offered: LabelSet
) -> dict[str, list[tuple[str, bool]]]:
    """Per source: (label, was it found?) of every cloud whose label is among the candidates.

    scores: [n, C] of the clouds `indices` over all labels of `clouds`.
    """
    results: dict[str, list[tuple[str, bool]]] = {}
    for source, name in enumerate(clouds.sources):
        mine = clouds.source[indices] == source
        own = {clouds.labels[i] for i in np.unique(clouds.label[clouds.source == source])}
        names = own if len(own) < len(offered) / 2 else set(offered.names)
        candidates = np.array([i for i, label in enumerate(clouds.labels) if label in names])
        best = candidates[scores[mine][:, candidates].argmax(axis=1)]
        truth = clouds.label[indices][mine]
        results[name] = [
            (clouds.labels[t], bool(b == t)) for b, t in zip(best, truth, strict=True) if t in candidates
        ]
    return results


def cloud_scores(
    encoder: DepthEncoder,
    clouds: Clouds,
    indices: npt.NDArray[np.int64],
    labels: LabelSet,
    spec: DepthSpec,
    views: ViewSet,
    batch_size: int = 16,
) -> npt.NDArray[np.float32]:
    """Cosine scores [n, C] of the first sampling of each cloud, all views, evaluation mode."""
    was_training = encoder.training
    encoder.eval()
    text = torch.from_numpy(labels.text_features.copy())
    scores = []
    with torch.inference_mode():
        for start in range(0, len(indices), batch_size):
            chosen = indices[start : start + batch_size]
            depth = np.stack(
                [project_depth(clouds.points[clouds.first[i]], views, spec, "y") for i in chosen]
            )
            features = view_features(encoder, torch.from_numpy(depth)).mean(dim=1)
            scores.append((features @ text.T).numpy())
    encoder.train(was_training)
    return np.concatenate(scores)
