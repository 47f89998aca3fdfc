"""The CPU: our engines by each backend against torch, on one core and on more, beside what BLAS reaches.

    python benchmarks/cpu.py --ckpt FILE

Each number of cores gets a process of its own that may use no others; threads that a library ties to
other cores all the same are brought back. In it all ways take turns on the same clouds, and a large
float32 product of NumPy with them: the arithmetic limit of that moment.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter, process_time, sleep
from typing import Any

import click
import numpy as np
import numpy.typing as npt
import onnxruntime as ort
import torch
from common import RESULTS, spread, summary, timed, write_results
from engines_here import (
    CPU_BACKENDS,
    environment_here,
    export_engines,
    feature_agreement,
    open_backend,
)
from export_cost import write_checkpoint
from rich import box
from rich.console import Console
from rich.table import Table
from torch import nn

from c2p_deploy import Manifest, prepare_points, project_depth
from c2p_deploy.cores import cores as cores_here
from c2p_deploy.errors import C2PError, EngineError, MissingDependencyError
from c2p_deploy.projection.spec import FloatArray
from c2p_export.graph.folding import fold
from c2p_export.verify_clouds import depth_maps, made_up_clouds
from c2p_runtime import Classifier, Prediction
from c2p_runtime.bench.measure import Subject, made_up_batches, take_turns, wait_until_quiet
from c2p_runtime.prediction import softmax, timing
from c2p_train.model.checkpoint import PRETRAINED, Checkpoint, load_checkpoint

_POINTS = 1024
_CALIBRATION = 8  # made-up clouds: int8 costs the same whatever its ranges
_WARM_UP = 2
_SAME = 0.9999  # cosine that float32 features of all ways must have at least
_SIDE = 2048  # of the square matrices that BLAS multiplies: far beyond the caches, as a ViT's weights are
_PRODUCTS = 3  # in a row; the fastest counts
_PAUSES_MS = (0, 20, 100)
_SPINNING = "onnxruntime fp32, spinning"

Run = Callable[[FloatArray], object]


@dataclass(frozen=True)
class Model:
    """What is measured: a checkpoint, and its engine in every precision."""

    name: str
    checkpoint: Path
    engines: dict[str, Path]  # by precision
    rounds: int  # timed calls of every way


class TorchPath:
    """A model in torch in the place of the engine; the rest of the way is ours. A `Subject`."""

    device, backend = "cpu", "torch"

    def __init__(self, model: nn.Module, checkpoint: Checkpoint, dtype: torch.dtype = torch.float32) -> None:
        assert checkpoint.labels is not None
        self.model, self.dtype = model.to(dtype), dtype
        self.views, self.spec, self.labels = checkpoint.views, checkpoint.spec, checkpoint.labels
        self.logit_scale = checkpoint.logit_scale
        size = self.spec.image_size
        self._depth = np.empty((1, len(self.views), size, size), dtype=np.float32)

    def run(self, depth: FloatArray) -> FloatArray:
        """Features float32 [B, D] of depth maps float32 [B, V, S, S]."""
        with torch.inference_mode():
            features: FloatArray = self.model(torch.from_numpy(depth).to(self.dtype)).float().numpy()
            return features

    def batch(self, clouds: Sequence[npt.ArrayLike]) -> list[Prediction]:
        """The prediction for a single cloud [N, 3]."""
        (cloud,) = clouds
        prepared, prepare_s = timed(lambda: prepare_points(cloud, self.spec))
        _, project_s = timed(lambda: project_depth(prepared, self.views, self.spec, out=self._depth[0]))
        features, encode_s = timed(lambda: self.run(self._depth))
        scores, score_s = timed(
            lambda: softmax(np.float32(self.logit_scale) * (features @ self.labels.text_features.T))
        )
        stages = timing(*(1e3 * seconds for seconds in (prepare_s, project_s, encode_s, score_s)))
        return [Prediction(self.labels.names, scores[0], features[0], stages)]


# --- in a process of its own --------------------------------------------------------------


def torch_paths(checkpoint: Checkpoint) -> dict[str, TorchPath]:
    """The model as it was trained, the same folded as for export, and that in bfloat16."""
    views = len(checkpoint.views)
    return {
        "torch fp32": TorchPath(checkpoint.model, checkpoint),
        "torch fp32, folded": TorchPath(fold(checkpoint.model, views), checkpoint),
        "torch bf16, folded": TorchPath(fold(checkpoint.model, views), checkpoint, torch.bfloat16),
    }


def compare_ways(model: Model, cores: int) -> dict[str, Any]:
    """Milliseconds of every way, their agreement, and BLAS beside them. Raises C2PError."""
    torch.set_num_threads(cores)
    checkpoint = load_checkpoint(model.checkpoint)
    ways: dict[str, Classifier | TorchPath] = {}
    left_out: dict[str, str] = {}
    batches = made_up_batches(_POINTS, 1, seed=0)
    with ExitStack() as stack:
        for precision, engine in model.engines.items():
            for name in CPU_BACKENDS:
                way = f"{name} {precision}"
                try:
                    ways[way] = stack.enter_context(Classifier(engine, device="cpu", backend=name))
                except (EngineError, MissingDependencyError) as error:
                    left_out[way] = str(error).replace(str(engine), engine.name)
        ways |= torch_paths(checkpoint)
        run_by = {way: path.backend for way, path in ways.items()}
        alike = agreement(ways, [cloud for (cloud,) in batches[:_WARM_UP]])
        strays = bring_back_threads()  # all there are: every way has run
        rounds, blas = [], []
        for calls in take_turns(list(ways.values()), batches, model.rounds):
            rounds.append(calls)
            wait_until_quiet()
            blas.append(blas_gflops())
    times = {
        way: {
            "encode_ms": summary(call.stages_ms["encode"] for call in calls),
            "end_to_end_ms": summary(call.total_ms for call in calls),
            "run_by": run_by[way],  # with the type it computes in, where that is not the file's
        }
        for way, calls in zip(ways, zip(*rounds, strict=True), strict=True)
    }
    return {
        "seen": cores_here(),
        "threads_brought_back": strays,
        "blas_gflops": summary(blas),
        "ways": times,
        "agreement": alike,
        "left_out": left_out,
    }


def bring_back_threads() -> int:
    """Ties threads of this process that were tied to cores beyond its own to those; how many there were.

    ONNX Runtime, unless told a number of threads, makes one for each core of the machine and ties it
    there, whatever cores the process may use.
    """
    if not hasattr(os, "sched_setaffinity"):
        return 0
    mine = os.sched_getaffinity(0)
    strays = 0
    for task in Path("/proc/self/task").iterdir():
        with suppress(ProcessLookupError):  # it has just ended
            if not os.sched_getaffinity(int(task.name)) <= mine:
                os.sched_setaffinity(int(task.name), mine)
                strays += 1
    return strays


def agreement(ways: Mapping[str, Subject], clouds: list[FloatArray]) -> dict[str, dict[str, float]]:
    """How alike the features of every way and of torch in float32 are; also the warm-up.

    Raises AssertionError when a way in float32 computes something else.
    """
    features = {
        way: np.stack([subject.batch([cloud])[0].features for cloud in clouds])
        for way, subject in ways.items()
    }
    alike = {way: feature_agreement(features["torch fp32"], found) for way, found in features.items()}
    for way, figures in alike.items():
        assert "fp32" not in way or figures["cosine_min"] > _SAME, f"{way}: {figures}"
    return alike


def blas_gflops() -> float:
    """10⁹ operations a second of NumPy's product of two large float32 matrices, the fastest of a few."""
    left, right = np.ones((2, _SIDE, _SIDE), dtype=np.float32)
    out = np.empty_like(left)
    seconds = [timed(lambda: np.matmul(left, right, out=out))[1] for _ in range(_PRODUCTS)]
    return 2 * _SIDE**3 / min(seconds) / 1e9


