"""Export: the engine equals the checkpoint, or there is no engine."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch

from c2p_deploy import LabelSet, Manifest
from c2p_deploy.errors import EngineError, LabelError, ParityError
from c2p_deploy.files import sha256_of
from c2p_deploy.manifest import BatchProfile, EngineTarget
from c2p_deploy.rejection import Rejection
from c2p_deploy.rejection.signals import SIGNALS
from c2p_export.checkpoint import Source
from c2p_export.export import make_engines
from c2p_export.graph import engine as engine_module
from c2p_export.parity import Parity
from c2p_export.plan import add as add_module
from c2p_export.plan.options import PlanOptions
from c2p_export.request import ExportOptions
from c2p_runtime import Classifier
from c2p_runtime.backends.gpu import Gpu
from c2p_runtime.backends.onnxruntime import open_session
from engines import VIEWS, write_engine
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
    make_engines(Source(checkpoint(*request.param), DIGEST), engine, DEPTH, options)
    return request.param, engine


@pytest.mark.parametrize("batch", [1, 2, 7, 11])
def test_the_engine_equals_the_checkpoint_at_any_batch(
    exported: tuple[tuple[str, str], Path], batch: int
) -> None:
    kind, engine = exported
    with torch.inference_mode():
        expected = checkpoint(*kind).model(torch.from_numpy(DEPTH[:batch])).numpy()
    np.testing.assert_allclose(run(engine, DEPTH[:batch]), expected, atol=1e-5)


def test_when_it_says_unknown_and_how_large_things_are_goes_along(tmp_path: Path) -> None:
    width, signals = 16, len(SIGNALS)
    numbers = np.random.default_rng(0).normal(size=width + signals + 1)
    rejection = Rejection(
        clutter=numbers[: width + 1].astype(np.float32),
        novelty=numbers.astype(np.float32),
        new_words=numbers[: signals + 1],
        confidence=numbers[: signals + 1],
        typical=numbers[:signals],
    )
    source = checkpoint("zeroshot", "conv")
    assert source.labels is not None
    limits = {source.labels.names[0]: (0.1, 2.0)}
    source = replace(source, rejection=rejection, size_limits=limits)
    engine = tmp_path / "small.onnx"
    make_engines(Source(source, DIGEST), engine, DEPTH, ExportOptions(precision="fp32", max_batch=2))
    manifest = Manifest.for_engine(engine)
    assert manifest.rejection is not None and manifest.rejection.to_dict() == rejection.to_dict()
    assert manifest.size_limits == limits


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
    returned = make_engines(Source(checkpoint(), "1" * 64), engine, DEPTH, options)
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
    make_engines(Source(checkpoint(), DIGEST), engine, DEPTH, ExportOptions())
    before = {path.name: sha256_of(path) for path in tmp_path.iterdir()}
    monkeypatch.setattr(engine_module, "fold", fold_wrongly)
    with pytest.raises(
        ParityError, match=r"small\.onnx: onnxruntime: smallest cosine .* nothing was written"
    ):
        make_engines(Source(checkpoint(), DIGEST), engine, DEPTH, ExportOptions())
    assert {path.name: sha256_of(path) for path in tmp_path.iterdir()} == before
    with pytest.raises(ParityError, match="written all the same"):
        make_engines(Source(checkpoint(), DIGEST), engine, DEPTH, ExportOptions(keep_failed=True))
    assert Manifest.for_engine(engine).parity["onnxruntime"]["cosine_min"] < 0.999


def test_labels_do_not_change_the_engine(tmp_path: Path) -> None:
    other = LabelSet(("x",), np.ones((1, 16)))
    for name, labels in (("one", checkpoint().labels), ("two", other)):
        source = Source(replace(checkpoint(), labels=labels), DIGEST)
        make_engines(source, tmp_path / f"{name}.onnx", DEPTH, ExportOptions())
    assert sha256_of(tmp_path / "one.onnx") == sha256_of(tmp_path / "two.onnx")


# Plans of an .onnx that is there

MAPS = np.random.default_rng(0).random((9, len(VIEWS), 16, 16), dtype=np.float32)
TARGET = EngineTarget("tensorrt", "10.3.0", ("8.7",), "Orin")


def plan_for(flavour: str, *targets: str, keep_failed: bool = False) -> ExportOptions:
    """What `c2p-export --onnx` asks for."""
    plan = PlanOptions(flavour, targets, BatchProfile(1, 1, 3))
    return ExportOptions("fp32", 3, plan, keep_failed)


RTX = plan_for("tensorrt-rtx", "8.6")


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.usefixtures("trt", "no_gpu")
def test_the_plan_of_an_onnx_file_enters_the_manifest(tmp_path: Path, heard: Any) -> None:
    engine = write_engine(tmp_path)
    before = Manifest.for_engine(engine)
    returned = make_engines(before, engine, MAPS, RTX)
    plan = engine.with_suffix(".plan")
    manifest = Manifest.for_engine(plan)
    assert manifest.to_dict() == returned.to_dict()
    assert manifest.engines == {**before.engines, "tiny.plan": sha256_of(plan)}
    assert manifest.target is not None and manifest.target.compute_capabilities == ("8.6",)
    assert manifest.batch == BatchProfile(1, 1, 3)
    assert set(files(tmp_path)) == {"tiny.onnx", "tiny.json", "tiny.plan"}
    for told in ("built the plan in ", "the plan was not run here: "):
        assert any(line.startswith(told) for line in heard.lines)
    # Once more, for another GPU: the old plan is replaced.
    make_engines(manifest, engine, MAPS, plan_for("tensorrt-rtx", "8.9"))
    target = Manifest.for_engine(plan).target
    assert target is not None and target.compute_capabilities == ("8.9",)


class FakePlan:
    """Stands for a TensorRT that runs the plan; a real one was not run on hardware yet."""

    off = 0.0  # how far its features are from the .onnx's

    def __init__(self, plan: Path, manifest: Manifest, stream: int) -> None:
        assert plan.name in manifest.engines

    def run(self, depth: np.ndarray) -> np.ndarray:
        noise = np.random.default_rng(0).normal(size=(1, depth.shape[1])).astype(np.float32)
        return np.asarray((depth.mean(axis=(2, 3)) + self.off * noise) / 3)  # as `write_engine` has it


@pytest.fixture
def on_an_orin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An engine on a machine whose TensorRT builds and runs whatever it is given."""

    def build_plan(onnx: Path, plan: Path, *_: object) -> EngineTarget:
        plan.write_bytes(b"a plan")
        return TARGET

    monkeypatch.setattr(add_module, "find_gpus", lambda: (Gpu("Orin", "8.7", 8 << 30),))
    monkeypatch.setattr(add_module, "installed_version", {"tensorrt": "10.3.0"}.get)
    monkeypatch.setattr(add_module, "require_cuda", lambda: None)
    monkeypatch.setattr(add_module, "build_plan", build_plan)
    monkeypatch.setattr(add_module, "TensorRTBackend", FakePlan)
    monkeypatch.setattr(add_module, "from_host", lambda open_backend, width: open_backend(0).run)
    return write_engine(tmp_path)


