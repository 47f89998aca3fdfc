"""The stage of a plan: built beside its `.onnx`, entered into the manifest, and measured where it runs."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from c2p_deploy import Manifest, progress
from c2p_deploy.files import sha256_of
from c2p_deploy.projection.spec import FloatArray
from c2p_export.parity import run_at_batches, with_parity
from c2p_export.plan.build import build_plan
from c2p_export.plan.options import PlanOptions
from c2p_runtime.backends.base import from_host
from c2p_runtime.backends.choose import require_cuda
from c2p_runtime.backends.gpu import find_gpus
from c2p_runtime.backends.tensorrt import TensorRTBackend
from c2p_runtime.backends.tensorrt_install import installed_version, why_not_here


def add_plan(
    onnx: Path,
    plan: Path,
    manifest: Manifest,
    options: PlanOptions,
    depth: FloatArray,
    expected: FloatArray,
) -> Manifest:
    """Builds `plan` and returns the manifest with it: its hash, what it is for and, if it runs here, parity.

    expected: features [N, D] of the checkpoint, or of the `.onnx`, for the maps `depth` [N, V, S, S].
    """
    gpus = find_gpus()
    if gpus and (not options.targets or gpus[0].compute_capability in options.targets):
        require_cuda()  # what running the plan needs is not to be found missing after minutes of building
    with progress.timed("built the plan"):
        target = build_plan(onnx, plan, options)
    manifest = replace(
        manifest,
        engines={**manifest.engines, plan.name: sha256_of(plan)},
        target=target,
        batch=options.batch,
    )
    if reason := why_not_here(target, gpus, installed_version(target.flavour), onnx.name):
        progress.say(f"the plan was not run here: {reason}")
        return manifest
    with progress.timed("ran the plan"):
        run = from_host(partial(TensorRTBackend, plan, manifest), manifest.labels.dim)
        got = run_at_batches(run, depth, options.batch.max)
    return with_parity(manifest, target.flavour, expected, got)
