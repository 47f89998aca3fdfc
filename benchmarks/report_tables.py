"""The blocks of Markdown that `report.py` puts between markers: results in, text out.

Each block is a plain function of what one or more files in results/ hold, in the order in which
`BLOCKS` names the files, and returns Markdown. To add one:

1. write the function here, with `table`, `median`, `number` and `percent`, so that figures look alike,
2. name it, its function and its files in `BLOCKS`, at the end (blocks that belong together may
   have a module of their own, as `report_scale.py`, whose `BLOCKS` `report.py` takes in),
3. put the two markers where it is to stand, each on a line of its own, and run `report.py`:

       <!-- results: NAME, written by benchmarks/report.py -->
       <!-- end of results -->

Links start at the repository's root (`](/docs/plots/x.png)`); `report.py` makes them relative to the
file that the block stands in. It also writes below each block the machine, the files and the
commands. A second file of the same layout (another machine) needs a line in `BLOCKS` only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import floor, log10
from typing import Any

from common import spread

Results = dict[str, Any]
_PIPELINE_STAGES = ("prepare", "project", "encode", "head", "total")


def number(value: float, digits: int = 3) -> str:
    """A figure with so many significant digits, and all of its integer part: 0.297, 26.2 or 1,116."""
    return f"{value:,.{_decimals(value, digits)}f}"


def median(stats: dict[str, float], digits: int = 3) -> str:
    """A summary as median (quartile–quartile): the median as `number` has it, quartiles to the same place."""
    places = _decimals(stats["median"], digits)
    middle, low, high = (f"{stats[key]:,.{places}f}" for key in ("median", "q1", "q3"))
    return f"{middle} ({low}–{high})"


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("|" + "|".join(f" {cell} " if cell else " " for cell in line) + "|" for line in lines)


def machine(environment: Results) -> str:
    """What a measurement was made on, in words."""
    cores = f"{environment['cpu']}, {environment['cores']} cores"
    return f"{cores}, {environment['gpu']}" if environment.get("gpu") else cores


def _decimals(value: float, digits: int) -> int:
    """Decimal places that so many significant digits take, after rounding to them (9.996 is 10.0)."""
    rounded = float(f"{value:.{digits - 1}e}")
    return max(0, digits - 1 - floor(log10(abs(rounded)))) if rounded else 0


def run_speed(results: Results) -> str:
    """What a user of c2p-run and Classifier waits for, a line per figure."""
    started = results["start_up_s"]["one cloud"]
    rows = [["from starting `c2p-run` to the answer, second run on", f"{median(started)} s"]]
    for size, ms in results["stages_ms"].items():
        stages = {"preparation": "prepare", "projection": "project", "encoder": "encode"}
        parts = (f"{name} {number(ms[stage]['median'])}" for name, stage in stages.items())
        points = f"{int(size.split()[0]):,}"
        rows.append([f"one cloud of {points} points, warm", f"{median(ms['total'])} ms: {', '.join(parts)}"])
    files = results["many_files"]
    count = sum(files["files"].values())
    rows.append(
        [
            f"{count:,} files of mixed formats, reading and start-up included",
            f"{number(files['clouds_per_second'])} clouds/s",
        ]
    )
    for size, figures in results["projection"].items():
        fast, plain = (median(figures["ms"][key]) for key in ("project_depth", "project_depth_reference"))
        rows.append(
            [f"ten depth maps at {size}: compiled and NumPy reference, in turn", f"{fast} and {plain} ms"]
        )
    return f"Backend {results['backend']}.\n\n{table(['', 'median (quartiles)'], rows)}"


def pipeline_totals(results: Results) -> str:
    """Each way from points to scores as one line."""
    rows = [[way, median(ms["total"]), _ours_to(way, results)] for way, ms in results["ms"].items()]
    return f"{_pipeline_setting(results)}\n\n{table(['', 'ms a cloud', 'ours / this'], rows)}"


def pipeline_authors(results: Results) -> str:
    """One sentence: ours beside the authors' pipeline with the rasteriser that it has."""
    way = "PyTorch, pytorch3d's rasteriser"
    ms = results["ms"]
    return (
        f"With pytorch3d, as the authors have it, a cloud takes {median(ms[way]['total'])} ms, of which the "
        f"rasteriser {number(ms[way]['project']['median'])}; ours in float32 in the same run, in turn, "
        f"{median(ms['ours']['total'])} ms: {_ours_to(way, results)} times."
    )


def pipeline(results: Results) -> str:
    """As `pipeline_stages`, with the plot."""
    plot = "![Milliseconds a cloud by stage, ours and the authors' in PyTorch](/docs/plots/pipeline.png)"
    return f"{plot}\n\n{pipeline_stages(results)}"


def pipeline_stages(results: Results) -> str:
    """Ways by stages; big clouds before the encoder; and what had been promised."""
    ways = [
        [way, *(median(ms[stage]) for stage in _PIPELINE_STAGES), _ours_to(way, results)]
        for way, ms in results["ms"].items()
    ]
    big = results["big_cloud_ms"]
    cells = [median(big["prepare"]), median(big["project"]), "", "", "", ""]
    ways.append([f"ours, {big['points']:,} points", *cells])
    floors = [
        [name, number(floor["median"]), f"{floor['limit']:g}", "yes" if floor["holds"] else "**no**"]
        for name, floor in results["floors"].items()
    ]
    return "\n\n".join(
        (
            _pipeline_setting(results) + _left_out(results),
            table(["ms", *_PIPELINE_STAGES, "ours / this"], ways),
            table(["wanted", "measured", "at most", "holds"], floors),
        )
    )


