"""Everything that a GPU has to show, in one command of at most 25 minutes.

    python benchmarks/gpu_acceptance.py

For a bare machine with a GPU and an installation with the extras `test` and `cuda13` (or `cuda12`). Every
step is a process of its own with a time limit; one that fails, hangs or crashes leaves the others alone.
What it found, on what hardware, and whether the floors hold is in one file. In the GPU emulator it is a
rehearsal: everything runs, on small inputs, and times mean nothing.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import click
import numpy as np

from c2p_deploy import Manifest, progress
from c2p_deploy.errors import C2PError, reason_of
from c2p_runtime.backends.gpu import find_gpus
from c2p_runtime.bench.environment import environment
from c2p_runtime.classifier import DEFAULT_ENGINE, Classifier
from harness.frame import ROOT, Results, benchmark, floor_of, resident_memory, summary, timed

EMULATED = "Emulated GPU"
# The floors. Of the whole call: what is not the engine; of the host: what is not waiting for the device.
_OVER_ENGINE, _HOST_US, _GROWTH_BYTES = 1.10, 40.0, 1 << 20
_PROJECTION_SHARE = 0.05  # of a call; DESIGN of the runtime: it must not count
_TAIL = 2000  # characters kept of what a step printed

Step = tuple[list[str], int]  # a command and its time limit in seconds


# --- what is measured, each in a process of its own ----------------------------------------


def kernels(quick: bool) -> Results:
    """Milliseconds a call from points on the device to depth maps, by points and batch."""
    from c2p_runtime.cuda.device import Device
    from c2p_runtime.cuda.graph import CudaGraph
    from c2p_runtime.cuda.launch import DepthPipeline

    manifest, repeats = Manifest.for_engine(DEFAULT_ENGINE), 2 if quick else 100
    found = {}
    for points in (1024, 5000) if quick else (1024, 10_000, 100_000, 1_000_000):
        for batch in (1,) if quick else (1, 4, 8):
            device = Device()
            maps = DepthPipeline(device, batch, points, manifest.views, manifest.spec)
            maps.warm_up()
            clouds = np.random.default_rng(0).normal(size=(batch * points, 3)).astype(np.float32)
            maps.points.copy_to_device(clouds, stream=device.stream)
            spans = np.array([(points * b, points) for b in range(batch)], np.int32)
            maps.spans.copy_to_device(spans, stream=device.stream)
            device.stream.synchronize()
            graph = CudaGraph(device.handle, partial(maps.enqueue, batch))
            ms = _waited(graph.launch, device.stream, repeats)
            found[f"{points} points, batch {batch}"] = summary(ms[1:])
            graph.close()
            device.close()
    return {"ms": found}


def classifier(quick: bool) -> Results:
    """The whole `Classifier` against its bare engine, by each backend that loads; else torch stands in."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        found: dict[str, Any] = {}
        for name, make in (
            ("onnxruntime", lambda: DEFAULT_ENGINE),
            ("tensorrt", partial(_plan, folder, "tensorrt")),
            ("tensorrt-rtx", partial(_plan, folder, "tensorrt-rtx")),
        ):
            try:
                found[name] = _against_engine(make(), quick)
            except (C2PError, subprocess.SubprocessError) as error:
                found[name] = {"left out": str(error)}
        if all("left out" in figures for figures in found.values()):
            try:
                found["torch, a stand-in"] = _against_engine(DEFAULT_ENGINE, quick, _TorchEngine)
            except (C2PError, ImportError) as error:
                found["torch, a stand-in"] = {"left out": reason_of(error)}
    return {"backends": found}


def growth(quick: bool) -> Results:
    """Bytes of the GPU's memory, and of the process, that calls of changing batches leave behind."""
    from c2p_runtime.bench.memory import free_gpu_memory

    rng, calls, largest = np.random.default_rng(0), 3 if quick else 600, 2 if quick else 4
    clouds = [rng.normal(size=(n, 3)).astype(np.float32) for n in (9, 700, 1024, 5000)]
    with Classifier(device="cuda", max_points=5000) as clf:
        largest = min(largest, clf.manifest.batch.max)
        for size in range(1, largest + 1):
            for _ in range(3):  # run, captured, replayed
                clf.batch(clouds[:size])
        free, resident = free_gpu_memory(), resident_memory()
        for number in range(calls):
            clf.batch(clouds[: 1 + number % largest])
        lost = None if free is None else free - (free_gpu_memory() or 0)
        return {"calls": calls, "gpu_bytes": lost, "host_bytes": resident_memory() - resident}


