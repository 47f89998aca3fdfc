"""How a cloud is scored by labels some of which were taught from clouds.

A new thing that is shown to a robot joins labels of which nobody has shown a cloud: they have words. The two
are not comparable as they are. A feature is nearer to that of another view of the same thing (cosine 0.9)
than to any text feature (0.2), and a regression that knows clouds of one class only calls everything by its
name. So two questions are asked, one after the other:

- Is it one of the things that were shown? A cache of their features answers (as in Tip-Adapter, Zhang et al.
  2022, arXiv 2207.09519): a thing wins over the words as far as the cloud is more like its clouds than a bar,
  which is higher the more these are like each other.
- Which of them? `c2p_deploy.fewshot.fit_weights` decides, a ridge regression towards their text features.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from c2p_deploy.fewshot import fit_weights
from c2p_deploy.labels.taught import TaughtLabels

FloatArray = npt.NDArray[np.float32]

# Chosen with the bundled model on things that it does not know, alone and forty at a time beside its labels:
# docs/teach.md has the figures. Similarities are cosines.
_SHARPNESS = 20.0  # of the mean over a thing's clouds: the nearest count most
_BAR_OF_ONE = 0.8  # a single cloud does not tell how much views of its thing differ
_LOWEST_BAR, _HIGHEST_BAR = 0.75, 0.88
_SPREAD = 3.0  # how far below 1 the bar is, in units of what clouds of a thing lack to 1 among each other
ODDS_AT_BAR = 1.5  # nats by which a cloud at the bar is ahead of the best word of the clouds shown
_GAIN = 0.15  # of a score (a cosine with a text feature) from the bar to identity


class TaughtScores:
    """Scores of features by `labels`, prepared once: milliseconds, then microseconds a cloud."""

    def __init__(self, labels: TaughtLabels, logit_scale: float) -> None:
        self._labels, self._logit_scale = labels, logit_scale
        self._taught = np.unique(labels.of)  # rows of names, T of them
        self._keys = _unit(labels.shots)  # [N, D]
        self._place = np.searchsorted(self._taught, labels.of)  # [N]
        counts = np.bincount(self._place)
        self._share = (np.eye(len(self._taught))[self._place] / counts[self._place, None]).astype(np.float32)
        self._words = labels.text_features[labels.worded].T  # [D, W]
        self._bar = self._bars(counts)
        best = (labels.shots @ self._words).max(axis=1) if self._words.size else np.zeros(len(labels.shots))
        self._level = (self._share.T @ best + ODDS_AT_BAR / logit_scale).astype(np.float32)  # [T]
        text = np.where(labels.worded[:, None], labels.text_features, np.nan)[self._taught]
        self._weights = fit_weights(text, labels.shots, self._place, logit_scale).T  # [D, T]

    def __call__(self, features: FloatArray) -> FloatArray:
        """Scores [B, C] of features [B, D], to be scaled by the engine's logit scale as cosines are."""
        labels = self._labels
        scores = features @ labels.text_features.T
        level = self._level + _GAIN * self._above_bar(features)
        among = features @ self._weights
        taught = level.max(axis=1, keepdims=True) + among - among.max(axis=1, keepdims=True)
        worded = labels.worded[self._taught]
        scores[:, self._taught] = np.where(worded, np.maximum(scores[:, self._taught], taught), taught)
        return np.asarray(scores, np.float32)

    def odds_of_thing(self, features: FloatArray, best: npt.NDArray[np.int64]) -> FloatArray:
        """Log odds [B] that features [B, D] are of the taught things `best` [B], against any word there is.

        best: rows of names; those that were not taught get NaN. Below `ODDS_AT_BAR` a cloud is less like the
        thing's own than these are like each other.
        """
        place = np.minimum(np.searchsorted(self._taught, best), len(self._taught) - 1)
        above = self._above_bar(features)[np.arange(len(best)), place]
        odds = ODDS_AT_BAR + self._logit_scale * _GAIN * above
        return np.where(self._taught[place] == best, odds, np.nan).astype(np.float32)

    def _above_bar(self, features: FloatArray) -> FloatArray:
        """How far features [B, D] are above each bar [B, T]: 0 at the bar, 1 for the thing itself."""
        like = self._similarity(_unit(features) @ self._keys.T, self._share)
        return np.asarray((like - self._bar) / (1 - self._bar), np.float32)

    @staticmethod
    def _similarity(cosines: FloatArray, share: FloatArray) -> FloatArray:
        """Of clouds to things [B, T], from cosines [B, N]: a mean in which the nearest clouds count most."""
        return np.asarray(1 + np.log(np.exp(_SHARPNESS * (cosines - 1)) @ share + 1e-12) / _SHARPNESS)

    def _bars(self, counts: npt.NDArray[np.int64]) -> FloatArray:
        """[T], the similarity from which a cloud is taken for a thing, by leaving out each of its clouds."""
        bars = np.full(len(counts), _BAR_OF_ONE, np.float32)
        for thing in np.flatnonzero(counts > 1):
            keys = self._keys[self._place == thing]
            n = len(keys)
            others = ((1 - np.eye(n)) / (n - 1)).astype(np.float32)
            alike = np.diagonal(self._similarity(keys @ keys.T, others.T)).mean()
            bars[thing] = np.clip(1 - _SPREAD * (1 - alike), _LOWEST_BAR, _HIGHEST_BAR)
        return bars


def _unit(features: FloatArray) -> FloatArray:
    return np.asarray(features / np.linalg.norm(features, axis=-1, keepdims=True), np.float32)
