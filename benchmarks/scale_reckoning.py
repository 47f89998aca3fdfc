"""From what scale.py measured to larger numbers: plain arithmetic, in one place and tested.

`pretraining` is that part of results/scale.json. Nothing here was run at these sizes, and of GPUs
nothing was measured at all: there the only inputs are counted operations and an assumed rate.
"""

from __future__ import annotations

from math import ceil

from report_tables import Results

PAIRS = (52_460, 500_000, 10_000_000)  # the paper's ShapeNet first
EPOCHS = 100  # default of the authors' released code; its batches have 256 pairs
TFLOPS = (50, 100, 200, 400)  # sustained by one GPU: assumed
GPUS = (1, 8, 64)
FLOAT = 4  # bytes
PAPER = "ViT-B/32, LAMB, float32 (the paper's)"
FAST = "ViT-B/32, AdamW, bfloat16"


def rendering_cost(pretraining: Results, size: str, pairs: int) -> dict[str, float]:
    """Bytes on disk, shards, hours of one core to render so many meshes, and of the process that writes."""
    stored = pretraining["storing"][size]
    size_on_disk = pairs * stored["bytes_per_pair"]
    return {
        "bytes": size_on_disk,
        "shards": ceil(pairs / stored["shard_size"]),
        "core_hours": pairs * pretraining["rendering"][size]["cpu_s_mean"] / 3600,
        "writing_hours": size_on_disk / (1e6 * stored["written_mb_per_s"]) / 3600,
    }


def opening_cost(stored: Results, pairs: int) -> dict[str, float]:
    """Seconds and bytes that opening a folder takes in every process; hours to check what is there."""
    return {
        "seconds": pairs * stored["opened_us_per_pair"] / 1e6,
        "held_bytes": pairs * stored["index_bytes_per_pair"],
        "peak_bytes": pairs * stored["index_peak_bytes_per_pair"],
        "order_bytes": pairs * 8,
        "checking_hours": pairs * stored["bytes_per_pair"] / (1e6 * stored["checked_mb_per_s"]) / 3600,
    }


def training_hours(kind: Results, pairs: int, epochs: int) -> float:
    """Hours of the machine that was measured."""
    return float(pairs * epochs / kind["pairs_per_s"]["median"] / 3600)


def gpu_hours(kind: Results, pairs: int, epochs: int, tflops: float, gpus: int) -> float:
    """Hours if every one of the GPUs sustains so many TFLOP/s and nothing else takes time."""
    return float(kind["gflop_per_pair"] * 1e9 * pairs * epochs / (tflops * 1e12) / gpus / 3600)


def feeding(pretraining: Results, name: str, tflops: float) -> dict[str, float]:
    """Per second, what one GPU would take from disk and from processors if it sustained so many TFLOP/s."""
    kind = pretraining["training"][name]
    size = str(kind["image_size"])
    drawn, stored = pretraining["drawing"][size], pretraining["storing"][size]
    rate = 1e3 * tflops / kind["gflop_per_pair"]
    return {
        "pairs": rate,
        "cores": rate * drawn["cpu_ms"]["whole pair"]["median"] / 1e3,
        "bytes_read": rate * (stored["picture_bytes"] + stored["cloud_bytes"]),
        "bytes_to_device": rate * drawn["bytes_to_device"],
    }


def loss_cost(loss: Results, kind: Results, batch: int, processes: int) -> dict[str, float]:
    """Of one step in each process: bytes gathered and kept by the loss; operations there and in the encoders.

    Bytes kept are a·B + b·B², through the two largest batches counted; operations are c·B².
    """
    (small, kept_small), (large, kept_large) = [
        (int(size), kept) for size, kept in list(loss["kept_bytes"].items())[-2:]
    ]
    b = (kept_large / large - kept_small / small) / (large - small)
    a = kept_large / large - b * large
    return {
        "gathered_bytes": batch * 3 * loss["dim"] * FLOAT,
        "kept_bytes": a * batch + b * batch**2,
        "gflop": loss["gflop"][str(large)] * (batch / large) ** 2,
        "encoders_gflop": kind["gflop_per_pair"] * batch / processes,
    }
