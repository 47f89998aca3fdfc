"""The curve of a sweep: accuracy over the number of shots, as a table, a CSV file and a picture."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, stdev

from rich import box
from rich.table import Table

from c2p_deploy.files import write_atomic
from c2p_train.evaluate.plots import new_figure, save_figure
from c2p_train.learn.sweep import Sweep, name_of, runs_by_shots


@dataclass(frozen=True)
class CurvePoint:
    """All seeds of one number of shots; accuracies in [0, 1], std that of a sample (None of one seed)."""

    shots: str  # "0" is the zero-shot point
    seeds: int
    mean: float
    std: float | None
    low: float
    high: float
    others: dict[str, float] = field(default_factory=dict)  # mean accuracy of the simplest methods


def curve_points(sweep: Sweep) -> list[CurvePoint]:
    """The zero-shot point, then one per number of shots in the order of the sweep."""
    zero = sweep.zero_shot
    points = [CurvePoint("0", 1, zero, None, zero, zero)]
    for shots, runs in runs_by_shots(sweep).items():
        found = [run.accuracy for run in runs]
        std = stdev(found) if len(found) > 1 else None
        others = {name: mean(run.others[name] for run in runs) for name in runs[0].others}
        points.append(
            CurvePoint(name_of(shots), len(found), mean(found), std, min(found), max(found), others)
        )
    return points


def curve_table(points: list[CurvePoint], head: str) -> Table:
    """For the screen, in percent: the head beside the simplest methods, and zero-shot above all."""
    names = list(dict.fromkeys(name for p in points for name in p.others))
    table = Table("shots", "seeds", f"{head} %", "lowest", "highest", *names, box=box.SIMPLE_HEAD)
    for p in points:
        spread = "" if p.std is None else f" ± {100 * p.std:.1f}"
        cells = [f"{100 * p.mean:.1f}{spread}", f"{100 * p.low:.1f}", f"{100 * p.high:.1f}"]
        others = [f"{100 * p.others[name]:.1f}" if name in p.others else "" for name in names]
        if p.shots == "0":
            table.add_row("0", "", f"{cells[0]} (zero-shot)", "", "", *others)
        else:
            table.add_row(p.shots, str(p.seeds), *cells, *others)
    return table


def save_curve_csv(points: list[CurvePoint], path: Path) -> None:
    """Columns shots, seeds, mean, std, low, high, the simplest methods; in [0, 1], empty where none is."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = list(dict.fromkeys(name for p in points for name in p.others))
    writer.writerow(("shots", "seeds", "mean", "std", "low", "high", *names))
    for p in points:
        std = "" if p.std is None else f"{p.std:.6f}"
        others = [f"{p.others[name]:.6f}" if name in p.others else "" for name in names]
        writer.writerow((p.shots, p.seeds, f"{p.mean:.6f}", std, f"{p.low:.6f}", f"{p.high:.6f}", *others))
    write_atomic(path, text.getvalue().encode())


def save_curve_png(points: list[CurvePoint], title: str, path: Path) -> None:
    """Mean accuracy over shots, evenly spaced as in the paper's figure, with a bar of one std each."""
    figure = new_figure(5.5, 4)
    axes = figure.add_subplot()
    positions = range(len(points))  # along the axis: one step for each number of shots
    axes.errorbar(
        positions,
        [100 * p.mean for p in points],
        yerr=[100 * (p.std or 0) for p in points],
        marker="o",
        capsize=3,
    )
    for x, p in zip(positions, points, strict=True):
        top = 100 * (p.mean + (p.std or 0))  # where its bar ends: the number stands above that
        axes.annotate(
            f"{100 * p.mean:.1f}",
            (x, top),
            (0, 6),
            textcoords="offset points",
            ha="center",
            bbox={"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.8},
        )
    axes.set_xticks(positions, [p.shots for p in points])
    axes.set_xlabel("shots per class")
    axes.set_ylabel("accuracy, %")
    axes.margins(y=0.15)
    axes.grid(alpha=0.3)
    axes.set_title(title, fontsize=10)
    save_figure(figure, path)
