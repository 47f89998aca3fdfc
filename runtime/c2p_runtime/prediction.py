"""`Prediction`: what a classifier says about one cloud."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from c2p_deploy import Manifest
from c2p_deploy.errors import EngineError, OptionError
from c2p_deploy.json_file import shown
from c2p_deploy.rejection import Judgement


@dataclass(frozen=True, eq=False)
class Prediction:
    """The answer for one cloud.

    labels: the C names it was compared with; scores: float32 [C], their softmax, summing
    to 1; features: float32 [D], for comparing with text features of your own;
    timing_ms: milliseconds by stage ("prepare", "project", "encode", "score", "total"; in a
    batch, the cloud's own preparation and projection and its share of the rest). On a GPU,
    where all stages are one launch, "prepare" is the copy to the device and "encode" the rest.
    text_features: float32 [C, D] of unit length, those of the labels.
    strays: how many points were removed, which belong to nothing (docs/projection.md), of those looked
    at: no more than 8 (on a GPU, 4) per point that the model takes.
    judgement: what its engine's rejection thinks of it; None for an engine without one.
    """

    labels: tuple[str, ...]
    scores: npt.NDArray[np.float32]
    features: npt.NDArray[np.float32]
    timing_ms: Mapping[str, float]
    text_features: npt.NDArray[np.float32]
    strays: int = 0
    judgement: Judgement | None = None

    def __repr__(self) -> str:
        answers = ", ".join(f"{label} {100 * score:.1f} %" for label, score in self.top(3))
        more = f", and {len(self.labels) - 3} more" if len(self.labels) > 3 else ""
        return f"Prediction({answers}{more})"

    @property
    def label(self) -> str | None:
        """The most likely name, or None where `reason` says why none should be given."""
        return self.guess if self.reason is None else None

    @property
    def guess(self) -> str:
        """The most likely name in any case."""
        return self.labels[int(self.scores.argmax())]

    @property
    def confidence(self) -> float:
        """The probability that `guess` is right, in [0, 1]: calibrated, or `score` without a calibration."""
        return self.score if self.judgement is None else self.judgement.confidence

    @property
    def reason(self) -> str | None:
        """Why there is no label, one of `c2p_deploy.rejection.judge.REASONS`; None where there is one."""
        return None if self.judgement is None else self.judgement.reason

    @property
    def score(self) -> float:
        """The softmax of the most likely name, in [0, 1]."""
        return float(self.scores.max())

    @property
    def cosines(self) -> npt.NDArray[np.float32]:
        """[C]: how near the cloud comes to each name in CLIP's space, in -1 ... 1, whatever else there is."""
        length = np.maximum(np.linalg.norm(self.features), np.float32(1e-12))
        return np.asarray(self.text_features @ self.features / length, dtype=np.float32)

    @property
    def cosine(self) -> float:
        """The cosine of the most likely name."""
        return float(self.cosines[int(self.scores.argmax())])

    def top(self, k: int) -> list[tuple[str, float]]:
        """The k most likely names with their scores, best first (all of them if k is larger).

        Raises OptionError for a k that is no whole number, or negative.
        """
        if not isinstance(k, (int, np.integer)) or isinstance(k, bool) or k < 0:
            raise OptionError(f"top takes a number of names, 0 or more, got {shown(k)}")
        best = np.argsort(-self.scores, kind="stable")[:k]
        return [(self.labels[i], float(self.scores[i])) for i in best]


# How long a feature can be: the heads that learn scale theirs to unit length; `zeroshot` takes the mean of
# unit features, shorter the less alike the views are, but never longer. Rounding moves that by a hundredth.
_SHORTEST = {"zeroshot": 1e-3, "ridge": 0.5, "dpa": 0.5, "gdpa": 0.5}
_LONGEST = 2.0


def check_features(features: npt.NDArray[np.float32], clouds: int, manifest: Manifest, engine: Path) -> None:
    """Raises EngineError when an engine gave what no feature can be: no answer may be made of that.

    features: to be float32 [clouds, D], and about as long as the manifest's head makes them.
    """
    if features.shape != (clouds, manifest.labels.dim) or features.dtype != np.float32:
        raise EngineError(
            f"the engine gave features {features.dtype} {list(features.shape)}, its manifest says float32 "
            f"{[clouds, manifest.labels.dim]}",
            "export it again",
            engine,
        )
    shortest = _SHORTEST[manifest.head]
    # Nearly always: well within both bounds, and so finite. Ten small calls of NumPy cost more than a replay.
    with np.errstate(over="ignore", invalid="ignore"):
        if all(1.001 * shortest**2 < row.dot(row) < 0.999 * _LONGEST**2 for row in features):
            return
    if not np.isfinite(features).all():
        raise EngineError(
            "the engine gave features that are not finite",
            "its precision does not hold here: export it with a higher one",
            engine,
        )
    lengths = np.sqrt(np.einsum("ij,ij->i", features, features, dtype=np.float64))
    impossible = lengths[(lengths < shortest) | (lengths > _LONGEST)]
    if len(impossible):
        raise EngineError(
            f"the engine gave a feature of length {impossible[0]:.3g}, but features of the head "
            f"{manifest.head} are at least {shortest:g} and at most {_LONGEST:g} long",
            "it is damaged or no engine of this project: export it again",
            engine,
        )


def check_scores(scores: npt.NDArray[np.float32], engine: Path) -> None:
    """Raises EngineError when scores are no probabilities."""
    if not (scores.min() >= 0 and scores.max() <= 1.001):  # not a number is neither
        raise EngineError(
            "its features gave scores that are not probabilities",
            "please report this with the engine",
            engine,
        )


def timing(prepare: float, project: float, encode: float, score: float) -> dict[str, float]:
    """Milliseconds by stage, as `Prediction.timing_ms` and the JSON of c2p-run give them."""
    return {
        "prepare": prepare,
        "project": project,
        "encode": encode,
        "score": score,
        "total": prepare + project + encode + score,
    }
