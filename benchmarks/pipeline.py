"""Ours against the authors' pipeline as anyone would run it in PyTorch: two paths of ViT-B/32.

    python benchmarks/pipeline.py

The same random weights (cost does not depend on them), the same clouds, on the same threads, run
by run in turn. Both must give the same answers before anything is timed.
"""

from __future__ import annotations

import copy
import os
import tempfile
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from time import sleep
from typing import Any

import click
import numpy as np
import torch
from authors_pipeline import HAS_PYTORCH3D, Answer, AuthorsPipeline
from common import RESULTS, ROOT, environment, spread, summary, timed, write_results
from export_cost import write_checkpoint
from rich import box
from rich.console import Console
from rich.table import Table

from c2p_deploy import DepthSpec, ViewSet, prepare_points, read_cloud
from c2p_deploy.depth import FloatArray
from c2p_deploy.files import sha256_of
from c2p_export.export import ExportOptions, export_checkpoint
from c2p_export.verify_clouds import depth_maps, made_up_clouds
from c2p_runtime import Classifier, project_depth
from c2p_train.checkpoint import Checkpoint, load_checkpoint

_POINTS = 1024
_BIG = 100_000
_VERIFIED = 4  # clouds: the export's own parity gate is not what is looked at here
_WARM_UP = 3
_PAUSE_S = 0.05  # between runs: threads of the one before stop spinning
_STAGES = ("prepare", "project", "encode", "head", "total")
_MESH = ROOT / "examples" / "clouds" / "airplane.obj"
_BASELINE = "eager fp32"
_SAME = {"fp32": 0.9999, "bf16": 0.99, "fp16": 0.999}  # cosine that features must have at least
# The floors: the pair's total against the baseline; milliseconds before the encoder.
_RATIO, _BEFORE_ENCODER_MS, _BIG_MS = 0.55, 8.0, 40.0

Run = Callable[[FloatArray], Answer]


def make_ours(checkpoint_file: Path, checkpoint: Checkpoint, device: str) -> Classifier:
    """Exports the checkpoint beside itself in float32 and opens it."""
    engine = checkpoint_file.with_suffix(".onnx")
    maps = depth_maps(made_up_clouds(_VERIFIED), checkpoint.views, checkpoint.spec)
    export_checkpoint(checkpoint, sha256_of(checkpoint_file), engine, maps, ExportOptions("fp32", 1))
    return Classifier(engine, device=device)


def ours(classifier: Classifier, cloud: FloatArray) -> Answer:
    """The answer of the classifier, its stages by the names used here (the head is in the engine)."""
    prediction, seconds = timed(lambda: classifier(cloud))
    feature = prediction.features / np.linalg.norm(prediction.features)
    took = prediction.timing_ms
    ms = {stage: took[stage] for stage in ("prepare", "project", "encode")}
    scores = feature @ classifier.labels.text_features.T
    return Answer(feature, scores, {**ms, "head": took["score"], "total": 1e3 * seconds})


def make_theirs(
    checkpoint: Checkpoint, device: str, clouds: list[FloatArray]
) -> tuple[dict[str, Run], dict[str, float], dict[str, str]]:
    """Their pipeline in every way that works here, the seconds of each first call, why others do not work."""
    ways: dict[str, dict[str, Any]] = {_BASELINE: {}, "autocast bf16": {"dtype": torch.bfloat16}}
    if device == "cuda":
        ways["autocast fp16"] = {"dtype": torch.float16}
    ways["torch.compile fp32"] = {"compiled": True}
    runs: dict[str, Run] = {}
    first_call_s: dict[str, float] = {}
    left_out: dict[str, str] = {}
    model, labels = checkpoint.model.to(device), checkpoint.labels
    assert labels is not None
    for name, options in ways.items():
        run = AuthorsPipeline(model, labels, checkpoint.views, checkpoint.spec, device=device, **options)
        try:
            _, seconds = timed(partial(run, clouds[0]))
        except Exception as error:  # torch.compile fails in many ways, autocast where a type is unknown
            left_out[name] = f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"
            continue
        runs[name], first_call_s[name] = run, round(seconds, 2)
    return runs, first_call_s, left_out


def agreement(ours: Run, theirs: dict[str, Run], clouds: list[FloatArray]) -> dict[str, dict[str, float]]:
    """How alike the answers are. Raises AssertionError when a way does not answer as ours does."""
    mine = [ours(cloud) for cloud in clouds]
    features = np.stack([answer.feature for answer in mine])
    between = features - features.mean(axis=0)  # what tells the clouds apart
    found = {}
    for name, run in theirs.items():
        answers = [run(cloud) for cloud in clouds]
        other = np.stack([answer.feature for answer in answers])
        cosine = float((features * other).sum(axis=1).min())
        scores = max(float(np.abs(a.scores - b.scores).max()) for a, b in zip(mine, answers, strict=True))
        error = float(np.linalg.norm(other - features) / np.linalg.norm(between))
        assert cosine > _SAME[name.split()[-1]], f"{name}: cosine {cosine}"
        found[name] = {
            "cosine_min": round(cosine, 7),
            "score_max_abs_difference": round(scores, 7),
            "difference_relative_to_that_of_clouds": round(error, 6),
        }
    return found


