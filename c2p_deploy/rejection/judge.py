"""`Judge`: features and scores in, confidence and the reason for a rejection out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from c2p_deploy.labels import LabelSet
from c2p_deploy.projection.spec import FloatArray
from c2p_deploy.rejection.rejection import Rejection
from c2p_deploy.rejection.signals import Array, signals, unlike

CLUTTER, NOVEL, TOO_FEW_POINTS, IMPOSSIBLE_SIZE = "clutter", "novel", "too few points", "impossible size"
REASONS = (CLUTTER, NOVEL, TOO_FEW_POINTS, IMPOSSIBLE_SIZE)


@dataclass(frozen=True)
class Judgement:
    """What to think of an answer. confidence: calibrated probability that it is right, in [0, 1]; reason: why
    it should not be given, one of `REASONS`, or None."""

    confidence: float
    reason: str | None = None


class Judge:
    """A `Rejection` for the labels that are offered. Costs some microseconds a cloud."""

    def __init__(self, rejection: Rejection, labels: LabelSet, own: LabelSet, logit_scale: float) -> None:
        """own: the labels that the engine came with; those that are not offered stay rivals."""
        self._rejection, self._text = rejection, labels.text_features
        self._logit_scale = logit_scale
        known = (
            [own.text_features]
            if rejection.others is None
            else [own.text_features, rejection.others.text_features]
        )
        self._others = unlike(np.concatenate(known), self._text)

    def __call__(self, features: FloatArray, scores: FloatArray) -> list[Judgement]:
        """Of features float32 [N, D] whose scores over the labels are float32 [N, C]."""
        found, _ = signals(
            features, scores, self._text, self._others, self._logit_scale, self._rejection.region
        )
        confidence, clutter, novel = verdicts(self._rejection, features, found)
        return [
            Judgement(float(c), CLUTTER if is_clutter > 0 else NOVEL if is_novel > 0 else None)
            for c, is_clutter, is_novel in zip(confidence, clutter, novel, strict=True)
        ]


def verdicts(rejection: Rejection, features: FloatArray, found: Array) -> tuple[Array, Array, Array]:
    """Confidence [N], and how much is clutter and novel [N]: above 0 it is. found: of `signals`."""
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    clutter = unit @ rejection.clutter[:-1] + rejection.clutter[-1]
    standard = (found - rejection.centre) / rejection.scale
    standard = np.where(np.isnan(standard), 0.0, standard)  # nothing to compare with says nothing
    novel = standard @ rejection.novelty[:-1] + rejection.novelty[-1]
    logit = standard @ rejection.confidence[:-1] + rejection.confidence[-1]
    return 1 / (1 + np.exp(-np.clip(logit, -30, 30))), clutter, novel
