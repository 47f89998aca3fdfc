"""Pictures of an evaluation: what a feature map keeps, and what a picture says of itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from c2p_deploy.errors import C2PError
from c2p_train.evaluate import plots
from c2p_train.evaluate.metrics import Metrics


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


@pytest.mark.parametrize("classes", [2, 30])
def test_a_confusion_matrix_names_its_model_and_its_data(
    classes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[Any] = []
    monkeypatch.setattr(plots, "save_figure", lambda figure, path: drawn.append(figure))
    names = tuple(f"class {i}" for i in range(classes))
    confusion = tuple(tuple(7 if i == j else 0 for j in range(classes)) for i in range(classes))
    model = "runs/fewshot/shots-16/seed-0/model.pt"
    plots.save_confusion(Metrics(names, confusion, {1: 1.0}), tmp_path / "c.png", "modelnet10, test", model)
    (figure,) = drawn
    title = figure.get_suptitle()
    assert " ".join(title.split()) == f"{model} on modelnet10, test: 100.00% of {7 * classes} clouds"
    figure.canvas.draw()  # and all of it is in the picture
    box = figure._suptitle.get_window_extent()
    assert box.x0 >= 0 and box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1
