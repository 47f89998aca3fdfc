"""Choosing K clouds of every class to learn from."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]


def sample_shots(label: IntArray, k: int | None, seed: int) -> IntArray:
    """Indices, ascending, of k clouds of every class; None: of all clouds.

    label: int [N]. Without replacement; a class with fewer than k clouds gives all it has
    (see `short_classes`). The choice for k is a part of that for any larger k under the same
    seed, so that a sweep over k measures more shots, not other ones.
    """
    if k is None:
        return np.arange(len(label))
    rows = [
        # The seed of a class does not depend on the others, nor on how many there are.
        np.random.default_rng((seed, int(c))).permutation(np.flatnonzero(label == c))[:k]
        for c in np.unique(label)
    ]
    return np.sort(np.concatenate(rows))


def short_classes(label: IntArray, k: int | None) -> list[tuple[int, int]]:
    """(class, number of clouds) of the classes that have fewer than k."""
    classes, count = np.unique(label, return_counts=True)
    return [(int(c), int(n)) for c, n in zip(classes, count, strict=True) if k is not None and n < k]
