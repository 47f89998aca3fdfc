"""What an export costs: seconds, memory and bytes, for two paths of ViT-B/32.

    python benchmarks/export_cost.py

The whole command is timed from outside, verification on 32 clouds and the TensorRT-RTX plan for
two GPUs included. Weights are random: cost does not depend on them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from c2p_deploy import Manifest, progress
from c2p_deploy.errors import C2PError
from harness.engines_here import VIT, write_vit_twice
from harness.frame import Results, benchmark, count_option, summary

_CASES = {"fp32": ["--fp32"], "fp16": ["--fp16"], "fp16 and a plan for two GPUs": ["--target", "sm86,sm89"]}


def run(command: list[str]) -> tuple[float, float]:
    """Seconds, and peak resident memory in GB, of a command. Raises C2PError when it fails."""
    started = perf_counter()
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    assert process.stderr is not None
    told = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise C2PError(told.decode(errors="replace"))
    return perf_counter() - started, usage.ru_maxrss * 1024 / 1e9


@benchmark(
    "export_cost", count_option("--repeats", 3, "Of each export."), packages=("torch", "onnx", "tensorrt-rtx")
)
def main(repeats: int) -> Results:
    """Measure c2p-export with two paths of ViT-B/32."""
    results = {}
    with tempfile.TemporaryDirectory() as made, progress.task("exporting", repeats * len(_CASES)) as task:
        checkpoint = Path(made, "model.pt")
        write_vit_twice(checkpoint)
        for name, options in _CASES.items():
            measured = []
            for _ in range(repeats):
                line = [sys.executable, "-m", "c2p_export.cli", "--ckpt", str(checkpoint), *options]
                measured.append(run(line))
                task.advance()
            manifest = Manifest.for_engine(checkpoint.with_suffix(".onnx"))
            results[name] = {
                "seconds": summary(seconds for seconds, _ in measured),
                "peak_memory_gb": summary(peak for _, peak in measured),
                "megabytes": {
                    engine: round(Path(made, engine).stat().st_size / 1e6, 1) for engine in manifest.engines
                },
                "parity": manifest.parity["onnxruntime"],
            }
    return {"model": f"{VIT} twice, dpa, 10 views", "exports": results}


if __name__ == "__main__":
    main()
