"""The projection alone, ours and others': 10 views of 224 px, from a hundred points to a million.

    python benchmarks/projection.py

All must draw the same depth maps before anything is timed. Open3D cannot: it draws a point as one
pixel, not as a disc, so it has less to do; it is measured all the same where it can be imported.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

import click
import numpy as np
import torch
from authors_pipeline import HAS_PYTORCH3D, Renderer
from common import RESULTS, environment, in_rotation, spread, summary, timed, write_results
from rich import box
from rich.console import Console
from rich.table import Table

from c2p_deploy import DepthSpec, ViewSet, project_depth, project_depth_reference
from c2p_deploy.projection.prepare import to_unit_sphere
from c2p_deploy.projection.reference import normalise_depth, to_view
from c2p_deploy.projection.spec import FloatArray, turn_up
from c2p_export.verify_clouds import made_up_clouds

_SIZES = (100, 1_000, 10_000, 100_000, 1_000_000)
_MOST = {"NumPy reference": 10_000, "pytorch3d": 10_000}  # minutes beyond
_VIEWS, _SPEC = ViewSet.named("clip2point-10"), DepthSpec()
_PAUSE_S = 0.02  # between runs: threads of the one before stop spinning
_FEWEST_RUNS = 3
_OPEN3D = "Open3D, one pixel a point"

Project = Callable[[FloatArray], FloatArray]


def all_ways() -> tuple[dict[str, Project], dict[str, str]]:
    """Points [N, 3] to depth maps [V, S, S] in every way there is here, and why others are missing."""
    ways: dict[str, Project] = {
        "project_depth": partial(project_depth, views=_VIEWS, spec=_SPEC),
        "NumPy reference": partial(project_depth_reference, views=_VIEWS, spec=_SPEC),
        "plain torch": partial(by_torch, renderer=Renderer(_VIEWS, _SPEC, pytorch3d=False)),
    }
    missing = {}
    if HAS_PYTORCH3D:
        ways["pytorch3d"] = partial(by_torch, renderer=Renderer(_VIEWS, _SPEC, pytorch3d=True))
    else:
        missing["pytorch3d"] = "not installed here"
    try:
        import open3d
    except ImportError as error:
        missing[_OPEN3D] = f"cannot be imported here: {error}"
    else:
        ways[_OPEN3D] = partial(by_open3d, open3d=open3d)
    return ways, missing


@torch.inference_mode()
def by_torch(points: FloatArray, renderer: Renderer) -> FloatArray:
    """Depth maps drawn by PyTorch."""
    return np.asarray(renderer(torch.from_numpy(points)).numpy())


def by_open3d(points: FloatArray, open3d: Any) -> FloatArray:
    """Depth maps in which a point is a single pixel, the one it lies in.

    Open3D has pinhole cameras only; x and y times z in front of one make an orthographic picture.
    """
    size = _SPEC.image_size
    half = size / 2
    # Open3D rounds to the nearest whole number, and columns and rows run against x and y.
    pinhole = open3d.core.Tensor(
        np.array([[-half, 0, half - 0.5], [0, -half, half - 0.5], [0, 0, 1]], dtype=np.float64)
    )
    cloud, maps = turn_up(points, "z"), []
    for rotation, distance in zip(_VIEWS.rotations, _VIEWS.distances, strict=True):
        seen = to_view(cloud, rotation, distance)
        seen[:, :2] *= seen[:, 2:]
        image = open3d.t.geometry.PointCloud(seen).project_to_depth_image(
            size, size, pinhole, depth_scale=1.0, depth_max=10.0
        )
        zbuf = image.as_tensor().numpy()[..., 0]
        maps.append(normalise_depth(np.where(zbuf > 0, zbuf, np.float32(-1))))
    return np.stack(maps)


def check_same(maps: dict[str, FloatArray]) -> None:
    """Raises AssertionError unless all drew the same as ours; Open3D, part of the same foreground."""
    mine = maps["project_depth"]
    for name, other in maps.items():
        if name == _OPEN3D:
            # Rounding moves some points to the pixel beside, which discs cover as well.
            assert (mine[other < 1] < 1).mean() > 0.999, name
            assert (other < 1).any(axis=(1, 2)).all(), name
        else:
            np.testing.assert_array_equal(other, mine, err_msg=name)


def measure(points: FloatArray, ways: dict[str, Project], seconds: float) -> dict[str, Any]:
    """Milliseconds of every way on one cloud [N, 3], in turn, for about so many seconds."""
    size = len(points)
    able = {name: way for name, way in ways.items() if size <= _MOST.get(name, size)}
    maps = {name: way(points) for name, way in able.items()}  # also the warm-up
    check_same(maps)
    ms: dict[str, list[float]] = {name: [] for name in able}
    until, number = perf_counter() + seconds, 0
    while number < _FEWEST_RUNS or perf_counter() < until:
        for name in in_rotation(able, number):
            sleep(_PAUSE_S)
            _, elapsed = timed(partial(able[name], points))
            ms[name].append(1e3 * elapsed)
        number += 1
    mine = np.array(ms["project_depth"])
    return {
        "foreground": round(float((maps["project_depth"] < 1).mean()), 4),
        "ms": {name: summary(values) for name, values in ms.items()},
        "ratio": {
            name: summary(np.array(values) / mine) for name, values in ms.items() if name != "project_depth"
        },
    }


def table_of(results: dict[str, Any], names: list[str]) -> Table:
    """One line per number of points, one column per way."""
    table = Table("points", *names, title="ms, median (quartiles)", box=box.SIMPLE_HEAD)
    for size, figures in results.items():
        cells = [spread(figures["ms"][name]) if name in figures["ms"] else "" for name in names]
        table.add_row(f"{int(size):,}", *cells)
    return table


@click.command()
@click.option(
    "--threads", type=click.IntRange(min=1), default=2, show_default=True, help="Of all, on as many cores."
)
@click.option(
    "--seconds", type=click.FloatRange(min=0), default=10.0, show_default=True, help="For each cloud size."
)
@click.option(
    "--most", type=click.IntRange(min=100), default=1_000_000, show_default=True, help="Points, at most."
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=RESULTS / "projection.json",
    help="Where the figures go.  [default: benchmarks/results/projection.json]",
)
def main(threads: int, seconds: float, most: int, out: Path) -> None:
    """Time the projection, ours and others', in turn."""
    if hasattr(os, "sched_setaffinity"):  # before any pool of threads is made
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    torch.set_num_threads(threads)
    about = {**environment(), "torch": version("torch")}
    del about["engine_sha256"]  # no model takes part
    console = Console()
    ways, missing = all_ways()
    if _OPEN3D in ways:
        about["open3d"] = import_module("open3d").__version__  # of the package open3d or open3d-cpu
    sizes = [size for size in _SIZES if size <= most]
    (cloud,) = made_up_clouds(1, seed=3, points=sizes[-1])  # of one thing, the points in no order
    results = {}
    for size in sizes:
        with console.status(f"{size:,} points"):
            results[str(size)] = measure(to_unit_sphere(cloud[:size]), ways, seconds)
    console.print(table_of(results, list(ways)))
    for name, why in missing.items():
        console.print(f"left out, {name}: {why}", markup=False)
    write_results(
        out,
        about,
        {
            "views": len(_VIEWS),
            "image_size": _SPEC.image_size,
            "threads": threads,
            "left_out": missing,
            "points": results,
        },
    )
    console.print(f"wrote {out.name}")


if __name__ == "__main__":
    main()
