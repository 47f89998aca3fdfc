"""`Prediction`: what a classifier says about one cloud."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class Prediction:
    """The answer for one cloud.

    labels: the C names it was compared with; scores: float32 [C], their softmax, summing
    to 1; features: float32 [D], for comparing with text features of your own;
    timing_ms: milliseconds by stage ("prepare", "project", "encode", "score", "total"; in a
    batch, the cloud's own preparation and projection and its share of the rest).
    """

    labels: tuple[str, ...]
    scores: npt.NDArray[np.float32]
    features: npt.NDArray[np.float32]
    timing_ms: Mapping[str, float]

    @property
    def label(self) -> str:
        """The most likely name."""
        return self.labels[int(self.scores.argmax())]

    @property
    def score(self) -> float:
        """The softmax of the most likely name, in [0, 1]."""
        return float(self.scores.max())

    def top(self, k: int) -> list[tuple[str, float]]:
        """The k most likely names with their scores, best first (all of them if k is larger)."""
        best = np.argsort(-self.scores, kind="stable")[: max(0, k)]
        return [(self.labels[i], float(self.scores[i])) for i in best]