def in_turn(runs: dict[str, Run], clouds: list[FloatArray]) -> dict[str, dict[str, list[float]]]:
    """Milliseconds by stage of every way on every cloud; each begins a round as often as the others."""
    ms: dict[str, dict[str, list[float]]] = {name: {stage: [] for stage in _STAGES} for name in runs}
    names = list(runs)
    for number, cloud in enumerate(clouds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            sleep(_PAUSE_S)
            answer = runs[name](cloud)
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
    limits = {
        f"total, ours / {_BASELINE}": (_RATIO, results["ratio"][_BASELINE]["total"]["median"]),
        "preparation + projection, ms": (_BEFORE_ENCODER_MS, results["ours_before_encoder_ms"]["median"]),
        f"{_BIG:,} points, preparation + projection, ms": (
            _BIG_MS,
            results["big_cloud_ms"]["both"]["median"],
        ),
    }
    return {
        name: {"limit": limit, "median": median, "holds": bool(median <= limit)}
        for name, (limit, median) in limits.items()
    }


def table_of(results: dict[str, Any]) -> Table:
    """One line per way and stage."""
    table = Table(box=box.SIMPLE_HEAD)
    for column in ("way", "stage"):
        table.add_column(column, no_wrap=True)
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
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=RESULTS / "pipeline.json",
    help="Where the figures go.  [default: benchmarks/results/pipeline.json]",
)
def main(device: str, threads: int, repeats: int, out: Path) -> None:
    """Time ours and the authors' pipeline in PyTorch, run by run in turn."""
    if device == "cuda" and not torch.cuda.is_available():
        raise click.ClickException("torch finds no GPU here; leave --device away")
    if hasattr(os, "sched_setaffinity"):  # before any pool of threads is made
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    torch.set_num_threads(threads)
    about = {**environment(), **{name: version(name) for name in ("torch", "open_clip_torch", "onnx")}}
    del about["engine_sha256"]  # the bundled model takes no part
    if device == "cuda":
        about["gpu"] = torch.cuda.get_device_name()
    console = Console()
    clouds = made_up_clouds(_WARM_UP + repeats, seed=1, points=_POINTS)
    with tempfile.TemporaryDirectory() as folder:
        checkpoint_file = Path(folder, "model.pt")
        write_checkpoint(checkpoint_file)
        checkpoint = load_checkpoint(checkpoint_file)
        with console.status("exporting"):
            classifier = make_ours(checkpoint_file, copy.deepcopy(checkpoint), device)
        backend = classifier.backend
        with classifier, console.status("comparing and timing"):
            mine = partial(ours, classifier)
            theirs, first_call_s, left_out = make_theirs(checkpoint, device, clouds)
            alike = agreement(mine, theirs, clouds[:_WARM_UP])  # also the warm-up
            ms = in_turn({"ours": mine, **theirs}, clouds[_WARM_UP:])
            big = before_encoder(_BIG, repeats)
    own = {stage: np.array(values) for stage, values in ms["ours"].items()}
    results: dict[str, Any] = {
        "model": "ViT-B-32-quickgelu twice, dpa, 10 views, 224 px, fp32, random weights",
        "device": device,
        "threads": threads,
        "points": _POINTS,
        "rasteriser": "pytorch3d" if HAS_PYTORCH3D else "plain torch",
        "backend": backend,
        "ms": {name: {stage: summary(ms[name][stage]) for stage in _STAGES} for name in ms},
        "ours_before_encoder_ms": summary(own["prepare"] + own["project"]),
        "ratio": {
            name: {stage: summary(own[stage] / np.array(ms[name][stage])) for stage in _STAGES}
            for name in theirs
        },
        "agreement": alike,
        "first_call_s": first_call_s,  # of torch.compile: less where its cache on disk is filled
        "left_out": left_out,
        "big_cloud_ms": {"points": _BIG, **big},
    }
    results["floors"] = floors_of(results)
    console.print(table_of(results))
    for name, floor in results["floors"].items():
        answer = "holds" if floor["holds"] else "does NOT hold"
        console.print(f"{name}: {floor['median']:.3f}, at most {floor['limit']}: {answer}", highlight=False)
    for name, why in left_out.items():
        console.print(f"left out, {name}: {why}", markup=False)
    write_results(out, about, results)
    console.print(f"wrote {out.name}")


if __name__ == "__main__":
    main()
