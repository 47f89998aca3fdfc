"""`Prediction`: what a classifier says about one cloud."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from c2p_deploy.errors import EngineError


@dataclass(frozen=True, eq=False)
class Prediction:
    """The answer for one cloud.

    labels: the C names it was compared with; scores: float32 [C], their softmax, summing
    to 1; features: float32 [D], for comparing with text features of your own;
    timing_ms: milliseconds by stage ("prepare", "project", "encode", "score", "total"; in a
    batch, the cloud's own preparation and projection and its share of the rest). On a GPU,
    where all stages are one launch, "prepare" is the copy to the device and "encode" the rest.
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


def check_features(features: npt.NDArray[np.float32], engine: Path) -> None:
    """Raises EngineError when an engine gave what is no number: no answer may be made of that."""
    if not np.isfinite(features).all():
        raise EngineError(
            "the engine gave features that are not finite",
            "its precision does not hold here: export it with a higher one",
            engine,
        )


def softmax(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Softmax over the last axis, in float32, without overflow."""
    exponent = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(exponent / exponent.sum(axis=-1, keepdims=True), dtype=np.float32)


def timing(prepare: float, project: float, encode: float, score: float) -> dict[str, float]:
    """Milliseconds by stage, as `Prediction.timing_ms` and the JSON of c2p-run give them."""
    return {
        "prepare": prepare,
        "project": project,
        "encode": encode,
        "score": score,
        "total": prepare + project + encode + score,
    }