MEASURED: Mapping[str, Callable[[bool], Results]] = {
    "kernels": kernels,
    "classifier": classifier,
    "growth": growth,
}


def _against_engine(engine: Path, quick: bool, stand_in: Any = None) -> Results:
    """Milliseconds a cloud of the classifier and of its engine alone, and the host's microseconds."""
    from c2p_runtime import gpu_pipeline

    if stand_in is not None:
        gpu_pipeline.open_device_backend = stand_in
    cloud = np.random.default_rng(0).normal(size=(1024, 3)).astype(np.float32)
    repeats, batch = (3, 1) if quick else (200, 1)
    whole, bare, host = [], [], []
    with Classifier(engine, device="cuda", max_points=2048) as clf:
        pipeline = clf._pipeline
        for _ in range(3):
            clf(cloud)
        pipeline._encode(batch)  # which sets the engine to this batch, where a graph has run so far
        pipeline._device.stream.synchronize()
        for _ in range(repeats):
            prediction, seconds = timed(partial(clf, cloud))
            whole.append(1e3 * seconds)
            host.append(1e6 * seconds - 1e3 * prediction.timing_ms["encode"])
            bare += _waited(partial(pipeline._encode, batch), pipeline._device.stream, 1)
        return {
            "backend": clf.backend,
            "ms": summary(whole),
            "engine_ms": summary(bare),
            "host_us": summary(host),
            "graphs": len(pipeline._graphs),
        }


def _waited(put: Callable[[], Any], stream: Any, repeats: int) -> list[float]:
    """Milliseconds of what is put on a stream, each time to its end."""

    def work() -> None:
        put()
        stream.synchronize()

    return [1e3 * timed(work)[1] for _ in range(repeats)]


def _plan(folder: Path, flavour: str) -> Path:
    """A plan of the bundled engine for this machine. Raises C2PError where none can be built."""
    from c2p_runtime.backends.tensorrt_install import import_tensorrt

    import_tensorrt(flavour)
    inside = folder / flavour
    inside.mkdir()
    for suffix in (".onnx", ".json"):
        shutil.copy(DEFAULT_ENGINE.with_suffix(suffix), inside)
    engine = inside / DEFAULT_ENGINE.name
    command = [sys.executable, "-m", "c2p_export", "--onnx", str(engine), "--backend", flavour]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    plan = engine.with_suffix(".plan")
    if done.returncode != 0 or not plan.is_file():
        raise C2PError(f"no plan: {(done.stderr or done.stdout).strip()[-300:]}")
    return plan


