"""The signals of doubt: what the cosines with the labels tell of how well a feature fits one of them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from c2p_deploy.projection.spec import FloatArray

Array = npt.NDArray[np.float64]

# Columns of what `signals` gives. cosine: of the feature, as long as it is, with the best label's text
# feature; log_odds: of the best label in the softmax over labels and rivals; length: of the feature, short
# where the views disagree.
SIGNALS = ("cosine", "log_odds", "length")
_SAME = 0.95  # cosine of text features above which names mean the same; car and truck have 0.933
_MOST_LOG_ODDS = 20.0  # beyond that a float32 softmax is 0 or 1
_AT_ONCE = 4096  # labels that are compared with the rivals at once


def signals(
    features: FloatArray, cosine: FloatArray, share: FloatArray, rivals: FloatArray, logit_scale: float
) -> Array:
    """The signals [N, S] of features, columns as in `SIGNALS`.

    features: float32 [N, D]; cosine: float32 [N], of each with its best label, as long as it is; share:
    float32 [N], of that label in the softmax over the labels, or NaN where there is no other; rivals:
    float32 [R, D], text features of what a thing may be instead. With neither other labels nor rivals the log
    odds are NaN.
    """
    length = np.sqrt(np.einsum("nd,nd->n", features, features))
    # What all others have together beside the best label, of which the softmax over labels has one part.
    alone = np.isnan(share)
    rest = np.where(alone, 0.0, 1 / np.maximum(share.astype(np.float64), 1e-9) - 1)
    if len(rivals):
        beside = logit_scale * (features @ rivals.T - cosine[:, None])  # [N, R]
        rest += np.exp(np.minimum(beside, 2 * _MOST_LOG_ODDS)).sum(axis=1)
    log_odds = np.clip(-np.log(np.maximum(rest, 1e-12)), -_MOST_LOG_ODDS, _MOST_LOG_ODDS)
    if not len(rivals):
        log_odds[alone] = np.nan
    return np.column_stack((cosine, log_odds, length)).astype(np.float64)


def share_of(scores: FloatArray) -> FloatArray:
    """What `signals` takes for a share, of scores [N, C] over the labels: NaN where there is one label."""
    return np.asarray(scores.max(axis=1) if scores.shape[1] > 1 else np.full(len(scores), np.nan, np.float32))


def filled(found: Array, typical: Array) -> Array:
    """Signals [N, S], with `typical` [S] of them where one has nothing to tell."""
    return np.where(np.isnan(found), typical, found)


def rivals_of(labels: FloatArray, known: FloatArray) -> tuple[FloatArray, bool]:
    """Those text features [R, D] of `known` [K, D] that mean something else than all of `labels` [C, D].

    And whether any of `labels` means something else than all of `known`.
    """
    nearest, has_new = np.full(len(known), -1.0, dtype=np.float32), False
    for start in range(0, len(labels), _AT_ONCE):
        cosines = known @ labels[start : start + _AT_ONCE].T
        nearest = np.maximum(nearest, cosines.max(axis=1))
        has_new |= bool((cosines.max(axis=0) < _SAME).any())
    return np.ascontiguousarray(known[nearest < _SAME]), has_new
