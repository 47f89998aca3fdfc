"""`save_views`: one picture of what the network saw and what it answered.

Most wrong answers are clouds that lie on their side. A person sees that at once, so the
picture shows every depth map, and says which axis was taken for up and how to change it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from math import ceil
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from c2p_deploy.files import atomic_path
from c2p_deploy.projection.spec import FloatArray
from c2p_runtime.prediction import Prediction

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
Colour = str | tuple[int, int, int]

# Pixels.
CELL = 200  # about as wide is every depth map drawn
MARGIN, GAP, CAPTION = 32, 14, 30
HEADER = 218
BARS = 470  # width of the bar chart
MIN_WIDTH = 1000  # leaves room for the answer beside the bars

INK, MUTED, LINE, TRACK = "#1f2328", "#59636e", "#d0d7de", "#eff2f5"
ACCENT, OTHER = "#0969da", "#a8bdd4"

# Pillow's built-in font has little more than ASCII; for other names the first of these that is there.
_WIDE_FONTS = ("NotoSansCJK-Regular.ttc", "DejaVuSans.ttf", "Arial Unicode.ttf", "arial.ttf")


def save_views(depth: FloatArray, prediction: Prediction, path: Path, *, title: str, up: str) -> None:
    """Writes a PNG of all depth maps with the answer above them, whatever the suffix of `path`.

    depth: float32 [V, S, S] in [0, 1] as `Classifier.depth_maps` gives them; title: usually
    the name of the file; up: the axis that was taken for up. Raises OSError
    when `path` cannot be written; a file that was there before is then left as it was.
    """
    maps = [_enlarged(view) for view in depth]
    cell = maps[0].width
    rows, columns = grid_shape(len(maps))
    grid_width = columns * (cell + GAP) - GAP
    width = max(grid_width + 2 * MARGIN, MIN_WIDTH)
    canvas = Canvas(width, HEADER + rows * (cell + CAPTION) + MARGIN // 2)

    bars_left = width - MARGIN - BARS
    _draw_answer(canvas, prediction, title, up, len(maps), room=bars_left - MARGIN - 24)
    _draw_bars(canvas, prediction.top(5), bars_left)
    left = (width - grid_width) // 2
    corners = [
        (left + i % columns * (cell + GAP), HEADER + i // columns * (cell + CAPTION))
        for i in range(len(maps))
    ]
    for i, (x, y) in enumerate(corners):
        canvas.box(x - 1, y - 1, x + cell + 1, y + cell + 1, LINE)
        canvas.text(x + cell / 2, y + cell + 14, f"view {i + 1}", 15, MUTED, "mm")
    page = canvas.finished()
    for corner, depth_map in zip(corners, maps, strict=True):
        page.paste(depth_map, corner)
    with atomic_path(path) as temporary:
        page.save(temporary, format="PNG")


def grid_shape(views: int) -> tuple[int, int]:
    """Rows and columns for a number of views: at most five in a row, and rows as even as can be."""
    rows = ceil(views / 5)
    return rows, ceil(views / rows)


def _enlarged(depth_map: FloatArray) -> Image.Image:
    """A depth map [S, S] in gray, magnified or reduced by a whole number so that pixels stay sharp."""
    picture = Image.fromarray(np.rint(np.clip(depth_map, 0, 1) * 255).astype(np.uint8))
    if picture.width >= 1.5 * CELL:
        return picture.reduce(round(picture.width / CELL))
    size = picture.width * max(1, round(CELL / picture.width))
    return picture.resize((size, size), Image.Resampling.NEAREST)


class Canvas:
    """A white page, drawn at twice its size and halved at the end.

    That evens out the spacing of small letters, which a font hints to whole pixels.
    Coordinates and sizes are pixels of the finished page.
    """

    def __init__(self, width: int, height: int) -> None:
        self._page = Image.new("RGB", (2 * width, 2 * height), "white")
        self._draw = ImageDraw.Draw(self._page)

    def text(self, x: float, y: float, text: str, size: int, colour: str, anchor: str = "ls") -> float:
        """Draws one line of text and returns its length. Anchors are Pillow's: "ls" is baseline, left."""
        font = _font(size, text.isascii())
        self._draw.text((2 * x, 2 * y), text, colour, font, anchor=anchor)
        return self._draw.textlength(text, font) / 2

    def length(self, text: str, size: int) -> float:
        """Of one line of text."""
        return self._draw.textlength(text, _font(size, text.isascii())) / 2

    def clipped(self, text: str, size: int, room: float) -> str:
        """`text` as one line, cut to `room` pixels with an ellipsis where it is longer."""
        # Names of files may hold line breaks and bytes that are no characters; Pillow takes neither.
        text = "".join(c if c.isprintable() else "?" for c in text)
        font = _font(size, text.isascii())
        if self._draw.textlength(text, font) <= 2 * room:
            return text
        fits, too_long = 0, len(text)  # characters; bisected, since a name may be very long
        while too_long - fits > 1:
            middle = (fits + too_long) // 2
            if self._draw.textlength(text[:middle].rstrip() + "...", font) <= 2 * room:
                fits = middle
            else:
                too_long = middle
        return text[:fits].rstrip() + "..."

    def box(
        self, left: float, top: float, right: float, bottom: float, colour: Colour, radius: int = 0
    ) -> None:
        """Fills a rectangle."""
        corners = (2 * left, 2 * top, 2 * right - 1, 2 * bottom - 1)
        self._draw.rounded_rectangle(corners, 2 * radius, colour)

    def polygon(self, corners: Sequence[tuple[float, float]], colour: str) -> None:
        """Fills a polygon."""
        self._draw.polygon([(2 * x, 2 * y) for x, y in corners], colour)

    def line(self, ends: tuple[float, float, float, float], colour: Colour, width: float = 1.5) -> None:
        """A straight line from x, y to x, y."""
        self._draw.line([2 * part for part in ends], colour, round(2 * width))

    def paste(self, x: float, y: float, picture: Image.Image) -> None:
        """Puts a picture of twice the size that it gets on the finished page there."""
        self._page.paste(picture, (round(2 * x), round(2 * y)))

    def finished(self) -> Image.Image:
        return self._page.reduce(2)