def _ours_to(way: str, results: Results) -> str:
    ratios = results["ratio"].get(way)  # there is none of ours to itself
    return spread(ratios["total"]) if ratios else ""


def _pipeline_setting(results: Results) -> str:
    return (
        f"{results['model']}; clouds of {results['points']:,} points, {results['threads']} threads, "
        f"device {results['device']}."
    )


def _left_out(results: Results) -> str:
    return "".join(f" Left out: {way} ({why})." for way, why in results["left_out"].items())


def projection(results: Results) -> str:
    """Milliseconds, a line per number of points and a column per way."""
    ways = list(dict.fromkeys(way for figures in results["points"].values() for way in figures["ms"]))
    rows = [
        [f"{int(size):,}", *(median(figures["ms"][way]) if way in figures["ms"] else "" for way in ways)]
        for size, figures in results["points"].items()
    ]
    setting = f"ms, {results['views']} views of {results['image_size']} px, {results['threads']} threads."
    return f"{setting}{_left_out(results)}\n\n{table(['points', *ways], rows)}"


def projection_plot(results: Results) -> str:
    """The plot alone: its results are only looked at for where they come from."""
    return "![Milliseconds of the projection over the number of points](/docs/plots/projection.png)"


def export_cost(results: Results) -> str:
    """Seconds, memory and bytes of the command, a line per export."""
    rows = [
        [
            name,
            median(figures["seconds"]),
            f"{number(figures['peak_memory_gb']['median'], 2)} GB",
            ", ".join(f"`{file}` {number(size)} MB" for file, size in figures["megabytes"].items()),
        ]
        for name, figures in results["exports"].items()
    ]
    runs = {figures["seconds"]["n"] for figures in results["exports"].values()}
    clouds = {figures["parity"]["clouds"] for figures in results["exports"].values()}
    setting = f"{results['model']}; {_listed(runs)} runs each, verified on {_listed(clouds)} clouds."
    return f"{setting}\n\n{table(['', 'seconds', 'peak memory', 'files'], rows)}"


def _listed(values: set[int]) -> str:
    return " or ".join(map(str, sorted(values)))


def fewshot_cache(results: Results) -> str:
    """One sentence: an epoch with features computed once, and without."""
    kept, anew = results["cached"], results["uncached"]
    return (
        f"An epoch over {results['clouds']} clouds takes {median(kept['epoch_s'], 2)} s with kept features "
        f"and {median(anew['epoch_s'], 2)} s where every cloud is drawn and encoded again; top-1 on "
        f"{results['test_clouds']} others is {percent(kept['top1'])} and {percent(anew['top1'])}."
    )


def sampling(results: Results) -> str:
    """Time and accuracy of every way to bring a big cloud down to the points a model takes."""
    kinds = ("uniform", "biased")
    rows = [
        [
            way["method"],
            *(
                cell
                for kind in kinds
                for cell in (
                    median(way[kind]["ms"]),
                    percent(way[kind]["top1"]),
                    f"{way[kind]['cosine_mean']:.3f}",
                )
            ),
        ]
        for way in results["methods"]
    ]
    header = ["", *(cell for kind in kinds for cell in (f"{kind}: ms", "top-1", "mean cosine"))]
    clouds = {way[kind]["clouds"] for way in results["methods"] for kind in kinds}
    return (
        f"{_listed(clouds)} clouds of {results['points']:,} points, {results['kept']:,} kept.\n\n"
        f"{table(header, rows)}"
    )


def robustness(results: Results) -> str:
    """Top-1 on held-out clouds, a line per change and a column per source."""
    sources = results["clouds"]
    rows = [[row["change"], *(percent(row[source]) for source in sources)] for row in results["top1"]]
    return table(["clouds", *(f"{source} ({count})" for source, count in sources.items())], rows)


def robustness_in_short(results: Results) -> str:
    """One sentence for those who only look at the README."""
    top1 = {row["change"]: percent(row["ModelNet10"]) for row in results["top1"]}
    changes = ("as they are", "any heading", "seen from one side")
    parts = ", ".join(f"{change} {top1[change]}" for change in changes)
    return f"Top-1 on the {results['clouds']['ModelNet10']} clouds of ModelNet10: {parts}."


# Block -> its function, and the files in results/ that it is made from, without `.json`.
BLOCKS: dict[str, tuple[Callable[..., str], tuple[str, ...]]] = {
    "run_speed": (run_speed, ("run_speed",)),
    "run_speed_openvino": (run_speed, ("run_speed_openvino",)),
    "pipeline": (pipeline, ("pipeline",)),
    "pipeline_pytorch3d": (pipeline_stages, ("pipeline_pytorch3d",)),
    "pipeline_totals": (pipeline_totals, ("pipeline",)),
    "pipeline_authors": (pipeline_authors, ("pipeline_pytorch3d",)),
    "projection": (projection, ("projection",)),
    "projection_plot": (projection_plot, ("projection",)),
    "export_cost": (export_cost, ("export_cost",)),
    "fewshot_cache": (fewshot_cache, ("fewshot_cache",)),
    "sampling": (sampling, ("sampling",)),
    "robustness": (robustness, ("robustness",)),
    "robustness_in_short": (robustness_in_short, ("robustness",)),
}
