"""The CPU: every precision by each backend, on one core and on more, and at a robot's pace.

    python benchmarks/cpu.py --ckpt FILE

Each number of cores gets a process of its own that may use no others. In it all ways take turns on the
same clouds. At a robot's pace calls are followed by a pause, and the processor time of all threads
counts beside the latency.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from pathlib import Path
from time import process_time, sleep
from typing import Any

import onnxruntime as ort

from c2p_deploy import Manifest, progress
from c2p_deploy.cores import cores as cores_here
from c2p_deploy.errors import EngineError, MissingDependencyError
from c2p_deploy.projection.spec import FloatArray
from c2p_export.verify_clouds import depth_maps, made_up_clouds
from c2p_runtime import Classifier
from c2p_runtime.bench.measure import made_up_batches, take_turns, wait_until_quiet
from c2p_train.model.checkpoint import PRETRAINED
from harness.engines_here import CPU_BACKENDS, VIT_TWICE, export_precisions, open_backend, write_vit_twice
from harness.frame import Results, benchmark, count_option, file_option, leave_out, summary, timed

_POINTS = 1024
_CALIBRATION = 8  # made-up clouds: int8 costs the same whatever its ranges
_WARM_UP = 2
_PAUSES_MS = (0, 20, 100)
_SPINNING = "onnxruntime fp32, spinning"

Run = Callable[[FloatArray], object]


# --- in a process of its own --------------------------------------------------------------


def compare_ways(engines: Mapping[str, Path], rounds: int) -> dict[str, Any]:
    """Milliseconds of a cloud in every way, in turn, and why others are not there. engines: by precision."""
    ways: dict[str, Classifier] = {}
    left_out: dict[str, str] = {}
    batches = made_up_batches(_POINTS, 1, seed=0)
    with ExitStack() as stack:
        for precision, engine in engines.items():
            for name in CPU_BACKENDS:
                way = f"{name} {precision}"
                try:
                    ways[way] = stack.enter_context(Classifier(engine, device="cpu", backend=name))
                except (EngineError, MissingDependencyError) as error:
                    left_out[way] = error.problem
        for classifier in ways.values():
            for clouds in batches[:_WARM_UP]:
                classifier.batch(clouds)
        run_by = {way: classifier.backend for way, classifier in ways.items()}
        turns = list(take_turns(list(ways.values()), batches, rounds))
    times = {
        way: {
            "encode_ms": summary(call.stages_ms["encode"] for call in calls),
            "end_to_end_ms": summary(call.total_ms for call in calls),
            "run_by": run_by[way],  # with the type it computes in, where that is not the file's
        }
        for way, calls in zip(ways, zip(*turns, strict=True), strict=True)
    }
    return {"seen": cores_here(), "ways": times, "left_out": left_out}


def pace(engines: Mapping[str, Path], calls: int) -> dict[str, dict[str, Any]]:
    """By pause in ms and way: latency of the encoder, and processor time per call with what follows it.

    Threads that wait for the next call by spinning are in the processor time and not in the latency.
    """
    runs: dict[str, Run] = {}
    for precision, engine in engines.items():
        for name in CPU_BACKENDS:
            if not isinstance(backend := open_backend(engine, name), str):
                runs[f"{name} {precision}"] = backend.run
    session = ort.InferenceSession(str(engines["fp32"]), providers=["CPUExecutionProvider"])
    runs[_SPINNING] = lambda depth: session.run(None, {session.get_inputs()[0].name: depth})
    manifest = Manifest.for_engine(engines["fp32"])
    depth = depth_maps(made_up_clouds(1), manifest.views, manifest.spec)
    found: dict[str, dict[str, Any]] = {str(pause): {} for pause in _PAUSES_MS}
    for pause in _PAUSES_MS:
        blocks: dict[str, list[tuple[list[float], float]]] = {way: [] for way in runs}
        for order in (list(runs), list(reversed(runs))):  # what changes meanwhile meets all alike
            for way in order:
                blocks[way].append(paced(runs[way], depth, pause / 1e3, calls))
        for way, ((first, first_cpu), (second, second_cpu)) in blocks.items():
            found[str(pause)][way] = {
                "latency_ms": summary([*first, *second]),
                "cpu_ms_per_call": round((first_cpu + second_cpu) / (2 * calls), 3),
            }
    return found


def paced(run: Run, depth: FloatArray, pause: float, calls: int) -> tuple[list[float], float]:
    """Milliseconds of each call, each followed by a pause in seconds; and of processor time for all."""
    run(depth)  # not timed
    wait_until_quiet()
    latency_ms = []
    used = process_time()
    for _ in range(calls):
        _, seconds = timed(lambda: run(depth))
        latency_ms.append(1e3 * seconds)
        if pause:
            sleep(pause)
    return latency_ms, 1e3 * (process_time() - used)


# --- the main process ---------------------------------------------------------------------


@contextmanager
def limited_to(cores: int) -> Iterator[ProcessPoolExecutor]:
    """One fresh process that sees only so many cores; nothing is hindered where that cannot be had."""
    can = hasattr(os, "sched_setaffinity")
    mine = os.sched_getaffinity(0) if can else set()
    if can:  # inherited by the process, before it loads anything
        os.sched_setaffinity(0, sorted(mine)[:cores])
    try:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
            yield process
    finally:
        if can:
            os.sched_setaffinity(0, mine)


def core_counts() -> list[int]:
    """1, 2, 4, ... and all cores that this process may use; only all where they cannot be taken away."""
    if not hasattr(os, "sched_getaffinity"):
        return [os.cpu_count() or 1]
    cores = len(os.sched_getaffinity(0))
    return sorted({*(1 << n for n in range(cores.bit_length())), cores})


def measure_model(name: str, engines: Mapping[str, Path], rounds: int) -> dict[str, Any]:
    """Every way on every number of cores."""
    by_cores: dict[str, Any] = {}
    left_out: dict[str, str] = {}
    for cores in core_counts():
        with progress.task(f"{name}: {cores} cores"), limited_to(cores) as process:
            measured = process.submit(compare_ways, engines, rounds).result()
        assert measured["seen"] == cores, f"the process saw {measured['seen']} cores instead of {cores}"
        by_cores[str(cores)] = {"ways": measured["ways"]}
        for way, why in measured["left_out"].items():
            leave_out(left_out, way, why)
    return {
        "megabytes": {precision: round(path.stat().st_size / 1e6, 2) for precision, path in engines.items()},
        "cores": by_cores,
        "left_out": left_out,
    }


@benchmark(
    "cpu",
    file_option(
        "--ckpt",
        "The small model: the bundled model's checkpoint.  [default: the pre-trained pair of the package, "
        "whose depth encoder has the same size]",
        default=PRETRAINED,
    ),
    count_option("--repeats", 30, "Of the small model on each number of cores.", least=4),
    count_option("--vit-repeats", 5, "The same of ViT-B/32.", least=3),
    packages=("torch", "onnx"),
)
def main(ckpt: Path, repeats: int, vit_repeats: int) -> Results:
    """Measure our engines on the CPU."""
    os.environ.pop("OMP_NUM_THREADS", None)  # the processes: as many threads as they see cores
    small, most = "/".join(ckpt.parts[-2:]), core_counts()[-1]
    with tempfile.TemporaryDirectory() as made, tempfile.TemporaryDirectory() as made_vit:
        with progress.task("exporting"):
            engines = export_precisions(ckpt, Path(made), calibration=_CALIBRATION)
            write_vit_twice(Path(made_vit, "model.pt"))
            vit = export_precisions(Path(made_vit, "model.pt"), Path(made_vit), calibration=_CALIBRATION)
        models = {small: measure_model(small, engines, repeats)}
        with progress.task("at a robot's pace"), limited_to(most) as process:
            pauses = process.submit(pace, engines, repeats).result()
        models[VIT_TWICE] = measure_model(VIT_TWICE, vit, vit_repeats)
    paces = {"model": small, "cores": most, "calls": 2 * repeats, "pause_ms": pauses}
    return {"points": _POINTS, "models": models, "pace": paces}


if __name__ == "__main__":
    main()
