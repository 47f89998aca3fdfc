"""Labels of a classifier that is there: other words, or things that it is shown. Needs no torch.

The engine stays as it is; features are made by it, whatever runs it, and compared on the host.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from os import PathLike, fspath
from pathlib import Path
from time import perf_counter

import numpy as np
import numpy.typing as npt

from c2p_deploy import LabelSet, Manifest
from c2p_deploy.errors import LabelError, one_line
from c2p_deploy.labels import TaughtLabels, label_names
from c2p_deploy.labels.names import row_of, rows_of
from c2p_deploy.labels.taught import check_encoder, extended, merged, taught
from c2p_deploy.projection.spec import FloatArray
from c2p_deploy.scores import softmax
from c2p_deploy.taught_scores import TaughtScores
from c2p_runtime.prediction import Prediction
from c2p_runtime.rejection import Judging
from c2p_runtime.text.encoder import choose_any_labels, untried_names

_log = logging.getLogger("c2p_runtime")
_MOST_TOLD = 10
Scores = Callable[[FloatArray], FloatArray]


class Users:
    """Counts the classifiers that share an engine. Safe to call from many threads."""

    def __init__(self) -> None:
        self._count, self._lock = 1, threading.Lock()

    def join(self) -> None:
        """One more."""
        with self._lock:
            self._count += 1

    def leave(self) -> bool:
        """One less; True when it was the last."""
        with self._lock:
            self._count -= 1
            return self._count == 0


def scores_by(labels: LabelSet, manifest: Manifest) -> Scores:
    """What makes scores [B, C] of features [B, D], to be scaled by the manifest's logit scale.

    Raises LabelError for labels that were taught with another engine.
    """
    if isinstance(labels, TaughtLabels):
        check_encoder(labels, manifest.encoder_sha256)
        return TaughtScores(labels, manifest.logit_scale)
    return lambda features: np.asarray(features @ labels.text_features.T)


def rescored(
    predictions: Sequence[Prediction],
    labels: LabelSet,
    scores: Scores,
    logit_scale: float,
    judge: Judging | None = None,
) -> list[Prediction]:
    """The predictions with other labels. Their features stay; making the scores counts as scoring."""
    started = perf_counter()
    features = np.stack([prediction.features for prediction in predictions])
    raw = scores(features)
    made = softmax(logit_scale * raw)
    judgements = [None] * len(made) if judge is None else judge(features, made, raw.max(axis=1))
    took = 1e3 * (perf_counter() - started) / len(predictions)
    found = []
    for prediction, row, judgement in zip(predictions, made, judgements, strict=True):
        timing = dict(prediction.timing_ms)
        timing["score"] += took
        timing["total"] += took
        found.append(
            replace(
                prediction,
                labels=labels.names,
                scores=row,
                timing_ms=timing,
                text_features=labels.text_features,
                judgement=judgement,
            )
        )
    return found


def relabelled(
    engine: Path,
    manifest: Manifest,
    current: LabelSet,
    wanted: LabelSet | str | PathLike[str] | Iterable[str] | None,
) -> LabelSet:
    """As `choose_any_labels`; names that `current` was taught keep their clouds. Raises LabelError."""
    if not isinstance(current, TaughtLabels) or wanted is None or isinstance(wanted, LabelSet):
        return choose_any_labels(engine, manifest, wanted)
    if isinstance(wanted, (str, PathLike)):
        if fspath(wanted).lower().endswith(".json"):
            return choose_any_labels(engine, manifest, wanted)
        wanted = label_names(wanted)
    names, rows, clouds = tuple(wanted), rows_of(current.names), current.clouds()
    found = {name: row_of(name, rows) for name in names if isinstance(name, str)}
    shown = [name for name, row in found.items() if row is not None and clouds[row]]
    others = [name for name in names if name not in shown]
    kept = current.subset(shown) if shown else None
    if not isinstance(kept, TaughtLabels):
        return choose_any_labels(engine, manifest, names)
    if not others:
        return kept.subset(names)
    return merged(choose_any_labels(engine, manifest, others), kept).subset(names)


def learned(
    engine: Path,
    manifest: Manifest,
    current: LabelSet,
    examples: Mapping[str, Sequence[FloatArray] | FloatArray],
) -> TaughtLabels:
    """`current` with features [n, D] of clouds for some names; new names get their text features.

    Raises LabelError for a name that cannot be one, or without a cloud.
    """
    rows = rows_of(current.names)
    known = {name: row_of(name, rows) for name in examples}
    new = [name for name, row in known.items() if row is None]
    current = _with_words(engine, manifest, current, new)
    features: dict[str, list[npt.NDArray[np.float32]]] = {}
    for name, given in examples.items():
        row = known[name]
        if not len(given):
            raise LabelError(f"no cloud is given for {name!r}", "show it one or more")
        features.setdefault(name if row is None else current.names[row], []).append(
            np.asarray(given, np.float32)
        )
    together = {name: np.concatenate(parts) for name, parts in features.items()}
    return taught(current, together, manifest.encoder_sha256)


def untried(manifest: Manifest, labels: LabelSet) -> tuple[str, ...]:
    """Names that the engine was neither made with nor taught."""
    shown = set()
    if isinstance(labels, TaughtLabels):
        shown = {labels.names[row] for row in labels.of}
    return tuple(name for name in untried_names(manifest.labels, labels) if name not in shown)


def tell_untried(names: Sequence[str]) -> None:
    """Says in the log that answers with these names are anybody's guess."""
    if names:
        more = f" and {len(names) - _MOST_TOLD} more" if len(names) > _MOST_TOLD else ""
        _log.warning(
            "words that this engine was not made with: %s%s. CLIP knows them, but nobody has tried whether "
            "the engine recognises the things: check the answers, or show it some clouds (c2p-run --learn)",
            one_line(", ".join(names[:_MOST_TOLD])),
            more,
        )


def _with_words(engine: Path, manifest: Manifest, current: LabelSet, names: Sequence[str]) -> LabelSet:
    """`current` and those of `names` that have a text feature."""
    parts = [list(names)] if manifest.text_encoder is not None and names else [[name] for name in names]
    for part in parts:
        try:
            words = choose_any_labels(engine, manifest, part)
        except LabelError:
            continue  # clouds alone will do
        current = extended(current, words.names, words.text_features)
    return current
