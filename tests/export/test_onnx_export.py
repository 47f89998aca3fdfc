"""Export: the engine equals the checkpoint, or there is no engine."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch

from c2p_deploy import DepthSpec, LabelSet, Manifest, ViewSet
from c2p_deploy.files import sha256_of
from c2p_export import onnx_export
from c2p_export.onnx_export import ParityError, export_onnx
from c2p_runtime import Classifier
from c2p_train.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from c2p_train.conv_encoder import ConvConfig, ConvEncoder
from c2p_train.heads import ZeroShot
from c2p_train.model import CLIP2Point

DEPTH = np.random.default_rng(0).random((11, 6, 32, 32), dtype=np.float32)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small encoder whose batch norms have seen data."""
    torch.manual_seed(0)
    encoder = ConvEncoder(ConvConfig(stem=8, widths=(8, 16), blocks=(1, 1), embed_dim=16)).train()
    for _ in range(5):
        encoder(torch.rand(8, 1, 32, 32))
    path = tmp_path_factory.mktemp("checkpoint") / "model.pt"
    labels = LabelSet(("a", "b", "c"), np.random.default_rng(0).normal(size=(3, 16)))
    views, spec = ViewSet.named("clip2point-6"), DepthSpec(32, 0.1, 64)
    save_checkpoint(
        Checkpoint(CLIP2Point(encoder, None, ZeroShot()).eval(), views, spec, labels, 20.0, {}), path
    )
    return path


@pytest.fixture(scope="module")
def engine(checkpoint: Path) -> Path:
    export_onnx(checkpoint, checkpoint.parent / "small.onnx", DEPTH, max_batch=8)
    return checkpoint.parent / "small.onnx"


@pytest.mark.parametrize("batch", [1, 2, 7, 11])
def test_the_engine_equals_the_checkpoint_at_any_batch(checkpoint: Path, engine: Path, batch: int) -> None:
    session = ort.InferenceSession(str(engine), providers=["CPUExecutionProvider"])
    (features,) = session.run(None, {"depth": DEPTH[:batch]})
    with torch.inference_mode():
        expected = load_checkpoint(checkpoint).model(torch.from_numpy(DEPTH[:batch])).numpy()
    np.testing.assert_allclose(features, expected, atol=1e-6)


def test_the_engine_is_one_self_contained_file(engine: Path) -> None:
    assert sorted(p.name for p in engine.parent.iterdir()) == ["model.pt", "small.json", "small.onnx"]
    model = onnx.load(str(engine))
    assert all(t.data_location != onnx.TensorProto.EXTERNAL for t in model.graph.initializer)
    shape = [d.dim_param or d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim]
    assert shape[1:] == [6, 32, 32] and isinstance(shape[0], str)


def test_the_same_checkpoint_gives_the_same_bytes_and_no_traces(
    checkpoint: Path, engine: Path, tmp_path: Path
) -> None:
    export_onnx(checkpoint, tmp_path / "again.onnx", DEPTH[:2])
    assert sha256_of(tmp_path / "again.onnx") == sha256_of(engine)
    code_folder = str(Path(onnx_export.__file__).parents[2]).encode()
    assert code_folder not in engine.read_bytes()


def test_the_manifest_tells_what_was_exported(checkpoint: Path, engine: Path) -> None:
    manifest = Manifest.for_engine(engine)
    assert manifest.checkpoint_sha256 == sha256_of(checkpoint)
    assert (manifest.head, manifest.precision, manifest.batch.max) == ("zeroshot", "fp32", 8)
    assert manifest.parity["onnxruntime"]["clouds"] == 11
    assert manifest.parity["onnxruntime"]["top1_agreement"] == 1
    assert manifest.parity["onnxruntime"]["feature_max_abs"] < 1e-5
    assert manifest.labels.names == ("a", "b", "c") and manifest.logit_scale == 20
    assert Classifier(engine)(np.random.default_rng(0).normal(size=(50, 3))).features.shape == (16,)


def test_without_parity_there_is_no_engine(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = onnx_export.write_graph

    def write_another(model, path, shape):  # type: ignore[no-untyped-def]
        with torch.no_grad():
            model.depth_encoder.proj.bias[0] += 0.5
        write(model, path, shape)
        with torch.no_grad():
            model.depth_encoder.proj.bias[0] -= 0.5

    monkeypatch.setattr(onnx_export, "write_graph", write_another)
    with pytest.raises(ParityError, match="nothing was written"):
        export_onnx(checkpoint, tmp_path / "small.onnx", DEPTH)
    assert list(tmp_path.iterdir()) == []
