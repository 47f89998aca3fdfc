"""Class weights from a few clouds: ridge regression towards the text features, in closed form.

Zero-shot, a feature f of a cloud is compared with the text features T of the names. A few shots can
mislead: with one cloud per class, class means and logistic regression lie far below the words. With
many, words that fit badly are in the way. So the weights start from the words and leave them as far
as the shots justify:

    scores(f) = κ · f·T + f·ΔW,    ΔW = argmin Σᵢ |yᵢ - κ·fᵢ·T - fᵢ·ΔW|² + λ |ΔW|²

with yᵢ the indicator of the class. How much the words count (κ) and how far the shots may lead away from
them (λ) the shots themselves say: in turn one cloud of every class is left out and judged by the
others. For ridge regression that needs no second fit: the residuals of the clouds left out are
(I - H)⁻¹ times their residuals, H being their block of the hat matrix (PRESS, Allen, Technometrics 16,
1974). Few clouds often cannot tell one setting from another, so none is chosen: they are averaged, each
weighed by the likelihood it gives to the clouds left out (pseudo-BMA, Yao et al., arXiv 1704.02030).

What comes out is linear in the features: a taught model is an engine as it was, with other rows in its
label set. Measured beside a key-value cache of the shots (Tip-Adapter, arXiv 2207.09519), class means,
logistic regression and adapters in benchmarks/answers/fewshot.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from c2p_deploy.errors import C2PError
from c2p_deploy.projection.spec import FloatArray

IntArray = npt.NDArray[np.int64]
Array = npt.NDArray[np.float64]

_PENALTIES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)  # λ, for features of unit length
_TEXT_WEIGHTS = (0.0, 0.5, 1.0, 2.0)  # κ, in units of its least-squares fit to the shots
_TEMPERATURES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)  # factors on the scores, which make likelihoods of them
_FOLDS = 8  # at most: with more shots, several of a class are left out at a time
# A class's only cloud, left out, says nothing about λ. So λ has a prior that favours the words, likelihood
# ∝ λ up to this value; it fades with the square of the number of shots.
_PRIOR_UP_TO = 10.0
_WORDLESS_PENALTY = 0.3  # at most, for a label that has no text feature: only its clouds hold it
_CHANCE = 4.0  # squared standard errors of κ that count as chance
_NEGLIGIBLE = 1e-3  # share of a setting that is not worth its sum


@dataclass(frozen=True)
class RidgeFit:
    """A linear classifier of C labels, and how it came about.

    weights: float64 [C, D]; the softmax of `unit features @ weights.T` is as sure as the clouds left out
    were right. text_weight: κ, the part of the weights that is words, in the same units. penalty: λ of the
    setting that counts most. left_out: float64 [n, C], logits of each cloud from a fit without it and
    without one cloud of every other class: what is chosen by them is chosen among few settings.
    """

    weights: Array
    text_weight: float
    penalty: float
    left_out: Array


def fit_weights(
    text_features: FloatArray, features: FloatArray, label: IntArray, logit_scale: float
) -> FloatArray:
    """Class weights float32 [C, D], rows of unit length, to be used as text features are.

    What `fit_ridge` gives, for `softmax(logit_scale · features @ weights.T)`, as far as rows of unit length
    allow for. Raises what that raises.
    """
    fit = fit_ridge(text_features, features, label)
    shots = np.asarray(features, np.float64)
    lengths = np.linalg.norm(shots, axis=1, keepdims=True)
    return _unit_rows(fit.weights, (shots / lengths).mean(axis=0), logit_scale * float(lengths.mean()))


def fit_ridge(text_features: FloatArray, features: FloatArray, label: IntArray) -> RidgeFit:
    """The linear classifier of n labelled clouds that starts from text features.

    text_features: [C, D]; a row of NaN stands for a label that has none. features: [n, D], of any
    length; label: int [n], rows of text_features. A label without clouds keeps to its text feature.
    Milliseconds for a hundred clouds, a minute for thousands.
    Raises C2PError when shapes do not fit, a feature is zero or not finite, or a label has neither a text
    feature nor a cloud.
    """
    text, shots, y = _checked(text_features, features, label)
    problem = _Ridge(text, shots, y)
    settings = list(_judged(problem, folds(y), y))
    shares = _shares(settings, y)
    weights, left_out, text_weight = np.zeros_like(text), np.zeros((len(y), len(text))), 0.0
    for setting, share in zip(settings, shares, strict=True):
        if share > _NEGLIGIBLE:
            factor = share * setting.temperature
            weights += factor * problem.weights(setting.penalty, setting.kappa)
            left_out += factor * setting.left_out
            text_weight += factor * setting.kappa
    return RidgeFit(weights, text_weight, settings[int(shares.argmax())].penalty, left_out)


def folds(label: IntArray, most: int = _FOLDS) -> list[IntArray]:
    """Which clouds are left out together: indices; the first of every class, the second of every class ...

    With K shots of each class there are K folds, but no more than `most`.
    """
    turn = np.zeros(len(label), dtype=np.int64)
    for c in np.unique(label):
        mine = label == c
        turn[mine] = np.arange(mine.sum()) % most
    return [np.flatnonzero(turn == number) for number in range(turn.max() + 1)]


@dataclass(frozen=True)
class _Setting:
    penalty: float
    kappa: float
    temperature: float  # at which the scores make the left-out clouds likeliest
    loss: float  # the mean log-loss of the left-out clouds there
    left_out: Array  # their scores [n, C]


class _Ridge:
    """The regression of one set of shots, decomposed once: every (λ, κ) is then a few small products."""

    def __init__(self, text: Array, shots: Array, label: IntArray) -> None:
        """text: [C, D], unit rows or NaN; shots: [n, D], unit rows; label: [n]."""
        self.known = np.isfinite(text[:, 0])
        # A name without a text feature is, by the words, neither likely nor unlikely.
        self.text = np.zeros_like(text)
        if self.known.any():
            self.text[self.known] = text[self.known] - text[self.known].mean(axis=0)
        self.by_text = shots @ self.text.T  # [n, C]
        self.target = np.eye(len(text))[label] - 1 / len(text)  # [n, C]
        self.kappa = _slope(self.by_text, self.target)
        self.left, self.singular, self.right = _decomposed(shots)
        self.target_part, self.text_part = self.left.T @ self.target, self.left.T @ self.by_text

    def penalties(self, penalty: float) -> Array:
        """λ of every label: [C]."""
        return np.where(self.known, penalty, min(penalty, _WORDLESS_PENALTY))

    def weights(self, penalty: float, kappa: float) -> Array:
        """[C, D], of any length, for unit features."""
        singular = self.singular[:, None]
        shrunk = singular / (singular**2 + self.penalties(penalty))  # [r, C]
        part = (self.target_part - kappa * self.text_part) * shrunk
        return np.asarray(kappa * self.text + part.T @ self.right)

    def left_out(self, penalty: float, left_out: list[IntArray]) -> tuple[Array, Array]:
        """(a, b), both [n, C]: from the other folds alone, clouds get the scores a + κ·b."""
        from_target, from_text = np.empty_like(self.target), np.empty_like(self.target)
        penalties = self.penalties(penalty)
        for value in np.unique(penalties):
            columns = np.flatnonzero(penalties == value)
            shrunk = self.left * (self.singular**2 / (self.singular**2 + value))  # left of the hat matrix
            residual = [
                (given - shrunk @ part)[:, columns]
                for given, part in ((self.target, self.target_part), (self.by_text, self.text_part))
            ]
            for rows in left_out:
                inside = np.eye(len(rows)) - shrunk[rows] @ self.left[rows].T
                both = np.linalg.solve(inside, np.hstack([part[rows] for part in residual]))
                cells = np.ix_(rows, columns)
                from_target[cells] = self.target[cells] - both[:, : len(columns)]
                from_text[cells] = both[:, len(columns) :]
        return from_target, from_text


def _decomposed(shots: Array) -> tuple[Array, Array, Array]:
    """The thin SVD of shots [n, D], by the smaller of their two products with themselves.

    A third of the time of an SVD. What squaring costs in digits, the smallest λ makes up for.
    """
    wide = shots.shape[0] <= shots.shape[1]
    square, vectors = np.linalg.eigh(shots @ shots.T if wide else shots.T @ shots)
    some = square > 1e-9 * square[-1]
    singular, vectors = np.sqrt(square[some]), vectors[:, some]
    if wide:
        return vectors, singular, (vectors.T @ shots) / singular[:, None]
    return (shots @ vectors) / singular, singular, vectors.T


def _slope(by_text: Array, target: Array) -> float:
    """κ of least squares, less the part that chance may have in it: 0 for words unrelated to the clouds."""
    square = float((by_text**2).sum())
    if square == 0:
        return 0.0
    slope = float((target * by_text).sum()) / square
    variance = float(((target - slope * by_text) ** 2).mean()) / square
    return slope * max(1 - _CHANCE * variance / slope**2, 0.0) if slope > 0 else 0.0


def _judged(problem: _Ridge, left_out: list[IntArray], label: IntArray) -> Iterator[_Setting]:
    """Every setting with what it says of the clouds left out."""
    for penalty in _PENALTIES:
        from_target, from_text = problem.left_out(penalty, left_out)
        for text_weight in _TEXT_WEIGHTS:
            kappa = text_weight * problem.kappa
            scores = from_target + kappa * from_text
            loss, temperature = min((_log_loss(t * scores, label), t) for t in _TEMPERATURES)
            yield _Setting(penalty, kappa, temperature, loss, scores)


def _shares(settings: list[_Setting], label: IntArray) -> Array:
    """How much each setting counts: they sum to 1."""
    counts = np.unique(label, return_counts=True)[1]
    fading = 1 / counts.mean() ** 2
    log = np.array(
        [
            (fading * np.log(min(s.penalty, _PRIOR_UP_TO)) if s.kappa > 0 else 0.0) - len(label) * s.loss
            for s in settings
        ]
    )
    share = np.exp(log - log.max())
    return np.asarray(share / share.sum())


def _log_loss(logits: Array, label: IntArray) -> float:
    """Mean of the negative log of the softmax of logits [n, C] at label [n]."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    picked = np.take_along_axis(shifted, label[:, None], axis=1)[:, 0]
    return float((np.log(np.exp(shifted).sum(axis=1)) - picked).mean())


