"""Models and engines that benchmarks make themselves, and what on this machine's CPU runs them.

Nothing of torch is imported before it is needed: batch.py measures engines where there is none.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from c2p_deploy import DepthSpec, LabelSet, Manifest, ViewSet
from c2p_deploy.errors import C2PError, EngineError, MissingDependencyError, ParityError
from c2p_deploy.files import sha256_of
from c2p_deploy.projection.spec import FloatArray
from c2p_runtime.backends.base import HostBackend
from c2p_runtime.backends.choose import choose, open_host_backend

if TYPE_CHECKING:
    from c2p_train.model.checkpoint import Checkpoint
    from c2p_train.model.clip_encoder import ClipEncoder

PRECISIONS = ("fp32", "fp16", "int8")
CPU_BACKENDS = ("onnxruntime", "openvino")
VIT = "ViT-B-32-quickgelu"
VIT_TWICE = "ViT-B/32 twice, random weights"  # cost does not depend on them
_VERIFIED = 4  # made-up clouds: the parity gate is not what is looked at


def random_labels(count: int, dim: int) -> tuple[tuple[str, ...], FloatArray]:
    """Names and features [count, dim] in all directions."""
    features = np.random.default_rng(0).standard_normal((count, dim), dtype=np.float32)
    return tuple(f"label {number}" for number in range(count)), features


def random_vit(seed: int = 0) -> ClipEncoder:
    """The paper's tower with random weights."""
    import torch

    from c2p_train.model.clip_encoder import ClipConfig, ClipEncoder, import_open_clip

    settings = import_open_clip().get_model_config(VIT)
    torch.manual_seed(seed)
    return ClipEncoder(ClipConfig(VIT, settings["embed_dim"], settings["vision_cfg"], quick_gelu=True)).eval()


def write_vit_twice(path: Path) -> None:
    """The checkpoint of two paths of ViT-B/32 and a Dual-Path Adapter with random weights."""
    from c2p_train.model.checkpoint import Checkpoint, save_checkpoint
    from c2p_train.model.clip2point import CLIP2Point
    from c2p_train.model.heads import build_head

    views, depth, image = ViewSet.named("clip2point-10"), random_vit(), random_vit(1)
    model = CLIP2Point(depth, image, build_head("dpa", len(views), depth.embed_dim)).eval()
    labels = LabelSet(*random_labels(40, depth.embed_dim))
    save_checkpoint(Checkpoint(model, views, DepthSpec(), labels, 100.0, {}), path)


def export_engine(
    checkpoint_file: Path,
    engine: Path,
    precision: str = "fp32",
    *,
    calibration: FloatArray | int = 0,
    verified: int = _VERIFIED,
    max_batch: int = 1,
) -> Path:
    """Exports a checkpoint as `engine` (.onnx), and returns that path.

    calibration: depth maps [N, V, S, S] that int8 measures ranges on, or so many made-up clouds;
    verified: made-up clouds that the parity gate looks at. An engine that it would refuse is there too:
    its manifest tells. Raises C2PError.
    """
    from c2p_export.checkpoint import Source
    from c2p_export.export import make_engines
    from c2p_export.request import ExportOptions
    from c2p_export.verify_clouds import depth_maps, made_up_clouds
    from c2p_train.model.checkpoint import load_checkpoint

    checkpoint = load_checkpoint(checkpoint_file)  # anew: an export consumes the model
    labelled(checkpoint, checkpoint_file)
    maps = depth_maps(made_up_clouds(verified), checkpoint.views, checkpoint.spec)
    if isinstance(calibration, int):
        made_up = made_up_clouds(calibration, seed=2)
        calibration = depth_maps(made_up, checkpoint.views, checkpoint.spec) if made_up else None
    options = ExportOptions(precision, max_batch, keep_failed=True)
    with suppress(ParityError):
        source = Source(checkpoint, sha256_of(checkpoint_file))
        make_engines(source, engine, maps, options, calibration)
    return engine


def export_precisions(
    checkpoint_file: Path, folder: Path, precisions: Sequence[str] = PRECISIONS, **options: Any
) -> dict[str, Path]:
    """An engine of every precision, PRECISION.onnx in the folder; options as of `export_engine`."""
    return {
        precision: export_engine(checkpoint_file, folder / f"{precision}.onnx", precision, **options)
        for precision in precisions
    }


def labelled(checkpoint: Checkpoint, path: Path) -> LabelSet:
    """Its labels. Raises C2PError when it has none."""
    if checkpoint.labels is None:
        raise C2PError("has no labels", "give a checkpoint that has some", path)
    return checkpoint.labels


def open_backend(engine: Path, name: str) -> HostBackend | str:
    """The engine on the CPU, run by one of CPU_BACKENDS; or why it cannot be."""
    manifest = Manifest.for_engine(engine)
    try:
        return open_host_backend(choose(engine, manifest, "cpu", name), engine, manifest)
    except (EngineError, MissingDependencyError) as error:
        return error.problem


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


def run_module(
    module: str, *words: str | os.PathLike[str], succeeds: Sequence[int] = (0,)
) -> subprocess.CompletedProcess[str]:
    """A command of ours, run as a process of its own, and what it printed. Raises C2PError when it fails."""
    line = [sys.executable, "-m", module, *map(os.fspath, words)]
    done = subprocess.run(line, capture_output=True, text=True)
    if done.returncode not in succeeds or not done.stdout:
        raise C2PError(f"{module} failed: {done.stderr.strip()[-500:]}")
    return done
