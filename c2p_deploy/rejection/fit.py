"""Fitting a `Rejection` on features: logistic regressions by a few Newton steps, in NumPy."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from c2p_deploy.errors import C2PError
from c2p_deploy.labels import LabelSet
from c2p_deploy.projection.spec import FloatArray
from c2p_deploy.rejection.judge import applied, rows_of
from c2p_deploy.rejection.rejection import Rejection
from c2p_deploy.rejection.signals import Array, filled, share_of, signals
from c2p_deploy.scores import softmax

_FOLDS = 5  # limits are set on features that the weights have not seen
_NEWTON_STEPS = 15
_HEAD_RIDGE = 30.0  # of the weights of features and signals, all scaled to unit variance
_SIGNAL_RIDGE = 1.0  # of the weights of signals alone
_LEAST_SPREAD = 1e-3  # standard deviation below which a signal tells nothing


def fit_rejection(
    known: FloatArray,
    label: npt.NDArray[np.int64],
    labels: LabelSet,
    logit_scale: float,
    *,
    clutter: FloatArray | None,
    strangers: FloatArray | None = None,
    left_out: FloatArray | None = None,
    group: npt.NDArray[np.int64] | None = None,
    start: Rejection | None = None,
    recall: float = 0.95,
) -> Rejection:
    """Detectors and calibration for the features of one engine and the labels it comes with.

    known: float32 [N, D], features of things that have one of `labels`, as the engine gives them for clouds
    that it was *not* trained on: how sure it is of clouds that it knows by heart tells nothing. label: int
    [N], which one. clutter: float32 [M, D], of what is no object (`c2p_train.datasets.clutter` makes some);
    None keeps the detector of `start`. strangers: float32 [T, D], of things that have none of the labels.
    Without them every thing plays the stranger once, its own label left out; then the detector knows the
    signals alone.
    left_out: float32 [N, C], what stands for cosines of the known things, where their labels were made of
    these very features (few shots): by labels made without the thing itself.
    group: int [N], equal for views of one object, which then are never on both sides of a split.
    start: of an earlier fit to features of the same encoder, towards which all weights are drawn that the
    data leave open: with a few shots, nearly all of them. Its limits are set anew.
    recall: share of known things that no detector may reject; reached on folds that were left out.

    Seconds for some thousand features, milliseconds for a few. Raises C2PError for too few, and for a `start`
    of other features.
    """
    dim = known.shape[1]
    if len(known) < _FOLDS or (clutter is not None and len(clutter) < _FOLDS):
        raise C2PError(
            f"{len(known)} things and {0 if clutter is None else len(clutter)} pieces of clutter are too few "
            "to fit a rejection on",
            f"give at least {_FOLDS} of each",
        )
    if clutter is None and start is None:
        raise C2PError("without clutter there has to be a rejection to start from", "give either")
    if start is not None and start.dim != dim:
        raise C2PError(f"the rejection to start from is for features of {start.dim}, these have {dim}")
    text = labels.text_features
    cosines = known @ text.T if left_out is None else left_out  # [N, C]
    found = _measured(known, cosines, logit_scale)
    typical = np.where(np.isnan(found).any(axis=0), 0.0, found.mean(axis=0))
    found = filled(found, typical)  # of one label alone
    rows = rows_of(known, found)
    fold = _folds(np.arange(len(known)) if group is None else group)

    def detector(
        others: Array, chosen: slice, ridge: float, begin: npt.NDArray[np.floating] | None
    ) -> tuple[Array, Array]:
        """Weights that tell rows [M, D + S] from known ones, and what they say of a fold left out."""
        fitted = _two_sides(others[:, chosen], rows[:, chosen], ridge, begin)
        unseen = np.empty(len(rows))
        for number in np.unique(fold):
            out = fold == number
            weights = _two_sides(others[:, chosen], rows[~out][:, chosen], ridge, begin, fitted)
            unseen[out] = applied(weights, rows[out][:, chosen])
        return fitted, unseen

    def rows_like(features: FloatArray) -> Array:
        return rows_of(features, filled(_measured(features, features @ text.T, logit_scale), typical))

    if clutter is None:
        assert start is not None  # as checked above
        no_object = start.clutter.astype(np.float64)
        seen_as_clutter = applied(no_object, rows[:, :dim])
    else:
        begin = None if start is None else start.clutter
        no_object, seen_as_clutter = detector(rows_like(clutter), slice(0, dim), _HEAD_RIDGE, begin)
    begun: npt.NDArray[np.floating] | None = None if start is None else start.new_words
    only_signals = slice(dim, None)
    own_left_out = _own_label_left_out(known, label, cosines, logit_scale, typical)
    new = own_left_out if strangers is None else rows_like(strangers)
    new_words, seen_as_new_word = detector(new, only_signals, _SIGNAL_RIDGE, begun)
    if strangers is None:
        novelty, seen_as_novel = np.concatenate((np.zeros(dim), new_words)), seen_as_new_word
    else:
        begin = None if start is None else start.novelty
        novelty, seen_as_novel = detector(new, slice(None), _HEAD_RIDGE, begin)
    first, second = _limits(np.column_stack((seen_as_clutter, seen_as_novel)), recall)
    no_object[-1] -= first
    novelty[-1] -= second
    new_words[-1] -= _limits(np.column_stack((seen_as_clutter, seen_as_new_word)), recall)[1]
    begun = None if start is None else start.confidence
    right = cosines.argmax(axis=1) == label
    return Rejection(
        clutter=no_object.astype(np.float32),
        novelty=novelty.astype(np.float32),
        new_words=new_words,
        confidence=logistic_regression(found, right, _SIGNAL_RIDGE, begin=begun),
        typical=typical,
    )


def logistic_regression(
    rows: Array,
    positive: npt.NDArray[np.bool_],
    ridge: float,
    *,
    weight: Array | None = None,
    begin: npt.NDArray[np.floating] | None = None,
    near: Array | None = None,
) -> Array:
    """Weights [S + 1], the bias last, of P(positive) = sigmoid(rows w + b), by Newton's method.

    rows: [N, S]; ridge: pulls the weights, but not the bias, towards those of `begin`, or 0, when every
    column is scaled to unit variance. weight: [N], of each row. near: weights to set out from.
    """
    middle, spread = rows.mean(axis=0), np.maximum(rows.std(axis=0), 1e-9)
    spread[spread < _LEAST_SPREAD * np.maximum(np.abs(middle), _LEAST_SPREAD)] = np.inf  # tells nothing
    scaled = np.column_stack(((rows - middle) / spread, np.ones(len(rows))))
    weight = np.ones(len(rows)) if weight is None else weight
    width = np.where(np.isinf(spread), 0.0, spread)

    def in_scale(weights: npt.NDArray[np.floating] | None) -> Array:
        if weights is None:
            return np.zeros(scaled.shape[1])
        return np.append(weights[:-1] * width, weights[-1] + weights[:-1] @ middle)

    goal = in_scale(begin)
    found = goal.copy() if near is None else in_scale(near)
    pull = np.full(scaled.shape[1], ridge)
    pull[-1] = 1e-3
    for _ in range(_NEWTON_STEPS):
        p = 1 / (1 + np.exp(-np.clip(scaled @ found, -30, 30)))
        gradient = scaled.T @ (weight * (p - positive)) + pull * (found - goal)
        curvature = (scaled * (weight * np.maximum(p * (1 - p), 1e-6))[:, None]).T @ scaled
        curvature[np.diag_indices_from(curvature)] += pull
        step = np.linalg.solve(curvature, gradient)
        found -= step
        if np.abs(step).max() < 1e-3:
            break
    weights = found[:-1] / spread
    return np.append(weights, found[-1] - weights @ middle)


def _two_sides(
    positive: Array,
    negative: Array,
    ridge: float,
    begin: npt.NDArray[np.floating] | None,
    near: Array | None = None,
) -> Array:
    """`logistic_regression` that tells positive from negative rows, both sides counting alike."""
    rows = np.concatenate((positive, negative))
    side = np.arange(len(rows)) < len(positive)
    weight = len(rows) / 2 / np.where(side, len(positive), len(negative))
    return logistic_regression(rows, side, ridge, weight=weight, begin=begin, near=near)


def _measured(features: FloatArray, cosines: FloatArray, logit_scale: float) -> Array:
    """Signals [N, S] of features [N, D] without rivals, by cosines [N, C]."""
    share = share_of(softmax(logit_scale * cosines))
    return signals(features, cosines.max(axis=1), share, features[:0], logit_scale)


def _own_label_left_out(
    known: FloatArray, label: npt.NDArray[np.int64], cosines: FloatArray, logit_scale: float, typical: Array
) -> Array:
    """Rows [N, D + S] of every thing as if its label did not exist."""
    others = cosines.copy()
    if cosines.shape[1] > 1:
        others[np.arange(len(label)), label] = -1.0
    else:
        others = -others  # of one label nothing is left
    return rows_of(known, filled(_measured(known, others, logit_scale), typical))


def _folds(group: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """A fold for each row, the same for rows of one group; the same at every call."""
    names, row = np.unique(group, return_inverse=True)
    return np.random.default_rng(0).permutation(len(names))[row] % _FOLDS


def _limits(seen: Array, recall: float) -> Array:
    """A limit for each column [M] below which the share `recall` of rows [N, M] stays, in all at once."""
    low, high = recall, 1.0
    for _ in range(30):
        middle = (low + high) / 2
        if (seen <= np.quantile(seen, middle, axis=0)).all(axis=1).mean() < recall:
            low = middle
        else:
            high = middle
    return np.asarray(np.quantile(seen, high, axis=0))
