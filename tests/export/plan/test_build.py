"""Plans: really built, by TensorRT-RTX on the CPU; what is refused, and that nothing is left behind."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper

from c2p_deploy.errors import EngineError
from c2p_deploy.manifest import BatchProfile
from c2p_export.plan import build as build_module
from c2p_export.plan.build import build_plan
from c2p_export.plan.options import PlanOptions
from c2p_runtime.backends.gpu import Gpu

RTX = PlanOptions("tensorrt-rtx", ("8.6", "8.9"), BatchProfile(1, 2, 4))
L4 = Gpu("NVIDIA L4", "8.9", 24 << 30)


def watch_builds(monkeypatch: pytest.MonkeyPatch, trt: Any, before: Any = lambda: None) -> list[Any]:
    """What TensorRT is told and answers: (targets, profiles, bytes) of each build.

    before: called in the thread of the build, just before it.
    """
    seen: list[Any] = []
    build = trt.Builder.build_serialized_network

    def watched(builder: Any, network: Any, config: Any) -> Any:
        before()
        serialised = build(builder, network, config)
        capabilities = [config.get_compute_capability(i) for i in range(config.num_compute_capabilities)]
        plan = None if serialised is None else bytes(serialised)
        # Float32 is float32, and TensorRT-RTX's runs can be captured.
        assert not config.get_flag(trt.BuilderFlag.TF32)
        assert config.get_flag(trt.BuilderFlag.REQUIRE_USER_ALLOCATION)
        seen.append((capabilities, config.num_optimization_profiles, plan))
        return serialised

    monkeypatch.setattr(trt.Builder, "build_serialized_network", watched)
    return seen


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_plan_is_exactly_what_tensorrt_made(
    engine: Path, trt: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    seen = watch_builds(monkeypatch, trt)
    plan = engine.with_suffix(".plan")
    target = build_plan(engine, plan, RTX)
    ((capabilities, profiles, serialised),) = seen
    assert capabilities == [trt.ComputeCapability.SM86, trt.ComputeCapability.SM89]
    assert profiles == 1
    assert plan.read_bytes() == serialised
    assert files(plan.parent) == ["tiny.onnx", "tiny.plan"]
    assert (target.flavour, target.version) == ("tensorrt-rtx", trt.__version__)
    assert (target.compute_capabilities, target.gpu) == (("8.6", "8.9"), None)
    assert capfd.readouterr() == ("", "")


def test_the_batch_profile_and_the_workspace_reach_tensorrt(
    engine: Path, trt: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    shapes, limits = [], []
    set_shape, set_limit = trt.IOptimizationProfile.set_shape, trt.IBuilderConfig.set_memory_pool_limit

    def keep_shape(profile: Any, *arguments: Any) -> Any:
        shapes.append(arguments)
        return set_shape(profile, *arguments)

    def keep_limit(config: Any, *arguments: Any) -> Any:
        limits.append(arguments)
        return set_limit(config, *arguments)

    monkeypatch.setattr(trt.IOptimizationProfile, "set_shape", keep_shape)
    monkeypatch.setattr(trt.IBuilderConfig, "set_memory_pool_limit", keep_limit)
    options = PlanOptions("tensorrt-rtx", ("12.0",), BatchProfile(1, 2, 7), workspace=64 << 20)
    build_plan(engine, engine.with_suffix(".plan"), options)
    assert shapes == [("depth", (1, 6, 16, 16), (2, 6, 16, 16), (7, 6, 16, 16))]
    assert limits == [(trt.MemoryPoolType.WORKSPACE, 64 << 20)]


def test_a_gpu_that_is_here_is_the_target(engine: Path, trt: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build_module, "find_gpus", lambda: (L4,))
    seen = watch_builds(monkeypatch, trt)
    target = build_plan(engine, engine.with_suffix(".plan"), PlanOptions("tensorrt-rtx"))
    assert seen[0][0] == [trt.ComputeCapability.SM89]
    assert (target.compute_capabilities, target.gpu) == (("8.9",), "NVIDIA L4")


def test_neither_torch_nor_onnx_is_needed(engine: Path, trt: Any) -> None:
    code = (
        "import sys; sys.modules.update(torch=None, onnx=None)\n"
        "from pathlib import Path; from c2p_export.plan.build import build_plan\n"
        "from c2p_export.plan.options import PlanOptions\n"
        "build_plan(Path('tiny.onnx'), Path('tiny.plan'), PlanOptions('tensorrt-rtx', ('8.6',)))\n"
        "assert not any(name.startswith('c2p_train') for name in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=engine.parent, check=True)
    assert files(engine.parent) == ["tiny.onnx", "tiny.plan"]


def test_ctrl_c_leaves_nothing(engine: Path, trt: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt() -> None:
        time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.3)  # until the main thread has heard it

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    seen = watch_builds(monkeypatch, trt, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            build_plan(engine, engine.with_suffix(".plan"), RTX)
    finally:
        signal.signal(signal.SIGINT, before)
    assert seen[0][2] is None  # TensorRT gave up, it was not merely ignored
    assert files(engine.parent) == ["tiny.onnx"]


@pytest.mark.parametrize("kept", [0, 7, 150])
def test_a_broken_onnx_file_is_named_and_leaves_nothing(engine: Path, trt: Any, kept: int) -> None:
    whole = engine.read_bytes()
    engine.write_bytes(whole[:kept] if kept else b"\0garbage" * 50)
    with pytest.raises(EngineError, match=r"tiny\.onnx: .*export it again"):
        build_plan(engine, engine.with_suffix(".plan"), RTX)
    assert files(engine.parent) == ["tiny.onnx"]


def write_graph(path: Path, nodes: list[Any], inputs: list[Any], size: int = 6) -> None:
    features = helper.make_tensor_value_info("features", TensorProto.FLOAT, ["batch", size])
    graph = helper.make_graph(nodes, "graph", inputs, [features])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    path.write_bytes(model.SerializeToString())


def value(name: str, *shape: str | int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def test_every_error_of_the_parser_is_told(engine: Path, trt: Any) -> None:
    nodes = [
        helper.make_node("NoSuchOperator", ["depth"], ["a"]),
        helper.make_node("Norm2", ["a"], ["features"]),
    ]
    write_graph(engine, nodes, [value("depth", "batch", 6)])
    with pytest.raises(EngineError, match=r"tiny\.onnx: TensorRT cannot read it: .*NoSuchOperator.*Norm2"):
        build_plan(engine, engine.with_suffix(".plan"), RTX)
    assert files(engine.parent) == ["tiny.onnx"]


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([value("depth", 4, 6)], r"shape \[4, 6\].*only the first size, the batch"),
        ([value("depth", "batch", "views")], r"shape \[-1, -1\]"),
        ([value("depth", "batch", 6), value("more", "batch", 6)], "has 2 inputs"),
    ],
)
def test_graphs_that_are_no_engines(engine: Path, trt: Any, inputs: list[Any], message: str) -> None:
    names = [value.name for value in inputs] if len(inputs) > 1 else ["depth", "depth"]
    write_graph(engine, [helper.make_node("Add", names, ["features"])], inputs)
    with pytest.raises(EngineError, match=rf"tiny\.onnx: .*{message}"):
        build_plan(engine, engine.with_suffix(".plan"), RTX)
    assert files(engine.parent) == ["tiny.onnx"]


def test_what_tensorrt_says_of_a_failed_build_is_told(engine: Path, trt: Any) -> None:
    # A matrix product whose sizes turn out not to fit.
    shape = helper.make_tensor("shape", TensorProto.INT64, [2], [-1, 5])
    nodes = [
        helper.make_node("Constant", [], ["shape"], value=shape),
        helper.make_node("Reshape", ["depth", "shape"], ["a"]),
        helper.make_node("MatMul", ["a", "a"], ["features"]),
    ]
    write_graph(engine, nodes, [value("depth", "batch", 6)], size=5)
    with pytest.raises(
        EngineError, match=r"tiny\.onnx: TensorRT-RTX 1\..* cannot build a plan from it: \S.*\d"
    ):
        build_plan(engine, engine.with_suffix(".plan"), RTX)
    assert files(engine.parent) == ["tiny.onnx"]


def test_a_full_disk_is_named_and_keeps_the_older_plan(engine: Path, trt: Any) -> None:
    plan = engine.with_suffix(".plan")
    plan.write_bytes(b"the older one")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (32 << 10, hard))  # the kernel refuses what is beyond 32 kB
    try:
        with pytest.raises(EngineError, match=r"tiny\.plan: cannot write .* MB: .*make room"):
            build_plan(engine, plan, RTX)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert plan.read_bytes() == b"the older one"
    assert files(engine.parent) == ["tiny.onnx", "tiny.plan"]


def test_memory_that_runs_out_is_no_traceback(
    engine: Path, trt: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhaust() -> None:
        raise MemoryError("std::bad_alloc")

    watch_builds(monkeypatch, trt, exhaust)
    with pytest.raises(EngineError, match=r"tiny\.onnx: .* cannot build a plan from it: .*std::bad_alloc"):
        build_plan(engine, engine.with_suffix(".plan"), RTX)
    assert files(engine.parent) == ["tiny.onnx"]


def test_a_tensorrt_that_does_not_start_is_no_traceback(
    engine: Path, trt: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(logger: Any) -> None:
        logger.log(trt.ILogger.Severity.ERROR, "CUDA initialization failure with error: 35")
        raise TypeError("pybind11::init(): factory function returned nullptr")

    monkeypatch.setattr(trt, "Builder", refuse)
    with pytest.raises(EngineError, match=r"tiny\.plan: .* cannot start: CUDA init.* 35; bring driver"):
        build_plan(engine, engine.with_suffix(".plan"), RTX)


def test_what_is_missing_is_found_before_the_build(engine: Path, trt: Any) -> None:
    with pytest.raises(EngineError, match=r"none\.onnx: no such file"):
        build_plan(engine.with_name("none.onnx"), engine.with_suffix(".plan"), RTX)
    with pytest.raises(EngineError, match=r"none/tiny\.plan: its folder does not exist"):
        build_plan(engine, engine.parent / "none" / "tiny.plan", RTX)


@pytest.mark.skipif(find_spec("tensorrt") is not None, reason="TensorRT is installed here")
def test_no_tensorrt_installed(engine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build_module, "find_gpus", lambda: (L4,))
    with pytest.raises(EngineError, match=r"tiny\.plan: TensorRT is not installed; pip .*\[tensorrt\]"):
        build_plan(engine, engine.with_suffix(".plan"), PlanOptions("tensorrt"))
    assert files(engine.parent) == ["tiny.onnx"]
