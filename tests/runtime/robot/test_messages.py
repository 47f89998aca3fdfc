"""A classifier takes what `read_cloud2` gives, view or copy, and never sees its holes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from c2p_runtime import Classifier, read_cloud2
from cloud2 import LAYOUTS, message, xyz_of
from engines import write_engine


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_classifier_takes_messages(tmp_path: Path, name: str, chair: np.ndarray) -> None:
    clf = Classifier(write_engine(tmp_path))
    points = np.zeros((32, 40), LAYOUTS[name])  # 1,024 points of a chair, and 256 holes between them
    places = np.sort(np.random.default_rng(0).choice(1280, 1024, replace=False))
    for axis, field in enumerate("xyz"):
        points[field].reshape(-1)[places] = chair[:, axis]
    cloud = read_cloud2(message(points))
    assert np.isnan(cloud).all(axis=1).sum() == 256
    expected = clf(xyz_of(points)[places])
    found = clf(cloud)
    np.testing.assert_array_equal(found.features, expected.features)
    assert found.label == expected.label
    without_holes = message(points.reshape(-1)[places])
    np.testing.assert_array_equal(clf(read_cloud2(without_holes)).features, expected.features)
