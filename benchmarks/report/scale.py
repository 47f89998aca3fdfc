"""The blocks of docs/scale.md: what scale.py measured, and what that comes to for many pairs."""

from __future__ import annotations

from .words import Results, duration, in_bytes, median, number, percent, table

_PAIRS = (52_460, 10_000_000)  # the paper's ShapeNet first
_TFLOPS = 100  # sustained by one GPU: assumed


def points(results: Results) -> str:
    """A line per size of the cloud, and how much of the call comes before the encoder."""
    found = results["points"]
    rows = []
    for size, ms in found["ms"].items():
        before = (ms["prepare"]["median"] + ms["project"]["median"]) / ms["total"]["median"]
        stages = (median(ms[stage]) for stage in ("prepare", "project", "encode", "total"))
        rows.append([f"{int(size):,}", *stages, percent(before)])
    header = ["points", "preparation", "projection", "encoder", "whole call", "before the encoder"]
    setting = f"ms; the bundled model, backend {found['backend']}, {found['kept']:,} points kept."
    return f"{setting}\n\n{table(header, rows)}"


def views(results: Results) -> str:
    """A line per number of views and architecture."""
    rows = [
        [
            name if count == next(iter(found["ms"])) else "",
            count,
            number(found["gflop"][count]),
            median(ms["project"]),
            median(ms["encode"]),
            number(ms["encode"]["median"] / int(count)),
        ]
        for name, found in results["views"].items()
        for count, ms in found["ms"].items()
    ]
    header = ["one path of", "views", "GFLOP", "projection, ms", "encoder, ms", "encoder, ms a view"]
    sizes = ", ".join(f"{name} at {found['image_size']} px" for name, found in results["views"].items())
    setting = f"{sizes}; random weights, float32."
    return f"{setting}\n\n{table(header, rows)}"


def image_size(results: Results) -> str:
    """A line per size of the depth maps."""
    found = results["image_size"]
    rows = [
        [
            f"{size} px",
            number(found["gflop"][size]),
            *(median(ms[stage]) for stage in ("project", "encode", "total")),
        ]
        for size, ms in found["ms"].items()
    ]
    text = table(["depth maps", "GFLOP", "projection, ms", "encoder, ms", "whole call, ms"], rows)
    return f"The bundled model's architecture, {found['views']} views; random weights, float32.\n\n{text}"


def labels(results: Results) -> str:
    """A line per number of labels: once, and at every call."""
    found = results["labels"]
    rows = [
        [
            f"{int(count):,}",
            duration(about["made_s"]),
            in_bytes(about["held_bytes"]),
            f"{median(found['ms'][count]['score'])} ms",
            f"{median(found['ms'][count]['total'])} ms",
        ]
        for count, about in found["sets"].items()
    ]
    header = ["labels", "label set made in", "memory held", "scores", "whole call"]
    setting = f"The bundled model, text features of {found['dim']}."
    return f"{setting}\n\n{table(header, rows)}"


def words(results: Results) -> str:
    """What words take that an engine does not know."""
    found = results["words"]
    rows = [
        [count, f"{median(ms['total'])} ms", f"{number(ms['total']['median'] / int(count))} ms"]
        for count, ms in found["ms"].items()
    ]
    once = f"opening it takes {number(found['loading_s'])} s, once"
    setting = f"Text tower of {found['tower']}, random weights; {once}."
    return f"{setting}\n\n{table(['new words', 'label set made in', 'a word'], rows)}"


def pairs(results: Results) -> str:
    """What every pair costs once, by size of its pictures: one as measured, many by multiplying."""
    found = results["pretraining"]
    rows = []
    for size, stored in found["storing"].items():
        for count in (1, *_PAIRS):
            costs = (
                duration(count * found["rendering"][size]["cpu_s_mean"]),
                in_bytes(count * stored["bytes_per_pair"]),
                duration(count * stored["opened_us_per_pair"] / 1e6),
                in_bytes(count * stored["index_peak_bytes_per_pair"]),
                in_bytes(count * stored["index_bytes_per_pair"]),
                duration(count / found["drawing"][size]["pairs_per_s"]["median"]),
            )
            rows.append([f"{size} px" if count == 1 else "", f"{count:,}", *costs])
    header = ["pictures", "pairs", "rendered, on one core", "on disk", "opened, in every process"]
    header += ["memory meanwhile", "afterwards", "drawn once, by all threads"]
    about = next(iter(found["rendering"].values()))
    meshes = f"{about['meshes']} meshes without textures of {median(about['faces'])} faces"
    setting = f"One pair measured, on {meshes} and files in the disk cache; more by multiplying."
    return f"{setting}\n\n{table(header, rows)}"


def training(results: Results) -> str:
    """Steps as measured on this machine's CPU, and what their operations come to on a GPU nobody ran."""
    found = results["pretraining"]
    rows = []
    for name, kind in found["training"].items():
        per_s, gpu_per_s = kind["pairs_per_s"]["median"], 1e3 * _TFLOPS / kind["gflop_per_pair"]
        drawn_s = found["drawing"][str(kind["image_size"])]["cpu_ms"]["whole pair"]["median"] / 1e3
        rows.append(
            [
                name,
                str(kind["batch_size"]),
                median(kind["pairs_per_s"]),
                number(kind["gflop_per_pair"]),
                in_bytes(kind["kept_bytes_per_pair"]),
                duration(_PAIRS[0] / per_s),
                duration(_PAIRS[0] / gpu_per_s),
                number(gpu_per_s * drawn_s, 2),
            ]
        )
    header = ["", "batch", "pairs/s", "GFLOP a pair", "kept a pair for the way back"]
    header += [f"{_PAIRS[0]:,} pairs once", f"at {_TFLOPS} TFLOP/s", "cores that draw, then"]
    setting = (
        f"Measured on the CPU, drawing included. The columns of a GPU that sustains {_TFLOPS} TFLOP/s are "
        "arithmetic from counted operations, **not run on hardware yet**."
    )
    return f"{setting}\n\n{table(header, rows)}"


def processes(results: Results) -> str:
    """Clouds a second by way, and what each takes to start; and how the rate grows."""
    rows, alone = [], {}
    for way, found in results["ways"].items():
        kind, _, number = way.partition(", ")
        rate = found["clouds_per_second"]
        alone.setdefault(kind, rate["median"])
        grown = f"{rate['median'] / alone[kind]:.2f}"
        rows.append([kind, number, median(rate), grown, f"{median(found['start_s'])} s"])
    header = ["", "processes, a core each", "clouds a second", "times one", "start"]
    return f"{results['points']:,} points a cloud.\n\n{table(header, rows)}"
