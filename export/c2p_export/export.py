"""What `c2p-export` does, stage by stage, once it is settled what that is.

A plan for an `.onnx` that is there needs neither torch nor onnx: a robot builds its own.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from c2p_deploy import Manifest
from c2p_deploy.errors import MissingDependencyError
from c2p_deploy.extras import install
from c2p_deploy.progress import timed
from c2p_deploy.projection.spec import FloatArray
from c2p_export.parity import refusal_of, run_at_batches, with_parity
from c2p_export.plan.add import add_plan
from c2p_export.report import tell_next, tell_repository
from c2p_export.request import ExportOptions, ExportRequest
from c2p_export.staging import only_export, settle, staged
from c2p_export.triton.repository import write_repository
from c2p_export.verify_clouds import depth_maps, depth_maps_in, made_up_clouds
from c2p_runtime.backends.onnxruntime import OnnxRuntimeBackend

if TYPE_CHECKING:
    from c2p_export.checkpoint import Source


def run(request: ExportRequest) -> Manifest:
    """Makes what was asked for. Raises C2PError; then nothing was written, unless it says otherwise."""
    source: Source | Manifest
    if isinstance(request.source, Manifest):
        source = request.source
    else:
        if request.text_encoder is not None:
            from c2p_train.network import require_weights  # here: a board that builds plans has no c2p_train

            require_weights(*request.text_encoder)
        try:
            import c2p_export.graph.engine  # noqa: F401 -- missed now, not when the checkpoint is read
            from c2p_export.checkpoint import read_source
        except ImportError as error:
            raise MissingDependencyError(
                f"exporting a checkpoint needs {error.name}",
                f"{install('export')}. A plan for an .onnx that is exported already needs none of it: "
                "c2p-export --onnx",
            ) from error
        source = read_source(request.source, request.labels, request.text_encoder)
    if isinstance(source, Manifest) and request.options.plan is None:  # the engine is there already
        return _into_repository(request, source)
    how = source.views, source.spec, request.options.preparation
    verify, calib = request.verify, request.calib
    with timed("drew the depth maps"):
        depth = depth_maps_in(verify, *how) if verify else depth_maps(made_up_clouds(), *how)
        calibration = depth_maps_in(calib, *how) if calib else None
    manifest = make_engines(source, request.engine, depth, request.options, calibration)
    tell_next(request.engine, request.why_no_plan)
    return _into_repository(request, manifest)


def _into_repository(request: ExportRequest, manifest: Manifest) -> Manifest:
    """The manifest, after its engines have been put into a repository for Triton, where that is wanted."""
    if request.triton is not None:
        tell_repository(request.triton, write_repository(request.engine, request.triton))
    return manifest


def make_engines(
    source: Source | Manifest,
    engine: Path,
    depth: FloatArray,
    options: ExportOptions,
    calibration: FloatArray | None = None,
) -> Manifest:
    """Writes `engine` (.onnx) of a checkpoint, its manifest and what else is asked for; returns the manifest.

    source: the checkpoint; or the manifest of `engine`, checked, where that is there already and only gets
    its plan. depth: float32 [N, V, S, S], maps of the clouds on which all engines must agree with the
    checkpoint, or with the .onnx. calibration: maps of the clouds to measure ranges on, for int8 and fp8.
    Raises C2PError; ParityError when an engine does not agree. Then nothing is left under the final names,
    and a former export there stays as it was, unless the options say to keep it.
    """
    with only_export(engine), staged(engine.parent) as work:
        if isinstance(source, Manifest):
            onnx, manifest, expected = engine, _without_plan(source), None
        else:
            # torch and onnx: whoever has a checkpoint has them
            from c2p_export.checkpoint import reference_features
            from c2p_export.graph.engine import write_engine
            from c2p_export.graph.text_tower import export_text_encoder
            from c2p_export.manifest import new_manifest

            onnx, text = work / engine.name, None
            with timed("ran the checkpoint"):
                expected = reference_features(source.checkpoint.model, depth)
            with timed("wrote the graph"):
                write_engine(source.checkpoint, onnx, options.precision, calibration)
            if source.clip is not None:
                stem, fp16 = onnx.with_suffix(""), options.precision != "fp32"
                with timed("wrote the text encoder"):
                    text = export_text_encoder(*source.clip, stem, fp16=fp16)
            manifest = new_manifest(source, onnx, text, options)
        with timed("ran the ONNX file"):
            features = run_at_batches(OnnxRuntimeBackend(onnx, manifest).run, depth, options.max_batch)
        if expected is None:
            expected = features
        else:
            manifest = with_parity(manifest, OnnxRuntimeBackend.name, expected, features)
        worth_it = options.keep_failed or refusal_of(manifest) is None  # no plan makes a bad graph better
        if options.plan is not None and worth_it:
            plan = work / engine.with_suffix(".plan").name
            manifest = add_plan(onnx, plan, manifest, options.plan, depth, expected)
        settle(work, engine, manifest, keep_failed=options.keep_failed)
    return manifest


def _without_plan(manifest: Manifest) -> Manifest:
    """Without the figures of a former plan, which say nothing of the next one."""
    own = OnnxRuntimeBackend.name
    return replace(manifest, parity={name: found for name, found in manifest.parity.items() if name == own})
