"""The blocks of docs/scale.md: what scale.py measured, and what follows from it for larger numbers.

As in `report_tables.py` every function takes the contents of results/scale.json and gives Markdown.
What is reckoned instead of measured (`scale_reckoning.py`) says so in the text.
"""

from __future__ import annotations

from collections.abc import Callable

from report_tables import Results, median, number, percent, table
from scale_reckoning import (
    EPOCHS,
    FAST,
    FLOAT,
    GPUS,
    PAIRS,
    PAPER,
    TFLOPS,
    feeding,
    gpu_hours,
    loss_cost,
    opening_cost,
    rendering_cost,
    training_hours,
)

_CORES = (16, 64, 512)  # 512: the most that one command of c2p-train render takes
_BATCHES = (256, 1_024, 4_096, 16_384, 65_536)
_PROCESSES = 64
_ARITHMETIC = "Arithmetic from counted operations, **not measured, not run on hardware yet**."


def points(results: Results) -> str:
    """A line per size of the cloud, and how much of the call comes before the encoder."""
    found = results["points"]
    rows = []
    for size, ms in found["ms"].items():
        before = (ms["prepare"]["median"] + ms["project"]["median"]) / ms["total"]["median"]
        stages = (median(ms[stage]) for stage in ("prepare", "project", "encode", "total"))
        rows.append([f"{int(size):,}", *stages, percent(before)])
    header = ["points", "preparation", "projection", "encoder", "whole call", "before the encoder"]
    return _shown(
        "scale_points",
        "Milliseconds by stage over the number of points",
        f"ms; the bundled model, backend {found['backend']}, {found['kept']:,} points kept.",
        table(header, rows),
    )


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
    return _shown(
        "scale_views",
        "Milliseconds of the encoder over the number of views",
        f"{sizes}; random weights, float32.",
        table(header, rows),
    )


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
            f"{number(about['made_s'])} s",
            _bytes(about["held_bytes"]),
            f"{median(found['ms'][count]['score'])} ms",
            f"{median(found['ms'][count]['total'])} ms",
        ]
        for count, about in found["sets"].items()
    ]
    header = ["labels", "label set made in", "memory held", "scores", "whole call"]
    return _shown(
        "scale_labels",
        "Milliseconds of the scores over the number of labels",
        f"The bundled model, text features of {found['dim']}.",
        table(header, rows),
    )


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


def rendering(results: Results) -> str:
    """What a mesh takes here, and what that makes for many."""
    found = results["pretraining"]
    measured = [
        [
            f"{size} px",
            f"{median(rendered['cpu_s'])} s",
            f"{number(rendered['cpu_s_mean'])} s",
            _bytes(found["storing"][size]["bytes_per_pair"]),
            f"{number(found['storing'][size]['written_mb_per_s'])} MB/s",
        ]
        for size, rendered in found["rendering"].items()
    ]
    reckoned = []
    for pairs in PAIRS:
        for size in found["rendering"]:
            cost = rendering_cost(found, size, pairs)
            shared = (max(cost["core_hours"] / cores, cost["writing_hours"]) for cores in _CORES)
            hours = (cost["core_hours"], *shared)
            reckoned.append(
                [
                    f"{pairs:,}",
                    f"{size} px",
                    _bytes(cost["bytes"]),
                    f"{cost['shards']:,}",
                    *map(_hours, hours),
                ]
            )
    about = next(iter(found["rendering"].values()))
    return "\n\n".join(
        (
            f"Measured on {about['meshes']} meshes without textures, {median(about['faces'])} faces:",
            table(["pictures", "processor time a mesh", "mean", "stored a pair", "shards written"], measured),
            "Reckoned from the means, cores as fast as one here, and never faster than one process writes:",
            table(
                [
                    "pairs",
                    "pictures",
                    "storage",
                    "shards",
                    "one core",
                    *(f"{cores} cores" for cores in _CORES),
                ],
                reckoned,
            ),
        )
    )


def opening(results: Results) -> str:
    """What the index of a folder takes in every process that reads it."""
    stored = results["pretraining"]["storing"]
    size = max(stored, key=int)
    rows = []
    for pairs in PAIRS:
        cost = opening_cost(stored[size], pairs)
        rows.append(
            [
                f"{pairs:,}",
                _hours(cost["seconds"] / 3600),
                _bytes(cost["peak_bytes"]),
                _bytes(cost["held_bytes"]),
                _bytes(cost["order_bytes"]),
                _hours(cost["checking_hours"]),
            ]
        )
    header = [
        "pairs",
        "opening",
        "memory while opening",
        "then",
        "order of an epoch",
        "checked before `render` goes on",
    ]
    setting = f"Reckoned from a folder of {stored[size]['pairs']:,} pairs at {size} px in the disk cache:"
    return f"{setting}\n\n{table(header, rows)}"


def drawing(results: Results) -> str:
    """Processor time per pair and pairs per second, and what a GPU would want."""
    found = results["pretraining"]
    measured = [
        [
            f"{size} px",
            *(f"{median(stats)} ms" for stats in drawn["cpu_ms"].values()),
            median(drawn["pairs_per_s"]),
        ]
        for size, drawn in found["drawing"].items()
    ]
    wanted = []
    for tflops in TFLOPS:
        need = feeding(found, FAST, tflops)
        wanted.append(
            [
                f"{tflops} TFLOP/s",
                number(need["pairs"]),
                number(need["cores"], 2),
                f"{_bytes(need['bytes_read'])}/s",
                f"{_bytes(need['bytes_to_device'])}/s",
            ]
        )
    parts = next(iter(found["drawing"].values()))["cpu_ms"]
    return "\n\n".join(
        (
            "Measured, files in the disk cache; processor time of one pair, and pairs/s of all threads:",
            table(["pictures", *parts, "pairs/s"], measured),
            f"What one GPU that trains ViT-B/32 would ask for. {_ARITHMETIC}",
            table(["a GPU that sustains", "pairs/s", "cores that draw", "read", "copied to it"], wanted),
        )
    )


