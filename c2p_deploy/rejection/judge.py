"""`Judge`: features and scores in, confidence and the reason for a rejection out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from c2p_deploy.projection.spec import FloatArray
from c2p_deploy.rejection.rejection import Rejection
from c2p_deploy.rejection.signals import Array, filled, rivals_of, share_of, signals

CLUTTER, NOVEL, TOO_FEW_POINTS, IMPOSSIBLE_SIZE = "clutter", "novel", "too few points", "impossible size"
UNSURE = "unsure"  # less than the confidence that its user wants
REASONS = (CLUTTER, NOVEL, TOO_FEW_POINTS, IMPOSSIBLE_SIZE, UNSURE)
_MOST_LOGIT = 30.0
_BEATEN = 1.0  # log odds of being new, at least, where a rival is ahead


@dataclass(frozen=True)
class Judgement:
    """What to think of an answer.

    confidence: probability that it is right, in [0, 1]; reason: why it should not be given, one of `REASONS`,
    or None.
    """

    confidence: float
    reason: str | None = None


class Judge:
    """A `Rejection` for the labels that are offered; some ten microseconds a cloud."""

    def __init__(
        self, rejection: Rejection, text_features: FloatArray, own: FloatArray, logit_scale: float
    ) -> None:
        """text_features: float32 [C, D] of the labels; own: [K, D] of those that the engine came with.

        Those of its own that are not offered stay rivals: shown a chair, an engine that is asked for mugs and
        drills has to say that it is neither.
        """
        self._rejection, self._text, self._logit_scale = rejection, text_features, logit_scale
        # A name the engine came with has its text feature among its own; else it is a word new to it.
        self._rivals, self._new_words = rivals_of(text_features, own)

    def __call__(
        self, features: FloatArray, scores: FloatArray, cosine: FloatArray | None = None
    ) -> list[Judgement]:
        """Of features float32 [N, D] whose scores over the labels are float32 [N, C], their softmax.

        cosine: [N], of each feature with its best label, where labels are scored by more than a product with
        their text features.
        """
        confidence, clutter, novel = self.measure(features, scores, cosine)
        return [
            Judgement(float(sure), CLUTTER if is_clutter > 0 else NOVEL if is_novel > 0 else None)
            for sure, is_clutter, is_novel in zip(confidence, clutter, novel, strict=True)
        ]

    def measure(
        self, features: FloatArray, scores: FloatArray, cosine: FloatArray | None = None
    ) -> tuple[Array, Array, Array]:
        """Confidence [N] in [0, 1], and how much each looks like clutter [N] and novel [N]: above 0 it is."""
        rejection, rivals = self._rejection, self._rivals
        if cosine is None:
            cosine = np.einsum("nd,nd->n", features, self._text[scores.argmax(axis=1)])
        found = signals(features, cosine, share_of(scores), rivals, self._logit_scale)
        found = filled(found, rejection.typical)
        rows = rows_of(features, found)
        novel = applied(rejection.new_words, found) if self._new_words else applied(rejection.novelty, rows)
        if len(rivals):  # what is more like a name that is not offered is none of those that are
            beaten = (features @ rivals.T).max(axis=1) > cosine
            novel = np.where(beaten, np.maximum(novel, _BEATEN), novel)
        clutter = applied(rejection.clutter, rows[:, : rejection.dim])
        logit = np.clip(applied(rejection.confidence, found), -_MOST_LOGIT, _MOST_LOGIT)
        return 1 / (1 + np.exp(-logit)), clutter, novel


def rows_of(features: FloatArray, found: Array) -> Array:
    """What the detectors look at, [N, D + S]: features of unit length, and their signals."""
    length = np.sqrt(np.einsum("nd,nd->n", features, features))[:, None]
    return np.concatenate((features / length, found), axis=1)


def applied(weights: npt.NDArray[np.floating], rows: Array) -> Array:
    """Weights [S + 1], the bias last, of rows [N, S]: [N]."""
    return np.asarray(rows @ weights[:-1] + weights[-1])
