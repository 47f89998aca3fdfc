"""Options of the cutting that are none: refused, with the name of the option."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from c2p_deploy.errors import OptionError
from c2p_runtime.scene.segment import segment
from c2p_runtime.scene.segmentation import SceneOptions

CORNER = (0.0, 0.0, 0.0)
BAD: dict[str, list[Any]] = {
    "support": ["table", "", None, 1, ["plane"], "Plane"],
    "min_size": [math.nan, math.inf, 0, -0.1, "0.1", None, True, [0.1]],
    "max_size": [math.nan, 0, -1.0, -math.inf, "2", None, False, (1.0,)],
    "min_points": [0, -1, 2.0, math.nan, "30", None, True],
    "max_objects": [0, -5, 1.5, "64", None, True],
    "crop": [
        CORNER,
        (CORNER, CORNER),
        ((1, 0, 0), (0, 1, 1)),
        ((0, 0, 0), (1, 1)),
        ((0, 0, math.nan), (1, 1, 1)),
        ((0, 0, 0), (1, math.nan, 1)),
        (("a", "b", "c"), ("d", "e", "f")),
        (("0", "0", "0"), ("1", "1", "1")),
        ((None, 0, 0), (1, 1, 1)),
        ((0, 0, 0, 0), (1, 1, 1, 1)),
        (),
        "low",
        1.0,
    ],
}


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name, values in BAD.items() for value in values],
    ids=lambda value: str(value) if isinstance(value, str) else repr(value),
)
def test_what_is_no_option_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(OptionError, match=name) as caught:
        SceneOptions(**{name: value})
    assert len(str(caught.value).splitlines()) <= 2


def test_the_smallest_is_not_larger_than_the_largest() -> None:
    assert SceneOptions(min_size=0.5, max_size=0.5).max_size == 0.5
    with pytest.raises(OptionError, match=r"min_size .* max_size"):
        SceneOptions(min_size=0.6, max_size=0.5)
    with pytest.raises(OptionError, match=r"min_size .* max_size"):
        SceneOptions(min_size=3)  # more than max_size is by itself


@given(
    st.floats(),
    st.floats(),
    st.integers(-2, 3),
    st.none() | st.tuples(*[st.tuples(*[st.floats() | st.just(0.0)] * 3)] * 2),
)
def test_what_is_not_refused_cuts(low: float, high: float, count: int, crop: Any) -> None:
    points = np.random.default_rng(0).uniform(-1, 1, (40, 3))
    try:
        options = SceneOptions(
            min_size=low, max_size=high, min_points=count, max_objects=max(count, 1), crop=crop
        )
    except OptionError:
        return
    assert 0 < low <= high and count > 0
    answer = segment(points, "z", options)
    assert all(low <= thing.box.size.max() <= high for thing in answer.objects)
    assert all(np.isfinite(thing.box.corners()).all() for thing in answer.objects)


def test_a_crop_may_be_open() -> None:
    """Infinite where there is no limit, as lists or as an array."""
    points = np.random.default_rng(0).normal(size=(2000, 3)) * 0.3
    plain = SceneOptions(support="none")
    crop = [[-math.inf, -math.inf, 0.0], [math.inf] * 3]
    for given_crop in (crop, np.array(crop)):
        upper = segment(points, "z", SceneOptions(support="none", crop=given_crop))  # type: ignore[arg-type]
        taken = np.concatenate([thing.indices for thing in upper.objects])
        assert len(taken) and (points[taken, 2] >= 0).all()
    assert any((points[thing.indices, 2] < 0).any() for thing in segment(points, "z", plain).objects)
