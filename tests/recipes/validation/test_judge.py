"""How accuracy is counted."""

import numpy as np

from c2p_deploy import LabelSet
from c2p_recipes.clouds import Clouds
from c2p_recipes.validation.judge import judge

LABELS = ("a", "b", "c", "d", "e", "only trained")


def test_each_source_is_judged_over_the_right_labels() -> None:
    truth = np.array([0, 1, 0, 2, 3, 5])
    clouds = Clouds(
        points=np.zeros((6, 2, 3), np.float32),
        first=np.arange(6),
        count=np.ones(6, int),
        label=truth,
        source=np.array([0, 0, 1, 1, 1, 1]),
        validation=np.ones(6, bool),
        labels=LABELS,
        sources=("two classes", "many"),
    )
    offered = LabelSet(LABELS[:5], np.eye(5))
    scores = np.zeros((6, 6), np.float32)
    scores[0, [0, 4]] = 1, 2  # "e" is higher, but no class of the first source
    scores[1, [0, 1]] = 2, 1
    scores[2, [0, 5]] = 1, 2  # a label that is not offered cannot be chosen
    scores[3, [2, 4]] = 1, 2
    scores[4, 3] = 1
    results = judge(scores, clouds, np.arange(6), offered)
    assert results == {
        "two classes": [("a", True), ("b", False)],
        "many": [("a", True), ("c", False), ("d", True)],  # the sixth cloud's label is not offered
    }
