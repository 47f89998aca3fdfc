"""Figures of merit of a classifier on labelled clouds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from c2p_deploy.errors import C2PError


@dataclass(frozen=True)
class Metrics:
    """How often the right class was found; all shares in [0, 1].

    classes: C names; confusion: confusion[t][a] clouds of class t got answer a, [C, C];
    top: share of the clouds whose class is among the k best, by k; top[1] is the overall
    accuracy.
    """

    classes: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    top: dict[int, float]

    @property
    def accuracy(self) -> float:
        """Overall accuracy: of all clouds."""
        return self.top[1]

    @property
    def counts(self) -> tuple[int, ...]:
        """Clouds of each class."""
        return tuple(sum(row) for row in self.confusion)

    @property
    def class_accuracy(self) -> tuple[float | None, ...]:
        """Accuracy on each class, None where it has no cloud."""
        return tuple(
            row[index] / count if count else None
            for index, (row, count) in enumerate(zip(self.confusion, self.counts, strict=True))
        )

    @property
    def mean_class_accuracy(self) -> float:
        """Mean of the classes' accuracies, over those that have clouds: small classes count as large ones."""
        return float(np.mean([value for value in self.class_accuracy if value is not None]))

    def mistaken_for(self, index: int) -> tuple[str, int] | None:
        """The commonest wrong answer to the clouds of a class, and how often; None if there is none."""
        wrong = [0 if answer == index else count for answer, count in enumerate(self.confusion[index])]
        most = int(np.argmax(wrong))
        return (self.classes[most], wrong[most]) if wrong[most] else None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "clouds": sum(self.counts),
            "accuracy": self.accuracy,
            "mean_class_accuracy": self.mean_class_accuracy,
            "top": {str(k): share for k, share in self.top.items()},
            "per_class": {
                name: {"clouds": count, "accuracy": accuracy}
                for name, count, accuracy in zip(self.classes, self.counts, self.class_accuracy, strict=True)
            },
            "classes": list(self.classes),
            "confusion": [list(row) for row in self.confusion],
        }


def measure(
    scores: npt.NDArray[np.floating],
    label: npt.NDArray[np.int64],
    classes: tuple[str, ...],
    ks: tuple[int, ...] = (1, 3, 5),
) -> Metrics:
    """Metrics of scores [N, C] (the highest is the answer, the first of equal ones) against label [N].

    ks: for which k to count the class among the k best; 1 is always there, k >= C is left out.
    Raises C2PError without clouds and for scores that are not finite.
    """
    if len(label) == 0:
        raise C2PError("no clouds to measure on", "give a data set with clouds of the split")
    if not np.isfinite(scores).all():
        raise C2PError("scores are not finite", "the weights or the text features are damaged")
    rows = np.arange(len(label))
    order = np.argsort(-scores, axis=1, kind="stable")  # [N, C], best first
    rank = (order == label[:, None]).argmax(axis=1)
    confusion = np.zeros((len(classes), len(classes)), dtype=np.int64)
    np.add.at(confusion, (label, order[rows, 0]), 1)
    wanted = sorted({1, *(k for k in ks if k < len(classes))})
    return Metrics(
        classes=classes,
        confusion=tuple(tuple(int(count) for count in row) for row in confusion),
        top={k: float((rank < k).mean()) for k in wanted},
    )
