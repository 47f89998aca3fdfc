"""Ours beside others: the authors' pipeline, other ways to draw depth maps and to sample."""

from __future__ import annotations

from .words import Results, floors, left_out, listed, median, number, percent, ratio, table

_STAGES = ("prepare", "project", "encode", "head", "total")


def pipeline(results: Results) -> str:
    """Ways by stages; big clouds before the encoder; and what had been promised."""
    ways = [
        [way, *(median(ms[stage]) for stage in _STAGES), _ours_to(way, results)]
        for way, ms in results["ms"].items()
    ]
    big = results["big_cloud_ms"]
    cells = [median(big["prepare"]), median(big["project"]), "", "", "", ""]
    ways.append([f"ours, {big['points']:,} points", *cells])
    setting = (
        f"{results['model']}; clouds of {results['points']:,} points, {results['threads']} threads, "
        f"device {results['device']}.{left_out(results)}"
    )
    return f"{setting}\n\n{table(['ms', *_STAGES, 'ours / this'], ways)}\n\n{floors(results)}"


def pipeline_authors(results: Results) -> str:
    """One sentence: ours beside the authors' pipeline with the rasteriser that it has."""
    way = "PyTorch, pytorch3d's rasteriser"
    ms = results["ms"]
    return (
        f"With pytorch3d, as the authors have it, a cloud takes {median(ms[way]['total'])} ms, of which the "
        f"rasteriser {number(ms[way]['project']['median'])}; ours in float32 in the same run, in turn, "
        f"{median(ms['ours']['total'])} ms: {_ours_to(way, results)} times."
    )


def _ours_to(way: str, results: Results) -> str:
    ratios = results["ratio"].get(way)  # there is none of ours to itself
    return ratio(ratios["total"]) if ratios else ""


def projection(results: Results) -> str:
    """Milliseconds, a line per number of points and a column per way."""
    ways = list(dict.fromkeys(way for figures in results["points"].values() for way in figures["ms"]))
    rows = [
        [f"{int(size):,}", *(median(figures["ms"][way]) if way in figures["ms"] else "" for way in ways)]
        for size, figures in results["points"].items()
    ]
    setting = f"ms, {results['views']} views of {results['image_size']} px, {results['threads']} threads."
    return f"{setting}{left_out(results)}\n\n{table(['points', *ways], rows)}"


def sampling(results: Results) -> str:
    """Time and accuracy of every way to bring a big cloud down to the points a model takes."""
    kinds = ("uniform", "biased")
    rows = []
    for way in results["methods"]:
        row = [way["method"]]
        for found in (way[kind] for kind in kinds):
            row += [median(found["ms"]), percent(found["top1"]), f"{found['cosine_mean']:.3f}"]
        rows.append(row)
    header = ["", *(cell for kind in kinds for cell in (f"{kind}: ms", "top-1", "mean cosine"))]
    clouds = listed(way[kind]["clouds"] for way in results["methods"] for kind in kinds)
    setting = f"{clouds} clouds of {results['points']:,} points, {results['kept']:,} kept."
    return f"{setting}\n\n{table(header, rows)}"


def scene_cutting(results: Results) -> str:
    """A line per way: its time for each scene, and what it finds on labelled tables."""
    scenes = results["scenes"]
    rows = []
    for way, found in results["quality"].items():
        ms = [median(scene["ms"][way]) for scene in scenes.values()]
        hits = f"{found['found']} of {found['of']}"
        rows.append([way, *ms, hits, f"{found['overlap_mean']:.2f}", str(found["further"])])
    names = [f"{name}, {scene['points']:,} points: ms" for name, scene in scenes.items()]
    sizes = ", ".join(f"{1000 * scene['voxel']:g} mm ({name})" for name, scene in scenes.items())
    setting = f"{results['threads']} threads; voxels of {sizes} for all but the first.{left_out(results)}"
    return f"{setting}\n\n{table(['', *names, 'things found', 'mean overlap', 'further'], rows)}"
