"""Colours of things, in pictures and coloured clouds."""

from __future__ import annotations

from colorsys import hls_to_rgb

Colour = tuple[int, int, int]

SUPPORT: Colour = (190, 194, 199)
OTHER: Colour = (120, 127, 135)

# Told apart side by side, on white and on black; after Tableau's and Paul Tol's palettes.
_FIRST: tuple[Colour, ...] = (
    (31, 119, 220),
    (240, 120, 20),
    (30, 160, 70),
    (214, 39, 60),
    (140, 86, 200),
    (0, 170, 190),
    (225, 90, 170),
    (150, 105, 40),
    (165, 175, 20),
    (70, 70, 160),
)
_GOLDEN = 0.618033988749895  # turns of the hue, after which no two are near for long


def colour_of(number: int) -> Colour:
    """The colour of object `number`, from 1 on: ten that are easy to tell apart, then hues spread evenly."""
    if number <= len(_FIRST):
        return _FIRST[number - 1]
    red, green, blue = hls_to_rgb(number * _GOLDEN % 1, 0.36 + 0.18 * (number % 2), 0.7)
    return round(255 * red), round(255 * green), round(255 * blue)
