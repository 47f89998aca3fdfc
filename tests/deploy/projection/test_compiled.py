"""The fast projection on its threads; its results are tested beside the reference's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from c2p_deploy import DepthSpec, ViewSet
from c2p_deploy.projection import compiled
from c2p_deploy.projection.compiled import project_depth


def test_without_threads_every_view_is_drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """As at the end of the interpreter; Python 3.12 keeps the work that it says it cannot take."""
    kept = []

    class Refusing:
        def submit(self, draw: Any, first: int) -> None:
            kept.append((draw, first))
            raise RuntimeError("can't start new thread at interpreter shutdown")

    views, spec = ViewSet.named("clip2point-6"), DepthSpec()
    points = np.random.default_rng(0).uniform(-0.5, 0.5, (500, 3)).astype(np.float32)
    expected = project_depth(points, views, spec)
    monkeypatch.setattr(compiled, "_THREADS", 4)
    monkeypatch.setattr(compiled, "_pool", lambda pid: Refusing())
    depth = project_depth(points, views, spec)
    assert np.array_equal(depth, expected) and len(kept) == 3
    depth[:] = 7
    for draw, first in kept:
        draw(first)
    assert (depth == 7).all()
