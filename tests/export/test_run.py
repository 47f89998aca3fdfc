"""Plans of an `.onnx` that is there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from c2p_deploy import Manifest
from c2p_deploy.errors import EngineError, ParityError
from c2p_deploy.files import sha256_of
from c2p_deploy.manifest import BatchProfile, EngineTarget
from c2p_export.plan import add as add_module
from c2p_export.plan.options import PlanOptions
from c2p_export.run import plan_from_onnx
from c2p_runtime.backends.gpu import Gpu
from engines import VIEWS, write_engine

DEPTH = np.random.default_rng(0).random((9, len(VIEWS), 16, 16), dtype=np.float32)
RTX = PlanOptions("tensorrt-rtx", ("8.6",), BatchProfile(1, 1, 3))
TARGET = EngineTarget("tensorrt", "10.3.0", ("8.7",), "Orin")


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.usefixtures("trt", "no_gpu")
def test_a_plan_enters_the_manifest(tmp_path: Path, heard: Any) -> None:
    engine = write_engine(tmp_path)
    before = Manifest.for_engine(engine)
    returned = plan_from_onnx(engine, before, RTX, DEPTH)
    plan = engine.with_suffix(".plan")
    manifest = Manifest.for_engine(plan)
    assert manifest.to_dict() == returned.to_dict()
    assert manifest.engines == {**before.engines, "tiny.plan": sha256_of(plan)}
    assert manifest.target is not None and manifest.target.compute_capabilities == ("8.6",)
    assert manifest.batch == RTX.batch
    assert set(files(tmp_path)) == {"tiny.onnx", "tiny.json", "tiny.plan"}
    for told in ("built the plan in ", "the plan was not run here: "):
        assert any(line.startswith(told) for line in heard.lines)
    # Once more, for another GPU: the old plan is replaced.
    plan_from_onnx(engine, manifest, replace(RTX, targets=("8.9",)), DEPTH)
    target = Manifest.for_engine(plan).target
    assert target is not None and target.compute_capabilities == ("8.9",)


class FakePlan:
    """Stands for a TensorRT that runs the plan; a real one was not run on hardware yet."""

    off = 0.0  # how far its features are from the .onnx's

    def __init__(self, plan: Path, manifest: Manifest) -> None:
        assert plan.name in manifest.engines

    def run(self, depth: np.ndarray) -> np.ndarray:
        noise = np.random.default_rng(0).normal(size=(1, depth.shape[1])).astype(np.float32)
        return np.asarray(depth.mean(axis=(2, 3)) + self.off * noise)


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
    monkeypatch.setattr(add_module, "run_from_host", lambda plan, depth, width: plan.run(depth))
    return write_engine(tmp_path)


def test_a_plan_that_runs_here_is_measured(on_an_orin: Path, heard: Any) -> None:
    options = PlanOptions("tensorrt", batch=BatchProfile(1, 1, 4))
    manifest = plan_from_onnx(on_an_orin, Manifest.for_engine(on_an_orin), options, DEPTH)
    figures = manifest.parity["tensorrt"]
    assert figures["clouds"] == 9 and figures["cosine_min"] > 0.99999
    assert Manifest.for_engine(on_an_orin.with_suffix(".plan")).parity == manifest.parity
    assert [line.split()[:2] for line in heard.lines if "tensorrt" in line] == [["tensorrt", "9"]]


def test_a_plan_that_does_not_agree_changes_nothing(
    on_an_orin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakePlan, "off", 0.5)
    before = files(on_an_orin.parent)
    options = PlanOptions("tensorrt", batch=BatchProfile(1, 1, 4))
    manifest = Manifest.for_engine(on_an_orin)
    with pytest.raises(ParityError, match=r"tiny\.onnx: tensorrt: smallest cosine .*nothing was written"):
        plan_from_onnx(on_an_orin, manifest, options, DEPTH)
    assert files(on_an_orin.parent) == before
    with pytest.raises(ParityError, match="written all the same"):
        plan_from_onnx(on_an_orin, manifest, options, DEPTH, keep_failed=True)
    assert Manifest.for_engine(on_an_orin.with_suffix(".plan")).parity["tensorrt"]["cosine_min"] < 0.99


def test_what_running_the_plan_needs_is_missed_before_the_build(
    on_an_orin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> None:
        raise EngineError("numba-cuda is not installed")

    monkeypatch.setattr(add_module, "require_cuda", missing)
    monkeypatch.setattr(add_module, "build_plan", lambda *_: pytest.fail("built for nothing"))
    manifest = Manifest.for_engine(on_an_orin)
    with pytest.raises(EngineError, match="numba-cuda"):
        plan_from_onnx(on_an_orin, manifest, PlanOptions("tensorrt"), DEPTH)
