"""From a checkpoint to engines that are proven equal to it, stage by stage. Needs torch and onnx."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from c2p_deploy import Manifest
from c2p_deploy.progress import timed
from c2p_deploy.projection.spec import FloatArray
from c2p_export.checkpoint import labels_of, reference_features
from c2p_export.graph.engine import write_engine
from c2p_export.graph.text_tower import export_text_encoder
from c2p_export.manifest import new_manifest
from c2p_export.parity import complaint_of, measure
from c2p_export.plan.add import add_plan
from c2p_export.request import ExportOptions
from c2p_export.staging import settle, staged
from c2p_runtime.backends.onnxruntime import OnnxRuntimeBackend
from c2p_train.model.checkpoint import Checkpoint

if TYPE_CHECKING:
    from c2p_export.checkpoint import Clip


def export_checkpoint(
    checkpoint: Checkpoint,
    digest: str,
    engine: Path,
    depth: FloatArray,
    options: ExportOptions,
    *,
    calibration: FloatArray | None = None,
    clip: Clip | None = None,
) -> Manifest:
    """Writes `engine` (.onnx), its manifest and what else is asked for; returns the manifest.

    digest: SHA-256 of the checkpoint's file. depth: float32 [N, V, S, S], maps of the clouds on
    which checkpoint and engines must agree. calibration: maps of the clouds to measure ranges on,
    for int8 and fp8. clip: a CLIP model and its tokenizer, whose text tower is to go along.
    Raises C2PError; ParityError when an engine does not agree. Then nothing is left under the
    final names, and a former export there stays as it was.
    """
    labels = labels_of(checkpoint)
    with staged(engine.parent) as work:
        onnx = work / engine.name
        with timed("ran the checkpoint"):
            expected = reference_features(checkpoint.model, depth)
        with timed("wrote the graph"):
            write_engine(checkpoint, onnx, options.precision, calibration)
        manifest = new_manifest(checkpoint, digest, labels, onnx, options)
        with timed("ran the ONNX file"):
            backend = OnnxRuntimeBackend(onnx, manifest)
            manifest = measure(backend.name, backend.run, depth, expected, manifest)
            del backend  # its memory is wanted for the plan
        if complaint_of(manifest) is not None and not options.keep_failed:
            settle(work, engine, manifest, keep_failed=False)  # no plan will make it better
        if clip is not None:
            with timed("wrote the text encoder"):
                stem, fp16 = onnx.with_suffix(""), options.precision != "fp32"
                manifest = replace(manifest, text_encoder=export_text_encoder(*clip, stem, fp16=fp16))
        if options.plan is not None:
            plan = onnx.with_suffix(".plan")
            manifest = add_plan(onnx, plan, manifest, options.plan, depth, expected)
        settle(work, engine, manifest, keep_failed=options.keep_failed)
    return manifest
