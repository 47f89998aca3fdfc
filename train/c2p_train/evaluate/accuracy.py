"""How well a checkpoint names the clouds of a data set, whatever its head.

A data set is evaluated over its own classes, as the benchmarks are. The views' features come from
the cache of `c2p_train.evaluate.features`, so another head or other labels cost no encoding.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from c2p_deploy import DepthSpec, LabelSet, ViewSet, progress, project_depth
from c2p_deploy.errors import C2PError
from c2p_deploy.projection.spec import FloatArray, UpAxis
from c2p_train.datasets.labelled_clouds import LabelledClouds
from c2p_train.evaluate.features import cached_view_features
from c2p_train.evaluate.metrics import Metrics, measure
from c2p_train.evaluate.pointclip_projections import project_dense, project_sparse
from c2p_train.evaluate.scoring import head_features, scores
from c2p_train.model.checkpoint import Checkpoint
from c2p_train.model.encoders import encode_views

BASELINE_PROJECTIONS: dict[str, Callable[[FloatArray, ViewSet, DepthSpec, UpAxis], FloatArray]] = {
    "PointCLIP": project_sparse,
    "PointCLIP V2": project_dense,
}
_DRAWN_BATCH = 16  # clouds drawn and encoded at once
_DRAWN_CLASSES = 2  # with a cloud in the picture of the projections


@dataclass(frozen=True)
class Evaluation:
    """What came of it. features: float32 [N, D], as the head gives them; views: the name of the view set."""

    metrics: Metrics
    features: FloatArray
    views: str


def evaluate(
    checkpoint: Checkpoint,
    clouds: LabelledClouds,
    labels: LabelSet,
    *,
    views: ViewSet | None = None,
    cache: Path | None = None,
    device: torch.device | str = "cpu",
) -> Evaluation:
    """Accuracy of a checkpoint on labelled clouds.

    labels: from `class_labels.labels_for`; views: other than the checkpoint's own, which only the head
    zeroshot can do with; cache: folder for features, by default the user's. Raises C2PError.
    """
    views = _views_for(checkpoint, views)
    per_view = [
        cached_view_features(encoder, clouds, views, checkpoint.spec, cache, device=device)
        for encoder in checkpoint.model.used_encoders
    ]
    features = head_features(checkpoint.model.head, per_view)
    metrics = measure(scores(features, labels.text_features), clouds.label, clouds.classes)
    return Evaluation(metrics, features, views.name)


def evaluate_baselines(
    checkpoint: Checkpoint,
    clouds: LabelledClouds,
    labels: LabelSet,
    *,
    views: ViewSet | None = None,
    device: torch.device | str = "cpu",
) -> dict[str, Metrics]:
    """The same with each of `BASELINE_PROJECTIONS` instead of ours; nothing is cached."""
    views = _views_for(checkpoint, views)
    model = checkpoint.model.to(device).eval()
    found = {}
    for name, project in BASELINE_PROJECTIONS.items():
        features = []
        with progress.task(f"encoding {name} maps", len(clouds)) as task:
            for start in range(0, len(clouds), _DRAWN_BATCH):
                batch = clouds.points[start : start + _DRAWN_BATCH]
                depth = np.stack([project(cloud, views, checkpoint.spec, "y") for cloud in batch])
                with torch.inference_mode():
                    maps = torch.from_numpy(depth).to(device)
                    per_view = [encode_views(encoder, maps).cpu().numpy() for encoder in model.used_encoders]
                features.append(head_features(model.head, per_view))
                task.advance(len(batch))
        scored = scores(np.concatenate(features), labels.text_features)
        found[name] = measure(scored, clouds.label, clouds.classes)
    return found


def projection_rows(
    checkpoint: Checkpoint, clouds: LabelledClouds, views: ViewSet | None = None
) -> list[tuple[str, FloatArray]]:
    """Name and maps [V, S, S] of every projection, of the first cloud of each of the first few classes."""
    views = _views_for(checkpoint, views)
    projections = {"ours": project_depth, **BASELINE_PROJECTIONS}
    firsts = [int(np.argmax(clouds.label == which)) for which in np.unique(clouds.label)[:_DRAWN_CLASSES]]
    return [
        (
            f"{clouds.classes[clouds.label[index]]}, {name}",
            project(clouds.points[index], views, checkpoint.spec, "y"),
        )
        for index in firsts
        for name, project in projections.items()
    ]


def check_unseen(checkpoint: Checkpoint, clouds: LabelledClouds) -> None:
    """Raises C2PError when the checkpoint was trained on just these clouds.

    Training leaves the digests of its clouds in `training["data_digest"]`: one, or a list.
    """
    digests = checkpoint.training.get("data_digest", ())
    if clouds.digest in ([digests] if isinstance(digests, str) else digests):
        raise C2PError(
            "the checkpoint was trained on these very clouds, so its accuracy on them says nothing",
            "evaluate on another split, or insist with --allow-training-data",
            clouds.name,
        )


def _views_for(checkpoint: Checkpoint, views: ViewSet | None) -> ViewSet:
    if views is None or checkpoint.head == "zeroshot":
        return views or checkpoint.views
    if not np.array_equal(views.rotations, checkpoint.views.rotations):
        raise C2PError(
            f"the head {checkpoint.head} was trained with the views {checkpoint.views.name} and can use no "
            "others",
            "leave --views out",
        )
    return checkpoint.views