def pace(model: Model, cores: int, calls: int) -> dict[str, dict[str, Any]]:
    """By pause in ms and way: latency of the encoder, and processor time per call with what follows it.

    Threads that wait for the next call by spinning are in the processor time and not in the latency.
    """
    torch.set_num_threads(cores)
    checkpoint = load_checkpoint(model.checkpoint)
    runs: dict[str, Run] = {}
    for precision, engine in model.engines.items():
        for name in CPU_BACKENDS:
            if not isinstance(backend := open_backend(engine, name), str):
                runs[f"{name} {precision}"] = backend.run
    session = ort.InferenceSession(str(model.engines["fp32"]), providers=["CPUExecutionProvider"])
    runs[_SPINNING] = lambda depth: session.run(None, {session.get_inputs()[0].name: depth})
    runs["torch fp32, folded"] = TorchPath(fold(checkpoint.model, len(checkpoint.views)), checkpoint).run
    depth = depth_maps(made_up_clouds(1), checkpoint.views, checkpoint.spec)
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
        started = perf_counter()
        run(depth)
        latency_ms.append(1e3 * (perf_counter() - started))
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


def engines_of(name: str, checkpoint_file: Path, folder: Path, rounds: int) -> Model:
    """The checkpoint's engines of every precision, made in `folder`. Raises C2PError."""
    checkpoint = load_checkpoint(checkpoint_file)
    if checkpoint.labels is None:
        raise C2PError(f"{checkpoint_file}: has no labels, which every engine needs; give one that has some")
    calibration = depth_maps(made_up_clouds(_CALIBRATION, seed=2), checkpoint.views, checkpoint.spec)
    engines = export_engines(checkpoint_file, checkpoint, folder, calibration)
    return Model(name, checkpoint_file, engines, rounds)


