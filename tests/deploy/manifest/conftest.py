"""A manifest with everything in it, beside its engine file."""

from pathlib import Path

import numpy as np
import pytest

from c2p_deploy import DepthSpec, LabelSet, Manifest, ViewSet
from c2p_deploy.files import sha256_of
from c2p_deploy.manifest import (
    BatchProfile,
    EngineCost,
    EngineTarget,
    TextEncoderFiles,
)


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    """Of an engine file that lies in tmp_path."""
    engine = tmp_path / "tiny.onnx"
    engine.write_bytes(b"the bytes of an engine")
    labels = LabelSet(("chair", "bed"), np.random.default_rng(1).normal(size=(2, 8)))
    return Manifest(
        engines={engine.name: sha256_of(engine)},
        checkpoint_sha256="0" * 64,
        head="zeroshot",
        encoders=("ViT-B-32-quickgelu",),
        views=ViewSet.named("clip2point-6"),
        spec=DepthSpec(112, 0.03, 512),
        labels=labels,
        logit_scale=42.5,
        batch=BatchProfile(1, 4, 8),
        opset=18,
        target=EngineTarget("tensorrt", "10.3.0", ("8.7",), "Orin"),
        parity={"onnxruntime": {"cosine_min": 0.99999}},
        tools={"torch": "2.9"},
        created="2026-01-01T00:00:00+00:00",
        text_encoder=TextEncoderFiles("tiny.text.onnx", "1" * 64, "tiny.tokenizer.json", "2" * 64),
        cost=EngineCost(10**9, 10**7),
    )
