"""The plots of docs/scale.md: as in `report_plots.py`, results/scale.json in, matplotlib figure out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from report_plots import median_line, plain
from report_tables import Results, machine, number
from scale_reckoning import EPOCHS, GPUS, PAIRS, PAPER, gpu_hours, training_hours

from c2p_train.evaluate.plots import new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_TFLOPS = 100  # sustained by one GPU: assumed, one of those in the table


def plot_points(results: Results) -> Figure:
    """Milliseconds of every stage over the number of points."""
    found = results["points"]["ms"]
    names = {"prepare": "preparation", "project": "projection", "encode": "encoder", "total": "whole call"}
    lines = {name: [ms[stage] for ms in found.values()] for stage, name in names.items()}
    return _lines(results, "The bundled model", "points of the cloud", found, lines)


def plot_views(results: Results) -> Figure:
    """Milliseconds of encoder and projection over the number of views, for both architectures."""
    kinds = results["views"]
    lines = {
        f"{name}: {what}": [ms[stage] for ms in found["ms"].values()]
        for name, found in kinds.items()
        for what, stage in (("encoder", "encode"), ("projection", "project"))
    }
    counts = next(iter(kinds.values()))["ms"]
    figure = _lines(results, "One path, float32", "views", counts, lines)
    figure.axes[0].set_xticks([int(count) for count in counts])
    return figure


def plot_labels(results: Results) -> Figure:
    """Milliseconds of the scores and of the whole call over the number of labels."""
    found = results["labels"]["ms"]
    names = {"score": "scores", "total": "whole call"}
    lines = {name: [ms[stage] for ms in found.values()] for stage, name in names.items()}
    return _lines(results, "The bundled model", "labels", found, lines)


def plot_pretraining(results: Results) -> Figure:
    """Hours of the authors' number of epochs over the number of pairs: this CPU, and GPUs by arithmetic."""
    kind = results["pretraining"]["training"][PAPER]
    figure, axes = _log_axes("pairs", "hours")
    hours = {"this CPU, by its pairs/s": [training_hours(kind, pairs, EPOCHS) for pairs in PAIRS]}
    for count in GPUS:
        name = f"{count} GPU{'s' if count > 1 else ''} at {_TFLOPS} TFLOP/s each"
        hours[name] = [gpu_hours(kind, pairs, EPOCHS, _TFLOPS, count) for pairs in PAIRS]
    for (name, line), style in zip(hours.items(), ("k-o", "b-s", "b--^", "b:v"), strict=True):
        axes.plot(PAIRS, line, style, label=name)
    plain(
        axes,
        f"ViT-B/32, {EPOCHS} epochs. GPUs: arithmetic from counted operations, not measured\n"
        f"({machine(results['environment'])})",
    )
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    return figure


def _lines(
    results: Results,
    title: str,
    over: str,
    sizes: Iterable[str],
    lines: Mapping[str, Sequence[dict[str, float]]],
) -> Figure:
    """Medians with quartiles over the sizes, both axes logarithmic."""
    figure, axes = _log_axes(over, "milliseconds: median, quartiles shaded")
    for place, (name, stats) in enumerate(lines.items()):
        median_line(axes, place, name, [float(size) for size in sizes], stats)
    plain(axes, f"{title} ({machine(results['environment'])})")
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    return figure


def _log_axes(x: str, y: str) -> tuple[Figure, Axes]:
    figure = new_figure(7.5, 4.2)
    axes = figure.add_subplot()
    axes.set_xscale("log")
    axes.set_yscale("log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: number(value, 1))
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(color="#D9D9D9", linewidth=0.6)
    return figure, axes


# For `report.py`, as in report_plots.py.
_SOURCE = ("scale",)
PLOTS: dict[str, tuple[Callable[..., Figure], tuple[str, ...]]] = {
    "scale_points": (plot_points, _SOURCE),
    "scale_views": (plot_views, _SOURCE),
    "scale_labels": (plot_labels, _SOURCE),
    "scale_pretraining": (plot_pretraining, _SOURCE),
}
