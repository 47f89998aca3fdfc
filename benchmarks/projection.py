"""The projection alone, ours and others': 10 views of 224 px, from a hundred points to a million.

    python benchmarks/projection.py

All must draw the same depth maps before anything is timed. Open3D cannot: it draws a point as one
pixel, not as a disc, so it has less to do; it is measured all the same where it can be imported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from itertools import count
from time import perf_counter, sleep
from typing import Any

import numpy as np
import torch

from c2p_deploy import DepthSpec, ViewSet, progress, project_depth, project_depth_reference
from c2p_deploy.errors import reason_of
from c2p_deploy.projection.prepare import to_unit_sphere
from c2p_deploy.projection.reference import normalise_depth, to_view
from c2p_deploy.projection.spec import FloatArray, turn_up
from c2p_export.verify_clouds import made_up_clouds
from harness.authors_pipeline import HAS_PYTORCH3D, Renderer
from harness.frame import Results, benchmark, count_option, in_turn, keep_to, leave_out, summary, timed

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
    missing: dict[str, str] = {}
    if HAS_PYTORCH3D:
        ways["pytorch3d"] = partial(by_torch, renderer=Renderer(_VIEWS, _SPEC, pytorch3d=True))
    else:
        leave_out(missing, "pytorch3d", "not installed here")
    try:
        import open3d
    except ImportError as error:
        leave_out(missing, _OPEN3D, f"cannot be imported here: {reason_of(error)}")
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

    def run(project: Project) -> dict[str, float]:
        return {"total": 1e3 * timed(partial(project, points))[1]}

    turns = {name: partial(run, project) for name, project in able.items()}
    found = in_turn(turns, for_seconds(seconds), rest=partial(sleep, _PAUSE_S), untimed=False)
    ms = {name: by_stage["total"] for name, by_stage in found.items()}
    mine = np.array(ms["project_depth"])
    return {
        "foreground": round(float((maps["project_depth"] < 1).mean()), 4),
        "ms": {name: summary(values) for name, values in ms.items()},
        "ratio": {
            name: summary(np.array(values) / mine) for name, values in ms.items() if name != "project_depth"
        },
    }


def for_seconds(seconds: float) -> Iterator[int]:
    """Numbers of rounds, until so many seconds have passed; a few at least."""
    until = perf_counter() + seconds
    for number in count():
        if number >= _FEWEST_RUNS and perf_counter() >= until:
            return
        yield number


@benchmark(
    "projection",
    count_option("--threads", 2, "Of all, on as many cores."),
    count_option("--seconds", 10, "For each cloud size.", least=0),
    count_option("--most", 1_000_000, "Points, at most.", least=100),
    packages=("torch",),
)
def main(threads: int, seconds: int, most: int) -> Results:
    """Time the projection, ours and others', in turn."""
    keep_to(threads)
    torch.set_num_threads(threads)
    ways, missing = all_ways()
    # Its own version, which is that of the package open3d or of open3d-cpu.
    about = {"open3d": import_module("open3d").__version__} if _OPEN3D in ways else {}
    sizes = [size for size in _SIZES if size <= most]
    (cloud,) = made_up_clouds(1, seed=3, points=sizes[-1])  # of one thing, the points in no order
    results = {}
    for size in sizes:
        with progress.task(f"{size:,} points"):
            results[str(size)] = measure(to_unit_sphere(cloud[:size]), ways, seconds)
    return {
        "environment": about,
        "views": len(_VIEWS),
        "image_size": _SPEC.image_size,
        "threads": threads,
        "left_out": missing,
        "points": results,
    }


if __name__ == "__main__":
    main()
