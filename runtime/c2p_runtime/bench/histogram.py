"""The picture of `--histogram`: how the time of a call end to end is distributed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from c2p_deploy.files import atomic_path
from c2p_runtime.picture import ACCENT, INK, LINE, MARGIN, MUTED, OTHER, TRACK, Canvas

_BINS = 80
_BIN_WIDTH = 10  # pixels
_PANEL, _HEADER, _AXIS = 220, 116, 44  # heights in pixels: of the bars, of what stands above and below
_MARKED = (50, 90, 99)
_ROOM = 1.15  # the axis ends so far beyond the last p99; calls that took longer share the last bin


def save_histogram(times_ms: Mapping[str, Sequence[float]], path: Path, *, subtitle: str) -> None:
    """Writes a PNG with one panel per engine over one axis of milliseconds, whatever the suffix of `path`.

    times_ms: title of the engine -> end to end times, at least one each. Lines mark p50, p90 and p99.
    Raises OSError when `path` cannot be written; a file that was there before is then left as it was.
    """
    edges = bin_edges(list(times_ms.values()))
    width = _BINS * _BIN_WIDTH + 2 * MARGIN
    canvas = Canvas(width, len(times_ms) * (_HEADER + _PANEL + _AXIS) + MARGIN // 2)
    for row, (title, values) in enumerate(times_ms.items()):
        top = row * (_HEADER + _PANEL + _AXIS)
        canvas.text(MARGIN, top + 34, canvas.clipped(title, 20, width - 2 * MARGIN), 20, INK)
        canvas.text(MARGIN, top + 57, canvas.clipped(subtitle, 15, width - 2 * MARGIN), 15, MUTED)
        _draw_panel(canvas, np.asarray(values), edges, top + _HEADER)
    with atomic_path(path) as temporary:
        canvas.finished().save(temporary, format="PNG")


def bin_edges(samples: Sequence[Sequence[float]]) -> npt.NDArray[np.float64]:
    """Edges [_BINS + 1] from the fastest call to a little beyond the slowest p99, or the slowest call."""
    low = min(min(values) for values in samples)
    high = min(
        max(max(values) for values in samples),
        _ROOM * max(float(np.percentile(values, _MARKED[-1])) for values in samples),
    )
    return np.linspace(low, max(high, low * 1.001 + 1e-6), _BINS + 1)  # some width for equal times


def _draw_panel(
    canvas: Canvas,
    values: npt.NDArray[np.float64],
    edges: npt.NDArray[np.float64],
    top: int,
) -> None:
    base, right = top + _PANEL, MARGIN + _BINS * _BIN_WIDTH
    counts, _ = np.histogram(np.minimum(values, edges[-1]), edges)
    canvas.box(MARGIN, top, right, base, TRACK)
    for index, count in enumerate(counts):
        if count:
            left = MARGIN + index * _BIN_WIDTH
            height = (_PANEL - 8) * count / counts.max()
            canvas.box(left + 1, base - height, left + _BIN_WIDTH - 1, base, OTHER)
    canvas.box(MARGIN, base, right, base + 1, LINE)

    free_from = 0.0  # labels that would touch the one before stand one line higher
    height = 0
    for percent in _MARKED:
        value = float(np.percentile(values, percent))
        x = MARGIN + (right - MARGIN) * (value - edges[0]) / (edges[-1] - edges[0])
        label = f"p{percent} {value:.2f} ms"
        height = 0 if x - 55 > free_from else height + 1
        canvas.box(x - 1, top - 16 * height, x + 1, base, ACCENT)
        x_text = min(max(x, MARGIN + 50), right - 50)
        canvas.text(x_text, top - 4 - 16 * height, label, 13, ACCENT, "ms")
        free_from = x_text + 50
    for tick in range(5):
        edge = edges[tick * _BINS // 4]
        anchor = ("ls", "ms", "ms", "ms", "rs")[tick]
        canvas.text(MARGIN + tick * _BINS // 4 * _BIN_WIDTH, base + 20, f"{edge:.2f} ms", 13, MUTED, anchor)
    if beyond := int((values > edges[-1]).sum()):
        canvas.text(
            right, base + 37, f"last bar: {beyond} longer, up to {values.max():.2f} ms", 13, MUTED, "rs"
        )
