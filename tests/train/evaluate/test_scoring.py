"""Scores: the nearest text feature is the answer, wherever the features come from."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from c2p_train.evaluate import scoring
from c2p_train.evaluate.metrics import measure
from c2p_train.evaluate.scoring import head_features, scores, top1
from c2p_train.model.heads import build_head

RNG = np.random.default_rng(0)
TEXT = RNG.normal(size=(4, 8)).astype(np.float32)
LABEL = RNG.integers(4, size=30)


@pytest.mark.parametrize("head", ["zeroshot", "dpa", "gdpa"])
def test_a_head_sees_every_cloud_once_in_batches(head: str, monkeypatch: pytest.MonkeyPatch) -> None:
    per_view = [RNG.normal(size=(30, 6, 8)).astype(np.float32) for _ in range(2)]
    for raw in per_view:
        raw.setflags(write=False)  # as from the cache
    module = build_head(head, 6, 8).train()
    found = head_features(module, per_view)
    assert not module.training
    with torch.inference_mode():
        whole = module(*(torch.from_numpy(raw.copy()) for raw in per_view)).numpy()
    np.testing.assert_allclose(found, whole, atol=1e-6)
    monkeypatch.setattr(scoring, "_HEAD_BATCH", 7)
    np.testing.assert_allclose(head_features(module, per_view), whole, atol=1e-6)


def test_top1_is_the_accuracy_of_the_report() -> None:
    features = RNG.normal(size=(30, 8)).astype(np.float32)
    found = scores(features, TEXT)
    assert found.shape == (30, 4)
    right = [int(np.argmax([f @ t for t in TEXT])) == k for f, k in zip(features, LABEL, strict=True)]
    assert top1(features, TEXT, LABEL) == pytest.approx(np.mean(right))
    assert top1(features, TEXT, LABEL) == measure(found, LABEL, ("a", "b", "c", "d")).accuracy
    assert top1(TEXT, TEXT, np.arange(4)) == pytest.approx(np.mean((TEXT @ TEXT.T).argmax(1) == np.arange(4)))
