"""The signals of doubt: few numbers that tell how well a feature fits what is known.

Some depend on the labels that are offered, and follow them when they change: the cosine with the best of them,
and how far it is ahead. The others depend on the encoder alone: where its features lie for things it was
trained on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from c2p_deploy.projection.spec import FloatArray

Array = npt.NDArray[np.float64]

# Columns of what `signals` gives.
SIGNALS = ("cosine", "margin", "log_odds", "length", "distance", "residual")
_SAME = (
    0.95  # cosine of text features above which names mean the same: the nearest of different ones have 0.934
)
_MOST_LOG_ODDS = 20.0  # beyond that a float32 softmax is 0 or 1


@dataclass(frozen=True, eq=False)
class Region:
    """Where features of known things lie: classes in a subspace, all with the same spread.

    directions: float32 [r, D], orthonormal rows; spread: float32 [r], standard deviation within a class along
    each; centres: float32 [K, r], the classes' means.
    """

    directions: FloatArray
    spread: FloatArray
    centres: FloatArray

    def signals(self, unit: Array) -> Array:
        """[N, 2] of unit features [N, D]: distance to the nearest class, and what lies outside the subspace.

        The distance is Mahalanobis' within the subspace, divided by sqrt(r).
        """
        inside = unit @ self.directions.T  # [N, r]
        residual = np.sqrt(np.maximum((unit * unit).sum(axis=1) - (inside * inside).sum(axis=1), 0.0))
        scaled, centres = inside / self.spread, self.centres / self.spread
        squared = (
            (scaled**2).sum(axis=1)[:, None] + (centres**2).sum(axis=1) - 2 * scaled @ centres.T
        )  # [N, K]
        nearest = np.sqrt(np.maximum(squared.min(axis=1), 0.0) / len(self.spread))
        return np.column_stack((nearest, residual))


def signals(
    features: FloatArray,
    scores: FloatArray,
    text_features: FloatArray,
    others: FloatArray,
    logit_scale: float,
    region: Region,
) -> tuple[Array, npt.NDArray[np.int64]]:
    """The signals [N, S], columns as `SIGNALS` names them, and the best label [N] of each feature.

    features: float32 [N, D]; scores: float32 [N, C], their softmax over the labels; text_features: float32
    [C, D] of the labels; others: float32 [O, D], text features of things known but not offered. Margin and log
    odds are NaN where there is one label and no other.
    """
    given = features.astype(np.float64)
    length = np.sqrt(np.einsum("nd,nd->n", given, given))
    unit = given / length[:, None]
    rows = np.arange(len(given))
    best = scores.argmax(axis=1)
    cosine = np.einsum("nd,nd->n", unit, text_features[best])  # of the best label
    against = (
        logit_scale * length[:, None] * (unit @ others.T - cosine[:, None])
    )  # logits [N, O] beside the best's
    share = scores[rows, best].astype(np.float64)
    # Softmax over labels and others, from the softmax over labels: sum of exponentials relative to the best's.
    rest = 1 / np.maximum(share, 1e-9) - 1 + np.exp(np.minimum(against, 50.0)).sum(axis=1)
    alone = scores.shape[1] == 1 and len(others) == 0
    with np.errstate(divide="ignore"):
        log_odds = np.full(len(rest), np.nan) if alone else -np.log(rest)
        runner_up = np.full(len(rest), -np.inf)
        if scores.shape[1] > 1:
            second = np.partition(scores, -2, axis=1)[:, -2].astype(np.float64)
            runner_up = cosine + np.log(second / share) / (logit_scale * length)
    if len(others):
        runner_up = np.maximum(runner_up, cosine + against.max(axis=1) / (logit_scale * length))
    margin = np.full(len(rest), np.nan) if alone else cosine - runner_up
    columns = (cosine, np.minimum(margin, 2.0), np.clip(log_odds, -_MOST_LOG_ODDS, _MOST_LOG_ODDS), length)
    return np.column_stack((*columns, region.signals(unit))), best


def unlike(text_features: FloatArray, labels: FloatArray) -> FloatArray:
    """Those of text features [O, D] that mean something else than all of the labels [C, D]: their rivals."""
    near = [
        (text_features @ labels[start : start + 4096].T).max(axis=1) for start in range(0, len(labels), 4096)
    ]
    return np.ascontiguousarray(text_features[np.max(near, axis=0) < _SAME])
