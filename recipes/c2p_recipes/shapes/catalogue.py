"""All shapes made by rule: `make_shape` draws one of a label."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import numpy as np

from c2p_recipes.shapes import (
    electronics,
    food,
    fruit,
    furnishings,
    household,
    kitchen,
    living,
    outdoor,
    tools,
    toys,
    vessels,
)
from c2p_recipes.shapes.solids import Solid

Rule = Callable[[np.random.Generator], Solid]
_ROOMS = (vessels, kitchen, fruit, food, electronics, household, toys, tools, outdoor, living, furnishings)
SHAPES: dict[str, Rule] = {label: rule for room in _ROOMS for label, rule in room.SHAPES.items()}
RULES_VERSION = 1  # one more whenever a rule changes: what was made by the old one is made again
_STRETCH = 0.1  # largest |log| of the scale of an axis


def make_shape(label: str, number: int, seed: int = 0) -> Solid:
    """The `number`-th shape of a label: the same arguments give the same shape. Raises KeyError.

    All are stretched a little along each axis, on top of what their rule varies.
    """
    rng = np.random.default_rng((seed, zlib.crc32(label.encode()), number))
    shape = SHAPES[label](rng)
    x, y, z = np.exp(rng.uniform(-_STRETCH, _STRETCH, 3))
    return shape.scaled(float(x), float(y), float(z))