def with_limits(measured: dict[str, Any], gflop: float, one_core: dict[str, Any] | None) -> dict[str, Any]:
    """What `compare_ways` found, with GFLOP/s, the part of BLAS's, and the speed-up over one core.

    gflop: 10⁹ operations per cloud, as counted in the float32 engine; what a way computes beyond
    that is not its merit.
    """
    ways = {}
    for way, times in measured["ways"].items():
        encode_ms = times["encode_ms"]["median"]
        gflops = gflop / encode_ms * 1e3
        ways[way] = {
            **times,
            "gflops": round(gflops, 2),
            "of_float32_blas": round(gflops / measured["blas_gflops"]["median"], 4),
            "speed_up": round(one_core["ways"][way]["encode_ms"]["median"] / encode_ms, 3)
            if one_core
            else None,
            "agreement": measured["agreement"][way],
        }
    return {name: measured[name] for name in ("blas_gflops", "threads_brought_back")} | {"ways": ways}


def measure_model(model: Model, console: Console) -> dict[str, Any]:
    """Every way on every number of cores."""
    manifest = Manifest.for_engine(model.engines["fp32"])
    assert manifest.cost is not None
    gflop = manifest.cost.flops_per_cloud / 1e9
    by_cores: dict[str, Any] = {}
    left_out: dict[str, str] = {}
    one_core: dict[str, Any] | None = None
    for cores in core_counts():
        with console.status(f"{model.name}: {cores} cores"), limited_to(cores) as process:
            measured = process.submit(compare_ways, model, cores).result()
        assert measured["seen"] == cores, f"the process saw {measured['seen']} cores instead of {cores}"
        one_core = measured if cores == 1 else one_core
        by_cores[str(cores)] = with_limits(measured, gflop, one_core)
        left_out |= measured["left_out"]
        console.print(table_of(model.name, cores, by_cores[str(cores)]))
        if strays := measured["threads_brought_back"]:
            console.print(f"{strays} threads had been tied to other cores by their library; brought back")
    return {
        "head": manifest.head,
        "encoders": list(manifest.encoders),
        "image_size": manifest.spec.image_size,
        "gflop_per_cloud": round(gflop, 4),
        "megabytes": {name: round(path.stat().st_size / 1e6, 2) for name, path in model.engines.items()},
        "cores": by_cores,
        "left_out": left_out,
    }


