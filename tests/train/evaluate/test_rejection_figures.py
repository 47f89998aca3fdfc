"""Figures of a rejection, against scikit-learn and by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from c2p_train.evaluate.rejection_figures import auroc, calibration_error, false_positive_rate

scores = st.lists(st.integers(0, 9), min_size=1, max_size=30).map(lambda some: np.array(some, dtype=float))


@given(scores, scores)
def test_auroc_is_that_of_sklearn_ties_included(known: np.ndarray, others: np.ndarray) -> None:
    truth = np.repeat([0, 1], [len(known), len(others)])
    assert auroc(known, others) == pytest.approx(roc_auc_score(truth, np.concatenate((known, others))))


def test_false_positives_are_others_below_what_95_of_100_known_ones_stay_below() -> None:
    known = np.arange(100.0)
    assert false_positive_rate(known, np.array([0, 94, 94.1, 200])) == 0.5
    assert false_positive_rate(known, np.array([50.0]), recall=0.4) == 0


def test_calibration_error_by_hand() -> None:
    confidence = np.array([0.95, 0.95, 0.95, 0.95, 0.25, 0.25])
    right = np.array([True, True, True, False, False, False])
    assert calibration_error(confidence, right) == pytest.approx((4 * 0.2 + 2 * 0.25) / 6)
    assert calibration_error(np.array([1.0]), np.array([True])) == 0


def test_an_honest_confidence_has_nearly_no_error() -> None:
    rng = np.random.default_rng(0)
    confidence = rng.random(20_000)
    assert calibration_error(confidence, rng.random(20_000) < confidence) < 0.02
    assert calibration_error(confidence, rng.random(20_000) < confidence / 2) > 0.2
