"""The picture of `--save-scene`: a scene from above and from where it was seen, with boxes and names."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from c2p_deploy.projection.spec import up_vector
from c2p_runtime.picture import GAP, INK, LINE, MARGIN, MUTED, Canvas
from c2p_runtime.scene.classifier import Scene, SceneObject
from c2p_runtime.scene.colours import colour_of
from c2p_runtime.scene.drawing import Array, Floats, Side, drawn
from c2p_runtime.scene.ply import colours_of, parts_of
from c2p_runtime.scene.upright import turn_between, turned

# Pixels of the finished page.
PANEL = (680, 600)
HEADER = 84
CAPTION = 34
ROW, COLUMNS = 26, 3  # of the list below
_MOST_NAMED = 24  # things that get their names beside their boxes; of more, their numbers

_SEEN_FROM = np.radians((-18.0, 32.0))  # to the side and up, of the view that is not from above
_AROUND = 0.3  # of the things' extent, that is shown around them
_LEAST_AROUND = 0.08  # metres
_MOST_POINTS = 600_000  # drawn
_EDGES = ((0, 1), (1, 2), (2, 3), (3, 0), (4, 5), (5, 6), (6, 7), (7, 4), (0, 4), (1, 5), (2, 6), (3, 7))


def scene_picture(points: npt.NDArray[Any], scene: Scene, *, title: str) -> Image.Image:
    """The picture of points [N, 3] and the scene that they are. title: usually the name of the file."""
    turn = turn_between(scene.up, scene.up_axis, "z")
    shown, colours = _shown(points, scene, turn)
    corners = [turned(found.box.corners(), turn) for found in scene.objects]
    region = np.concatenate([shown.min(axis=0, keepdims=True), shown.max(axis=0, keepdims=True)])
    rows = -(-len(scene.objects) // COLUMNS)
    width = 2 * PANEL[0] + GAP + 2 * MARGIN
    height = HEADER + PANEL[1] + CAPTION + max(rows, 1) * ROW + MARGIN
    canvas = Canvas(width, height)
    canvas.text(MARGIN, 42, canvas.clipped(title, 24, width - 2 * MARGIN), 24, INK)
    canvas.text(MARGIN, 68, _summary(scene), 16, MUTED)
    views = (("from above", _from_above()), ("from the side of the sensor", _oblique()))
    for number, (name, axes) in enumerate(views):
        left = MARGIN + number * (PANEL[0] + GAP)
        canvas.box(left - 1, HEADER - 1, left + PANEL[0] + 1, HEADER + PANEL[1] + 1, LINE)
        side = Side.of(_corners_of(region), axes, (2 * PANEL[0], 2 * PANEL[1]))
        canvas.paste(left, HEADER, Image.fromarray(drawn(shown, colours, side)))
        _draw_boxes(canvas, scene, corners, side, left, HEADER)
        canvas.text(left + PANEL[0] / 2, HEADER + PANEL[1] + 17, name, 15, MUTED, "mm")
        _draw_ruler(canvas, side, left + 16, HEADER + PANEL[1] - 18)
    _draw_list(canvas, scene, HEADER + PANEL[1] + CAPTION, width)
    return canvas.finished()


def short_answer(found: SceneObject) -> str:
    """The name, or that it is unknown and what it may be."""
    if found.label is not None:
        return found.label
    return "unknown" if found.guess is None else f"{found.guess}?"


def _shown(points: npt.NDArray[Any], scene: Scene, turn: Array) -> tuple[Array, npt.NDArray[np.uint8]]:
    """The things and what is near them: points float64 [M, 3] with z up, and their colours."""
    parts = parts_of(len(points), scene)
    step = max(1, -(-len(points) // _MOST_POINTS))
    places, parts = turned(points[::step, :3].astype(np.float64), turn), parts[::step]
    finite = np.isfinite(places).all(axis=1)
    places, parts = places[finite], parts[finite]
    if scene.objects:
        held = np.concatenate([turned(found.box.corners(), turn) for found in scene.objects])
        low, high = held.min(axis=0), held.max(axis=0)
        around = np.maximum(_AROUND * (high - low)[:2].max(), _LEAST_AROUND)
        margin = around * np.array([1, 1, 0.3])
        low, high = low - margin, high + margin
    elif len(places):
        low, high = np.quantile(places, (0.02, 0.98), axis=0)
    else:
        return np.zeros((1, 3)), np.full((1, 3), 255, np.uint8)
    near = ((places >= low) & (places <= high)).all(axis=1)
    return places[near], colours_of(parts[near])


def _from_above() -> Array:
    """What is ahead (x) is up the page, what is left (y) at the left."""
    return np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])


def _oblique() -> Array:
    """From behind the sensor, a little to its side and above."""
    turn, rise = _SEEN_FROM
    towards = np.array([-np.cos(turn) * np.cos(rise), -np.sin(turn) * np.cos(rise), np.sin(rise)])
    right = np.array([np.sin(turn), -np.cos(turn), 0.0])
    return np.stack([right, np.cross(towards, right), towards])


def _corners_of(region: Array) -> Array:
    """The eight corners of the region [2, 3], its lowest and highest x, y and z."""
    return np.array(
        [[region[i, 0], region[j, 1], region[k, 2]] for i in (0, 1) for j in (0, 1) for k in (0, 1)]
    )


def _summary(scene: Scene) -> str:
    counts = [
        (len(scene.objects), "thing", "things"),
        (len(scene.planes), "support plane", "support planes"),
        (scene.too_small, "part too small", "parts too small"),
        (scene.too_large, "part too large", "parts too large"),
        (scene.dropped, "thing beyond the most", "things beyond the most"),
    ]
    said = [
        f"{count} {one if count == 1 else many}"
        for place, (count, one, many) in enumerate(counts)
        if count or place == 0
    ]
    tilt = np.degrees(np.arccos(np.clip(scene.up @ up_vector(scene.up_axis), -1, 1)))
    return ", ".join(
        [*said, f"up: {scene.up_axis}" + (f" but for {tilt:.0f} degrees" if tilt >= 1.5 else "")]
    )


def _draw_boxes(
    canvas: Canvas, scene: Scene, corners: list[Floats], side: Side, left: float, top: float
) -> None:
    """Boxes first, then names, which cover no other name if there is room."""
    named = len(scene.objects) <= _MOST_NAMED
    letters = 15 if named else 12
    anchors = []
    for number, box in enumerate(corners, 1):
        places = side.places(box) / 2 + (left, top)
        for a, b in _EDGES:
            canvas.line((*places[a], *places[b]), colour_of(number))
        middle = places[:, 1].mean()
        ends = (places[:, 1].min(), places[:, 1].max()) if named else (middle + 12, middle - 12)
        anchors.append((places[:, 0].mean(), *ends))
    taken: list[tuple[float, float, float, float]] = []
    for number, (found, (x, above, below)) in enumerate(zip(scene.objects, anchors, strict=True), 1):
        name = canvas.clipped(f"{number} {short_answer(found)}" if named else str(number), letters, 180)
        size = (canvas.length(name, letters) + 10, letters + 5.0)
        limits = (left, top, left + PANEL[0], top + PANEL[1])
        spot = _free_spot(x, above, below, size, taken, limits)
        taken.append(spot)
        canvas.box(*spot, colour_of(number), radius=4)
        canvas.text((spot[0] + spot[2]) / 2, (spot[1] + spot[3]) / 2, name, letters, "white", "mm")


def _free_spot(
    x: float,
    above: float,
    below: float,
    size: tuple[float, float],
    taken: list[tuple[float, float, float, float]],
    limits: tuple[float, float, float, float],
) -> tuple[float, float, float, float]:
    """Where a name of this size goes that belongs over x: the place nearest to its box that is free.

    above, below: where its box ends. taken: left, top, right and bottom of the names that are there; limits:
    of the panel. Where all is full, over its box even so.
    """
    width, height = size
    spots = []
    for rise in range(8):
        for shift in (0, -0.5, 0.5, -1, 1):
            for top in (above - 4 - height * (rise + 1), below + 4 + height * rise):
                at_left = min(max(x - width / 2 + shift * width, limits[0] + 2), limits[2] - width - 2)
                at_top = min(max(top, limits[1] + 2), limits[3] - height - 2)
                spots.append((at_left, at_top, at_left + width, at_top + height))
    for spot in spots:
        if not any(
            spot[0] < other[2] and other[0] < spot[2] and spot[1] < other[3] and other[1] < spot[3]
            for other in taken
        ):
            return spot
    return spots[0]


def _draw_ruler(canvas: Canvas, side: Side, x: float, y: float) -> None:
    """A length in metres, round, of a fifth of the panel or less."""
    most = 0.2 * PANEL[0] / (side.scale / 2)
    power = 10.0 ** np.floor(np.log10(most))
    length = max(step * power for step in (1, 2, 5) if step * power <= most)
    pixels = length * side.scale / 2
    for line in ((x, y, x + pixels, y), (x, y - 4, x, y + 4), (x + pixels, y - 4, x + pixels, y + 4)):
        canvas.line(line, (31, 35, 40), 1.5)
    said = f"{length:g} m" if length >= 1 else f"{100 * length:g} cm"
    canvas.text(x + pixels + 8, y, said, 14, INK, "lm")


def _centimetres(length: float) -> str:
    return f"{100 * length:.0f}" if length >= 0.095 else f"{100 * length:.1f}"


def _draw_list(canvas: Canvas, scene: Scene, top: float, width: int) -> None:
    """What each number is: name, how sure, why not, and how large."""
    if not scene.objects:
        canvas.text(width / 2, top + ROW / 2, "no things found", 17, MUTED, "mm")
    rows = -(-len(scene.objects) // COLUMNS)
    column = (width - 2 * MARGIN) / COLUMNS
    for number, found in enumerate(scene.objects, 1):
        x, y = MARGIN + (number - 1) // rows * column, top + ((number - 1) % rows + 0.5) * ROW
        canvas.box(x, y - 9, x + 34, y + 9, colour_of(number), radius=4)
        canvas.text(x + 17, y, str(number), 14, "white", "mm")
        if found.label is not None:
            name, more = found.label, f"{100 * found.confidence:.0f} %"
        else:
            name, more = f"unknown ({found.guess}?)" if found.guess else "unknown", str(found.reason)
        size = " x ".join(map(_centimetres, found.box.size)) + " cm"
        name = canvas.clipped(name, 16, column - 260)
        end = x + 44 + canvas.text(x + 44, y, name, 16, INK, "lm")
        end += 10 + canvas.text(end + 10, y, more, 15, MUTED, "lm")
        canvas.text(end + 14, y, size, 14, MUTED, "lm")
