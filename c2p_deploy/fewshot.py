"""Class weights from a few clouds: ridge regression towards the text features, in closed form.

Zero-shot, a feature f of a cloud is compared with the text features T of the names. A few shots can
mislead: with one cloud per class, class means and logistic regression lie far below the words. With
many, words that fit badly are in the way. So the weights start from the words and leave them as far
as the shots justify:

    scores(f) = κ · f·T + f·ΔW,    ΔW = argmin Σᵢ |yᵢ - κ·fᵢ·T - fᵢ·ΔW|² + λ |ΔW|²

with yᵢ the indicator of the class. How much a word counts (κ) and how far the shots may lead away from
it (λ) are chosen by leave-one-out on the shots, which for ridge regression needs no second fit: the
residual of cloud i without cloud i is its residual divided by 1 - hᵢᵢ, the diagonal of the hat matrix
(Allen's PRESS, Technometrics 16, 1974). A key-value cache over the text classifier (Tip-Adapter,
arXiv 2207.09519) has the same aim; benchmarks/fewshot.py has the comparison.

What comes out is linear in the features, so a taught model is an engine as it was with other rows in
its label set: nothing to export anew, and the same product scores them on every backend.
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

# What leave-one-out chooses from. κ is in units of its least-squares fit to the shots.
_PENALTIES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
_TEXT_WEIGHTS = (0.0, 0.5, 1.0, 2.0)
_TEMPERATURES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
# Where it cannot: a class that is left without a cloud says nothing about that class. Best, on average,
# of those above for one shot per class.
_ONE_SHOT = (3.0, 1.0)
_WORDLESS_PENALTY = 0.3  # of a label that has no text feature: nothing holds it but its clouds


@dataclass(frozen=True)
class WeightsFit:
    """Class weights of C labels, and how they came about.

    weights: float32 [C, D], rows of unit length, to be used as text features are; penalty, text_weight: the λ
    and κ (in units of its least-squares fit) that were chosen; left_out_accuracy: the share, in [0, 1], of
    the clouds that are named rightly when each is left out in turn; None when no class has two.
    """

    weights: FloatArray
    penalty: float
    text_weight: float
    left_out_accuracy: float | None


def fit_weights(
    text_features: FloatArray, features: FloatArray, label: IntArray, logit_scale: float
) -> WeightsFit:
    """Class weights [C, D] for `softmax(logit_scale · features @ weights.T)`, from n labelled clouds.

    text_features: [C, D]; a row of NaN stands for a label that has none. features: [n, D], as the
    engine gives them, at any length; label: int [n], rows of text_features. Every label needs a text
    feature or a cloud. Takes milliseconds for some hundred clouds, seconds for thousands.
    Raises C2PError when shapes do not fit, a feature is zero or not finite, or a label has neither.
    """
    text, shots, y = _checked(text_features, features, label)
    problem = _Ridge(text, shots, y)
    counts = np.bincount(y, minlength=len(text))
    judged = counts[y] > 1  # left out, the others of its class remain
    choice, temperature, accuracy = _ONE_SHOT, _TEMPERATURES[3], None
    if judged.any():
        found = min(_left_out(problem, y, judged))
        _, temperature, choice, accuracy = found
    weights = problem.weights(*choice)
    return WeightsFit(_unit_rows(weights, shots.mean(axis=0), logit_scale / temperature), *choice, accuracy)


class _Ridge:
    """The regression of one set of shots, decomposed once: every (λ, κ) is then a few small products."""

    def __init__(self, text: Array, shots: Array, label: IntArray) -> None:
        """text: [C, D], unit rows or NaN; shots: [n, D], unit rows; label: [n]."""
        known = np.isfinite(text[:, 0])
        # A name without a text feature is, by the words, neither likely nor unlikely.
        middle = text[known].mean(axis=0) if known.any() else np.zeros(text.shape[1])
        self.text = np.where(known[:, None], text - middle, 0.0)
        self.known = known
        self.by_text = shots @ self.text.T  # [n, C]
        self.target = np.eye(len(text))[label] - 1 / len(text)  # [n, C]
        square = float((self.by_text**2).sum())
        # How much of the indicators the words explain: nothing, where they have nothing to do with the shots.
        self.unit = max(float((self.target * self.by_text).sum()) / square, 0.0) if square > 0 else 0.0
        self.left, self.singular, self.right = np.linalg.svd(shots, full_matrices=False)
        self.target_part, self.text_part = self.left.T @ self.target, self.left.T @ self.by_text

    def penalties(self, penalty: float) -> Array:
        """λ of every label: [C]."""
        return np.where(self.known, penalty, min(penalty, _WORDLESS_PENALTY))

    def weights(self, penalty: float, text_weight: float) -> Array:
        """[C, D], of any length, for unit features."""
        kappa = text_weight * self.unit
        singular = self.singular[:, None]
        part = (
            (self.target_part - kappa * self.text_part) * singular / (singular**2 + self.penalties(penalty))
        )
        return np.asarray(kappa * self.text + (self.right.T @ part).T)

    def left_out_scores(self, penalty: float) -> Iterator[tuple[float, Array]]:
        """For every text weight: the scores [n, C] that each cloud gets from weights of the other clouds."""
        shrunk = self.singular[:, None] ** 2
        shrunk = shrunk / (shrunk + self.penalties(penalty))  # [r, C]
        hat = self.left**2 @ shrunk  # [n, C], the diagonal of each label's hat matrix
        target_left = self.target - self.left @ (shrunk * self.target_part)
        text_left = self.by_text - self.left @ (shrunk * self.text_part)
        for text_weight in _TEXT_WEIGHTS:
            kappa = text_weight * self.unit
            yield text_weight, self.target - (target_left - kappa * text_left) / (1 - hat)


_Left = tuple[float, float, tuple[float, float], float]


def _left_out(problem: _Ridge, label: IntArray, judged: npt.NDArray[np.bool_]) -> Iterator[_Left]:
    """Per setting: log-loss of the left-out clouds, at which temperature, (λ, κ), and their accuracy."""
    rows, truth = np.flatnonzero(judged), label[judged]
    for penalty in reversed(_PENALTIES):  # of two that are as good, the one nearer to the words
        for text_weight, scores in problem.left_out_scores(penalty):
            found = scores[rows]
            right = float((found.argmax(axis=1) == truth).mean())
            for temperature in _TEMPERATURES:
                yield _log_loss(temperature * found, truth), temperature, (penalty, text_weight), right


def _log_loss(logits: Array, label: IntArray) -> float:
    """Mean of the negative log of the softmax of logits [n, C] at label [n]."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    picked = np.take_along_axis(shifted, label[:, None], axis=1)[:, 0]
    return float((np.log(np.exp(shifted).sum(axis=1)) - picked).mean())


