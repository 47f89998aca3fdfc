"""How large things are: least and largest extent in metres, from the smallest toy that bears the name on.

Written by hand. Wide on purpose: a limit that is too tight turns a right answer into a wrong one. Of what is
also made as a toy or a model (animals, vehicles, buildings) only the largest size says something.
"""

from __future__ import annotations

from collections.abc import Iterable

SIZE_LIMITS: dict[str, tuple[float, float]] = {
    "airplane": (0.03, 90), "animal": (0.02, 8), "balloon": (0.1, 60), "bathtub": (0.9, 3),
    "bed": (1.0, 3.5), "bicycle": (0.8, 2.6), "bird": (0.03, 3), "bottle": (0.05, 0.6),
    "building": (0.03, 900), "car": (0.03, 8), "chair": (0.35, 1.8), "chess piece": (0.015, 0.3),
    "computer": (0.15, 0.8), "cup": (0.04, 0.3), "desk": (0.6, 3.5), "door": (1.5, 5),
    "dresser": (0.5, 2.5), "fish": (0.02, 15), "gun": (0.1, 2), "hand": (0.06, 0.3),
    "hat": (0.12, 0.7), "head": (0.1, 0.5), "helicopter": (0.03, 30), "house": (0.03, 60),
    "insect": (0.002, 0.3), "knife": (0.08, 0.6), "lamp": (0.1, 12), "monitor": (0.2, 2.5),
    "motorcycle": (0.03, 3), "mug": (0.05, 0.25), "musical instrument": (0.05, 3),
    "night stand": (0.3, 1.1), "person": (0.4, 2.3), "plant": (0.05, 6), "shelf": (0.2, 5),
    "ship": (0.03, 400), "sign": (0.1, 6), "sofa": (0.9, 5), "spaceship": (0.03, 200),
    "sword": (0.3, 2), "table": (0.3, 6), "toilet": (0.4, 1.2), "tool": (0.05, 2),
    "train": (0.03, 500), "tree": (0.3, 100), "truck": (0.03, 25), "vase": (0.05, 1.5),
    "wheel": (0.03, 4),
}  # fmt: skip


def known_limits(labels: Iterable[str]) -> dict[str, tuple[float, float]]:
    """The limits of those labels that have some."""
    return {name: SIZE_LIMITS[name] for name in labels if name in SIZE_LIMITS}
