"""Ours against the authors' pipeline as anyone would run it in PyTorch: two paths of ViT-B/32.

    python benchmarks/pipeline.py

The same random weights (cost does not depend on them), the same clouds, on the same threads, run
by run in turn. All must give the same answers before anything is timed. Where pytorch3d can be
imported, the pipeline is measured with its rasteriser, too, as the authors have it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from itertools import cycle
from pathlib import Path
from time import sleep
from typing import Any

import click
import numpy as np
import torch

from c2p_deploy import DepthSpec, ViewSet, prepare_points, progress, project_depth, read_cloud
from c2p_deploy.errors import OptionError, reason_of
from c2p_deploy.projection.spec import FloatArray
from c2p_export.verify_clouds import made_up_clouds
from c2p_runtime import Classifier
from c2p_train.model.checkpoint import load_checkpoint
from harness.authors_pipeline import HAS_PYTORCH3D, Answer, AuthorsPipeline
from harness.engines_here import VIT, export_engine, feature_agreement, labelled, write_vit_twice
from harness.frame import (
    EXAMPLES,
    Results,
    Way,
    benchmark,
    count_option,
    floor_of,
    in_turn,
    keep_to,
    leave_out,
    summaries,
    summary,
    timed,
)

_POINTS = 1024
_BIG = 100_000
_CALIBRATION = 16  # clouds, for int8
_WARM_UP = 3
_PAUSE = partial(sleep, 0.05)  # between runs: threads of the one before stop spinning
_MESH = EXAMPLES / "clouds" / "airplane.obj"
_OURS, _EAGER, _AUTHORS = "ours", "PyTorch", "PyTorch, pytorch3d's rasteriser"
# The floors: the total against the authors' pipeline; milliseconds before the encoder.
_RATIO, _BEFORE_ENCODER_MS, _BIG_MS = 0.55, 8.0, 40.0


@dataclass(frozen=True)
class Pipeline:
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


def make_ours(folder: Path, device: str) -> dict[str, Pipeline]:
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
            export_engine(checkpoint_file, engine, precision, calibration=_CALIBRATION)
        classifier = Classifier(engine, device=device, backend=backend)  # type: ignore[arg-type]
        ways[name] = Pipeline(partial(ours, classifier), cosine)
    return ways


def make_theirs(
    checkpoint_file: Path, device: str, cloud: FloatArray
) -> tuple[dict[str, Pipeline], dict[str, float], dict[str, str]]:
    """Their pipeline in every way that works here, the seconds of each first call, why others do not work."""
    options: dict[str, tuple[dict[str, Any], float]] = {_EAGER: ({}, 0.9999)}
    options[f"{_EAGER}, bf16 autocast"] = ({"dtype": torch.bfloat16}, 0.99)
    if device == "cuda":
        options[f"{_EAGER}, fp16 autocast"] = ({"dtype": torch.float16}, 0.999)
    options[f"{_EAGER}, torch.compile"] = ({"compiled": True}, 0.9999)
    if HAS_PYTORCH3D:
        options[_AUTHORS] = ({"pytorch3d": True}, 0.9999)
    ways: dict[str, Pipeline] = {}
    first_call_s: dict[str, float] = {}
    left_out: dict[str, str] = {}
    if not HAS_PYTORCH3D:
        leave_out(left_out, _AUTHORS, "pytorch3d is not installed")
    checkpoint = load_checkpoint(checkpoint_file)
    labels = labelled(checkpoint, checkpoint_file)
    for name, (given, cosine) in options.items():
        run = AuthorsPipeline(
            checkpoint.model, labels, checkpoint.views, checkpoint.spec, device=device, **given
        )
        try:
            _, seconds = timed(partial(run, cloud))
        except Exception as error:  # torch.compile fails in many ways, autocast where a type is unknown
            leave_out(left_out, name, f"{type(error).__name__}: {reason_of(error)}")
            continue
        ways[name], first_call_s[name] = Pipeline(run, cosine), round(seconds, 2)
    return ways, first_call_s, left_out


def agreement(ways: dict[str, Pipeline], clouds: list[FloatArray]) -> dict[str, dict[str, float]]:
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


def turns_of(ways: Mapping[str, Pipeline], clouds: list[FloatArray]) -> dict[str, Way]:
    """Runs of every way, each through the same clouds one after the other."""

    def run(way: Pipeline, own: Any) -> Mapping[str, float]:
        return way.run(next(own)).ms

    return {name: partial(run, way, cycle(clouds)) for name, way in ways.items()}


def before_encoder(points: int, repeats: int) -> dict[str, Any]:
    """Milliseconds of our preparation and projection of a big cloud, on the CPU."""
    cloud = read_cloud(_MESH, mesh_points=points)
    views, spec = ViewSet.named("clip2point-10"), DepthSpec()
    out = np.empty((len(views), spec.image_size, spec.image_size), dtype=np.float32)

    def run() -> dict[str, float]:
        prepared, prepare_s = timed(lambda: prepare_points(cloud, spec))
        _, project_s = timed(partial(project_depth, prepared, views, spec, out=out))
        stages = {"prepare": prepare_s, "project": project_s, "both": prepare_s + project_s}
        return {stage: 1e3 * seconds for stage, seconds in stages.items()}

    for _ in range(_WARM_UP):
        run()
    return summaries(in_turn({_OURS: run}, range(repeats), rest=_PAUSE, untimed=False))[_OURS]


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


@benchmark(
    "pipeline",
    click.option("--device", type=click.Choice(["cpu", "cuda"]), default="cpu", show_default=True),
    count_option("--threads", 2, "Of both, on as many cores."),
    count_option("--repeats", 15, "Runs of each way.", least=4),
    click.option(
        "--engines",
        type=click.Path(file_okay=False, path_type=Path),
        help="Where checkpoint and engines are kept, and made if missing: the old torch that pytorch3d "
        "wants cannot export them.  [default: a folder that is deleted]",
    ),
    packages=("torch", "onnx", "open_clip_torch"),
)
def main(device: str, threads: int, repeats: int, engines: Path | None) -> Results:
    """Time ours and the authors' pipeline in PyTorch, run by run in turn."""
    if device == "cuda" and not torch.cuda.is_available():
        raise OptionError("torch finds no GPU here", "leave --device away")
    keep_to(threads)
    torch.set_num_threads(threads)
    about = {}
    if HAS_PYTORCH3D:
        about["pytorch3d"] = import_module("pytorch3d").__version__
    if device == "cuda":
        about["gpu"] = torch.cuda.get_device_name()
    clouds = made_up_clouds(_WARM_UP + repeats, seed=1, points=_POINTS)
    with ExitStack() as stack:
        made = engines or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        made.mkdir(parents=True, exist_ok=True)
        checkpoint = made / "model.pt"
        if not checkpoint.exists():
            write_vit_twice(checkpoint)
        with progress.task("exporting"):
            mine = make_ours(made, device)
        with progress.task("comparing and timing"):
            theirs, first_call_s, left_out = make_theirs(checkpoint, device, clouds[0])
            ways = {**mine, **theirs}
            alike = agreement(ways, clouds[:_WARM_UP])  # also the warm-up
            turns = turns_of(ways, clouds[_WARM_UP:])
            ms = in_turn(turns, range(repeats), rest=_PAUSE, untimed=False)
            big = before_encoder(_BIG, repeats)
    own = {stage: np.array(values) for stage, values in ms[_OURS].items()}
    results: Results = {
        "environment": about,
        "model": f"{VIT} twice, dpa, 10 views, 224 px, float32 unless said, random weights",
        "device": device,
        "threads": threads,
        "points": _POINTS,
        "ms": summaries(ms),
        "ours_before_encoder_ms": summary(own["prepare"] + own["project"]),
        "ratio": {
            name: {stage: summary(own[stage] / np.array(values)) for stage, values in found.items()}
            for name, found in ms.items()
            if name != _OURS
        },
        "agreement": alike,
        "first_call_s": first_call_s,  # of torch.compile: less where its cache on disk is filled
        "left_out": left_out,
        "big_cloud_ms": {"points": _BIG, **big},
    }
    return {**results, "floors": floors_of(results)}


if __name__ == "__main__":
    main()
