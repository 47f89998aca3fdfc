"""From a checkpoint to engines that are proven equal to it.

The main path: `export_checkpoint` computes the checkpoint's own features on the clouds to verify
with, folds the model, writes the graph in the wished precision, builds a plan where one is asked
for, measures both, and puts everything under its final name at once, or nothing.
"""

from __future__ import annotations

import datetime
import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from rich.console import Console

from c2p_deploy import Manifest
from c2p_deploy.errors import C2PError
from c2p_deploy.files import sha256_of
from c2p_deploy.manifest import QUANTISED, BatchProfile, TextEncoderFiles
from c2p_deploy.projection.spec import FloatArray
from c2p_export import quantise
from c2p_export.cost import engine_cost
from c2p_export.engines import ONNX_RUNTIME, add_plan, complaint_of, measure, settle, staged, step
from c2p_export.folding import fold
from c2p_export.graph import OPSET, trace, write_graph
from c2p_export.half import to_fp16
from c2p_export.plan import PlanOptions
from c2p_runtime.backends.onnxruntime import OnnxRuntimeBackend
from c2p_train.model.checkpoint import Checkpoint
from c2p_train.model.clip2point import CLIP2Point

_AT_ONCE = 8  # clouds per call of the model in torch


@dataclass(frozen=True)
class ExportOptions:
    """What is made of a checkpoint."""

    precision: str = "fp16"  # "fp32", "fp16", "int8" or "fp8"
    max_batch: int = 8  # clouds per call
    plan: PlanOptions | None = None  # None: no plan, the ONNX file and the manifest only
    keep_failed: bool = False  # write the files even without parity


def export_checkpoint(
    checkpoint: Checkpoint,
    digest: str,
    engine: Path,
    depth: FloatArray,
    options: ExportOptions = ExportOptions(),
    *,
    calibration: FloatArray | None = None,
    text_encoder: Callable[[Path], TextEncoderFiles] | None = None,
    console: Console | None = None,
) -> Manifest:
    """Writes `engine` (.onnx), its manifest and what else is asked for; returns the manifest.

    digest: SHA-256 of the checkpoint's file. depth: float32 [N, V, S, S], maps of the clouds on
    which checkpoint and engines must agree. calibration: maps of the clouds to measure ranges on,
    for int8 and fp8. text_encoder: writes a text tower beside the path without suffix it is given.
    Raises C2PError; ParityError when an engine does not agree. Then nothing is left under the
    final names, and a former export there stays as it was.
    """
    console = console or Console(quiet=True)
    labels = checkpoint.labels
    if labels is None:
        raise C2PError(
            "the checkpoint has no labels yet; give some with --labels (c2p-train labels makes them of words)"
        )
    with staged(engine.parent) as work:
        with step("ran the checkpoint", console):
            expected = reference_features(checkpoint.model, depth)
        onnx = work / engine.name
        with step("wrote the graph", console):
            write_engine(checkpoint, onnx, options.precision, calibration)
        manifest = Manifest(
            engines={onnx.name: sha256_of(onnx)},
            checkpoint_sha256=digest,
            head=checkpoint.head,
            encoders=tuple(encoder.config.name for encoder in checkpoint.model.used_encoders),
            views=checkpoint.views,
            spec=checkpoint.spec,
            labels=labels,
            logit_scale=checkpoint.logit_scale,
            precision=options.precision,
            batch=BatchProfile(1, 1, options.max_batch),
            opset=quantise.OPSET if options.precision in QUANTISED else OPSET,
            tools=tool_versions(),
            created=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            cost=engine_cost(onnx),
        )
        with step("ran the ONNX file", console):
            backend = OnnxRuntimeBackend(onnx, manifest)
            parity = measure(backend.run, depth, expected, manifest)
            del backend  # its memory is wanted for the plan
        manifest = replace(manifest, parity={ONNX_RUNTIME: asdict(parity)})
        if complaint_of(manifest) is not None and not options.keep_failed:
            settle(work, engine, manifest, False, console)  # no plan will make it better
        if text_encoder is not None:
            with step("wrote the text encoder", console):
                manifest = replace(manifest, text_encoder=text_encoder(onnx.with_suffix("")))
        if options.plan is not None:
            plan = onnx.with_suffix(".plan")
            manifest = add_plan(onnx, plan, manifest, options.plan, depth, expected, console)
        settle(work, engine, manifest, options.keep_failed, console)
    return manifest


def write_engine(checkpoint: Checkpoint, path: Path, precision: str, calibration: FloatArray | None) -> None:
    """Writes the ONNX file of a checkpoint; the same model gives the same bytes, whatever its labels."""
    views, size = len(checkpoint.views), checkpoint.spec.image_size
    example = torch.rand(2, views, size, size)  # only its shape matters
    folded = fold(checkpoint.model, views)
    graph = trace(folded, example, ("depth", "features"))
    if precision in QUANTISED:
        if calibration is None or not len(calibration):
            raise C2PError(f"{precision} needs clouds to measure ranges on; give a folder with --calib")
        graph = quantise.quantise(graph, calibration, precision, path.parent)
    if precision != "fp32":
        to_fp16(graph)
    about = {
        "c2p.head": checkpoint.head,
        "c2p.encoders": ", ".join(encoder.config.name for encoder in checkpoint.model.used_encoders),
        "c2p.precision": precision,
        "c2p.views": f"{checkpoint.views.name} ({views})",
        "c2p.depth_spec": ", ".join(f"{name}={value}" for name, value in asdict(checkpoint.spec).items()),
    }
    write_graph(graph, path, about)
    for parameter in folded.parameters():  # as in write_graph
        parameter.data = torch.empty(0)


def reference_features(model: CLIP2Point, depth: FloatArray) -> FloatArray:
    """Features float32 [N, D] as the checkpoint itself gives them, for maps [N, V, S, S]."""
    with torch.inference_mode():
        parts = [
            model(torch.from_numpy(depth[start : start + _AT_ONCE])).numpy()
            for start in range(0, len(depth), _AT_ONCE)
        ]
    return np.concatenate(parts)


def tool_versions() -> dict[str, str]:
    """What made an engine, for the manifest."""
    import onnxruntime

    names = ("c2p-deploy", "torch", "open_clip_torch", "onnx", "numpy")
    return {
        "python": platform.python_version(),
        **{name: version(name) for name in names},
        "onnxruntime": onnxruntime.__version__,
    }
