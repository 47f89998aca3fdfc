"""What a step of training takes: with OpenMP's threads asleep or spinning, in float32 or bfloat16.

    python benchmarks/training_step.py

Every case is a process of its own, and the cases take turns: once alone, and once beside a program that keeps
one of the cores busy. The small depth encoder, 64 depth maps of 112 px, forwards, backwards and AdamW.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from c2p_deploy import progress
from c2p_deploy.cores import cores
from c2p_deploy.errors import C2PError
from harness.frame import Results, benchmark, count_option, in_rotation, summary

# What `c2p_deploy.start` sets for training, and what OpenMP does by itself.
_WAITING = {"asleep": {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0"}, "spinning": {}}
_PROGRAM = """
import json, sys
from time import perf_counter
import torch
from c2p_train.model.conv_encoder import ConvConfig, ConvEncoder
from c2p_train.model.device import has_bfloat16
steps, threads, bfloat16 = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "bf16"
torch.set_num_threads(threads)
torch.manual_seed(0)
encoder = ConvEncoder(ConvConfig()).train()
optimizer = torch.optim.AdamW(encoder.parameters())
maps, wanted = torch.rand(64, 1, 112, 112), torch.randn(64, 512)

def step():
    with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
        features = encoder(maps)
    loss = 1 - torch.cosine_similarity(features.float(), wanted).mean()
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()

step()  # allocates, chooses its algorithms
ms = []
for _ in range(steps):
    started = perf_counter()
    step()
    ms.append(1e3 * (perf_counter() - started))
print(json.dumps({"ms": ms, "has_bfloat16": has_bfloat16(torch.device("cpu"))}))
"""


def run_steps(waiting: str, precision: str, steps: int, beside: bool) -> dict[str, Any]:
    """Milliseconds of each step of one process; `beside` a program that keeps a core busy."""
    environment = {k: v for k, v in os.environ.items() if k not in _WAITING["asleep"]} | _WAITING[waiting]
    rival = subprocess.Popen([sys.executable, "-c", "while True: pass"]) if beside else None
    try:
        line = [sys.executable, "-c", _PROGRAM, str(steps), str(cores()), precision]
        done = subprocess.run(line, capture_output=True, text=True, env=environment)
    finally:
        if rival is not None:
            rival.kill()
            rival.wait()
    if done.returncode:
        raise C2PError(f"{waiting}, {precision}: {done.stderr.strip()[-500:]}")
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@benchmark(
    "training_step",
    count_option("--steps", 5, "Steps of each process."),
    count_option("--repeats", 3, "Processes of each case."),
    packages=("torch",),
)
def main(steps: int, repeats: int) -> Results:
    """Time steps of training."""
    cases = [
        (beside, precision, waiting)
        for beside in (False, True)
        for precision in ("fp32", "bf16")
        for waiting in _WAITING
    ]
    ms: dict[tuple[bool, str, str], list[float]] = {case: [] for case in cases}
    has_bfloat16 = False
    with progress.task("training", repeats * len(cases)) as task:
        for number in range(repeats):
            for case in in_rotation(cases, number):
                beside, precision, waiting = case
                found = run_steps(waiting, precision, steps, beside)
                ms[case] += found["ms"]
                has_bfloat16 = found["has_bfloat16"]
                task.advance()
    return {
        "has_bfloat16": has_bfloat16,
        "step_ms": {
            f"{'beside a busy core' if beside else 'alone'}, {precision}, waiting {waiting}": summary(found)
            for (beside, precision, waiting), found in ms.items()
        },
    }


if __name__ == "__main__":
    main()
