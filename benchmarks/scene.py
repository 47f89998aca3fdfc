"""What does it take to cut a scene into its things, and are they the right ones?

    python benchmarks/scene.py --pcl DIR --osd DIR

A voxel grid, the support plane and Euclidean clusters, by ours and by others, with the same parameters, in
turn: a tabletop and an office as a Kinect saw them. Ours as a robot has it, which cuts touching things apart
and puts boxes around them, is a way of its own. Then how many of the labelled things of tabletop scenes each
finds.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from c2p_deploy import progress, read_cloud
from c2p_deploy.errors import C2PError
from c2p_recipes.packs.scanned import read_labelled
from c2p_runtime.scene.segment import segment
from c2p_runtime.scene.segmentation import SceneOptions
from harness.frame import (
    Results,
    Way,
    benchmark,
    count_option,
    file_option,
    folder_option,
    in_turn,
    keep_to,
    leave_out,
    summaries,
    timed,
)
from harness.scene_others import (
    Cut,
    IntArray,
    Parameters,
    Points,
    Program,
    by_our_kernels,
    by_scipy,
    by_sklearn,
    on_points,
    open3d_command,
    pcl_command,
)
from harness.scene_scoring import best_overlaps

OURS = "c2p-deploy, whole"
CUTS: dict[str, Cut] = {
    "c2p-deploy, Euclidean": by_our_kernels,
    "SciPy": by_scipy,
    "scikit-learn": by_sklearn,
}
FILES = {"tabletop": "organised_640x480.pcd", "office": "office1.pcd"}
# A room is wider, and its things are larger. least: the 10 voxels are about 30 points.
PARAMETERS = {
    "tabletop": Parameters(size=0.01, plane=0.015, iterations=200, tolerance=0.02, least=10),
    "office": Parameters(size=0.02, plane=0.03, iterations=200, tolerance=0.04, least=10),
}
FOUND = 0.5  # overlap of points with which a labelled thing counts as found
LIMITS = SceneOptions()


def visible(points: Any) -> Points:
    """Points [M, 3] of a frame without its holes."""
    points = np.asarray(points)[:, :3].astype(np.float32)
    return np.ascontiguousarray(points[np.isfinite(points).all(axis=1) & (points != 0).any(axis=1)])


def times(
    points: Points, given: Parameters, programs: dict[str, list[str]], rounds: int, folder: Path
) -> dict[str, Any]:
    """Milliseconds of each way, in turn."""
    with ExitStack() as stack:
        ways: dict[str, Way] = {OURS: lambda: {"ms": 1e3 * timed(lambda: segment(points))[1]}}
        for name, cut in CUTS.items():
            ways[name] = lambda cut=cut: {"ms": 1e3 * timed(lambda: cut(points, given))[1]}  # type: ignore[misc]
        for name, command in programs.items():
            program = Program(command, points, given, folder / name)
            stack.callback(program.close)
            ways[name] = lambda program=program: {"ms": program.milliseconds()}  # type: ignore[misc]
        return {name: ms["ms"] for name, ms in summaries(in_turn(ways, range(rounds))).items()}


def found_by(points: Points, programs: dict[str, list[str]], folder: Path) -> dict[str, list[IntArray]]:
    """What each way finds on a tabletop, within the limits of size that ours has."""
    given = PARAMETERS["tabletop"]
    found = {OURS: [thing.indices for thing in segment(points).objects]}
    cuts: dict[str, Callable[[], Any]] = {
        name: lambda cut=cut: cut(points, given)  # type: ignore[misc]
        for name, cut in CUTS.items()
    }
    for name, command in programs.items():
        cuts[name] = lambda name=name, command=command: once(command, points, folder / name)  # type: ignore[misc]
    for name, cut in cuts.items():
        things = on_points(points, cut(), given)
        found[name] = [thing for thing in things if within_limits(points[thing])]
    return found


def once(command: list[str], points: Points, folder: Path) -> Any:
    """What another program finds."""
    program = Program(command, points, PARAMETERS["tabletop"], folder)
    try:
        program.milliseconds()
    finally:
        program.close()
    return program.clusters()


def within_limits(points: Points) -> bool:
    """Whether ours would take it for a thing, by its points and its longest side."""
    longest = float(np.ptp(points, axis=0).max())
    return len(points) >= LIMITS.min_points and LIMITS.min_size <= longest <= LIMITS.max_size


def quality(osd: Path, programs: dict[str, list[str]], folder: Path) -> dict[str, Any]:
    """Of the labelled things of all scenes: how many each way finds, how well, and what it finds besides."""
    files = sorted(osd.glob("learn*.pcd"))
    if not files:
        raise C2PError("holds no labelled scene", "give the folder with learn0.pcd … of mOSD", osd)
    best: dict[str, list[float]] = {}
    further: dict[str, int] = {}
    with progress.task("cutting labelled scenes", len(files)) as task:
        for path in files:
            points, label = read_labelled(path)
            truth = np.where(label >= 20, label // 10, -1)
            for name, things in found_by(visible(points), programs, folder / path.stem).items():
                overlaps = best_overlaps(things, truth)
                best.setdefault(name, []).extend(overlaps.tolist())
                hits = int((overlaps >= FOUND).sum())
                further[name] = further.get(name, 0) + len(things) - hits
            task.advance()
    return {
        name: {
            "found": int((np.array(overlaps) >= FOUND).sum()),
            "of": len(overlaps),
            "overlap_mean": round(float(np.mean(overlaps)), 4),
            "further": further[name],
        }
        for name, overlaps in best.items()
    }


@benchmark(
    "scene",
    folder_option("--pcl", "Holds organised_640x480.pcd and office1.pcd of PCL's tests."),
    folder_option("--osd", "Holds learn0.pcd … of mOSD, labelled."),
    file_option("--open3d", "The python of an environment with Open3D.  [default: leave Open3D out]"),
    count_option("--rounds", 15, "Turns of each way."),
    count_option("--threads", 2, "Cores that may be used."),
    packages=("scipy", "scikit-learn"),
)
def main(pcl: Path, osd: Path, open3d: Path | None, rounds: int, threads: int) -> Results:
    """Compare ways to cut a scene into its things."""
    keep_to(threads)
    left_out: dict[str, str] = {}
    programs: dict[str, list[str]] = {}
    versions = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        try:
            programs["PCL"], versions["pcl"] = pcl_command(folder)
        except C2PError as error:
            leave_out(left_out, "PCL", error.problem)
        if open3d is None:
            leave_out(left_out, "Open3D", "no environment with it was given")
        else:
            programs["Open3D"], versions["open3d"] = open3d_command(open3d)
        scenes = {}
        for name, file in FILES.items():
            points = visible(read_cloud(pcl / file))
            ms = times(points, PARAMETERS[name], programs, rounds, folder / name)
            scenes[name] = {"points": len(points), "voxel": PARAMETERS[name].size, "ms": ms}
        found = quality(osd, programs, folder)
    return {
        "threads": threads,
        "scenes": scenes,
        "quality": found,
        "left_out": left_out,
        "environment": versions,
    }


if __name__ == "__main__":
    main()
