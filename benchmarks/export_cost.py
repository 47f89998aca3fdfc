"""What an export costs: seconds, memory and bytes, for two paths of ViT-B/32.

The whole command is timed from outside, verification on 32 clouds and the TensorRT-RTX plan for
two GPUs included. Weights are random: cost does not depend on them.

    python benchmarks/export_cost.py
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from time import perf_counter

import click
import numpy as np
import torch
from common import RESULTS, environment, spread, summary, write_results

from c2p_deploy import DepthSpec, LabelSet, Manifest, ViewSet
from c2p_train.model.checkpoint import Checkpoint, save_checkpoint
from c2p_train.model.clip2point import CLIP2Point
from c2p_train.model.clip_encoder import ClipConfig, ClipEncoder, import_open_clip
from c2p_train.model.heads import build_head

_CASES = {"fp32": ["--fp32"], "fp16": ["--fp16"], "fp16 and a plan for two GPUs": ["--target", "sm86,sm89"]}


def write_checkpoint(path: Path, model: str = "ViT-B-32-quickgelu") -> None:
    """Two encoders and a Dual-Path Adapter with random weights."""
    settings = import_open_clip().get_model_config(model)
    config = ClipConfig(model, settings["embed_dim"], settings["vision_cfg"], quick_gelu=True)
    torch.manual_seed(0)
    views = ViewSet.named("clip2point-10")
    head = build_head("dpa", len(views), config.embed_dim)
    whole = CLIP2Point(ClipEncoder(config), ClipEncoder(config), head).eval()
    labels = LabelSet(
        tuple(map(str, range(40))), np.random.default_rng(0).normal(size=(40, config.embed_dim))
    )
    save_checkpoint(Checkpoint(whole, views, DepthSpec(), labels, 100.0, {}), path)


def run(command: list[str]) -> tuple[float, float]:
    """Seconds, and peak resident memory in GB, of a command."""
    started = perf_counter()
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    assert process.stderr is not None
    told = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise click.ClickException(told.decode())
    return perf_counter() - started, usage.ru_maxrss * 1024 / 1e9


@click.command()
@click.option("--repeats", type=click.IntRange(1), default=3, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), default=RESULTS / "export_cost.json")
def main(repeats: int, out: Path) -> None:
    """Measure c2p-export with two paths of ViT-B/32."""
    about = {**environment(), **{name: version(name) for name in ("torch", "onnx", "tensorrt-rtx")}}
    del about["engine_sha256"]  # the bundled model takes no part
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Path(folder, "model.pt")
        write_checkpoint(checkpoint)
        for name, options in _CASES.items():
            command = [sys.executable, "-m", "c2p_export.cli", "--ckpt", str(checkpoint), *options]
            measured = [run(command) for _ in range(repeats)]
            manifest = Manifest.for_engine(checkpoint.with_suffix(".onnx"))
            results[name] = {
                "seconds": summary(seconds for seconds, _ in measured),
                "peak_memory_gb": summary(peak for _, peak in measured),
                "megabytes": {
                    engine: round(Path(folder, engine).stat().st_size / 1e6, 1) for engine in manifest.engines
                },
                "parity": manifest.parity["onnxruntime"],
            }
            sizes = ", ".join(f"{size} MB" for size in results[name]["megabytes"].values())
            seconds, peak = (results[name][key] for key in ("seconds", "peak_memory_gb"))
            click.echo(f"{name}: {spread(seconds, 0)} s, {spread(peak, 1)} GB, {sizes}")
    write_results(out, about, {"model": "ViT-B-32-quickgelu twice, dpa, 10 views", "exports": results})
    click.echo(f"wrote {out.name}")


if __name__ == "__main__":
    main()
