"""The plots of `blocks.py`: results in, matplotlib figure out.

Colours are those of Okabe and Ito, which people with any colour vision tell apart; lines differ in
their markers as well. Nothing here needs a display, and matplotlib is only loaded to draw.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from c2p_train.evaluate.plots import new_figure

from .words import Results, machine, number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_MARKERS = "os^DvPX"
_WIDTH = 7.5  # inches; 900 pixels, about what a README is wide
_TEXT = 10  # points
_GRID: dict[str, Any] = {"color": "#D9D9D9", "linewidth": 0.6}

Line = dict[str, dict[str, float]]  # summaries by size


def projection(results: Results) -> Figure:
    """Milliseconds over the number of points, a line per way."""
    sizes = results["points"]
    ways = dict.fromkeys(way for figures in sizes.values() for way in figures["ms"])
    lines = {
        way: {size: figures["ms"][way] for size, figures in sizes.items() if way in figures["ms"]}
        for way in ways
    }
    title = f"Drawing {results['views']} depth maps of {results['image_size']} px"
    return medians(results, title, "points of the cloud", lines)


def points(results: Results) -> Figure:
    """Milliseconds of every stage over the number of points."""
    names = {"prepare": "preparation", "project": "projection", "encode": "encoder", "total": "whole call"}
    lines = stages_of(results["points"]["ms"], names)
    return medians(results, "The bundled model", "points of the cloud", lines)


def views(results: Results) -> Figure:
    """Milliseconds of encoder and projection over the number of views, for both architectures."""
    lines: dict[str, Line] = {}
    for name, found in results["views"].items():
        names = {"encode": f"{name}: encoder", "project": f"{name}: projection"}
        lines |= stages_of(found["ms"], names)
    figure = medians(results, "One path, float32", "views", lines)
    figure.axes[0].set_xticks([int(count) for count in next(iter(lines.values()))])
    return figure


def labels(results: Results) -> Figure:
    """Milliseconds of the scores and of the whole call over the number of labels."""
    lines = stages_of(results["labels"]["ms"], {"score": "scores", "total": "whole call"})
    return medians(results, "The bundled model", "labels", lines)


def stages_of(ms: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Line]:
    """Of figures by size and stage: a line per stage, under its name."""
    return {name: {size: by_stage[stage] for size, by_stage in ms.items()} for stage, name in names.items()}


def medians(results: Results, title: str, over: str, lines: Mapping[str, Line]) -> Figure:
    """Medians over sizes with their quartiles as a band, both axes logarithmic."""
    figure = new_figure(_WIDTH, 4.2)
    axes = figure.add_subplot()
    for place, (name, line) in enumerate(lines.items()):
        x = [float(size) for size in line]
        middle, low, high = ([stats[key] for stats in line.values()] for key in ("median", "q1", "q3"))
        style: dict[str, Any] = {"color": _COLOURS[place], "zorder": 10 - place}
        axes.plot(x, middle, marker=_MARKERS[place], markersize=5.5, linewidth=1.8, label=name, **style)
        axes.fill_between(x, low, high, alpha=0.2, linewidth=0, **style)
    axes.set_xscale("log")
    axes.set_yscale("log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: number(value, 1))
    axes.set_xlabel(over, fontsize=_TEXT)
    axes.set_ylabel("milliseconds: median, quartiles shaded", fontsize=_TEXT)
    axes.set_title(f"{title} ({machine(results['environment'])})", loc="left", fontsize=_TEXT)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=_TEXT - 1)
    axes.set_axisbelow(True)
    axes.grid(**_GRID)
    figure.legend(loc="outside lower center", ncols=3, fontsize=_TEXT, frameon=False)
    return figure