def _unit_rows(weights: Array, towards: Array, length: float) -> FloatArray:
    """Rows [C, D] of unit length that rank every feature as `weights` [C, D] do.

    One vector added to all rows changes no ranking and no softmax. So the rows are moved until their ends
    lie on a sphere about the origin: by the circumcentre of the simplex they span (exactly so for C <= D),
    and, where the sphere is smaller than `length`, on towards a mean feature [D], at right angles to the
    simplex. Then cosines times `length` are what `weights` gives.
    """
    simplex = weights - weights.mean(axis=0)
    square = (simplex**2).sum(axis=1)
    inverse = np.linalg.pinv(simplex, rcond=1e-6)  # [D, C]
    rows = simplex - inverse @ ((square - square.mean()) / 2)
    aside = towards - inverse @ (simplex @ towards)
    radius2, norm = float((rows**2).sum(axis=1).mean()), float(np.linalg.norm(aside))
    if norm > 1e-6:
        rows = rows + aside / norm * np.sqrt(max(length**2 - radius2, 0.0))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def _checked(
    text_features: FloatArray, features: FloatArray, label: IntArray
) -> tuple[Array, Array, IntArray]:
    """Text features and features at unit length, and labels. Raises C2PError."""
    text, shots = np.asarray(text_features, np.float64), np.asarray(features, np.float64)
    y = np.asarray(label, np.int64)
    if text.ndim != 2 or shots.ndim != 2 or text.shape[1] != shots.shape[1] or y.shape != (len(shots),):
        raise C2PError(
            f"text features {text.shape}, features {shots.shape} and labels {y.shape} do not fit",
            "take engine and labels of one CLIP",
        )
    if not len(y) or y.min() < 0 or y.max() >= len(text):
        raise C2PError(f"labels must be rows of {len(text)} text features, and there must be some")
    wordless = np.isnan(text).all(axis=1)
    without = np.setdiff1d(np.flatnonzero(wordless), y)
    if len(without):
        raise C2PError(
            f"label number {without[0]} has neither a text feature nor a cloud", "give one, or leave it out"
        )
    lengths, text_lengths = (np.linalg.norm(rows, axis=1, keepdims=True) for rows in (shots, text))
    if not all((np.isfinite(some) & (some > 1e-30)).all() for some in (lengths, text_lengths[~wordless])):
        raise C2PError("features hold a zero or a value that is not finite", "make them again")
    return text / text_lengths, shots / lengths, y
