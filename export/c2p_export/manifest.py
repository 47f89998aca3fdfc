"""The manifest of a new engine."""

from __future__ import annotations

import datetime
import platform
from importlib.metadata import version
from pathlib import Path

import onnxruntime

from c2p_deploy import Manifest
from c2p_deploy.files import sha256_of
from c2p_deploy.manifest import QUANTISED, BatchProfile, TextEncoderFiles
from c2p_export.checkpoint import Source
from c2p_export.graph import quantise
from c2p_export.graph.cost import engine_cost
from c2p_export.graph.onnx_file import OPSET
from c2p_export.request import ExportOptions


def new_manifest(
    source: Source, onnx: Path, text_encoder: TextEncoderFiles | None, options: ExportOptions
) -> Manifest:
    """What is known of `onnx`, and of a text encoder beside it, before anything has run it."""
    checkpoint = source.checkpoint
    return Manifest(
        engines={onnx.name: sha256_of(onnx)},
        checkpoint_sha256=source.digest,
        head=checkpoint.head,
        encoders=tuple(encoder.config.name for encoder in checkpoint.model.used_encoders),
        views=checkpoint.views,
        spec=checkpoint.spec,
        labels=source.labels,
        logit_scale=checkpoint.logit_scale,
        precision=options.precision,
        batch=BatchProfile(1, 1, options.max_batch),
        opset=quantise.OPSET if options.precision in QUANTISED else OPSET,
        tools=tool_versions(),
        created=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        text_encoder=text_encoder,
        cost=engine_cost(onnx),
        preparation=options.preparation,
        rejection=checkpoint.rejection,
        size_limits=checkpoint.size_limits,
    )


def tool_versions() -> dict[str, str]:
    """What made an engine."""
    names = ("c2p-deploy", "torch", "open_clip_torch", "onnx", "numpy")
    return {
        "python": platform.python_version(),
        **{name: version(name) for name in names},
        "onnxruntime": onnxruntime.__version__,
    }
