"""Tiny engines with manifests, made on the spot, whose right answer a test can compute."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

from c2p_deploy import DepthSpec, LabelSet, Manifest, ViewSet
from c2p_deploy.files import sha256_of
from c2p_deploy.manifest import BatchProfile, EngineTarget
from c2p_deploy.projection.spec import Preparation
from c2p_runtime.backends.choose import has_openvino

CPU_BACKEND = "openvino" if has_openvino() else "onnxruntime"  # what runs a float32 engine on this CPU
VIEWS = ViewSet.named("clip2point-6")
SPEC = DepthSpec(image_size=16, point_radius=0.2, num_points=64)
LABELS = LabelSet(("cup", "box", "rod"), np.random.default_rng(0).normal(size=(3, len(VIEWS))))


def write_engine(
    folder: Path,
    *,
    name: str = "tiny",
    input_name: str = "depth",
    divide_by: float = 3.0,
    max_batch: int = 4,
    preparation: Preparation = "robust",
) -> Path:
    """An engine whose feature [B, V] is the mean of each depth map, divided by `divide_by`.

    At 3 it is at most of unit length, as a real one.
    """
    depth = helper.make_tensor_value_info(input_name, TensorProto.FLOAT, ["batch", len(VIEWS), 16, 16])
    features = helper.make_tensor_value_info("features", TensorProto.FLOAT, ["batch", len(VIEWS)])
    constants = [
        helper.make_tensor("axes", TensorProto.INT64, [2], [2, 3]),
        helper.make_tensor("divisor", TensorProto.FLOAT, [], [divide_by]),
    ]
    nodes = [
        helper.make_node("ReduceMean", [input_name, "axes"], ["mean"], keepdims=0),
        helper.make_node("Div", ["mean", "divisor"], ["features"]),
    ]
    graph = helper.make_graph(nodes, "tiny", [depth], [features], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    path = folder / f"{name}.onnx"
    path.write_bytes(model.SerializeToString())
    write_manifest(path, max_batch=max_batch, preparation=preparation)
    return path


def write_manifest(engine: Path, *, max_batch: int = 4, preparation: Preparation = "robust") -> Manifest:
    """The manifest of a tiny engine, beside it."""
    manifest = Manifest(
        engines={engine.name: sha256_of(engine)},
        checkpoint_sha256="0" * 64,
        head="zeroshot",
        encoders=("mean",),
        views=VIEWS,
        spec=SPEC,
        labels=LABELS,
        logit_scale=10.0,
        batch=BatchProfile(1, 1, max_batch),
        preparation=preparation,
    )
    manifest.save(Manifest.path_for(engine))
    return manifest


def write_plan(engine: Path, target: EngineTarget, contents: bytes) -> Path:
    """Bytes that stand for a plan beside an `.onnx`, entered into its manifest."""
    path = engine.with_suffix(".plan")
    path.write_bytes(contents)
    manifest = Manifest.for_engine(engine)
    engines = {**manifest.engines, path.name: sha256_of(path)}
    replace(manifest, engines=engines, target=target).save(Manifest.path_for(path))
    return path
