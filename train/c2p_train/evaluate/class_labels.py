"""Which text features a checkpoint is evaluated with: those of the data set's own classes."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

from c2p_deploy import LabelSet
from c2p_deploy.errors import LabelError, UnknownLabelError
from c2p_deploy.labels import choose_labels
from c2p_train.datasets.labelled_clouds import LabelledClouds
from c2p_train.model.checkpoint import Checkpoint

_SAME = 0.999  # cosine of text features that are one
_REMEDY = "make text features with c2p-train labels and give them with --labels"


def known_labels(checkpoint: Checkpoint, given: LabelSet | None) -> LabelSet:
    """`given`, or else the checkpoint's labels. Raises LabelError for none, or of another width."""
    known = given if given is not None else checkpoint.labels
    if known is None:
        raise LabelError("the checkpoint has no labels", _REMEDY)
    width = checkpoint.model.depth_encoder.embed_dim
    if known.dim != width:
        raise LabelError(
            f"text features have {known.dim} dimensions, the checkpoint's features {width}",
            "make the label set with the CLIP the checkpoint was trained with",
        )
    return known


def labels_for(checkpoint: Checkpoint, clouds: LabelledClouds, given: LabelSet | None) -> LabelSet:
    """The text features of the data set's classes, out of `known_labels`.

    Raises what that raises, and UnknownLabelError when a class has no text feature.
    """
    known = known_labels(checkpoint, given)
    try:
        return known.subset(clouds.classes)
    except UnknownLabelError as error:
        raise UnknownLabelError(error.problem, _REMEDY, clouds.name, names=error.names) from error


def labels_to_teach(
    checkpoint: Checkpoint, clouds: LabelledClouds, given: LabelSet | None
) -> tuple[LabelSet, npt.NDArray[np.bool_]]:
    """A label set of the data set's classes, and which of them have no text feature: bool [C].

    Words that neither `given` nor the checkpoint knows are looked up in the word bank. A class without any
    text feature, or with that of a class before it, gets a direction of its own that follows from the name
    and means nothing: random, and so nearly at right angles to all others. Raises what `known_labels` raises.
    """
    known = known_labels(checkpoint, given)
    rows = np.empty((len(clouds.classes), known.dim), dtype=np.float32)
    wordless = np.zeros(len(rows), dtype=bool)
    for c, name in enumerate(clouds.classes):
        try:
            rows[c] = choose_labels(known, [name]).text_features[0]
            wordless[c] = bool((rows[:c] @ rows[c] > _SAME).any())
        except UnknownLabelError:
            wordless[c] = True
        if wordless[c]:
            seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
            row = np.random.default_rng(seed).normal(size=known.dim)
            rows[c] = row / np.linalg.norm(row)
    return LabelSet(clouds.classes, rows, known.template), wordless