def test_a_plan_that_runs_here_is_measured(on_an_orin: Path, heard: Any) -> None:
    manifest = make_engines(Manifest.for_engine(on_an_orin), on_an_orin, MAPS, plan_for("tensorrt"))
    figures = manifest.parity["tensorrt"]
    assert figures["clouds"] == 9 and figures["cosine_min"] > 0.99999
    assert Manifest.for_engine(on_an_orin.with_suffix(".plan")).parity == manifest.parity
    assert [line.split()[:2] for line in heard.lines if "tensorrt" in line] == [["tensorrt", "9"]]


def test_a_plan_that_does_not_agree_changes_nothing(
    on_an_orin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakePlan, "off", 0.5)
    before = files(on_an_orin.parent)
    manifest = Manifest.for_engine(on_an_orin)
    with pytest.raises(ParityError, match=r"tiny\.onnx: tensorrt: smallest cosine .*nothing was written"):
        make_engines(manifest, on_an_orin, MAPS, plan_for("tensorrt"))
    assert files(on_an_orin.parent) == before
    with pytest.raises(ParityError, match="written all the same"):
        make_engines(manifest, on_an_orin, MAPS, plan_for("tensorrt", keep_failed=True))
    assert Manifest.for_engine(on_an_orin.with_suffix(".plan")).parity["tensorrt"]["cosine_min"] < 0.99


def test_figures_of_a_former_plan_do_not_hinder_the_next(
    on_an_orin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = Manifest.for_engine(on_an_orin)
    monkeypatch.setattr(FakePlan, "off", 0.5)
    with pytest.raises(ParityError, match="written all the same"):
        make_engines(manifest, on_an_orin, MAPS, plan_for("tensorrt", keep_failed=True))
    monkeypatch.setattr(FakePlan, "off", 0.0)
    again = make_engines(Manifest.for_engine(on_an_orin), on_an_orin, MAPS, plan_for("tensorrt"))
    assert again.parity["tensorrt"]["cosine_min"] > 0.99999


def test_a_graph_that_does_not_hold_is_not_built_into_a_plan(
    on_an_orin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures = {"onnxruntime": asdict(Parity(9, 0.5, 0.9, 0.1, 0.1, 1.0))}
    manifest = replace(Manifest.for_engine(on_an_orin), parity=figures)
    monkeypatch.setattr(add_module, "build_plan", lambda *_: pytest.fail("built for nothing"))
    with pytest.raises(ParityError, match=r"tiny\.onnx: onnxruntime: smallest cosine 0\.5"):
        make_engines(manifest, on_an_orin, MAPS, plan_for("tensorrt"))


def test_a_checkpoint_without_labels_is_no_source() -> None:
    with pytest.raises(LabelError, match="has no labels yet; give some: --labels"):
        Source(replace(checkpoint(), labels=None), DIGEST)


def test_what_running_the_plan_needs_is_missed_before_the_build(
    on_an_orin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> None:
        raise EngineError("numba-cuda is not installed")

    monkeypatch.setattr(add_module, "require_cuda", missing)
    monkeypatch.setattr(add_module, "build_plan", lambda *_: pytest.fail("built for nothing"))
    manifest = Manifest.for_engine(on_an_orin)
    with pytest.raises(EngineError, match="numba-cuda"):
        make_engines(manifest, on_an_orin, MAPS, plan_for("tensorrt"))
