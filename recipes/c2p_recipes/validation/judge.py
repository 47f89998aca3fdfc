"""How well a model names the validation clouds of a recipe."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from c2p_deploy import DepthSpec, LabelSet, ViewSet, project_depth
from c2p_deploy.projection.spec import FloatArray
from c2p_recipes.clouds import Clouds
from c2p_train.evaluate.scoring import scores
from c2p_train.model.clip2point import CLIP2Point

# Per source: (label, was it found?) of every cloud that counts.
Results = dict[str, list[tuple[str, bool]]]
_BATCH_SIZE = 16  # clouds encoded at once


def validation_results(
    model: CLIP2Point,
    clouds: Clouds,
    labels: LabelSet,
    offered: LabelSet,
    spec: DepthSpec,
    views: ViewSet,
) -> Results:
    """What the model says of every validation cloud, judged as `judge` does."""
    indices = np.flatnonzero(clouds.validation)
    scores = cloud_scores(model, clouds, indices, labels, spec, views)
    return judge(scores, clouds, indices, offered)


def top1(results: Results) -> dict[str, float]:
    """Accuracy per source, in [0, 1]."""
    return {name: float(np.mean([right for _, right in rows])) for name, rows in results.items()}


def judge(
    scores: npt.NDArray[np.float32], clouds: Clouds, indices: npt.NDArray[np.int64], offered: LabelSet
) -> Results:
    """Per source: (label, was it found?) of every cloud whose label is among the candidates.

    The candidates are the offered labels, except for a source whose classes are a small part
    of them (ModelNet10): that is judged over its own classes, as its benchmark is.
    scores: [n, C] of the clouds `indices` over all labels of `clouds`.
    """
    results: Results = {}
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


# What counts as right beside the label itself, where a collection's classes are wider or narrower than a
# label.
ACCEPTED = {
    "animal": {"dog", "cat", "horse", "cow", "deer", "rabbit", "dinosaur"},
    "building": {"tower", "house"}, "chair": {"armchair"}, "computer": {"laptop", "monitor"},
    "cup": {"wine glass", "glass", "mug"},
    "fish": {"shark", "whale", "dolphin"}, "insect": {"spider", "crab"},
    "knife": {"dagger"}, "lamp": {"street light", "ceiling lamp"},
    "musical instrument": {"guitar", "piano", "drum"}, "plant": {"flower", "bush", "cactus"},
    "sign": {"traffic sign"}, "sofa": {"armchair"}, "sword": {"dagger"}, "tool": {
        "hammer", "screwdriver", "wrench", "pliers", "saw", "drill", "axe", "shovel", "scissors"},
    "cylinder": {"can", "cup", "mug", "jar", "bottle", "glass", "bowl", "pot", "vase", "bucket", "candle"},
    "tree": {"palm tree", "christmas tree"}, "truck": {"bus"},
}  # fmt: skip
_COLLECTIONS = ("meshes", "posed meshes", "scanned boxes and cylinders")  # whose classes ACCEPTED speaks of
_OWN_LABELS = ("ModelNet10",)  # judged over its own labels, as its benchmark is


def judge_real(scores: npt.NDArray[np.float32], clouds: Clouds, labels: LabelSet) -> Results:
    """Per source: (label, was it found?) of every cloud, among all labels but for ModelNet10.

    scores: [N, C] of all clouds over `labels`. Classes of the mesh collections are wider than labels:
    `ACCEPTED` says what counts. A cloud whose label is not among `labels` counts as wrong, unless something
    is accepted for it.
    """
    results: Results = {}
    for source, name in enumerate(clouds.sources):
        mine = np.flatnonzero(clouds.source == source)
        truth = [clouds.labels[i] for i in clouds.label[mine]]
        own = set(truth) if name in _OWN_LABELS else set(labels.names)
        candidates = np.array([i for i, label in enumerate(labels.names) if label in own])
        best = candidates[scores[mine][:, candidates].argmax(axis=1)]
        results[name] = [
            (
                label,
                labels.names[b] == label
                or (name in _COLLECTIONS and labels.names[b] in ACCEPTED.get(label, ())),
            )
            for label, b in zip(truth, best, strict=True)
        ]
    return results


def cloud_scores(
    model: CLIP2Point,
    clouds: Clouds,
    indices: npt.NDArray[np.int64],
    labels: LabelSet,
    spec: DepthSpec,
    views: ViewSet,
) -> npt.NDArray[np.float32]:
    """Cosine scores [n, C] of the first sampling of each cloud, over all views.

    Puts the model in evaluation mode.
    """
    device = next(model.parameters()).device
    model.eval()
    features = []
    with torch.inference_mode():
        for start in range(0, len(indices), _BATCH_SIZE):
            depth = torch.from_numpy(depth_maps(clouds, indices[start : start + _BATCH_SIZE], views, spec))
            features.append(model(depth.to(device)).cpu().numpy())
    return scores(np.concatenate(features), labels.text_features)


def depth_maps(clouds: Clouds, indices: npt.NDArray[np.int64], views: ViewSet, spec: DepthSpec) -> FloatArray:
    """Depth maps [n, V, S, S] of the first sampling of each cloud."""
    return np.stack([project_depth(clouds.points[clouds.first[i]], views, spec, "y") for i in indices])