def training(results: Results) -> str:
    """Steps as measured on this machine's CPU, and what that makes for many pairs."""
    kinds = results["pretraining"]["training"]
    measured = [
        [
            name,
            str(kind["batch_size"]),
            median(kind["pairs_per_s"]),
            number(kind["gflop_per_pair"]),
            number(kind["gflop_per_pair"] * kind["pairs_per_s"]["median"]),
            _bytes(kind["kept_bytes_per_pair"]),
        ]
        for name, kind in kinds.items()
    ]
    reckoned = [
        [
            name,
            f"{pairs:,}",
            _hours(training_hours(kind, pairs, 1)),
            _hours(training_hours(kind, pairs, EPOCHS)),
        ]
        for name, kind in kinds.items()
        for pairs in PAIRS
    ]
    header = ["", "batch", "pairs/s", "GFLOP a pair", "GFLOP/s", "kept a pair for the way back"]
    return "\n\n".join(
        (
            "Measured on the CPU, drawing included:",
            table(header, measured),
            "Reckoned for this CPU:",
            table(["", "pairs", "one epoch", f"{EPOCHS} epochs"], reckoned),
        )
    )


def gpus(results: Results) -> str:
    """Hours on GPUs nobody ran, by arithmetic."""
    kind = results["pretraining"]["training"][PAPER]
    rows = [
        [
            f"{pairs:,}",
            f"{tflops} TFLOP/s",
            *(_hours(gpu_hours(kind, pairs, EPOCHS, tflops, count)) for count in GPUS),
        ]
        for pairs in PAIRS
        for tflops in TFLOPS
    ]
    setting = (
        f"{_ARITHMETIC} {number(kind['gflop_per_pair'])} GFLOP a pair (ViT-B/32), {EPOCHS} epochs, nothing "
        "but the encoders takes time, and N GPUs are N times as fast:"
    )
    header = ["pairs", "each GPU sustains", *(f"{count} GPU{'s' if count > 1 else ''}" for count in GPUS)]
    return _shown(
        "scale_pretraining",
        "Hours of pre-training over the number of pairs",
        setting,
        table(header, rows),
    )


def batches(results: Results) -> str:
    """What a step asks of every process, over the size of the batch."""
    found = results["pretraining"]
    kind = found["training"][FAST]
    measured = [
        [f"{int(size):,}", f"{median(ms['total'])} ms", _bytes(found["loss"]["kept_bytes"][size])]
        for size, ms in found["loss"]["ms"].items()
    ]
    rows = []
    for batch in _BATCHES:
        cost = loss_cost(found["loss"], kind, batch, _PROCESSES)
        rows.append(
            [
                f"{batch:,}",
                _bytes(cost["gathered_bytes"]),
                _bytes(cost["kept_bytes"]),
                f"{number(cost['gflop'])} GFLOP",
                f"{number(cost['encoders_gflop'])} GFLOP",
            ]
        )
    exchanged = _bytes(kind["parameters"] * FLOAT)
    header = [
        "pairs a step",
        "features gathered",
        "kept by the loss",
        "loss",
        f"encoders, {_PROCESSES} processes",
    ]
    return "\n\n".join(
        (
            "The loss alone, there and back, measured on the CPU:",
            table(["pairs", "time", "kept for the way back"], measured),
            f"In each process, every step, ViT-B/32; {exchanged} of gradients are exchanged besides. "
            f"{_ARITHMETIC}",
            table(header, rows),
        )
    )


def _shown(plot: str, says: str, setting: str, text: str) -> str:
    return f"![{says}](/docs/plots/{plot}.png)\n\n{setting}\n\n{text}"


def _bytes(count: float) -> str:
    """Bytes in the unit that makes them readable; a kilobyte is 1,000."""
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if count >= size:
            return f"{number(count / size)} {unit}"
    return f"{number(count / 1e3)} KB"


def _hours(hours: float) -> str:
    """Hours in the unit that makes them readable."""
    if hours >= 48:
        return f"{number(hours / 24)} days"
    if hours >= 1:
        return f"{number(hours)} h"
    return f"{number(hours * 60)} min" if hours * 60 >= 1 else f"{number(hours * 3600)} s"


# For `report.py`, as in report_tables.py.
_SOURCE = ("scale",)
BLOCKS: dict[str, tuple[Callable[..., str], tuple[str, ...]]] = {
    "scale_points": (points, _SOURCE),
    "scale_views": (views, _SOURCE),
    "scale_image_size": (image_size, _SOURCE),
    "scale_labels": (labels, _SOURCE),
    "scale_words": (words, _SOURCE),
    "scale_rendering": (rendering, _SOURCE),
    "scale_opening": (opening, _SOURCE),
    "scale_drawing": (drawing, _SOURCE),
    "scale_training": (training, _SOURCE),
    "scale_gpus": (gpus, _SOURCE),
    "scale_batches": (batches, _SOURCE),
}
