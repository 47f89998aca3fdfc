"""Scores are what SciPy's softmax gives, however large the logits are."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax as reference

from c2p_deploy.scores import label_scores, softmax


@pytest.mark.parametrize("scale", [1e-3, 1.0, 100.0, 1e4])
def test_softmax_is_scipys(scale: float) -> None:
    logits = (scale * np.random.default_rng(0).normal(size=(5, 7))).astype(np.float32)
    found = softmax(logits)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, reference(logits.astype(np.float64), axis=1), rtol=1e-4, atol=1e-7)
    np.testing.assert_array_equal(softmax(logits[0]), found[0])


def test_scores_of_labels_are_those_of_scaled_cosines() -> None:
    rng = np.random.default_rng(1)
    features, text = (rng.normal(size=(n, 4)).astype(np.float32) for n in (3, 6))
    expected = reference(10.0 * features.astype(np.float64) @ text.T, axis=1)
    np.testing.assert_allclose(label_scores(features, text, 10.0), expected, rtol=1e-4, atol=1e-7)
