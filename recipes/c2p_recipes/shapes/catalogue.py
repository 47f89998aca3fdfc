"""All shapes made by rule: `make_shape` draws one of a label."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import numpy as np

from c2p_recipes.shapes import food, kitchen, large, things
from c2p_recipes.shapes.solids import Solid

SHAPES: dict[str, Callable[[np.random.Generator], Solid]] = {
    **kitchen.SHAPES,
    **food.SHAPES,
    **things.SHAPES,
    **large.SHAPES,
}


def make_shape(label: str, number: int, seed: int = 0) -> Solid:
    """The `number`-th shape of a label: the same arguments give the same shape. Raises KeyError."""
    make = SHAPES[label]
    return make(np.random.default_rng((seed, zlib.crc32(label.encode()), number)))
