"""From the start of a process to its first answer, with either backend of the CPU.

    python benchmarks/cold_start.py

Every start is a fresh process; the starts of all cases take turns. The bundled model, and two paths of
ViT-B/32 in float32 and float16. The files are in the disk cache.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from time import monotonic
from typing import Any

from c2p_deploy import progress
from c2p_deploy.errors import C2PError
from c2p_runtime.classifier import DEFAULT_ENGINE
from harness.engines_here import CPU_BACKENDS, VIT_TWICE, export_precisions, write_vit_twice
from harness.frame import EXAMPLES, Results, benchmark, count_option, in_rotation, summary

_CLOUD = EXAMPLES / "clouds" / "chair.ply"
_PRECISIONS = ("fp32", "fp16")
# A robot's program, as short as it can be. The processes of a machine share the monotonic clock.
_PROGRAM = """
import json, sys
from time import monotonic
from c2p_runtime import Classifier, read_cloud
engine, cloud, backend = sys.argv[1:]
with Classifier(engine, device="cpu", backend=backend) as classifier:
    answer = classifier(read_cloud(cloud))
    print(json.dumps({"answered": monotonic(), "label": answer.label, "backend": classifier.backend}))
"""


@dataclass(frozen=True)
class Case:
    """What is started."""

    model: str
    engine: Path
    backend: str


def start(case: Case) -> dict[str, Any]:
    """Starts the program once, and returns what it says. Raises C2PError when it fails."""
    line = [sys.executable, "-c", _PROGRAM, os.fspath(case.engine), os.fspath(_CLOUD), case.backend]
    began = monotonic()
    done = subprocess.run(line, capture_output=True, text=True)
    if done.returncode:
        raise C2PError(f"{case.model}, {case.backend}: {done.stderr.strip()[-500:]}")
    told: dict[str, Any] = json.loads(done.stdout)
    return {**told, "first_answer_s": told["answered"] - began}


def cases_of(backends: Sequence[str], vit_b_32: dict[str, Path]) -> list[Case]:
    """Everything that is started. vit_b_32: its engines by precision."""
    bundled = [Case("bundled model", DEFAULT_ENGINE, backend) for backend in backends]
    name, _, weights = VIT_TWICE.partition(", ")
    large = [
        Case(f"{name}, {precision}, {weights}", engine, backend)
        for precision, engine in vit_b_32.items()
        for backend in backends
    ]
    return [*bundled, *large]


def figures_of(case: Case, starts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What the starts of a case come to."""
    return {
        "backend": starts[0]["backend"],
        "engine_mb": round(case.engine.stat().st_size / 1e6, 1),
        "first_answer_s": summary(start["first_answer_s"] for start in starts),
    }


@benchmark(
    "cold_start",
    count_option("--repeats", 8, "Starts of each case."),
    packages=("torch", "open_clip_torch", "onnx"),
    bundled="default",
)
def main(repeats: int) -> Results:
    """Time starts to the first answer."""
    backends = [name for name in CPU_BACKENDS if find_spec(name)]
    with tempfile.TemporaryDirectory() as made:
        with progress.task("exporting ViT-B/32"):
            write_vit_twice(Path(made, "model.pt"))
            vit_b_32 = export_precisions(Path(made, "model.pt"), Path(made), _PRECISIONS)
        starts: dict[Case, list[dict[str, Any]]] = {case: [] for case in cases_of(backends, vit_b_32)}
        with progress.task("starting", (repeats + 1) * len(starts)) as task:
            for number in range(repeats + 1):
                for case in in_rotation(starts, number):
                    found = start(case)
                    if number > 0:  # the first fills the disk cache
                        starts[case].append(found)
                    task.advance()
        results: dict[str, dict[str, Any]] = {case.model: {} for case in starts}
        for case, found_of_case in starts.items():
            results[case.model][case.backend] = figures_of(case, found_of_case)
    return {"cloud": _CLOUD.name, "starts": results}


if __name__ == "__main__":
    main()
