"""Fitting a rejection to a checkpoint or an engine, and measuring it on clouds that were held back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from c2p_deploy import LabelSet, Manifest, progress
from c2p_deploy.errors import C2PError, EngineError, reason_of
from c2p_deploy.projection.spec import FloatArray
from c2p_deploy.rejection import Judge, Rejection, fit_rejection
from c2p_deploy.scores import label_scores
from c2p_train.datasets.clutter import clutter_clouds
from c2p_train.datasets.labelled_clouds import LabelledClouds
from c2p_train.evaluate.features import cached_view_features, depth_batches
from c2p_train.evaluate.rejection_figures import auroc, calibration_error, false_positive_rate
from c2p_train.evaluate.scoring import head_features
from c2p_train.model.checkpoint import Checkpoint

HELD_BACK = 0.3  # of the objects, to measure on
STRANGER, CLUTTER = -1, -2  # in place of a label
_LEAST = 10  # clouds on either side; of fewer no figure is given
_CLUTTER_SHARE = 0.8  # pieces of clutter that are made, for each known thing
_ENGINE_BATCH = 16

# Prepared clouds float32 [N, P, 3], y up, and a name for the screen -> features float32 [N, D].
Encode = Callable[[FloatArray, str], FloatArray]


@dataclass(frozen=True)
class Group:
    """Clouds to fit on and to measure with.

    points: float32 [N, P, 3], prepared, y up; label: int [N], index into the label set, or STRANGER, CLUTTER;
    object: int [N], equal for clouds of one object, which then are on one side of the split.
    """

    name: str
    points: FloatArray
    label: npt.NDArray[np.int64]
    object: npt.NDArray[np.int64]

    def take(self, rows: npt.NDArray[np.bool_]) -> Group:
        """These clouds only."""
        return Group(self.name, self.points[rows], self.label[rows], self.object[rows])


@dataclass(frozen=True)
class Figures:
    """What a rejection does to the held-back clouds of one kind in one group; shares in [0, 1].

    kind: "known", "strangers" or "clutter"; named: share that gets a label. Of known things: top1, share that
    is guessed rightly; named_of_right, share of those that gets its label; calibration_error. Of the others:
    auroc and false_positives (at 95 % recall) against all known things. None where it does not apply, or
    there are too few clouds.
    """

    group: str
    kind: str
    clouds: int
    named: float
    top1: float | None = None
    named_of_right: float | None = None
    calibration_error: float | None = None
    auroc: float | None = None
    false_positives: float | None = None


def group_of(clouds: LabelledClouds, labels: LabelSet) -> Group:
    """Labelled clouds, each of an object of its own; classes that are none of the labels are strangers."""
    index = {name.lower(): row for row, name in enumerate(labels.names)}
    of_class = [index.get(name.lower(), STRANGER) for name in clouds.classes]
    return Group(clouds.name, clouds.points, np.array(of_class)[clouds.label], np.arange(len(clouds)))


def calibrate(
    groups: list[Group], labels: LabelSet, logit_scale: float, encode: Encode, seed: int
) -> tuple[Rejection, list[Figures]]:
    """Fits on most objects of every group, and measures on the rest of them.

    Clutter is made of the known things, on either side of the split of that side's. Raises C2PError where
    there are too few.
    """
    sides = split_groups(groups, seed)
    for number, side in enumerate(sides):
        side.append(clutter_of(side, 2 * seed + number))
    features = [[encode(group.points, group.name) for group in side] for side in sides]

    label, every = np.concatenate([group.label for group in sides[0]]), np.concatenate(features[0])
    known, strangers = label >= 0, every[label == STRANGER]
    # An object's number counts within its group.
    objects = [group.object + (index << 32) for index, group in enumerate(sides[0])]
    with progress.timed("fitted the rejection"):
        rejection = fit_rejection(
            every[known],
            label[known],
            labels,
            logit_scale,
            clutter=every[label == CLUTTER],
            strangers=strangers if len(strangers) >= _LEAST else None,
            group=np.concatenate(objects)[known],
        )
    return rejection, measure_rejection(rejection, sides[1], features[1], labels, logit_scale)


def split_groups(groups: list[Group], seed: int) -> tuple[list[Group], list[Group]]:
    """Of every group the clouds to fit on, and those of the objects that are held back."""
    rng = np.random.default_rng(seed)
    fitted, back = [], []
    for group in groups:
        names, row = np.unique(group.object, return_inverse=True)
        out = (rng.permutation(len(names)) < HELD_BACK * len(names))[row]
        fitted.append(group.take(~out))
        back.append(group.take(out))
    return fitted, back


def measure_rejection(
    rejection: Rejection,
    groups: list[Group],
    features: list[FloatArray],
    labels: LabelSet,
    logit_scale: float,
) -> list[Figures]:
    """Figures on clouds that it was not fitted on: known things of all groups first, then kind by kind.

    features: [N, D] of each group.
    """
    judge = Judge(rejection, labels.text_features, labels.text_features, logit_scale)
    judged = [_Judged.of(judge, labels, logit_scale, *pair) for pair in zip(groups, features, strict=True)]
    known = _Judged.joined([each.take(each.label >= 0) for each in judged])
    found = [_of_known("all", known)] if len(known.label) else []
    for group, each in zip(groups, judged, strict=True):
        for kind, rows in (
            ("known", each.label >= 0),
            ("strangers", each.label == STRANGER),
            ("clutter", each.label == CLUTTER),
        ):
            if not rows.any():
                continue
            mine = each.take(rows)
            found.append(
                _of_known(group.name, mine) if kind == "known" else _of_others(group.name, kind, mine, known)
            )
    return found


def checkpoint_encoder(checkpoint: Checkpoint, cache: Path | None, device: torch.device | str) -> Encode:
    """Features by a checkpoint's encoders and head; those of the views are kept in the cache."""

    def encode(points: FloatArray, name: str) -> FloatArray:
        clouds = LabelledClouds(name, points, np.zeros(len(points), dtype=np.int64), ("thing",))
        per_view = [
            cached_view_features(encoder, clouds, checkpoint.views, checkpoint.spec, cache, device=device)
            for encoder in checkpoint.model.used_encoders
        ]
        return head_features(checkpoint.model.head, per_view)

    return encode


