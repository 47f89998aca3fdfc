"""Ours against the authors' pipeline as anyone would run it in PyTorch: two paths of ViT-B/32.

    python benchmarks/pipeline.py

The same random weights (cost does not depend on them), the same clouds, on the same threads, run
by run in turn. All must give the same answers before anything is timed. Where pytorch3d can be
imported, the pipeline is measured with its rasteriser, too, as the authors have it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from time import sleep
from typing import Any

import click
import numpy as np
import torch
from authors_pipeline import HAS_PYTORCH3D, Answer, AuthorsPipeline
from common import RESULTS, ROOT, floor_line, floor_of, in_rotation, spread, summary, timed, write_results
from engines_here import environment_here, export_engine, feature_agreement
from export_cost import write_checkpoint
from rich import box
from rich.console import Console
from rich.table import Table

from c2p_deploy import DepthSpec, ViewSet, prepare_points, project_depth, read_cloud
from c2p_deploy.projection.spec import FloatArray
from c2p_export.verify_clouds import depth_maps, made_up_clouds
from c2p_runtime import Classifier
from c2p_train.model.checkpoint import Checkpoint, load_checkpoint

_POINTS = 1024
_BIG = 100_000
_CALIBRATION = 16  # clouds, for int8
_WARM_UP = 3
_PAUSE_S = 0.05  # between runs: threads of the one before stop spinning
_STAGES = ("prepare", "project", "encode", "head", "total")
_MESH = ROOT / "examples" / "clouds" / "airplane.obj"
_OURS, _EAGER, _AUTHORS = "ours", "PyTorch", "PyTorch, pytorch3d's rasteriser"
# The floors: the total against the authors' pipeline; milliseconds before the encoder.
_RATIO, _BEFORE_ENCODER_MS, _BIG_MS = 0.55, 8.0, 40.0


@dataclass(frozen=True)
class Way:
    """One way from points to scores. cosine: that its features must have with ours, at least."""

    run: Callable[[FloatArray], Answer]
    cosine: float


def ours(classifier: Classifier, cloud: FloatArray) -> Answer:
    """The answer of the classifier, its stages by the names used here (the head is in the engine)."""
    prediction, seconds = timed(lambda: classifier(cloud))
    feature = prediction.features / np.linalg.norm(prediction.features)
    took = prediction.timing_ms
    ms = {stage: took[stage] for stage in ("prepare", "project", "encode")}
    scores = feature @ classifier.labels.text_features.T
    return Answer(feature, scores, {**ms, "head": took["score"], "total": 1e3 * seconds})


def make_ours(folder: Path, device: str) -> dict[str, Way]:
    """Ours with every precision and backend there is, of engines that lie in the folder or are put there."""
    checkpoint_file = folder / "model.pt"
    cases = {_OURS: ("fp32", "onnxruntime", 1.0)}
    if device == "cuda":
        cases[f"{_OURS}, fp16"] = ("fp16", "onnxruntime", 0.999)
    elif find_spec("openvino"):
        cases[f"{_OURS}, OpenVINO"] = ("fp32", "openvino", 0.9999)
        cases[f"{_OURS}, fp16 engine, OpenVINO"] = ("fp16", "openvino", 0.999)
        cases[f"{_OURS}, int8 engine, OpenVINO"] = ("int8", "openvino", 0.99)
    ways = {}
    for name, (precision, backend, cosine) in cases.items():
        engine = folder / f"{precision}.onnx"
        if not engine.exists():
            checkpoint = load_checkpoint(checkpoint_file)
            calibration = depth_maps(made_up_clouds(_CALIBRATION), checkpoint.views, checkpoint.spec)
            export_engine(checkpoint_file, checkpoint, engine, precision, calibration=calibration)
        classifier = Classifier(engine, device=device, backend=backend)  # type: ignore[arg-type]
        ways[name] = Way(partial(ours, classifier), cosine)
    return ways


def make_theirs(
    checkpoint: Checkpoint, device: str, clouds: list[FloatArray]
) -> tuple[dict[str, Way], dict[str, float], dict[str, str]]:
    """Their pipeline in every way that works here, the seconds of each first call, why others do not work."""
    options: dict[str, tuple[dict[str, Any], float]] = {_EAGER: ({}, 0.9999)}
    options[f"{_EAGER}, bf16 autocast"] = ({"dtype": torch.bfloat16}, 0.99)
    if device == "cuda":
        options[f"{_EAGER}, fp16 autocast"] = ({"dtype": torch.float16}, 0.999)
    options[f"{_EAGER}, torch.compile"] = ({"compiled": True}, 0.9999)
    if HAS_PYTORCH3D:
        options[_AUTHORS] = ({"pytorch3d": True}, 0.9999)
    ways: dict[str, Way] = {}
    first_call_s: dict[str, float] = {}
    left_out: dict[str, str] = {} if HAS_PYTORCH3D else {_AUTHORS: "pytorch3d is not installed"}
    labels = checkpoint.labels
    assert labels is not None
    for name, (given, cosine) in options.items():
        run = AuthorsPipeline(
            checkpoint.model, labels, checkpoint.views, checkpoint.spec, device=device, **given
        )
        try:
            _, seconds = timed(partial(run, clouds[0]))
        except Exception as error:  # torch.compile fails in many ways, autocast where a type is unknown
            left_out[name] = f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"
            continue
        ways[name], first_call_s[name] = Way(run, cosine), round(seconds, 2)
    return ways, first_call_s, left_out


def agreement(ways: dict[str, Way], clouds: list[FloatArray]) -> dict[str, dict[str, float]]:
    """How alike the answers are to ours. Raises AssertionError when a way does not answer as ours does."""
    mine = [ways[_OURS].run(cloud) for cloud in clouds]
    features = np.stack([answer.feature for answer in mine])
    found = {}
    for name, way in ways.items():
        answers = [way.run(cloud) for cloud in clouds]
        alike = feature_agreement(features, np.stack([answer.feature for answer in answers]))
        assert alike["cosine_min"] >= way.cosine - 1e-6, f"{name}: cosine {alike['cosine_min']}"
        scores = max(float(np.abs(a.scores - b.scores).max()) for a, b in zip(mine, answers, strict=True))
        found[name] = {**alike, "score_max_abs_difference": round(scores, 7)}
    return found


def in_turn(ways: dict[str, Way], clouds: list[FloatArray]) -> dict[str, dict[str, list[float]]]:
    """Milliseconds by stage of every way on every cloud; each begins a round as often as the others."""
    ms: dict[str, dict[str, list[float]]] = {name: {stage: [] for stage in _STAGES} for name in ways}
    for number, cloud in enumerate(clouds):
        for name in in_rotation(ways, number):
            sleep(_PAUSE_S)
            answer = ways[name].run(cloud)
            for stage in _STAGES:
                ms[name][stage].append(answer.ms[stage])
    return ms


def before_encoder(points: int, repeats: int) -> dict[str, Any]:
    """Milliseconds of our preparation and projection of a big cloud, on the CPU."""
    cloud = read_cloud(_MESH, mesh_points=points)
    views, spec = ViewSet.named("clip2point-10"), DepthSpec()
    out = np.empty((len(views), spec.image_size, spec.image_size), dtype=np.float32)
    prepare_ms, project_ms = [], []
    for _ in range(_WARM_UP + repeats):
        sleep(_PAUSE_S)
        prepared, prepare_s = timed(lambda: prepare_points(cloud, spec))
        _, project_s = timed(partial(project_depth, prepared, views, spec, out=out))
        prepare_ms.append(1e3 * prepare_s)
        project_ms.append(1e3 * project_s)
    prepare, project = prepare_ms[_WARM_UP:], project_ms[_WARM_UP:]
    both = [a + b for a, b in zip(prepare, project, strict=True)]
    return {"prepare": summary(prepare), "project": summary(project), "both": summary(both)}


def floors_of(results: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What has been promised, what was measured, and whether it holds."""
    baseline = _AUTHORS if _AUTHORS in results["ratio"] else _EAGER
    limits = {
        f"total, ours / {baseline}": (_RATIO, results["ratio"][baseline]["total"]["median"]),
        "preparation + projection, ms": (_BEFORE_ENCODER_MS, results["ours_before_encoder_ms"]["median"]),
        f"{_BIG:,} points, preparation + projection, ms": (
            _BIG_MS,
            results["big_cloud_ms"]["both"]["median"],
        ),
    }
    return {name: floor_of(limit, median) for name, (limit, median) in limits.items()}


