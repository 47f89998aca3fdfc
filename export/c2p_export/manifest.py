"""The manifest of a new engine."""

from __future__ import annotations

import datetime
import platform
from importlib.metadata import version
from pathlib import Path

import onnxruntime

from c2p_deploy import LabelSet, Manifest
from c2p_deploy.files import sha256_of
from c2p_deploy.manifest import QUANTISED, BatchProfile
from c2p_export.graph import quantise
from c2p_export.graph.cost import engine_cost
from c2p_export.graph.onnx_file import OPSET
from c2p_export.request import ExportOptions
from c2p_train.model.checkpoint import Checkpoint


def new_manifest(
    checkpoint: Checkpoint, digest: str, labels: LabelSet, onnx: Path, options: ExportOptions
) -> Manifest:
    """What is known of `onnx` before anything has run it. digest: SHA-256 of the checkpoint's file."""
    return Manifest(
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


def tool_versions() -> dict[str, str]:
    """What made an engine."""
    names = ("c2p-deploy", "torch", "open_clip_torch", "onnx", "numpy")
    return {
        "python": platform.python_version(),
        **{name: version(name) for name in names},
        "onnxruntime": onnxruntime.__version__,
    }
