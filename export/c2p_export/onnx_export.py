"""A checkpoint becomes an ONNX engine with its manifest, after proof that the two agree."""

from __future__ import annotations

import datetime
import logging
import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import torch

from c2p_deploy import Manifest
from c2p_deploy.depth import FloatArray
from c2p_deploy.errors import C2PError
from c2p_deploy.files import atomic_path, sha256_of
from c2p_deploy.manifest import BatchProfile
from c2p_runtime.classifier import softmax
from c2p_train.checkpoint import load_checkpoint
from c2p_train.model import CLIP2Point

OPSET = 18
# float32 against float32: what remains is the order of sums inside the convolutions.
SMALLEST_COSINE = 0.9999
LARGEST_DIFFERENCE = 1e-4


class ParityError(C2PError):
    """The exported engine does not give what the checkpoint gives."""


@dataclass(frozen=True)
class Parity:
    """How far an engine is from its checkpoint, over `clouds` clouds."""

    clouds: int
    cosine_min: float
    cosine_mean: float
    feature_max_abs: float
    score_max_abs: float
    top1_agreement: float


def export_onnx(checkpoint_file: Path, engine: Path, depth: FloatArray, max_batch: int = 32) -> Manifest:
    """Writes `engine` (.onnx) and its manifest; returns the manifest.

    depth: float32 [N, V, S, S], maps of real clouds on which checkpoint and engine must
    agree. Nothing is left under the final names when they do not (ParityError).
    """
    checkpoint = load_checkpoint(checkpoint_file)
    labels = checkpoint.labels
    if labels is None:
        raise C2PError(f"{checkpoint_file}: has no labels yet; give it some with c2p-train labels")
    model = checkpoint.model
    with atomic_path(engine) as temporary:
        write_graph(model, temporary, shape=(len(checkpoint.views), checkpoint.spec.image_size))
        parity = measure_parity(model, temporary, depth, labels.text_features, checkpoint.logit_scale)
        if parity.cosine_min < SMALLEST_COSINE or parity.feature_max_abs > LARGEST_DIFFERENCE:
            raise ParityError(f"{engine}: differs from {checkpoint_file}: {parity}; nothing was written")
    manifest = Manifest(
        engines={engine.name: sha256_of(engine)},
        checkpoint_sha256=sha256_of(checkpoint_file),
        head=checkpoint.head,
        encoders=tuple(encoder.config.name for encoder in model.used_encoders),
        views=checkpoint.views,
        spec=checkpoint.spec,
        labels=labels,
        logit_scale=checkpoint.logit_scale,
        precision="fp32",
        batch=BatchProfile(1, 1, max_batch),
        opset=OPSET,
        parity={"onnxruntime": vars(parity)},
        tools={
            "c2p-deploy": version("c2p-deploy"),
            "python": platform.python_version(),
            **{name: version(name) for name in ("torch", "onnx", "numpy")},
            "onnxruntime": ort.__version__,
        },
        created=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
    )
    manifest.save(Manifest.path_for(engine))
    return manifest


def write_graph(model: CLIP2Point, path: Path, shape: tuple[int, int]) -> None:
    """The model as one ONNX file: depth [B, V, S, S] -> features [B, D], B free."""
    views, size = shape
    # The exporter warns of operators of packages that are not installed and not used.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    program = torch.onnx.export(
        model,
        (torch.rand(2, views, size, size),),  # 2: a traced 1 would be taken for a constant
        dynamo=True,
        opset_version=OPSET,
        input_names=["depth"],
        output_names=["features"],
        dynamic_shapes={"depth": {0: torch.export.Dim("batch")}},
        verbose=False,
    )
    assert program is not None  # the TorchScript exporter returns None, this one never does
    graph = program.model_proto
    strip_traces(graph)
    onnx.checker.check_model(graph, full_check=True)
    path.write_bytes(graph.SerializeToString(deterministic=True))


def strip_traces(model: onnx.ModelProto) -> None:
    """Takes out what the exporter notes about the Python code of every node.

    It holds the folders of the machine that exported, and makes two exports of one
    checkpoint differ.
    """
    model.graph.ClearField("metadata_props")
    model.graph.ClearField("doc_string")
    for part in (*model.graph.node, *model.graph.value_info, *model.graph.input, *model.graph.output):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    for tensor in model.graph.initializer:
        tensor.ClearField("metadata_props")
        tensor.ClearField("doc_string")


def measure_parity(
    model: CLIP2Point, engine: Path, depth: FloatArray, text_features: FloatArray, logit_scale: float
) -> Parity:
    """Compares features, scores and answers on depth maps [N, V, S, S], at batch sizes 1, 2 and 7."""
    session = ort.InferenceSession(str(engine), providers=["CPUExecutionProvider"])
    expected, got = [], []
    start = 0
    for size in np.resize((1, 2, 7), len(depth)):  # more than enough chunks
        chunk = depth[start : start + int(size)]
        if len(chunk) == 0:
            break
        start += len(chunk)
        got.append(session.run(["features"], {"depth": chunk})[0])
        with torch.inference_mode():
            expected.append(model(torch.from_numpy(chunk)).numpy())
    a, b = np.concatenate(expected), np.concatenate(got)
    cosine = (a * b).sum(axis=1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))
    scores_a, scores_b = (softmax(np.float32(logit_scale) * (x @ text_features.T)) for x in (a, b))
    return Parity(
        clouds=len(depth),
        cosine_min=float(cosine.min()),
        cosine_mean=float(cosine.mean()),
        feature_max_abs=float(np.abs(a - b).max()),
        score_max_abs=float(np.abs(scores_a - scores_b).max()),
        top1_agreement=float((scores_a.argmax(axis=1) == scores_b.argmax(axis=1)).mean()),
    )
