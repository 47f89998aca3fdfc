"""Export: the engine equals the checkpoint, or there is no engine."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch

from c2p_deploy import DepthSpec, LabelSet, Manifest, ViewSet
from c2p_deploy.errors import EngineError, ParityError
from c2p_deploy.files import sha256_of
from c2p_export import export, graph
from c2p_export.export import ExportOptions, export_checkpoint, write_engine
from c2p_runtime import Classifier
from c2p_runtime.backends.onnxruntime import open_session
from c2p_train.model.clip2point import CLIP2Point
from c2p_train.model.clip_encoder import ClipConfig, ClipEncoder
from c2p_train.model.heads import ZeroShot
from c2p_train.model.import_official import import_official
from small_models import DEPTH, checkpoint

DIGEST = "0" * 64
FEWSHOT, PRETRAINED = "fewshot_best_tiny.pth", "pretrain_best_val_tiny.pth"


def run(engine: Path, depth: np.ndarray) -> np.ndarray:
    return np.asarray(open_session(engine).run(["features"], {"depth": depth})[0])


def cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


@pytest.fixture(scope="module")
def goldens(golden_folder: Path) -> dict[str, np.ndarray]:
    with np.load(golden_folder / "models" / "tiny.npz") as arrays:
        return dict(arrays)


def depth_maps(folder: Path, goldens: dict[str, np.ndarray], views: int) -> tuple[list[int], np.ndarray]:
    """Rows of the goldens whose depth maps are at hand, and these [n, V, S, S]."""
    files = {row: folder / "render" / f"{name}.npz" for row, name in enumerate(goldens["clouds"])}
    rows = [row for row, file in files.items() if file.exists()]
    assert len(rows) >= 10
    return rows, np.stack([np.load(files[row])[f"depth01_v{views}_rot1"] for row in rows])


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
@pytest.mark.parametrize("file", [FEWSHOT, PRETRAINED])
def test_the_authors_checkpoints_give_the_authors_logits(
    golden_folder: Path, goldens: dict[str, np.ndarray], tmp_path: Path, precision: str, file: str
) -> None:
    model = import_official(golden_folder / "checkpoints" / file)
    write_engine(model, tmp_path / "e.onnx", precision, None)
    rows, depth = depth_maps(golden_folder, goldens, 10)
    features = run(tmp_path / "e.onnx", depth)
    factor, name = (1, "dpa_logits") if file == FEWSHOT else (10, "zs_pre_v10_logits")
    expected = goldens[name][rows]
    logits = factor * features @ goldens["text_norm"].T  # zero-shot: theirs is the sum over the views
    np.testing.assert_array_equal(logits.argmax(axis=1), expected.argmax(axis=1))
    if precision == "fp32":
        np.testing.assert_allclose(logits, expected, atol=1e-4)
    else:
        with torch.inference_mode():
            exact = model.model(torch.from_numpy(depth)).numpy()
        assert cosines(features, exact).min() >= 0.999


def test_six_views_of_the_pretrained_model(
    golden_folder: Path, goldens: dict[str, np.ndarray], tmp_path: Path
) -> None:
    """A shape that the files were not made with: the authors' own zero-shot default."""
    model = import_official(golden_folder / "checkpoints" / PRETRAINED)
    model = replace(model, views=ViewSet.named("clip2point-6"))
    write_engine(model, tmp_path / "e.onnx", "fp32", None)
    rows, depth = depth_maps(golden_folder, goldens, 6)
    logits = 6 * run(tmp_path / "e.onnx", depth) @ goldens["text_norm"].T
    np.testing.assert_allclose(logits, goldens["zs_pre_v6_logits"][rows], atol=1e-4)


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


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_the_same_checkpoint_gives_the_same_bytes_and_no_traces(tmp_path: Path, precision: str) -> None:
    for name in ("one.onnx", "two.onnx"):
        write_engine(checkpoint("gdpa", "vit"), tmp_path / name, precision, DEPTH)
    assert sha256_of(tmp_path / "one.onnx") == sha256_of(tmp_path / "two.onnx")
    written = (tmp_path / "one.onnx").read_bytes()
    for folder in (Path(export.__file__).parents[2], tmp_path):
        assert str(folder).encode() not in written


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
    fold = export.fold

    def fold_wrongly(model, views):  # type: ignore[no-untyped-def]
        folded = fold(model, views)
        with torch.no_grad():
            folded.encoders[0].proj.bias[0] += 0.5
        return folded

    engine = tmp_path / "small.onnx"
    export_checkpoint(checkpoint(), DIGEST, engine, DEPTH)
    before = {path.name: sha256_of(path) for path in tmp_path.iterdir()}
    monkeypatch.setattr(export, "fold", fold_wrongly)
    with pytest.raises(
        ParityError, match=r"small\.onnx: onnxruntime: smallest cosine .* nothing was written"
    ):
        export_checkpoint(checkpoint(), DIGEST, engine, DEPTH)
    assert {path.name: sha256_of(path) for path in tmp_path.iterdir()} == before
    with pytest.raises(ParityError, match="written all the same"):
        export_checkpoint(checkpoint(), DIGEST, engine, DEPTH, ExportOptions(keep_failed=True))
    assert Manifest.for_engine(engine).parity["onnxruntime"]["cosine_min"] < 0.999


def test_labels_do_not_change_the_engine(tmp_path: Path) -> None:
    other = LabelSet(("x",), np.ones((1, 16)))
    for name, labels in (("one", checkpoint().labels), ("two", other)):
        export_checkpoint(replace(checkpoint(), labels=labels), DIGEST, tmp_path / f"{name}.onnx", DEPTH)
    assert sha256_of(tmp_path / "one.onnx") == sha256_of(tmp_path / "two.onnx")


@pytest.mark.parametrize("name", ["vit_tiny_patch16_224", "convnext_atto"])
def test_towers_that_open_clip_takes_from_timm(tmp_path: Path, name: str) -> None:
    torch.manual_seed(0)
    vision = {"timm_model_name": name, "timm_pool": "", "timm_proj": "linear", "image_size": 224}
    tower = ClipEncoder(ClipConfig(name, 16, vision, quick_gelu=False)).eval()
    model = replace(
        checkpoint(),
        model=CLIP2Point(tower, None, ZeroShot()).eval(),
        spec=DepthSpec(224, 0.02, 64),
    )
    write_engine(model, tmp_path / "e.onnx", "fp16", None)
    depth = np.random.default_rng(0).random((3, 6, 224, 224), dtype=np.float32)
    with torch.inference_mode():
        expected = model.model(torch.from_numpy(depth)).numpy()
    assert cosines(run(tmp_path / "e.onnx", depth), expected).min() >= 0.999
    first = next(node for node in onnx.load(tmp_path / "e.onnx").graph.node if node.op_type == "Conv")
    weights = {tensor.name: tensor.dims for tensor in onnx.load(tmp_path / "e.onnx").graph.initializer}
    assert weights[first.input[1]][1] == 1  # one channel


def test_a_graph_that_no_onnx_file_holds_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two towers of ViT-L/14 in float32 have 2.4 GB of weights; here the limit is lowered instead."""
    weights = sum(4 * parameter.numel() for parameter in checkpoint().model.parameters())
    monkeypatch.setattr(graph, "_FOR_NODES", 0)
    monkeypatch.setattr(graph, "_LARGEST_FILE", weights // 2)
    with pytest.raises(EngineError, match=r"e\.onnx: .* larger than the 2 GiB .* --fp16"):
        write_engine(checkpoint(), tmp_path / "e.onnx", "fp32", None)
    assert list(tmp_path.iterdir()) == []