def _unit_rows(weights: Array, towards: Array, length: float) -> FloatArray:
    """Rows [C, D] of unit length that rank every feature as `weights` [C, D] do.

    Adding one vector to all rows changes no ranking and no softmax. So they are moved such that their ends
    lie on a sphere, which takes the circumcentre of the simplex they span (for C <= D; beyond, nearly), and,
    where that makes the radius smaller than `length`, further towards a mean feature [D], away from the
    simplex: then cosines times a scale of `length` are the scores of `weights`.
    """
    simplex = weights - weights.mean(axis=0)
    square = (simplex**2).sum(axis=1)
    inverse = np.linalg.pinv(simplex, rcond=1e-6)  # [D, C]
    rows = simplex - inverse @ ((square - square.mean()) / 2)
    aside = towards - inverse @ (simplex @ towards)  # at right angles to the simplex
    norm, radius = np.linalg.norm(aside), np.sqrt((rows**2).sum(axis=1).mean())
    if norm > 1e-6:
        rows = rows + aside / norm * np.sqrt(max(length**2 - radius**2, 0.0))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def _checked(
    text_features: FloatArray, features: FloatArray, label: IntArray
) -> tuple[Array, Array, IntArray]:
    """Text features and features at unit length, in float64, and labels. Raises C2PError."""
    text, shots, y = (
        np.asarray(text_features, float),
        np.asarray(features, float),
        np.asarray(label, np.int64),
    )
    if text.ndim != 2 or shots.ndim != 2 or text.shape[1] != shots.shape[1] or y.shape != (len(shots),):
        raise C2PError(
            f"text features {text.shape}, features {shots.shape} and labels {y.shape} do not fit",
            "take engine and labels of one CLIP",
        )
    if not len(y) or not (y.min() >= 0 and y.max() < len(text)):
        raise C2PError(f"labels must be rows of {len(text)} text features, and there must be some")
    without = sorted(set(np.flatnonzero(np.isnan(text).any(axis=1)).tolist()) - set(y.tolist()))
    if without:
        raise C2PError(
            f"label {without[0]} has neither a text feature nor a cloud", "give one, or leave it out"
        )
    return _unit(text, "text features", may_lack=True), _unit(shots, "features"), y


def _unit(rows: Array, what: str, may_lack: bool = False) -> Array:
    """Rows at unit length; may_lack: but for those of NaN. Raises C2PError."""
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    usable = np.isfinite(norms) & (norms > 1e-30)
    if may_lack:
        usable |= np.isnan(norms)
    if not usable.all():
        raise C2PError(f"{what} hold a zero or a value that is not finite", "make them again")
    return np.asarray(rows / norms)
