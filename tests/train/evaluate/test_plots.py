"""Pictures of an evaluation: what a feature map keeps."""

from __future__ import annotations

import numpy as np
import pytest

from c2p_deploy.errors import C2PError
from c2p_train.evaluate import plots


def test_a_feature_map_keeps_groups_together_and_refuses_too_few() -> None:
    rng = np.random.default_rng(0)
    centres = np.repeat(np.eye(3, 8), 12, axis=0)
    features = (centres + 0.05 * rng.normal(size=(36, 8))).astype(np.float32)
    points = plots.embed(features, seed=0)
    distance = np.linalg.norm(points[:, None] - points[None], axis=2) + 1e9 * np.eye(36)
    np.testing.assert_array_equal(distance.argmin(axis=1) // 12, np.arange(36) // 12)
    np.testing.assert_array_equal(points, plots.embed(features, seed=0))
    with pytest.raises(C2PError, match="at least 5"):
        plots.embed(features[:4], seed=0)
    assert np.isfinite(plots.embed(np.ones((8, 4), dtype=np.float32), seed=0)).all()
