"""What `c2p-export` does, stage by stage, once it is settled what that is.

A plan for an `.onnx` that is there needs neither torch nor onnx: a robot builds its own.
"""

from __future__ import annotations

from pathlib import Path

from c2p_deploy import Manifest, progress
from c2p_deploy.errors import MissingDependencyError
from c2p_deploy.progress import timed
from c2p_deploy.projection.spec import DepthSpec, FloatArray
from c2p_deploy.projection.views import ViewSet
from c2p_export.parity import run_at_batches
from c2p_export.plan.add import add_plan
from c2p_export.plan.options import PlanOptions
from c2p_export.report import tell_written
from c2p_export.request import ExportRequest
from c2p_export.staging import files_of, settle, staged
from c2p_export.verify_clouds import depth_maps, depth_maps_in, made_up_clouds
from c2p_runtime.backends.onnxruntime import OnnxRuntimeBackend


def run(request: ExportRequest) -> Manifest:
    """Makes what was asked for, and tells what was written. Raises C2PError; then nothing was."""
    engine, options = request.engine, request.options
    if isinstance(request.source, Manifest):
        depth = maps_to_verify(request.verify, request.source.views, request.source.spec)
        assert options.plan is not None  # nothing else is made of an .onnx
        manifest = plan_from_onnx(
            engine, request.source, options.plan, depth, keep_failed=options.keep_failed
        )
        written = [engine.with_suffix(".plan").name]
    else:
        try:
            from c2p_export.checkpoint import read_source
            from c2p_export.export import export_checkpoint
        except ImportError as error:
            raise MissingDependencyError(
                f"exporting a checkpoint needs {error.name}",
                "pip install 'c2p-deploy[export]'. A plan for an .onnx that is exported already needs none "
                "of it: c2p-export --onnx",
            ) from error
        source = read_source(request.source, request.labels, request.text_encoder)
        views, spec = source.checkpoint.views, source.checkpoint.spec
        with timed("drew the depth maps"):
            depth = maps_to_verify(request.verify, views, spec)
            calibration = depth_maps_in(request.calib, views, spec) if request.calib is not None else None
        manifest = export_checkpoint(
            source.checkpoint,
            source.digest,
            engine,
            depth,
            options,
            calibration=calibration,
            clip=source.clip,
        )
        written = [*files_of(manifest)]
    tell_written([engine.with_name(name) for name in (*written, Manifest.path_for(engine).name)], engine)
    if request.why_no_plan is not None:
        progress.say(f"no plan was built: {request.why_no_plan}")
    return manifest


def plan_from_onnx(
    onnx: Path, manifest: Manifest, options: PlanOptions, depth: FloatArray, *, keep_failed: bool = False
) -> Manifest:
    """Builds the plan of an exported `.onnx` beside it, and enters it into the manifest, which is returned.

    manifest: that of the `.onnx`, checked. depth: float32 [N, V, S, S], maps of the clouds on which the
    plan, where it can run here, must agree with the `.onnx`. Raises EngineError, or ParityError when it
    does not agree; then nothing is changed unless `keep_failed`.
    """
    with staged(onnx.parent) as work:
        with timed("ran the ONNX file"):
            expected = run_at_batches(OnnxRuntimeBackend(onnx, manifest).run, depth, options.batch.max)
        plan = work / onnx.with_suffix(".plan").name
        manifest = add_plan(onnx, plan, manifest, options, depth, expected)
        settle(work, onnx, manifest, keep_failed=keep_failed)
    return manifest


def maps_to_verify(folder: Path | None, views: ViewSet, spec: DepthSpec) -> FloatArray:
    """Depth maps [N, V, S, S] of the user's clouds, or of made-up ones where there is no folder."""
    return depth_maps(made_up_clouds(), views, spec) if folder is None else depth_maps_in(folder, views, spec)
