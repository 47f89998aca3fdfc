"""How well a scene was cut: the objects found, of those that labels tell of."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

IntArray = npt.NDArray[np.integer]


def overlaps(
    found: list[IntArray], truth: IntArray
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.integer]]:
    """Intersection over union [F, T] of found things (indices of points) and labelled ones; their labels [T].

    truth: the label of each point [N]; below 0 it is no thing.
    """
    names, sizes = np.unique(truth[truth >= 0], return_counts=True)
    shared = np.zeros((len(found), len(names)))
    for row, indices in enumerate(found):
        here, counts = np.unique(truth[indices], return_counts=True)
        thing = here >= 0
        shared[row, np.searchsorted(names, here[thing])] = counts[thing]
    union = np.array([len(f) for f in found], float)[:, None] + sizes - shared
    return shared / union, names


def best_overlaps(found: list[IntArray], truth: IntArray) -> npt.NDArray[np.float64]:
    """For each labelled thing [T] its overlap with the one found for it: one to one, with the largest sum."""
    table, names = overlaps(found, truth)
    best = np.zeros(len(names))
    rows, columns = linear_sum_assignment(-table)
    best[columns] = table[rows, columns]
    return best