def table_of(results: dict[str, Any]) -> Table:
    """One line per way and stage."""
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("way")
    table.add_column("stage", no_wrap=True)
    for column in ("ms, median (quartiles)", "ours / this"):
        table.add_column(column, justify="right", no_wrap=True)
    for name, ms in results["ms"].items():
        for stage in _STAGES:
            shown = stage == "total" and name in results["ratio"]
            ratio = spread(results["ratio"][name][stage]) if shown else ""
            digits = 0 if ms[stage]["median"] >= 100 else 2
            table.add_row(name if stage == _STAGES[0] else "", stage, spread(ms[stage], digits), ratio)
        table.add_section()
    for stage in ("prepare", "project", "both"):
        name = f"ours, {_BIG:,} points" if stage == "prepare" else ""
        table.add_row(name, stage, spread(results["big_cloud_ms"][stage]), "")
    return table


@click.command()
@click.option("--device", type=click.Choice(["cpu", "cuda"]), default="cpu", show_default=True)
@click.option(
    "--threads", type=click.IntRange(min=1), default=2, show_default=True, help="Of both, on as many cores."
)
@click.option(
    "--repeats", type=click.IntRange(min=4), default=15, show_default=True, help="Runs of each way."
)
@click.option(
    "--engines",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where checkpoint and engines are kept, and made if missing: the old torch that pytorch3d wants "
    "cannot export them.  [default: a folder that is deleted]",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=RESULTS / "pipeline.json",
    help="Where the figures go.  [default: benchmarks/results/pipeline.json]",
)
def main(device: str, threads: int, repeats: int, engines: Path | None, out: Path) -> None:
    """Time ours and the authors' pipeline in PyTorch, run by run in turn."""
    if device == "cuda" and not torch.cuda.is_available():
        raise click.ClickException("torch finds no GPU here; leave --device away")
    if hasattr(os, "sched_setaffinity"):  # before any pool of threads is made
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    torch.set_num_threads(threads)
    about = {**environment_here(), "open_clip_torch": version("open_clip_torch")}
    if HAS_PYTORCH3D:
        about["pytorch3d"] = import_module("pytorch3d").__version__
    if device == "cuda":
        about["gpu"] = torch.cuda.get_device_name()
    console = Console()
    clouds = made_up_clouds(_WARM_UP + repeats, seed=1, points=_POINTS)
    with ExitStack() as stack:
        folder = engines or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "model.pt").exists():
            write_checkpoint(folder / "model.pt")
        with console.status("exporting"):
            mine = make_ours(folder, device)
        with console.status("comparing and timing"):
            theirs, first_call_s, left_out = make_theirs(load_checkpoint(folder / "model.pt"), device, clouds)
            ways = {**mine, **theirs}
            alike = agreement(ways, clouds[:_WARM_UP])  # also the warm-up
            ms = in_turn(ways, clouds[_WARM_UP:])
            big = before_encoder(_BIG, repeats)
    own = {stage: np.array(values) for stage, values in ms[_OURS].items()}
    results: dict[str, Any] = {
        "model": "ViT-B-32-quickgelu twice, dpa, 10 views, 224 px, float32 unless said, random weights",
        "device": device,
        "threads": threads,
        "points": _POINTS,
        "ms": {name: {stage: summary(ms[name][stage]) for stage in _STAGES} for name in ms},
        "ours_before_encoder_ms": summary(own["prepare"] + own["project"]),
        "ratio": {
            name: {stage: summary(own[stage] / np.array(ms[name][stage])) for stage in _STAGES}
            for name in ms
            if name != _OURS
        },
        "agreement": alike,
        "first_call_s": first_call_s,  # of torch.compile: less where its cache on disk is filled
        "left_out": left_out,
        "big_cloud_ms": {"points": _BIG, **big},
    }
    results["floors"] = floors_of(results)
    console.print(table_of(results))
    for name, floor in results["floors"].items():
        console.print(floor_line(name, floor, 3), highlight=False)
    for name, why in left_out.items():
        console.print(f"left out, {name}: {why}", markup=False)
    write_results(out, about, results)
    console.print(f"wrote {out.name}")


if __name__ == "__main__":
    main()
