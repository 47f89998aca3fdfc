"""Figures of merit against scikit-learn's and against a case counted by hand."""

import json

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, confusion_matrix, top_k_accuracy_score

from c2p_deploy.errors import C2PError
from c2p_train.evaluate.metrics import measure

CLASSES = ("a", "b", "c")


def test_a_case_counted_by_hand() -> None:
    scores = np.array([[3, 2, 1], [3, 2, 1], [1, 3, 2], [1, 3, 2], [2, 2, 1]], dtype=np.float32)
    found = measure(scores, np.array([0, 1, 1, 1, 0]), CLASSES, ks=(1, 2, 5))
    assert found.confusion == ((2, 0, 0), (1, 2, 0), (0, 0, 0))  # of equal scores the first wins
    assert found.accuracy == pytest.approx(0.8) and found.top == {1: 0.8, 2: 1.0}
    assert found.class_accuracy == (1.0, pytest.approx(2 / 3), None) and found.counts == (2, 3, 0)
    assert found.mean_class_accuracy == pytest.approx((1 + 2 / 3) / 2)  # c has no clouds
    assert found.mistaken_for(1) == ("a", 1) and found.mistaken_for(0) is None


def test_figures_agree_with_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    label = rng.integers(0, 12, 300)
    scores = rng.normal(size=(300, 12)) + 2 * np.eye(12)[label]
    found = measure(scores, label, tuple("abcdefghijkl"))
    np.testing.assert_array_equal(found.confusion, confusion_matrix(label, scores.argmax(axis=1)))
    assert found.mean_class_accuracy == pytest.approx(balanced_accuracy_score(label, scores.argmax(axis=1)))
    for k in (1, 3, 5):
        assert found.top[k] == pytest.approx(top_k_accuracy_score(label, scores, k=k))


def test_the_report_is_plain_json() -> None:
    found = measure(np.eye(3), np.arange(3), CLASSES)
    values = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert values["accuracy"] == 1.0 and values["per_class"]["b"] == {"clouds": 1, "accuracy": 1.0}


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(C2PError, match="no clouds"):
        measure(np.empty((0, 3)), np.empty(0, dtype=np.int64), CLASSES)
    with pytest.raises(C2PError, match="not finite"):
        measure(np.full((1, 3), np.nan), np.zeros(1, dtype=np.int64), CLASSES)
