"""Engines that a benchmark makes of a checkpoint itself, and what on this machine's CPU runs them."""

from __future__ import annotations

from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from common import environment

from c2p_deploy import Manifest
from c2p_deploy.errors import EngineError, MissingDependencyError, ParityError
from c2p_deploy.files import sha256_of
from c2p_deploy.projection.spec import FloatArray
from c2p_export.checkpoint import Source
from c2p_export.export import make_engines
from c2p_export.request import ExportOptions
from c2p_export.verify_clouds import depth_maps, made_up_clouds
from c2p_runtime.backends.base import HostBackend
from c2p_runtime.backends.choose import choose, open_host_backend
from c2p_train.model.checkpoint import Checkpoint

PRECISIONS = ("fp32", "fp16", "int8")
_VERIFIED = 4  # made-up clouds: the parity gate is not what is looked at
CPU_BACKENDS = ("onnxruntime", "openvino")
_PACKAGES = ("torch", "onnx")


def environment_here() -> dict[str, Any]:
    """`environment` without the bundled engine, and with the versions of what makes and runs others."""
    about = {**environment(), **{name: version(name) for name in _PACKAGES}}
    del about["engine_sha256"]
    return about


def export_engine(
    checkpoint_file: Path,
    checkpoint: Checkpoint,
    engine: Path,
    precision: str = "fp32",
    *,
    calibration: FloatArray | None = None,
    verified: int = _VERIFIED,
    max_batch: int = 1,
) -> Path:
    """Exports a checkpoint as `engine` (.onnx), and returns that path.

    calibration: depth maps [N, V, S, S] that int8 measures ranges on; verified: made-up clouds that
    the parity gate looks at. An engine that it would refuse is there too: its manifest tells.
    """
    maps = depth_maps(made_up_clouds(verified), checkpoint.views, checkpoint.spec)
    options = ExportOptions(precision, max_batch, keep_failed=True)
    with suppress(ParityError):
        source = Source(checkpoint, sha256_of(checkpoint_file))
        make_engines(source, engine, maps, options, calibration)
    return engine


def export_engines(
    checkpoint_file: Path,
    checkpoint: Checkpoint,
    folder: Path,
    calibration: FloatArray,
    verified: int = _VERIFIED,
) -> dict[str, Path]:
    """An engine of every precision, PRECISION.onnx in the folder; the rest as for `export_engine`."""
    return {
        precision: export_engine(
            checkpoint_file,
            checkpoint,
            folder / f"{precision}.onnx",
            precision,
            calibration=calibration,
            verified=verified,
        )
        for precision in PRECISIONS
    }


def open_backend(engine: Path, name: str) -> HostBackend | str:
    """The engine on the CPU, run by one of CPU_BACKENDS; or why it cannot be."""
    manifest = Manifest.for_engine(engine)
    try:
        return open_host_backend(choose(engine, manifest, "cpu", name), engine, manifest)
    except (EngineError, MissingDependencyError) as error:
        return str(error).replace(str(engine), engine.name)


def features_of(backend: HostBackend, depth: FloatArray) -> FloatArray:
    """Features [N, D] of maps [N, V, S, S], by calls of one cloud as a robot makes them."""
    return np.stack([backend.run(depth[i : i + 1])[0] for i in range(len(depth))])


def feature_agreement(reference: FloatArray, other: FloatArray) -> dict[str, float]:
    """How alike features [N, D] of the same N clouds are.

    The relative error is the difference divided by that between the clouds (both root mean
    square): 1 would mean that rounding moves a feature as far as another cloud does.
    """
    lengths = np.linalg.norm(reference, axis=1) * np.linalg.norm(other, axis=1)
    cosine = (reference * other).sum(axis=1) / lengths
    between = reference - reference.mean(axis=0)
    return {
        "cosine_min": round(float(cosine.min()), 7),
        "cosine_mean": round(float(cosine.mean()), 7),
        "relative_error": round(float(np.linalg.norm(other - reference) / np.linalg.norm(between)), 6),
    }
