"""What stands where: every block by name, with its text, its plot and the files it is made from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import comparisons, models, plots, runtime, scale

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Block:
    """A block of Markdown, and a plot above it.

    text, plot: take the contents of the sources, in their order. sources: files in results/, without
    `.json`. caption: what the plot shows, for those who cannot see it.
    """

    text: Callable[..., str]
    sources: tuple[str, ...]
    plot: Callable[..., Figure] | None = None
    caption: str = ""


BLOCKS = {
    "speed_in_short": Block(runtime.speed_in_short, ("run_speed",)),
    "run_speed": Block(runtime.run_speed, ("run_speed", "run_speed_openvino")),
    "cold_start": Block(runtime.cold_start, ("cold_start",)),
    "batch": Block(runtime.batch, ("batch",)),
    "scene": Block(runtime.scene, ("batch",)),
    "cpu": Block(runtime.cpu, ("cpu",)),
    "pace": Block(runtime.pace, ("cpu",)),
    "memory_over_time": Block(runtime.memory_over_time, ("memory_over_time",)),
    "stream": Block(runtime.stream, ("stream",)),
    "pipeline": Block(comparisons.pipeline, ("pipeline",)),
    "pipeline_authors": Block(comparisons.pipeline_authors, ("pipeline_pytorch3d",)),
    "projection": Block(
        comparisons.projection,
        ("projection",),
        plots.projection,
        "Milliseconds of the projection over the number of points",
    ),
    "scene_cutting": Block(comparisons.scene_cutting, ("scene",)),
    "sampling": Block(comparisons.sampling, ("sampling",)),
    "robustness": Block(models.robustness, ("robustness",)),
    "rejection": Block(models.rejection, ("rejection",)),
    "rejection_detectors": Block(models.detectors, ("rejection",)),
    "fewshot": Block(models.fewshot, ("fewshot",)),
    "teach": Block(models.teach, ("teach",)),
    "precision": Block(models.precision, ("precision",)),
    "export_cost": Block(models.export_cost, ("export_cost",)),
    "scale_points": Block(
        scale.points, ("scale",), plots.points, "Milliseconds by stage over the number of points"
    ),
    "scale_views": Block(
        scale.views, ("scale",), plots.views, "Milliseconds of the encoder over the number of views"
    ),
    "scale_image_size": Block(scale.image_size, ("scale",)),
    "scale_labels": Block(
        scale.labels, ("scale",), plots.labels, "Milliseconds of the scores over the number of labels"
    ),
    "scale_words": Block(scale.words, ("scale",)),
    "scale_pairs": Block(scale.pairs, ("scale",)),
    "scale_training": Block(scale.training, ("scale",)),
    "processes": Block(scale.processes, ("processes",)),
}
