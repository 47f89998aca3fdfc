"""The graph of a checkpoint: the same function, in every precision, in one file."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from c2p_deploy import DepthSpec, ViewSet
from c2p_deploy.errors import EngineError
from c2p_deploy.files import sha256_of
from c2p_export.graph import onnx_file
from c2p_export.graph.engine import write_engine
from c2p_runtime.backends.onnxruntime import open_session
from c2p_train.model.clip2point import CLIP2Point
from c2p_train.model.clip_encoder import ClipConfig, ClipEncoder
from c2p_train.model.heads import ZeroShot
from c2p_train.model.import_official import import_official
from small_models import DEPTH, checkpoint

FEWSHOT, PRETRAINED = "fewshot_best_tiny.pth", "pretrain_best_val_tiny.pth"


def run(engine: Path, depth: np.ndarray) -> np.ndarray:
    return np.asarray(open_session(engine).run(["features"], {"depth": depth})[0])


def cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


@pytest.fixture(scope="module")
def goldens(golden_folder: Path) -> dict[str, np.ndarray]:
    with np.load(golden_folder / "models" / "tiny.npz") as arrays:
        return dict(arrays)


def authors_maps(folder: Path, goldens: dict[str, np.ndarray], views: int) -> tuple[list[int], np.ndarray]:
    """Rows of the goldens whose depth maps are at hand, and these [n, V, S, S], by the authors."""
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
    rows, depth = authors_maps(golden_folder, goldens, 10)
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
    rows, depth = authors_maps(golden_folder, goldens, 6)
    logits = 6 * run(tmp_path / "e.onnx", depth) @ goldens["text_norm"].T
    np.testing.assert_allclose(logits, goldens["zs_pre_v6_logits"][rows], atol=1e-4)


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_the_same_checkpoint_gives_the_same_bytes_and_no_traces(tmp_path: Path, precision: str) -> None:
    for name in ("one.onnx", "two.onnx"):
        write_engine(checkpoint("gdpa", "vit"), tmp_path / name, precision, DEPTH)
    assert sha256_of(tmp_path / "one.onnx") == sha256_of(tmp_path / "two.onnx")
    written = (tmp_path / "one.onnx").read_bytes()
    for folder in (Path(onnx_file.__file__).parents[3], tmp_path):
        assert str(folder).encode() not in written


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
    monkeypatch.setattr(onnx_file, "_FOR_NODES", 0)
    monkeypatch.setattr(onnx_file, "_LARGEST_FILE", weights // 2)
    with pytest.raises(EngineError, match=r"e\.onnx: .* larger than the 2 GiB .* --fp16"):
        write_engine(checkpoint(), tmp_path / "e.onnx", "fp32", None)
    assert list(tmp_path.iterdir()) == []