@cache
def _font(size: int, ascii_only: bool) -> Font:
    """A font of `size` pixels on the finished page. The built-in one needs no font file on the machine."""
    for name in () if ascii_only else _WIDE_FONTS:
        try:
            return ImageFont.truetype(name, 2 * size)
        except OSError:  # not on this machine
            continue
    return ImageFont.load_default(2 * size)


def _draw_answer(canvas: Canvas, prediction: Prediction, title: str, up: str, views: int, room: int) -> None:
    """File, answer, score and up axis, in the `room` pixels left of the bars."""
    canvas.text(MARGIN, 42, canvas.clipped(title, 21, room), 21, MUTED)
    score = f"{100 * prediction.confidence:.1f} %"
    label_room = room - 136
    answer = prediction.label or f"unknown ({prediction.guess}?)"
    size = 60 if canvas.clipped(answer, 60, label_room) == answer else 32
    label = canvas.clipped(answer, size, label_room)
    x = MARGIN + canvas.text(MARGIN - 2, 110, label, size, INK)
    canvas.text(x + 14, 110, score, 34, ACCENT)

    # The arrow is drawn because not every font has one.
    x, y = MARGIN, 164  # y: the baseline
    canvas.polygon(((x + 8, y - 23), (x, y - 12), (x + 16, y - 12)), ACCENT)
    canvas.box(x + 6, y - 13, x + 10, y + 2, ACCENT)
    x += 26 + canvas.text(x + 26, y, f"up: {up}", 22, ACCENT) + 22
    x += canvas.text(x, y, "Lying on its side? Use", 18, INK) + 10
    option = f"--up {'y' if up == 'z' else 'z'}"
    canvas.box(x - 4, y - 19, x + 61, y + 8, TRACK, radius=5)
    for letter in option:  # one by one: kerning makes a single dash of "--"
        x += canvas.text(x + 2, y, letter, 18, INK) + 1

    maps = "1 depth map" if views == 1 else f"{views} depth maps"
    canvas.text(MARGIN, 198, f"The network sees {maps}; near is dark", 16, MUTED)


def _draw_bars(canvas: Canvas, top: Sequence[tuple[str, float]], left: int) -> None:
    """The most likely labels as horizontal bars; a score of 1 fills the track."""
    bar_left, bar_right, right = left + 184, left + BARS - 76, left + BARS
    for row, (label, score) in enumerate(top):
        y = 40 + 36 * row
        colour, bar_colour = (INK, ACCENT) if row == 0 else (MUTED, OTHER)
        canvas.text(bar_left - 12, y, canvas.clipped(label, 18, 172), 18, colour, "rm")
        canvas.box(bar_left, y - 10, bar_right, y + 10, TRACK)
        length = (bar_right - bar_left) * min(1.0, max(0.0, score))
        if length >= 0.5:
            canvas.box(bar_left, y - 10, bar_left + length, y + 10, bar_colour)
        canvas.text(right, y, f"{100 * score:.1f} %", 18, colour, "rm")