def engine_encoder(engine: Path, manifest: Manifest) -> Encode:
    """Features by an .onnx engine, on the CPU. Raises EngineError."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # waiting threads sleep
    try:
        session = onnxruntime.InferenceSession(str(engine), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime has no common base class for its errors
        raise EngineError(
            f"ONNX Runtime cannot load it: {reason_of(error)}", "give an .onnx made by c2p-export", engine
        ) from error

    def encode(points: FloatArray, name: str) -> FloatArray:
        size = min(_ENGINE_BATCH, manifest.batch.max)
        found = []
        with progress.task(f"encoding {name}", len(points)) as task:
            for depth in depth_batches(points, manifest.views, manifest.spec, size):
                found.append(session.run([manifest.output_name], {manifest.input_name: depth})[0])
                task.advance(len(depth))
        features = np.concatenate(found) if found else np.empty((0, manifest.labels.dim), dtype=np.float32)
        if features.shape[1:] != (manifest.labels.dim,) or not np.isfinite(features).all():
            raise EngineError("gives features that are not finite, or not as wide as its labels", path=engine)
        return features

    return encode


@dataclass(frozen=True)
class _Judged:
    """What a judge says of clouds [N], beside the truth."""

    label: npt.NDArray[np.int64]
    right: npt.NDArray[np.bool_]
    confidence: npt.NDArray[np.float64]
    clutter: npt.NDArray[np.float64]
    novel: npt.NDArray[np.float64]

    @staticmethod
    def of(judge: Judge, labels: LabelSet, logit_scale: float, group: Group, features: FloatArray) -> _Judged:
        scores = label_scores(features, labels.text_features, logit_scale)
        return _Judged(group.label, scores.argmax(axis=1) == group.label, *judge.measure(features, scores))

    @staticmethod
    def joined(parts: list[_Judged]) -> _Judged:
        names = ("label", "right", "confidence", "clutter", "novel")
        return _Judged(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    def take(self, rows: npt.NDArray[np.bool_]) -> _Judged:
        return _Judged(
            self.label[rows], self.right[rows], self.confidence[rows], self.clutter[rows], self.novel[rows]
        )

    @property
    def named(self) -> npt.NDArray[np.bool_]:
        return (self.clutter <= 0) & (self.novel <= 0)


def clutter_of(side: list[Group], seed: int) -> Group:
    """Clutter made of the known things of one side of the split."""
    points = np.concatenate([group.points[group.label >= 0] for group in side])
    label = np.concatenate([group.label[group.label >= 0] for group in side])
    if len(points) < _LEAST:
        raise C2PError(
            f"{len(points)} clouds of things that the model has labels for are too few", "give more of them"
        )
    made, _ = clutter_clouds(points, label, round(_CLUTTER_SHARE * len(points)), seed)
    return Group("made-up clutter", made, np.full(len(made), CLUTTER), np.arange(len(made)))


def _of_known(name: str, mine: _Judged) -> Figures:
    enough = len(mine.label) >= _LEAST
    return Figures(
        name,
        "known",
        len(mine.label),
        float(mine.named.mean()),
        top1=float(mine.right.mean()),
        named_of_right=float(mine.named[mine.right].mean()) if mine.right.any() else None,
        calibration_error=calibration_error(mine.confidence, mine.right) if enough else None,
    )


def _of_others(name: str, kind: str, mine: _Judged, known: _Judged) -> Figures:
    """Strangers are told from known things by the one detector, clutter by the other."""
    enough = min(len(mine.label), len(known.label)) >= _LEAST
    ours, theirs = (known.novel, mine.novel) if kind == "strangers" else (known.clutter, mine.clutter)
    return Figures(
        name,
        kind,
        len(mine.label),
        float(mine.named.mean()),
        auroc=auroc(ours, theirs) if enough else None,
        false_positives=false_positive_rate(ours, theirs) if enough else None,
    )
