"""Export: the engine equals the checkpoint, or there is no engine."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch

from c2p_deploy import LabelSet, Manifest
from c2p_deploy.errors import ParityError
from c2p_deploy.files import sha256_of
from c2p_export.export import export_checkpoint
from c2p_export.graph import engine as engine_module
from c2p_export.request import ExportOptions
from c2p_runtime import Classifier
from c2p_runtime.backends.onnxruntime import open_session
from small_models import DEPTH, checkpoint

DIGEST = "0" * 64


def run(engine: Path, depth: np.ndarray) -> np.ndarray:
    return np.asarray(open_session(engine).run(["features"], {"depth": depth})[0])


@pytest.fixture(scope="module", params=[("zeroshot", "conv"), ("gdpa", "vit"), ("dpa", "conv")], ids=str)
def exported(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[tuple[str, str], Path]:
    engine = tmp_path_factory.mktemp("export") / "small.onnx"
    options = ExportOptions(precision="fp32", max_batch=11)
    export_checkpoint(checkpoint(*request.param), DIGEST, engine, DEPTH, options)
    return request.param, engine


@pytest.mark.parametrize("batch", [1, 2, 7, 11])
def test_the_engine_equals_the_checkpoint_at_any_batch(
    exported: tuple[tuple[str, str], Path], batch: int
) -> None:
    kind, engine = exported
    with torch.inference_mode():
        expected = checkpoint(*kind).model(torch.from_numpy(DEPTH[:batch])).numpy()
    np.testing.assert_allclose(run(engine, DEPTH[:batch]), expected, atol=1e-5)


def test_the_engine_is_one_self_contained_file(exported: tuple[tuple[str, str], Path]) -> None:
    (head, kind), engine = exported
    assert sorted(p.name for p in engine.parent.iterdir()) == ["small.json", "small.onnx"]
    model = onnx.load(engine)
    assert all(t.data_location != onnx.TensorProto.EXTERNAL for t in model.graph.initializer)
    shapes = [
        [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim]
        for value in (model.graph.input[0], model.graph.output[0])
    ]
    assert shapes == [["batch", 6, 32, 32], ["batch", 16]]
    assert model.opset_import[0].version >= 17
    operations = [node.op_type for node in model.graph.node]
    assert "BatchNormalization" not in operations  # folded
    if kind == "vit":  # two towers: before the blocks, twice in each of two blocks, after them
        assert operations.count("LayerNormalization") == 2 * (1 + 2 * 2 + 1)
    about = {entry.key: entry.value for entry in model.metadata_props}
    assert about["c2p.head"] == head and about["c2p.precision"] == "fp32"
    assert about["c2p.views"] == "clip2point-6 (6)" and "image_size=32" in about["c2p.depth_spec"]


def test_the_manifest_tells_what_was_exported(tmp_path: Path) -> None:
    engine = tmp_path / "small.onnx"
    options = ExportOptions(precision="fp16", max_batch=5)
    returned = export_checkpoint(checkpoint(), "1" * 64, engine, DEPTH, options)
    manifest = Manifest.for_engine(engine)
    assert manifest.to_dict() == returned.to_dict()
    assert manifest.checkpoint_sha256 == "1" * 64
    assert (manifest.head, manifest.precision, manifest.batch.max) == ("zeroshot", "fp16", 5)
    assert manifest.opset == 18 and manifest.target is None and manifest.encoders == ("c2p-residual",)
    figures = manifest.parity["onnxruntime"]
    assert figures["clouds"] == 11 and figures["nan_count"] == 0
    assert 0.999 <= figures["cosine_min"] <= figures["cosine_mean"] <= 1 + 1e-6
    assert manifest.tools["torch"] == torch.__version__.split("+")[0]
    assert manifest.tools["onnxruntime"] == ort.__version__
    prediction = Classifier(engine)(np.random.default_rng(0).normal(size=(50, 3)))
    assert prediction.label in ("a", "b", "c") and prediction.features.dtype == np.float32


def test_without_parity_there_is_no_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fold that is wrong is found out by the gate, whatever made it wrong."""
    fold = engine_module.fold

    def fold_wrongly(model, views):  # type: ignore[no-untyped-def]
        folded = fold(model, views)
        with torch.no_grad():
            folded.encoders[0].proj.bias[0] += 0.5
        return folded

    engine = tmp_path / "small.onnx"
    export_checkpoint(checkpoint(), DIGEST, engine, DEPTH, ExportOptions())
    before = {path.name: sha256_of(path) for path in tmp_path.iterdir()}
    monkeypatch.setattr(engine_module, "fold", fold_wrongly)
    with pytest.raises(
        ParityError, match=r"small\.onnx: onnxruntime: smallest cosine .* nothing was written"
    ):
        export_checkpoint(checkpoint(), DIGEST, engine, DEPTH, ExportOptions())
    assert {path.name: sha256_of(path) for path in tmp_path.iterdir()} == before
    with pytest.raises(ParityError, match="written all the same"):
        export_checkpoint(checkpoint(), DIGEST, engine, DEPTH, ExportOptions(keep_failed=True))
    assert Manifest.for_engine(engine).parity["onnxruntime"]["cosine_min"] < 0.999


def test_labels_do_not_change_the_engine(tmp_path: Path) -> None:
    other = LabelSet(("x",), np.ones((1, 16)))
    for name, labels in (("one", checkpoint().labels), ("two", other)):
        export_checkpoint(
            replace(checkpoint(), labels=labels), DIGEST, tmp_path / f"{name}.onnx", DEPTH, ExportOptions()
        )
    assert sha256_of(tmp_path / "one.onnx") == sha256_of(tmp_path / "two.onnx")