class _TorchEngine:
    """In place of an engine: the matrix products of two ViT-B/32 in float16, so that calls cost as much."""

    name, capturable = "torch, a stand-in", False

    def __init__(self, choice: Any, engine: Path, manifest: Manifest, stream: int) -> None:
        import torch

        if not torch.cuda.is_available():
            raise ImportError("this torch has no CUDA")
        self._torch, self._dim = torch, manifest.labels.dim
        self._stream = torch.cuda.ExternalStream(stream)
        views, size = manifest.maps_shape[0], manifest.spec.image_size
        self._tokens = (size // 32) ** 2 + 1
        self._x = torch.randn(views * self._tokens, 768, device="cuda", dtype=torch.float16)
        self._up = torch.randn(768, 3072, device="cuda", dtype=torch.float16) / 28
        self._down = torch.randn(3072, 768, device="cuda", dtype=torch.float16) / 55
        self._unit = torch.nn.functional.normalize(torch.ones(1, self._dim, device="cuda"))

    def bind(self, depth: int, features: int, batch: int) -> None:
        shape = {"shape": (batch, self._dim), "typestr": "<f4", "data": (features, False), "version": 3}
        holder = type("Features", (), {"__cuda_array_interface__": shape})()
        self._features = self._torch.as_tensor(holder, device="cuda")

    def enqueue(self, stream: int) -> None:
        with self._torch.cuda.stream(self._stream):
            for _ in range(24):
                self._x = (self._x @ self._up) @ self._down
            self._features.copy_(self._unit.expand_as(self._features))

    def keep_compiled(self) -> None:
        pass


# --- the steps ----------------------------------------------------------------------------


def steps(quick: bool) -> dict[str, Step | str]:
    """By name: what is run and for how many seconds at most; or why it is left out."""
    pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m"]
    itself = [sys.executable, str(Path(__file__)), *(["--quick"] if quick else [])]
    short = [*pytest, "gpu and races", str(ROOT / "tests" / "runtime")]
    found: dict[str, Step | str] = {
        "doctor": ([sys.executable, "-m", "c2p_runtime.doctor", "--device", "cuda", "--json"], 90),
        "tests": ([*pytest, "gpu", str(ROOT / "tests" / "runtime")], 300),
    }
    sanitizer = shutil.which("compute-sanitizer")
    for tool in ("racecheck", "memcheck"):
        if sanitizer is None:
            found[tool] = "compute-sanitizer is not in PATH"
        else:
            found[tool] = ([sanitizer, "--tool", tool, "--error-exitcode", "9", *short], 180)
    for name, limit in (("kernels", 150), ("classifier", 480), ("growth", 90)):
        found[name] = ([*itself, "--measure", name], limit)
    return found


def run_step(command: Sequence[str], limit: float) -> Results:
    """How a command ended, in how many seconds, the JSON object it printed last, and its last words."""
    started = perf_counter()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT, start_new_session=True
    ) as process:
        try:
            said, _ = process.communicate(timeout=limit)
            status = "passed" if process.returncode == 0 else f"failed with {process.returncode}"
        except (subprocess.TimeoutExpired, KeyboardInterrupt) as error:
            os.killpg(process.pid, signal.SIGKILL)  # and whatever it had started
            said, _ = process.communicate()
            if isinstance(error, KeyboardInterrupt):
                raise
            status = f"ran past {limit:g} s"
    found: Results = {"status": status, "seconds": round(perf_counter() - started, 1), "tail": said[-_TAIL:]}
    start = said.find("\n{") + 1 if "\n{" in said else 0
    try:
        found["found"] = json.JSONDecoder().raw_decode(said[start:])[0]
        del found["tail"]
    except ValueError:
        pass
    return found


def verdicts(done: Mapping[str, Results]) -> Results:
    """What holds and what does not, of what was measured."""
    found: Results = {
        name: {"holds": step["status"] == "passed"}
        for name, step in done.items()
        if name not in MEASURED and "status" in step
    }
    measured = {name: done.get(name, {}).get("found", {}) for name in MEASURED}
    projecting = measured["kernels"].get("ms", {}).get("1024 points, batch 1", {}).get("median")
    for name, figures in measured["classifier"].get("backends", {}).items():
        if "left out" in figures:
            continue
        whole, bare = figures["ms"]["median"], figures["engine_ms"]["median"]
        found[f"{name}: call over engine"] = floor_of(_OVER_ENGINE, round(whole / bare, 4))
        found[f"{name}: host, µs"] = floor_of(_HOST_US, figures["host_us"]["median"])
        if projecting is not None:
            found[f"{name}: projection's share"] = floor_of(_PROJECTION_SHARE, round(projecting / whole, 4))
    if (lost := measured["growth"].get("gpu_bytes")) is not None:
        found["growth on the GPU, bytes"] = floor_of(_GROWTH_BYTES, lost)
    return found


@benchmark(
    "gpu_acceptance",
    click.option("--quick", is_flag=True, help="Small inputs, few repeats: whether everything runs."),
    click.option(
        "--measure", type=click.Choice(list(MEASURED)), help="Measure only this, here, and print it."
    ),
    click.option("--only", multiple=True, metavar="STEP", help="Run only this step; may be given again."),
)
def main(quick: bool, measure: str | None, only: tuple[str, ...]) -> Results:
    """Run tests, sanitizers and measurements of the GPU path, and judge them by their floors."""
    if measure is not None:
        click.echo(json.dumps(MEASURED[measure](quick)))
        sys.exit(0)
    gpus = find_gpus()
    if not gpus:
        raise C2PError("this machine has no NVIDIA GPU", "c2p-doctor says what is missing")
    emulated = gpus[0].name == EMULATED
    done: dict[str, Results] = {}
    chosen = {name: step for name, step in steps(quick or emulated).items() if not only or name in only}
    with progress.task("accepting", len(chosen)) as task:
        for name, step in chosen.items():
            task.advance()
            done[name] = {"left out": step} if isinstance(step, str) else run_step(*step)
            progress.say(f"{name}: {done[name].get('status', 'left out')}")
    return {
        "emulated": emulated,
        "hardware": environment(gpus),
        "steps": done,
        "verdicts": {} if emulated else verdicts(done),
    }


if __name__ == "__main__":
    main()
