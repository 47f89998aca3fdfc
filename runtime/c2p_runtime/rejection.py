"""When a classifier says "unknown": the judge of its labels, and names impossible at the size of a cloud."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from time import perf_counter

import numpy as np
import numpy.typing as npt

from c2p_deploy import LabelSet, Manifest
from c2p_deploy.errors import OptionError
from c2p_deploy.json_file import shown
from c2p_deploy.labels.names import row_of, rows_of
from c2p_deploy.projection.prepare import finite_points
from c2p_deploy.projection.spec import FloatArray
from c2p_deploy.rejection import Judge, Judgement
from c2p_deploy.rejection.judge import IMPOSSIBLE_SIZE, NOVEL, UNSURE
from c2p_deploy.scores import softmax
from c2p_deploy.taught_scores import ODDS_AT_BAR, TaughtScores
from c2p_runtime.prediction import Prediction

_MEASURED_POINTS = 4096  # of a larger cloud every so manyth is looked at
_STRAYS = 1.0  # percent of the points at either end of an axis that do not count

# Features [N, D], scores [N, C] and what stands for the cosine of the best label [N].
Judging = Callable[[FloatArray, FloatArray, FloatArray | None], list[Judgement]]


def judge_for(manifest: Manifest, labels: LabelSet, scores: object, *, always_answer: bool) -> Judging | None:
    """What judges answers with these labels; None for an engine without a rejection.

    scores: what scores the labels, where that is more than their text features.
    """
    if manifest.rejection is None:
        return None
    text, own = labels.text_features, manifest.labels.text_features
    judge: Judging = Judge(manifest.rejection, text, own, manifest.logit_scale)
    if isinstance(scores, TaughtScores):
        judge = partial(_judged_by_clouds, judge, scores)
    if not always_answer:
        return judge
    return lambda *given: [replace(each, reason=None) for each in judge(*given)]


def judged(predictions: Sequence[Prediction], judge: Judging) -> list[Prediction]:
    """The predictions with what the judge thinks of them; that counts as scoring."""
    started = perf_counter()
    features, scores = (np.stack([getattr(p, name) for p in predictions]) for name in ("features", "scores"))
    judgements = judge(features, scores, None)
    took = 1e3 * (perf_counter() - started) / len(predictions)
    found = []
    for prediction, judgement in zip(predictions, judgements, strict=True):
        timing = dict(prediction.timing_ms)
        timing["score"] += took
        timing["total"] += took
        found.append(replace(prediction, timing_ms=timing, judgement=judgement))
    return found


def _judged_by_clouds(
    judge: Judging, taught: TaughtScores, features: FloatArray, scores: FloatArray, cosine: FloatArray | None
) -> list[Judgement]:
    """As the judge, but for answers that were taught: is it as like the clouds shown as these to each other?

    Then it is neither clutter nor new. The confidence is a score against all words, offered or not, and not
    calibrated.
    """
    found = judge(features, scores, cosine)
    best = scores.argmax(axis=1)
    for index, odds in enumerate(taught.odds_of_thing(features, best)):
        if np.isfinite(odds):
            sure = float(scores[index, best[index]] / (1 + np.exp(-odds)))
            found[index] = Judgement(sure, None if odds >= ODDS_AT_BAR else NOVEL)
    return found


def has_limits(manifest: Manifest, labels: LabelSet) -> bool:
    """Whether the engine knows for any of the labels how large such a thing can be."""
    known = {name.lower() for name in manifest.size_limits or {}}
    return any(name.lower() in known for name in labels.names)


class SizeCheck:
    """Leaves out names that are impossible at the size of a cloud in metres."""

    def __init__(self, manifest: Manifest, labels: LabelSet, judge: Judging | None) -> None:
        """Raises OptionError for an engine without size limits for any of the labels."""
        known = {name.lower(): limit for name, limit in (manifest.size_limits or {}).items()}
        if not has_limits(manifest, labels):
            raise OptionError(
                "the engine has no size limits for these labels", "leave the unit out (c2p-run: --metric)"
            )
        bounds = np.array([known.get(name.lower(), (0.0, np.inf)) for name in labels.names])  # [C, 2]
        self._least, self._most = bounds[:, 0], bounds[:, 1]
        self._text, self._logit_scale, self._judge = labels.text_features, manifest.logit_scale, judge

    def __call__(self, prediction: Prediction, points: npt.ArrayLike) -> Prediction:
        """The same prediction where its best name is possible.

        Else one over the names that are possible, as if no other were offered; where none is, or the judge
        rejects the best of them, it has no label, and the reason "impossible size".
        """
        extent = largest_extent(points)
        possible = (self._least <= extent) & (extent <= self._most)
        if possible[int(prediction.scores.argmax())]:
            return prediction
        if not possible.any():
            return replace(prediction, judgement=Judgement(0.0, IMPOSSIBLE_SIZE))
        logits = np.where(possible, self._logit_scale * (self._text @ prediction.features), -np.inf)
        scores = softmax(logits.astype(np.float32))
        if self._judge is None:
            return replace(prediction, scores=scores)
        judgement = self._judge(prediction.features[None], scores[None], None)[0]
        if judgement.reason is not None:
            judgement = replace(judgement, reason=IMPOSSIBLE_SIZE)
        return replace(prediction, scores=scores, judgement=judgement)


OTHERS = "*"  # stands for every label that has no bar of its own


class ConfidenceBar:
    """Takes away labels of less confidence than is wanted, for all labels or for each."""

    def __init__(self, least: float | Mapping[str, float]) -> None:
        """least: in [0, 1], or by label; "*" is for those not named. Raises OptionError."""
        self._least = dict(least) if isinstance(least, Mapping) else {OTHERS: least}
        for name, value in self._least.items():
            number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
            if not isinstance(name, str) or not number or not 0 <= value <= 1:
                wanted = "a number from 0 to 1, or such numbers by label"
                raise OptionError(f"min_confidence must be {wanted}, got {shown(least)}")

    def unknown(self, labels: LabelSet) -> list[str]:
        """The names that are none of these labels."""
        rows = rows_of(labels.names)
        return [name for name in self._least if name != OTHERS and row_of(name, rows) is None]

    def by_label(self, labels: LabelSet) -> npt.NDArray[np.float64] | None:
        """The least confidence of each label [C]; None where any will do."""
        rows = rows_of(labels.names)
        bars = np.full(len(labels), float(self._least.get(OTHERS, 0.0)))
        for name, value in self._least.items():
            if name != OTHERS and (row := row_of(name, rows)) is not None:
                bars[row] = value
        return bars if bars.any() else None


def held_to(bars: npt.NDArray[np.float64], prediction: Prediction) -> Prediction:
    """The same prediction, without its label where its confidence is below the bar of that label [C]."""
    sure = prediction.confidence
    if prediction.reason is not None or sure >= bars[int(prediction.scores.argmax())]:
        return prediction
    return replace(prediction, judgement=Judgement(sure, UNSURE))


def largest_extent(points: npt.ArrayLike) -> float:
    """Of points [N, 3], the longest side of their box along the axes, without a percent at each end."""
    cloud = finite_points(points)
    some = cloud[:: -(-len(cloud) // _MEASURED_POINTS)]
    low, high = np.percentile(some, (_STRAYS, 100 - _STRAYS), axis=0)
    return float((high - low).max())
