"""benchmarks/scale.py: what is counted is right."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import scale
from c2p_deploy import ViewSet
from harness import pretraining


def test_what_torch_keeps_is_counted_once() -> None:
    x = torch.ones(1000, requires_grad=True)
    with pretraining.saved_bytes() as saved:
        y = x * 2.0  # keeps nothing
        assert sum(saved.values()) == 0
        (y * y).sum()  # keeps y, for either factor
    assert sum(saved.values()) == 4000


@pytest.mark.parametrize("views", [1, 2, 4, 6, 10])
def test_view_sets_are_the_papers_or_begin_as_they_do(views: int) -> None:
    found = scale.view_set(views)
    known = ViewSet.named("clip2point-6" if views == 6 else "clip2point-10")
    np.testing.assert_array_equal(found.rotations, known.rotations[:views])
    assert len(found) == views
