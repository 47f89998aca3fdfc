"""A picture of a few pairs, to see at a glance whether objects stand upright and pictures fit depth maps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from c2p_deploy import DepthSpec, project_depth
from c2p_deploy.files import atomic_path
from c2p_train.pairs.pair_dataset import PairDataset

# Pixels.
_CELL, _GAP, _CAPTION = 112, 4, 22


def write_contact_sheet(pairs: PairDataset, spec: DepthSpec, path: Path, objects: int = 6) -> None:
    """Writes a PNG: per object a row of pictures over a row of depth maps, one column per view.

    The objects are of different classes, spread over all of them, as far as there are enough.
    spec: with the size of the pictures. Raises OSError.
    """
    chosen = _spread(pairs, objects)
    row = _CAPTION + 2 * (_CELL + _GAP) + 2 * _GAP
    page = Image.new("RGB", (len(pairs.views) * (_CELL + _GAP) + _GAP, len(chosen) * row + _GAP), "white")
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(15)
    for number, i in enumerate(chosen):
        top = number * row
        caption = f"{pairs.classes[pairs.label(i)]}    {pairs.key(i)}"
        printable = "".join(c if c.isascii() and c.isprintable() else "?" for c in caption)
        pen.text((_GAP, top + _CAPTION - 4), printable, "#59636e", font, anchor="ls")
        depth = project_depth(pairs.points(i)[0], pairs.views, spec, "y")
        for view in range(len(pairs.views)):
            depth_map = np.rint(depth[view] * 255).astype(np.uint8)
            for line, pixels in enumerate((pairs.image(i, view), depth_map)):
                x, y = _GAP + view * (_CELL + _GAP), top + _CAPTION + line * (_CELL + _GAP)
                picture = Image.fromarray(pixels).convert("RGB")
                page.paste(picture.resize((_CELL, _CELL), Image.Resampling.BOX), (x, y))
                pen.rectangle((x - 1, y - 1, x + _CELL, y + _CELL), outline="#d0d7de")
    with atomic_path(path) as temporary:
        page.save(temporary, format="PNG")


def _spread(pairs: PairDataset, objects: int) -> list[int]:
    """Indices of at most `objects` objects: the first of every class in turn, then the second ..."""
    by_class: dict[int, list[int]] = {}
    for i in range(len(pairs)):
        by_class.setdefault(pairs.label(i), []).append(i)
    labels = sorted(by_class)
    if len(labels) > objects:
        labels = [labels[round(k)] for k in np.linspace(0, len(labels) - 1, objects)]
    rounds = max(len(by_class[label]) for label in labels)
    ranked = [by_class[label][k] for k in range(rounds) for label in labels if k < len(by_class[label])]
    return sorted(ranked[:objects], key=pairs.label)
