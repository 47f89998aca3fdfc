"""Pictures of an evaluation: confusion matrix, feature map (t-SNE) and projections, as PNG."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from c2p_deploy.errors import C2PError, MissingDependencyError
from c2p_deploy.extras import install
from c2p_deploy.files import atomic_path
from c2p_deploy.projection.spec import FloatArray
from c2p_train.evaluate.metrics import Metrics

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_NUMBERS = 20  # classes up to which the matrix shows its counts
_FEWEST_POINTS = 5  # for a t-SNE
_MARKERS = "osD^v<>pP*Xd"  # with tab20's colours: 240 classes can be told apart


def save_confusion(metrics: Metrics, path: Path, data: str, model: str) -> None:
    """The confusion matrix of a model: a row per class, coloured by the share of its clouds."""
    names = metrics.classes
    counts = np.array(metrics.confusion)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = 2.2 + 0.32 * max(len(names), 6)
    figure = new_figure(side + 1, side)
    axes = figure.add_subplot()
    picture = axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=8)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set_xlabel("answer")
    axes.set_ylabel("class")
    if len(names) <= _MOST_NUMBERS:
        for (row, column), count in np.ndenumerate(counts):
            if count:
                colour = "white" if share[row, column] > 0.5 else "black"
                axes.text(column, row, str(count), ha="center", va="center", fontsize=7, color=colour)
    figure.colorbar(picture, label="share of the class", fraction=0.046)
    # Over the whole figure: a path is longer than a matrix of few classes is wide.
    title = f"{model} on {data}: {metrics.accuracy:.2%} of {counts.sum()} clouds"
    figure.suptitle(textwrap.fill(title, round(11 * side)), fontsize=10)
    save_figure(figure, path)


def save_features(
    panels: Sequence[tuple[str, FloatArray]],
    label: npt.NDArray[np.int64],
    classes: Sequence[str],
    path: Path,
    seed: int,
) -> None:
    """A t-SNE of the features [N, D] of each panel side by side, as in the paper's figure 5.

    label: [N], the class of each cloud. Raises C2PError for fewer than 5 clouds.
    """
    maps = [(title, embed(features, seed)) for title, features in panels]
    present = np.unique(label)
    figure = new_figure(5.5 * len(panels) + 2, 5.5)
    for index, (title, points) in enumerate(maps):
        axes = figure.add_subplot(1, len(panels), index + 1)
        for which in present:
            mine = points[label == which]
            colour, marker = f"C{which % 10}", _MARKERS[(which // 10) % len(_MARKERS)]
            axes.scatter(mine[:, 0], mine[:, 1], s=12, color=colour, marker=marker, label=classes[which])
        axes.set_xticks([])
        axes.set_yticks([])
        axes.set_title(title, fontsize=10)
    handles, names = figure.axes[0].get_legend_handles_labels()
    columns = 1 + len(present) // 21
    figure.legend(handles, names, loc="outside right upper", fontsize=7, ncols=columns, frameon=False)
    save_figure(figure, path)


def embed(features: FloatArray, seed: int) -> FloatArray:
    """t-SNE of unit features [N, D] -> [N, 2]. Raises C2PError for fewer than 5 clouds."""
    try:
        from sklearn.manifold import TSNE
    except ImportError as error:
        raise MissingDependencyError("a t-SNE needs scikit-learn", install("train")) from error
    if len(features) < _FEWEST_POINTS:
        raise C2PError(f"a t-SNE of {len(features)} clouds shows nothing", f"give at least {_FEWEST_POINTS}")
    unit = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
    # Identical features would leave nothing for the principal axes to start from.
    start = "pca" if np.ptp(unit, axis=0).max() > 0 else "random"
    perplexity = min(30.0, (len(unit) - 1) / 3)
    return np.asarray(TSNE(perplexity=perplexity, init=start, random_state=seed).fit_transform(unit))


def save_projections(rows: Sequence[tuple[str, FloatArray]], path: Path) -> None:
    """Depth maps [V, S, S] in [0, 1], a named row each (figure 4 of the paper)."""
    views = max(len(maps) for _, maps in rows)
    figure = new_figure(1.3 * views + 1.6, 1.35 * len(rows) + 0.3)
    grid = figure.subplots(len(rows), views, squeeze=False)
    for (name, maps), line in zip(rows, grid, strict=True):
        for axes in line:
            axes.set_axis_off()
        for axes, depth_map in zip(line, maps, strict=False):
            axes.imshow(depth_map, cmap="gray", vmin=0, vmax=1)
        line[0].text(
            -0.08, 0.5, name, transform=line[0].transAxes, ha="right", va="center", fontsize=8, wrap=False
        )
    save_figure(figure, path)


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, in inches. Without pyplot, so without global state and without a display."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingDependencyError("pictures need matplotlib", install("train")) from error
    return Figure(figsize=(width, height), dpi=120, layout="constrained")


def save_figure(figure: Figure, path: Path) -> None:
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png")
