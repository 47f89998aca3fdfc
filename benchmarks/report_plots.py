"""The plots that `report.py` draws into docs/plots: results in, matplotlib figure out.

Each plot is a plain function of what one or more files in results/ hold, in the order in which
`PLOTS` names the files. To add one: write the function here, name it in `PLOTS` at the end, and show
`/docs/plots/NAME.png` in a block of `report_tables.py` (`projection_plot` there is one). `median_line`
and `plain` make plots look alike.

Colours are those of Okabe and Ito, which people with any colour vision tell apart; lines differ in
their markers as well. Nothing here needs a display, and matplotlib is only loaded to draw.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from textwrap import fill
from typing import TYPE_CHECKING, Any

from report_tables import Results, machine, number

from c2p_train.evaluate.plots import new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_MARKERS = "os^DvPX"
_WIDTH = 7.5  # inches; 900 pixels, about what a README is wide
_TEXT = 10  # points
_GRID: dict[str, Any] = {"color": "#D9D9D9", "linewidth": 0.6}
_STAGE_COLOURS = {"prepare": "#009E73", "project": "#E69F00", "encode": "#0072B2", "head": "#CC79A7"}
_LONGEST = 10  # times the shortest bar
_NAME_WIDTH = 20  # characters, of a way beside its bar


def plain(axes: Axes, title: str) -> None:
    """What all our axes have in common: a title on the left, no box, a light grid behind."""
    axes.set_title(title, loc="left", fontsize=_TEXT)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=_TEXT - 1)
    axes.set_axisbelow(True)


def median_line(
    axes: Axes, place: int, name: str, x: Sequence[float], stats: Sequence[dict[str, float]]
) -> None:
    """Medians over x as the line number `place`, with its quartiles as a band."""
    style: dict[str, Any] = {"color": _COLOURS[place], "zorder": 10 - place}
    middle, low, high = ([entry[key] for entry in stats] for key in ("median", "q1", "q3"))
    axes.plot(x, middle, marker=_MARKERS[place], markersize=5.5, linewidth=1.8, label=name, **style)
    axes.fill_between(x, low, high, alpha=0.2, linewidth=0, **style)


def projection(results: Results) -> Figure:
    """Milliseconds over the number of points, both logarithmic, a line per way."""
    figure = new_figure(_WIDTH, 4.2)
    axes = figure.add_subplot()
    sizes = results["points"]
    ways = list(dict.fromkeys(way for figures in sizes.values() for way in figures["ms"]))
    for place, way in enumerate(ways):
        able = [size for size in sizes if way in sizes[size]["ms"]]
        median_line(axes, place, way, list(map(float, able)), [sizes[size]["ms"][way] for size in able])
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.xaxis.set_major_formatter(lambda value, _: number(value))
    axes.yaxis.set_major_formatter(lambda value, _: number(value, 1))
    axes.set_xlabel("points of the cloud", fontsize=_TEXT)
    axes.set_ylabel("milliseconds: median, quartiles shaded", fontsize=_TEXT)
    plain(
        axes,
        f"Drawing {results['views']} depth maps of {results['image_size']} px "
        f"({machine(results['environment'])}, {results['threads']} threads)",
    )
    axes.grid(**_GRID)
    figure.legend(loc="outside lower center", ncols=3, fontsize=_TEXT, frameon=False)
    return figure


def pipeline(results: Results) -> Figure:
    """A bar per way, stacked by stage; beside it the same without the encoder, which hides the rest."""
    ways = results["ms"]
    figure = new_figure(_WIDTH, 1.5 + 0.42 * len(ways))
    whole, rest = figure.subplots(1, 2, sharey=True, width_ratios=[3, 2])
    stack(whole, ways, list(_STAGE_COLOURS))
    stack(rest, ways, [stage for stage in _STAGE_COLOURS if stage != "encode"])
    for row, ms in enumerate(ways.values()):
        total = ms["total"]["median"]
        whole.text(total, row, f" {number(total)}", va="center", fontsize=_TEXT)
    whole.margins(x=0.17)  # room for these
    whole.set_yticks(range(len(ways)), [fill(way, _NAME_WIDTH) for way in ways])
    whole.invert_yaxis()
    rest.tick_params(axis="y", left=False)
    cut_long(
        rest,
        [sum(ms[stage]["median"] for stage in _STAGE_COLOURS if stage != "encode") for ms in ways.values()],
    )
    plain(whole, f"A cloud of {results['points']:,} points\n({machine(results['environment'])})")
    plain(rest, "The same without the encoder\n")
    handles, names = whole.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=len(names), fontsize=_TEXT, frameon=False)
    return figure


def stack(axes: Axes, ways: dict[str, Any], stages: Sequence[str]) -> None:
    """Horizontal bars of medians, one per way, stage after stage."""
    ends = [0.0] * len(ways)
    for stage in stages:
        middle = [ms[stage]["median"] for ms in ways.values()]
        colour = _STAGE_COLOURS[stage]
        axes.barh(range(len(ways)), middle, left=ends, height=0.62, color=colour, label=stage)
        ends = [end + width for end, width in zip(ends, middle, strict=True)]
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,g}")
    axes.set_xlabel("milliseconds (medians)", fontsize=_TEXT)
    axes.grid(axis="x", **_GRID)


def cut_long(axes: Axes, ends: Sequence[float]) -> None:
    """Lets bars that are far longer than the shortest run out of the picture, their ends written on them."""
    shown = [end for end in ends if end <= _LONGEST * min(ends)]
    axes.set_xlim(0, 1.08 * max(shown))
    for row, end in enumerate(ends):
        if end not in shown:
            edge, text = axes.get_xlim()[1], f"{number(end)} → "
            axes.text(edge, row, text, ha="right", va="center", fontsize=_TEXT, weight="bold")


# Plot -> its function, and the files in results/ that it is drawn from, without `.json`.
PLOTS: dict[str, tuple[Callable[..., Figure], tuple[str, ...]]] = {
    "pipeline": (pipeline, ("pipeline",)),
    "projection": (projection, ("projection",)),
}
