"""When a taught head says "unknown": a rejection fitted on the very clouds that it learns from.

How sure a head is of clouds that it learned from tells nothing. So in turn some of every class are left out,
and a head that learned from the others says what it thinks of them: for the closed form, seconds.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from c2p_deploy import LabelSet
from c2p_deploy.fewshot import folds
from c2p_deploy.projection.spec import FloatArray
from c2p_deploy.rejection import Rejection, fit_rejection
from c2p_train.datasets.clutter import clutter_clouds
from c2p_train.datasets.labelled_clouds import LabelledClouds
from c2p_train.evaluate.features import ViewFeatures
from c2p_train.evaluate.scoring import head_features
from c2p_train.learn.ridge import RidgeHead, fit_head
from c2p_train.model.heads import Ridge

LEAST_CLOUDS = 30  # in all; of fewer, detectors would be anybody's guess
_FOLDS = 5
_MANY = 2000  # clouds of which a fifth is enough: five fits to so many would take minutes
_CLUTTER_SHARE = 0.8  # pieces of clutter for each thing
_MOST_CLUTTER = 500


def fit_shots_rejection(
    shots: ViewFeatures,
    fitted: RidgeHead,
    labels: LabelSet,
    wordless: npt.NDArray[np.bool_] | None,
    clutter: ViewFeatures,
    start: Rejection | None = None,
) -> Rejection | None:
    """The rejection of a head that `fit_head` made of these shots; None where they are too few for one.

    shots, labels, wordless: what the head was made of; clutter: features of clouds that are no object
    (`c2p_train.datasets.clutter`), which no head has seen; start: the rejection that the encoders came with.
    Every class needs two clouds, and all together `LEAST_CLOUDS`. Strangers there are none: every class
    plays one in turn, its own label left out.
    """
    counts = np.bincount(shots.label, minlength=len(labels))
    if len(shots) < LEAST_CLOUDS or counts.min() < 2:
        return None
    turns = folds(shots.label, _FOLDS)
    if len(shots) > _MANY:
        turns = turns[:1]
    known = []
    for rows in turns:
        rest = np.setdiff1d(np.arange(len(shots)), rows)
        head = fit_head(shots.take(rest), labels.text_features, wordless).head
        known.append(ridge_features(head, shots.take(rows)))
    return fit_rejection(
        np.concatenate(known),
        shots.label[np.concatenate(turns)],
        labels,
        fitted.logit_scale,
        clutter=ridge_features(fitted.head, clutter),
        start=start,
    )


def clutter_of(clouds: LabelledClouds, seed: int = 0) -> LabelledClouds:
    """Clouds that are no object, made of those that there are to learn from."""
    count = min(round(_CLUTTER_SHARE * len(clouds)), _MOST_CLUTTER)
    made, kinds = clutter_clouds(clouds.points, clouds.label, count, seed)
    return LabelledClouds(f"clutter of {clouds.name}", made, np.zeros(len(kinds), np.int64), ("clutter",))


def ridge_features(head: Ridge, clouds: ViewFeatures) -> FloatArray:
    """Features [N, D] of a head from those of the views."""
    return head_features(head, [clouds.depth] if clouds.image is None else [clouds.depth, clouds.image])
