"""Figures of merit of a rejection: how well known things and others are told apart, and is it honest.

AUROC, the false positive rate at 95 % recall (Hendrycks & Gimpel, arXiv 1610.02136; Liang et al., arXiv
1706.02690) and the expected calibration error (Guo et al., arXiv 1706.04599).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating]
_BINS = 10


def auroc(known: Array, others: Array) -> float:
    """The chance that one of `others` [M] gets a higher score than one of `known` [N]; ties count half."""
    order = np.sort(known)
    below = np.searchsorted(order, others, side="left")
    level = np.searchsorted(order, others, side="right") - below
    return float((below + level / 2).mean() / len(known))


def false_positive_rate(known: Array, others: Array, recall: float = 0.95) -> float:
    """The share of `others` [M] that pass where the share `recall` of `known` [N] passes; high scores are
    rejected."""
    return float((others <= np.quantile(known, recall)).mean())


def calibration_error(confidence: Array, right: npt.NDArray[np.bool_], bins: int = _BINS) -> float:
    """Expected calibration error, in [0, 1]: mean distance of confidence [N] and share of right answers [N].

    Over bins of equal width, each weighted by its size. Few clouds make it larger than it is.
    """
    which = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    total = 0.0
    for index in np.unique(which):
        mine = which == index
        total += float(abs(confidence[mine].mean() - right[mine].mean()) * mine.mean())
    return total
