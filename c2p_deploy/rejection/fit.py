"""Fitting a `Rejection` on features, in NumPy: closed forms and a few Newton steps."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from c2p_deploy.errors import C2PError
from c2p_deploy.labels import LabelSet
from c2p_deploy.projection.spec import FloatArray
from c2p_deploy.rejection.rejection import Rejection
from c2p_deploy.rejection.signals import Array, Region, signals, unlike

_FOLDS = 5  # thresholds and probabilities are set on features that the weights have not seen
_NEWTON_STEPS = 12
_RANK = 32  # directions of the region, at most
_SHRINKAGE = 0.1  # of the spread along each direction towards their mean
_CLUTTER_RIDGE = 1.0
_SIGNAL_RIDGE = 1.0


def fit_rejection(
    known: FloatArray,
    label: npt.NDArray[np.int64],
    labels: LabelSet,
    logit_scale: float,
    *,
    clutter: FloatArray,
    strangers: FloatArray | None = None,
    trained: tuple[FloatArray, npt.NDArray[np.int64]] | None = None,
    group: npt.NDArray[np.int64] | None = None,
    others: LabelSet | None = None,
    start: Rejection | None = None,
    recall: float = 0.95,
) -> Rejection:
    """Detectors and calibration for the features of one engine.

    known: float32 [N, D], features of things with one of `labels`, as the engine gives them for clouds that it
    was *not* trained on (or leave-one-out): how sure it may be of clouds that it knows by heart says nothing.
    label: int [N], which one. clutter: float32 [M, D], of what is no object
    (`c2p_train.datasets.clutter` makes some). strangers: float32 [S, D], of things with none of the labels;
    without, every thing plays the stranger once, its own label left out. trained: features [T, D] and labels
    [T] (any numbers) of what the encoder was trained on, which say where known things lie; by default `known`
    itself. group: int [N], equal for views of one object, which then are never on both sides of a split.
    others: names that the encoder knows beside `labels`. start: of an earlier fit, towards which all weights
    are drawn that the data leave open: for a taught model with few shots the one of the model it began with.
    recall: share of known things that neither detector may reject, reached on folds that were left out.

    A few hundred milliseconds for some thousand features of width 512. Raises C2PError for too few features.
    """
    if len(known) < 2 * _FOLDS or len(clutter) < _FOLDS:
        raise C2PError(
            f"{len(known)} things and {len(clutter)} pieces of clutter are too few to fit a rejection on",
            f"give at least {2 * _FOLDS} things and {_FOLDS} pieces",
        )
    region = fit_region(*(trained if trained is not None else (known, label)))
    text = labels.text_features
    rivals = text[:0] if others is None else unlike(others.text_features, text)

    def measured(features: FloatArray) -> tuple[Array, npt.NDArray[np.int64]]:
        return signals(features, _scores(features, text, logit_scale), text, rivals, logit_scale, region)

    found, best = measured(known)
    centre, scale = found.mean(axis=0), found.std(axis=0) + 1e-6
    right = best == label
    if strangers is None:
        new = _own_label_left_out(known, label, text, rivals, logit_scale, region)
    else:
        new, _ = measured(strangers)
    standard, new = (found - centre) / scale, (new - centre) / scale
    fold = _folds(np.arange(len(known)) if group is None else group)

    begun: tuple[Array | None, Array | None, Array | None] = (None, None, None)
    if start is not None and start.dim == known.shape[1]:
        begun = (start.clutter.astype(np.float64), start.novelty, start.confidence)

    def clutter_weights(use: npt.NDArray[np.bool_]) -> Array:
        return two_sides(_unit(clutter), _unit(known[use]), _CLUTTER_RIDGE, begun[0])

    def novelty_weights(use: npt.NDArray[np.bool_]) -> Array:
        return two_sides(new, standard[use], _SIGNAL_RIDGE, begun[1])

    everything = np.ones(len(known), dtype=bool)
    weights = {"clutter": clutter_weights(everything), "novelty": novelty_weights(everything)}
    # How the weights judge what they have not seen: each fold by weights of the others.
    unseen = np.empty((len(known), 2))
    for number in range(_FOLDS):
        out = fold == number
        unseen[out, 0] = _applied(clutter_weights(~out), _unit(known[out]))
        unseen[out, 1] = _applied(novelty_weights(~out), standard[out])
    for name, limit in zip(weights, _limits(unseen, recall), strict=True):
        weights[name][-1] -= limit
    confidence = logistic_regression(standard, right, _SIGNAL_RIDGE, start=begun[2])
    return Rejection(
        clutter=weights["clutter"].astype(np.float32),
        region=region,
        centre=centre,
        scale=scale,
        novelty=weights["novelty"],
        confidence=confidence,
        others=others,
    )


def fit_region(features: FloatArray, label: npt.NDArray[np.int64], rank: int = _RANK) -> Region:
    """Where features [N, D] of known classes [N] lie."""
    unit = _unit(features)
    classes, row = np.unique(label, return_inverse=True)
    means = np.stack([unit[row == index].mean(axis=0) for index in range(len(classes))])  # [K, D]
    _, _, directions = np.linalg.svd(unit, full_matrices=False)
    directions = directions[: min(rank, len(directions))]
    within = (unit - means[row]) @ directions.T  # [N, r]
    freedom = max(len(unit) - len(classes), 1)
    variance, turn = np.linalg.eigh(within.T @ within / freedom)
    variance = np.maximum(variance, 0) * (1 - _SHRINKAGE) + _SHRINKAGE * max(variance.mean(), 1e-6)
    directions = turn.T @ directions
    return Region(
        directions.astype(np.float32),
        np.sqrt(variance).astype(np.float32),
        (means @ directions.T).astype(np.float32),
    )


def two_sides(positive: Array, negative: Array, ridge: float, start: Array | None = None) -> Array:
    """Logistic regression that tells positive rows from negative ones, both sides counting alike."""
    rows = np.concatenate((positive, negative))
    side = np.arange(len(rows)) < len(positive)
    half = len(rows) / 2
    weight = np.where(side, half / len(positive), half / len(negative))
    return logistic_regression(rows, side, ridge, weight, start)


def logistic_regression(
    x: Array, y: npt.NDArray[np.bool_], ridge: float, weight: Array | None = None, start: Array | None = None
) -> Array:
    """Weights [S + 1], bias last, of P(y) = sigmoid(x w + b), by Newton's method.

    ridge: pulls the weights, not the bias, towards those of `start`, or 0. weight: [N], of each row.
    """
    rows = np.column_stack((x, np.ones(len(x))))
    weight = np.ones(len(x)) if weight is None else weight
    goal = np.zeros(rows.shape[1]) if start is None else start
    pull = np.full(rows.shape[1], ridge)
    pull[-1] = 1e-3
    found = goal.copy()
    for _ in range(_NEWTON_STEPS):
        p = 1 / (1 + np.exp(-np.clip(rows @ found, -30, 30)))
        gradient = rows.T @ (weight * (p - y)) + pull * (found - goal)
        curvature = (rows * (weight * np.maximum(p * (1 - p), 1e-6))[:, None]).T @ rows + np.diag(pull)
        step = np.linalg.solve(curvature, gradient)
        found -= step
        if np.abs(step).max() < 1e-6:
            break
    return np.asarray(found)


def _scores(features: FloatArray, text: FloatArray, logit_scale: float) -> FloatArray:
    logits = logit_scale * (features @ text.T)
    exponent = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(exponent / exponent.sum(axis=1, keepdims=True), dtype=np.float32)


def _unit(features: FloatArray) -> Array:
    given = features.astype(np.float64)
    return np.asarray(given / np.linalg.norm(given, axis=1, keepdims=True))


def _applied(weights: Array, rows: Array) -> Array:
    return np.asarray(rows @ weights[:-1] + weights[-1])


def _own_label_left_out(
    known: FloatArray,
    label: npt.NDArray[np.int64],
    text: FloatArray,
    rivals: FloatArray,
    logit_scale: float,
    region: Region,
) -> Array:
    """Signals of every thing as if its label were not known: not offered, and no rival."""
    found = []
    for index in np.unique(label):
        if len(text) < 2:
            continue
        rest = np.delete(text, index, axis=0)
        rows = known[label == index]
        found.append(signals(rows, _scores(rows, rest, logit_scale), rest, rivals, logit_scale, region)[0])
    return np.concatenate(found)


def _folds(group: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """A fold for each row, the same for rows of one group; the same at every call."""
    names, row = np.unique(group, return_inverse=True)
    return np.random.default_rng(0).permutation(len(names))[row] % _FOLDS


def _limits(unseen: Array, recall: float) -> Array:
    """The limit of each detector [2] that the share `recall` of rows [N, 2] stays below, both at once."""
    low, high = recall, 1.0
    for _ in range(30):
        middle = (low + high) / 2
        limits = np.quantile(unseen, middle, axis=0)
        if (unseen <= limits).all(axis=1).mean() < recall:
            low = middle
        else:
            high = middle
    return np.asarray(np.quantile(unseen, high, axis=0))