def table_of(name: str, cores: int, measured: dict[str, Any]) -> Table:
    """One line per way."""
    blas = measured["blas_gflops"]["median"]
    title = f"{name}, {cores} core{'s' if cores > 1 else ''}; float32 BLAS {blas:.0f} GFLOP/s"
    table = Table(title=title, box=box.SIMPLE_HEAD)
    for column in ("way", "run by"):
        table.add_column(column, no_wrap=True)
    for column in ("encode, ms", "end to end, ms", "GFLOP/s", "of BLAS", "× 1 core", "cosine"):
        table.add_column(column, justify="right", no_wrap=True)
    for way, times in measured["ways"].items():
        table.add_row(
            way,
            times["run_by"],
            *(
                spread(times[key], 0 if times[key]["median"] >= 100 else 1)
                for key in ("encode_ms", "end_to_end_ms")
            ),
            f"{times['gflops']:.0f}",
            f"{100 * times['of_float32_blas']:.0f} %",
            "" if times["speed_up"] is None else f"{times['speed_up']:.2f}",
            f"{times['agreement']['cosine_min']:.5f}",
        )
    return table


def pace_table(name: str, pauses: dict[str, dict[str, Any]]) -> Table:
    """Latency and processor time by way and pause."""
    table = Table(title=f"{name}, encoder, a pause after every call", box=box.SIMPLE_HEAD)
    table.add_column("way", no_wrap=True)
    for pause in pauses:
        table.add_column(f"{pause} ms: latency", justify="right", no_wrap=True)
        table.add_column("CPU", justify="right", no_wrap=True)
    for way in next(iter(pauses.values())):
        cells = []
        for found in pauses.values():
            cells += [spread(found[way]["latency_ms"], 1), f"{found[way]['cpu_ms_per_call']:.1f}"]
        table.add_row(way, *cells)
    return table


@click.command()
@click.option(
    "--ckpt",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=PRETRAINED,
    help="The small model: the bundled model's checkpoint.  [default: the pre-trained pair of the package, "
    "whose depth encoder has the same size]",
)
@click.option(
    "--repeats",
    type=click.IntRange(min=4),
    default=30,
    show_default=True,
    help="Of the small model on each number of cores.",
)
@click.option(
    "--vit-repeats", type=click.IntRange(min=3), default=5, show_default=True, help="The same of ViT-B/32."
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=RESULTS / "cpu.json",
    help="Where the figures go.  [default: benchmarks/results/cpu.json]",
)
def main(ckpt: Path, repeats: int, vit_repeats: int, out: Path) -> None:
    """Measure our engines and torch on the CPU."""
    machine = environment_here()
    os.environ.pop("OMP_NUM_THREADS", None)  # the processes: as many threads as they see cores
    console = Console(width=130)
    results: dict[str, Any] = {"points": _POINTS, "blas_side": _SIDE, "models": {}}
    with tempfile.TemporaryDirectory() as small, tempfile.TemporaryDirectory() as vit:
        try:
            with console.status("exporting the small model"):
                model = engines_of("/".join(ckpt.parts[-2:]), ckpt, Path(small), repeats)
        except C2PError as error:
            raise click.ClickException(str(error)) from error
        results["models"][model.name] = measure_model(model, console)
        cores = core_counts()[-1]
        with console.status("at a robot's pace"), limited_to(cores) as process:
            pauses = process.submit(pace, model, cores, repeats).result()
        console.print(pace_table(model.name, pauses))
        results["pace"] = {"model": model.name, "cores": cores, "calls": 2 * repeats, "pause_ms": pauses}
        with console.status("exporting ViT-B/32"):
            random = Path(vit, "model.pt")
            write_checkpoint(random)
            model = engines_of("ViT-B/32 twice, random weights", random, Path(vit), vit_repeats)
        results["models"][model.name] = measure_model(model, console)
    for name, measured in results["models"].items():
        for way, why in measured["left_out"].items():
            console.print(f"left out, {name}, {way}: {why}", markup=False, highlight=False)
    write_results(out, machine, results)
    console.print(f"wrote {out.name}")


if __name__ == "__main__":
    main()
