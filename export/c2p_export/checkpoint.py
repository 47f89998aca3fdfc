"""The checkpoint that is exported: read, given its labels, and run itself. Needs torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from c2p_deploy import DepthSpec, LabelSet, ViewSet, progress
from c2p_deploy.errors import C2PError, LabelError, UnknownLabelError
from c2p_deploy.files import sha256_of
from c2p_deploy.labels import PAPER_TEMPLATE, choose_labels, label_names, templates_of
from c2p_deploy.projection.spec import FloatArray
from c2p_train.model.checkpoint import Checkpoint
from c2p_train.model.clip2point import CLIP2Point
from c2p_train.model.import_official import open_checkpoint
from c2p_train.model.text_encoder import load_text_encoder, text_features

if TYPE_CHECKING:
    import open_clip

    Clip = tuple[open_clip.CLIP, open_clip.SimpleTokenizer]

_AT_ONCE = 8  # clouds per call of the model in torch


@dataclass(frozen=True)
class Source:
    """What is exported. Raises LabelError for a checkpoint without labels."""

    checkpoint: Checkpoint  # with the labels that were asked for
    digest: str  # SHA-256 of its file
    clip: Clip | None = None  # a CLIP model and its tokenizer, whose text tower is to go along

    def __post_init__(self) -> None:
        if self.checkpoint.labels is None:
            raise LabelError(
                "has no labels yet",
                "give some: --labels LABELS.json (of c2p-train labels), or --labels NAMES with "
                "--text-encoder",
            )

    @property
    def labels(self) -> LabelSet:
        assert self.checkpoint.labels is not None  # as checked above
        return self.checkpoint.labels

    @property
    def views(self) -> ViewSet:
        return self.checkpoint.views

    @property
    def spec(self) -> DepthSpec:
        return self.checkpoint.spec


def read_source(path: Path, labels: str | None, text_encoder: tuple[str | None, str] | None) -> Source:
    """The checkpoint of a file, with its own labels or those asked for.

    labels: as `--labels` has them; text_encoder: model name (None where the file says it) and weights,
    as `load_text_encoder` takes them. Raises C2PError.
    """
    with progress.timed("read the checkpoint"):
        checkpoint = open_checkpoint(path)
        digest = sha256_of(path)
    clip = None
    if text_encoder is not None:
        with progress.timed("read the text encoder"):
            clip = load_text_encoder(*text_encoder)
        _check_width(clip, checkpoint, text_encoder[1])
    if labels is not None:
        found = _labels(checkpoint.labels, labels, clip, path)
        try:
            checkpoint = checkpoint.with_labels(found)
        except C2PError as error:  # a label set made with another CLIP
            raise error.at(labels) from error
    try:
        return Source(checkpoint, digest, clip)
    except LabelError as error:
        raise error.at(path) from error


def reference_features(model: CLIP2Point, depth: FloatArray) -> FloatArray:
    """Features float32 [N, D] as the checkpoint itself gives them, for maps [N, V, S, S]."""
    with torch.inference_mode():
        parts = [
            model(torch.from_numpy(depth[start : start + _AT_ONCE])).numpy()
            for start in range(0, len(depth), _AT_ONCE)
        ]
    return np.concatenate(parts)


def _check_width(clip: Clip, checkpoint: Checkpoint, weights: str) -> None:
    """Raises C2PError for a text tower whose features the model's cannot be compared with."""
    dim, wanted = text_features(("thing",), ("{}",), *clip).shape[1], checkpoint.model.depth_encoder.embed_dim
    if dim != wanted:
        raise C2PError(
            f"gives features of {dim}, which do not fit a model of {wanted}",
            "give --text-encoder the CLIP that the model was trained with",
            weights,
        )


def _labels(known: LabelSet | None, wanted: str, clip: Clip | None, path: Path) -> LabelSet:
    """The label set of a file, or of names whose features the checkpoint or the text encoder knows."""
    if Path(wanted).suffix.lower() == ".json":
        return LabelSet.load(wanted)
    names = label_names(wanted)
    if not names:
        raise LabelError(f"--labels {wanted!r}: holds no name", "give names separated by commas, or a file")
    if known is not None:
        try:
            return choose_labels(known, wanted)
        except UnknownLabelError as error:
            if clip is None:
                remedy = f"{error.remedy}, or let --text-encoder make one"
                raise LabelError(error.problem, remedy, error.path) from error
    if clip is None:
        raise LabelError("knows no words", "add --text-encoder, or give --labels a label set .json", path)
    templates = (PAPER_TEMPLATE,) if known is None else templates_of(known)
    return LabelSet(names, text_features(names, templates, *clip), " | ".join(templates))
