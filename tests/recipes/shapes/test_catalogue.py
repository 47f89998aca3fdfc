"""Every rule makes shapes that could be the thing: whole, of its size, each of its own, and the same
again.
"""

import numpy as np
import pytest

from c2p_recipes.shapes.catalogue import SHAPES, make_shape
from c2p_recipes.vocabulary.table import all_labels


@pytest.mark.parametrize("label", sorted(SHAPES))
def test_shapes_are_whole_and_vary(label: str) -> None:
    shapes = [make_shape(label, number) for number in range(4)]
    for shape in shapes:
        assert np.isfinite(shape.vertices).all()
        assert shape.faces.min() >= 0 and shape.faces.max() < len(shape.vertices)
        assert 0.008 < np.ptp(shape.vertices, axis=0).max() < 12  # metres
        assert len(shape.faces) < 60_000
    extents = {tuple(np.ptp(shape.vertices, axis=0).round(6)) for shape in shapes}
    assert len(extents) == len(shapes)
    again = make_shape(label, 2)
    assert np.array_equal(again.vertices, shapes[2].vertices) and np.array_equal(again.faces, shapes[2].faces)


def test_rules_are_for_labels_of_the_table() -> None:
    assert set(SHAPES) <= {label.name for label in all_labels()}


def test_what_a_robot_sees_most_is_made() -> None:
    assert {"bottle", "can", "box", "book", "bowl", "mug", "cup", "plate", "ball", "banana", "apple"} <= set(
        SHAPES
    )
