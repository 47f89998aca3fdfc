"""Which named objects are trained on and which stay apart for validation, so that no twin is on both sides.

Whole packs are held back (`HELD_BACK`): what other people's objects look like. Of these, objects with a
near-twin among those trained on are left out altogether. Of the other packs a share of the groups of
near-twins stays apart, whole.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from c2p_deploy.projection.spec import FloatArray
from c2p_recipes.packs.objects import NamedObject
from c2p_recipes.packs.twins import connected, twin_pairs

Side = Literal["training", "same packs", "other packs", "left out"]

HELD_BACK = (
    "sweethome3d-default",  # its licence is not permissive, either
    "sweethome3d-furniture/KatorLegaz",
    "kenney+quaternius-fbx/Christmas_Pack_Patreon_Exclusive",
    "kenney+quaternius-fbx/Farm_Buildings_Sept_2018",
    "kenney+quaternius-fbx/Furniture_Pack_March_2019",
    "kenney+quaternius-fbx/Junk_Food_Pack_Apr_2017",
    "kenney+quaternius-fbx/Public_Transport_Pack_Feb_2017",
    "kenney+quaternius-fbx/Realistic_Car_Pack_Nov_2018",
    "quaternius/survival_pack",
)
_SHARE = 0.06  # of the groups of other packs that stays apart
_LARGEST_GROUP = 12  # flat doors are all twins of each other: they are learned from


@dataclass(frozen=True)
class Split:
    """sides: of each object; twins: pairs (a, b, shape distance, cosine) of near-twins with one label."""

    sides: tuple[Side, ...]
    twins: tuple[tuple[int, int, float, float], ...]

    def of(self, side: Side) -> npt.NDArray[np.int64]:
        """The indices of the objects on one side."""
        return np.flatnonzero([each == side for each in self.sides])


def split_objects(
    objects: Sequence[NamedObject], clouds: npt.NDArray[np.float16], features: FloatArray, seed: int
) -> Split:
    """Sides of the objects. clouds: [N, P, 3]; features: [N, D] of a model, unit length."""
    labels = np.array([each.label for each in objects])
    twins = twin_pairs(clouds, features, labels, seed)
    group = connected(len(objects), [(a, b) for a, b, _, _ in twins])
    sizes = Counter(group.tolist())
    sides: list[Side] = []
    for index, each in enumerate(objects):
        root = int(group[index])
        if each.pack in HELD_BACK:
            sides.append("other packs")
        elif sizes[root] <= _LARGEST_GROUP and _share_of(objects[root], seed) < _SHARE:
            sides.append("same packs")
        else:
            sides.append("training")
    for a, b, _, _ in twins:  # a group may reach over both sides through packs that are held back
        for one, other in ((a, b), (b, a)):
            if sides[one] == "training" and sides[other] in ("other packs", "same packs"):
                sides[other] = "left out"
    return Split(tuple(sides), tuple(twins))


def _share_of(each: NamedObject, seed: int) -> float:
    """A number in [0, 1) that follows from an object's name."""
    digest = hashlib.sha256(f"{seed}/{each.pack}/{each.path}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def report(objects: Sequence[NamedObject], split: Split) -> str:
    """Markdown: how many objects of which pack are on which side, and what was left out as a twin."""
    lines = ["| pack | training | same packs | other packs | left out |", "|---|---|---|---|---|"]
    packs = sorted({each.pack for each in objects})
    columns: tuple[Side, ...] = ("training", "same packs", "other packs", "left out")
    for pack in [*packs, "all"]:
        mine = [side for each, side in zip(objects, split.sides, strict=True) if pack in (each.pack, "all")]
        lines.append(f"| {pack} | {' | '.join(str(mine.count(side)) for side in columns)} |")
    lines += ["", "Left out, with their nearest twin among those trained on:", ""]
    nearest: dict[int, tuple[float, float, int]] = {}
    for a, b, distance, cosine in split.twins:
        for one, other in ((a, b), (b, a)):
            if split.sides[one] == "left out" and split.sides[other] == "training":
                nearest[one] = min(nearest.get(one, (9.0, 0.0, 0)), (distance, cosine, other))
    for one, (distance, cosine, other) in sorted(nearest.items()):
        left, kept = objects[one], objects[other]
        twins = f"{left.label}: {left.name} ({left.pack}) ~ {kept.name} ({kept.pack})"
        lines.append(f"- {twins}: {distance:.2f}, cosine {cosine:.3f}")
    return "\n".join(lines) + "\n"
