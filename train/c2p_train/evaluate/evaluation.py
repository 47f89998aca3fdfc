"""How well a checkpoint names the clouds of a data set, whatever its head.

A data set is judged over its own classes, as the benchmarks are. The views' features come from
the cache of `c2p_train.evaluate.features`, so another head or other labels cost no encoding.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from rich.progress import Progress

from c2p_deploy import DepthSpec, LabelSet, ViewSet, project_depth
from c2p_deploy.errors import C2PError, LabelError
from c2p_deploy.projection.spec import FloatArray, UpAxis
from c2p_train.datasets.labelled_clouds import LabelledClouds
from c2p_train.evaluate.features import cached_view_features
from c2p_train.evaluate.metrics import Metrics, measure
from c2p_train.evaluate.projections import project_dense, project_sparse
from c2p_train.model.checkpoint import Checkpoint
from c2p_train.model.clip2point import CLIP2Point
from c2p_train.model.encoders import encode_views

OTHER_PROJECTIONS: dict[str, Callable[[FloatArray, ViewSet, DepthSpec, UpAxis], FloatArray]] = {
    "PointCLIP": project_sparse,
    "PointCLIP V2": project_dense,
}
_LABEL_ADVICE = "make text features with c2p-train labels and give them with --labels"
_HEAD_BATCH = 512  # clouds that go through a head at once
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
    progress: Progress | None = None,
) -> Evaluation:
    """Accuracy of a checkpoint on labelled clouds.

    labels: from `labels_for`; views: other than the checkpoint's own, which only the head
    zeroshot can do with; cache: folder for features, by default the user's. Raises C2PError.
    """
    views = _views_for(checkpoint, views)
    per_view = [
        cached_view_features(encoder, clouds, views, checkpoint.spec, cache, device=device, progress=progress)
        for encoder in checkpoint.model.used_encoders
    ]
    features = head_features(checkpoint.model, per_view)
    return Evaluation(_measure(features, clouds, labels), features, views.name)


def evaluate_others(
    checkpoint: Checkpoint,
    clouds: LabelledClouds,
    labels: LabelSet,
    *,
    views: ViewSet | None = None,
    device: torch.device | str = "cpu",
    progress: Progress | None = None,
) -> dict[str, Metrics]:
    """The same with each of `OTHER_PROJECTIONS` in place of ours; nothing is cached."""
    views = _views_for(checkpoint, views)
    model = checkpoint.model.to(device).eval()
    found = {}
    for name, project in OTHER_PROJECTIONS.items():
        task = None if progress is None else progress.add_task(f"encoding {name} maps", total=len(clouds))
        features = []
        for start in range(0, len(clouds), _DRAWN_BATCH):
            batch = clouds.points[start : start + _DRAWN_BATCH]
            depth = np.stack([project(cloud, views, checkpoint.spec, "y") for cloud in batch])
            with torch.inference_mode():
                maps = torch.from_numpy(depth).to(device)
                per_view = [encode_views(encoder, maps).cpu().numpy() for encoder in model.used_encoders]
            features.append(head_features(model, per_view))
            if progress is not None and task is not None:
                progress.advance(task, len(batch))
        found[name] = _measure(np.concatenate(features), clouds, labels)
    return found


def projection_rows(
    checkpoint: Checkpoint, clouds: LabelledClouds, views: ViewSet | None = None
) -> list[tuple[str, FloatArray]]:
    """Name and maps [V, S, S] of every projection, of the first cloud of each of the first few classes."""
    views = _views_for(checkpoint, views)
    projections = {"ours": project_depth, **OTHER_PROJECTIONS}
    firsts = [int(np.argmax(clouds.label == which)) for which in np.unique(clouds.label)[:_DRAWN_CLASSES]]
    return [
        (
            f"{clouds.classes[clouds.label[index]]}, {name}",
            project(clouds.points[index], views, checkpoint.spec, "y"),
        )
        for index in firsts
        for name, project in projections.items()
    ]


def head_features(model: CLIP2Point, per_view: list[FloatArray]) -> FloatArray:
    """Features float32 [N, D] of the model's head, from [N, V, D] of each of its used encoders."""
    head = model.head.to("cpu").eval()
    batches = []
    with torch.inference_mode():
        for start in range(0, len(per_view[0]), _HEAD_BATCH):
            rows = slice(start, start + _HEAD_BATCH)
            # Copied: what comes from the cache is read-only, which torch warns of.
            batches.append(head(*(torch.from_numpy(raw[rows].copy()) for raw in per_view)).numpy())
    return np.concatenate(batches)


def known_labels(checkpoint: Checkpoint, given: LabelSet | None) -> LabelSet:
    """`given`, or else the checkpoint's labels. Raises LabelError for none, or of another width."""
    known = given if given is not None else checkpoint.labels
    if known is None:
        raise LabelError(f"the checkpoint has no labels; {_LABEL_ADVICE}")
    width = checkpoint.model.depth_encoder.embed_dim
    if known.dim != width:
        raise LabelError(
            f"text features have {known.dim} dimensions, the checkpoint's features {width}; make the label "
            "set with the CLIP the checkpoint was trained with"
        )
    return known


def labels_for(checkpoint: Checkpoint, clouds: LabelledClouds, given: LabelSet | None) -> LabelSet:
    """The text features of the data set's classes, out of `known_labels`.

    Raises what that raises, and LabelError when a class has no text feature.
    """
    known = known_labels(checkpoint, given)
    try:
        return known.subset(clouds.classes)
    except LabelError as error:
        reason = str(error).split(" Choose among")[0].rstrip(";? ")
        raise LabelError(f"{clouds.name}: {reason}; {_LABEL_ADVICE}") from error


def check_unseen(checkpoint: Checkpoint, clouds: LabelledClouds) -> None:
    """Raises C2PError when the checkpoint was trained on just these clouds.

    Training leaves the digests of its clouds in `training["data_digest"]`: one, or a list.
    """
    digests = checkpoint.training.get("data_digest", ())
    if clouds.digest in ([digests] if isinstance(digests, str) else digests):
        raise C2PError(
            f"{clouds.name}: the checkpoint was trained on these very clouds, so its accuracy on them says "
            "nothing; evaluate on another split, or insist with --allow-training-data"
        )


def _views_for(checkpoint: Checkpoint, views: ViewSet | None) -> ViewSet:
    if views is None or checkpoint.head == "zeroshot":
        return views or checkpoint.views
    if not np.array_equal(views.rotations, checkpoint.views.rotations):
        raise C2PError(
            f"the head {checkpoint.head} was trained with the views {checkpoint.views.name} and can use no "
            "others; leave --views out"
        )
    return checkpoint.views


def _measure(features: FloatArray, clouds: LabelledClouds, labels: LabelSet) -> Metrics:
    return measure(features @ labels.text_features.T, clouds.label, clouds.classes)
