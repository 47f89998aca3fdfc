"""Plans: really built, by TensorRT-RTX on the CPU; what is refused, and that nothing is left behind."""

from __future__ import annotations

import io
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
from rich.console import Console

from c2p_deploy.errors import C2PError, EngineError
from c2p_deploy.manifest import BatchProfile
from c2p_export import plan as plan_module
from c2p_export.plan import (
    KNOWN_TARGETS,
    PlanOptions,
    build_plan,
    check_memory,
    default_timing_cache,
    memory_needed,
    parse_targets,
    rtx_targets,
    use_timing_cache,
    why_cannot_build,
)
from c2p_export.plan_progress import BuildBars
from c2p_runtime.backends.gpu import Gpu
from c2p_runtime.backends.tensorrt_install import logger_of
from engines import write_engine

RTX = PlanOptions("tensorrt-rtx", ("8.6", "8.9"), BatchProfile(1, 2, 4))
ORIN = Gpu("Orin", "8.7", 8 << 30)
L4 = Gpu("NVIDIA L4", "8.9", 24 << 30)


@pytest.fixture
def trt() -> Any:
    return pytest.importorskip("tensorrt_rtx", reason="needs TensorRT-RTX: pip install tensorrt-rtx")


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tiny .onnx in an otherwise empty folder, on a machine without a GPU."""
    monkeypatch.setattr(plan_module, "find_gpus", lambda: ())
    path = write_engine(tmp_path)
    path.with_suffix(".json").unlink()
    return path


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
    target = build_plan(engine, plan, RTX, None)
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
    build_plan(engine, engine.with_suffix(".plan"), options, None)
    assert shapes == [("depth", (1, 6, 16, 16), (2, 6, 16, 16), (7, 6, 16, 16))]
    assert limits == [(trt.MemoryPoolType.WORKSPACE, 64 << 20)]


def test_a_gpu_that_is_here_is_the_target(engine: Path, trt: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_module, "find_gpus", lambda: (L4,))
    seen = watch_builds(monkeypatch, trt)
    target = build_plan(engine, engine.with_suffix(".plan"), PlanOptions("tensorrt-rtx"), None)
    assert seen[0][0] == [trt.ComputeCapability.SM89]
    assert (target.compute_capabilities, target.gpu) == (("8.9",), "NVIDIA L4")


def test_neither_torch_nor_onnx_is_needed(engine: Path, trt: Any) -> None:
    code = (
        "import sys; sys.modules.update(torch=None, onnx=None)\n"
        "from pathlib import Path; from c2p_export.plan import PlanOptions, build_plan\n"
        "build_plan(Path('tiny.onnx'), Path('tiny.plan'), PlanOptions('tensorrt-rtx', ('8.6',)), None)\n"
        "assert not any(name.startswith('c2p_train') for name in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=engine.parent, check=True)
    assert files(engine.parent) == ["tiny.onnx", "tiny.plan"]


def test_the_bars_show_the_outermost_phase_and_the_current_one(engine: Path, trt: Any) -> None:
    shown = io.StringIO()
    console = Console(file=shown, force_terminal=True, width=100)
    started, steps = [], []

    class Watched(BuildBars):
        def start(self, name: str, count: int) -> None:
            super().start(name, count)
            started.append((name, count))

        def step(self, name: str, step: int) -> None:
            super().step(name, step)
            steps.append([task.description for task in self.progress.tasks])
            time.sleep(0.002)  # slow enough for the bars to be drawn

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan_module, "BuildBars", Watched)
        build_plan(engine, engine.with_suffix(".plan"), RTX, console)
    outermost, within = started[0][0], {name for name, _ in started[1:]}
    assert len(steps) > 10
    assert {shown[0] for shown in steps} == {outermost}
    assert {shown[1] for shown in steps} == within
    assert outermost in shown.getvalue() and any(name in shown.getvalue() for name in within)


def test_nested_phases_that_end_in_any_order() -> None:
    bars = BuildBars(None)

    def state() -> list[tuple[str, float, float | None]]:
        return [(task.description, task.completed, task.total) for task in bars.progress.tasks]

    bars.start("build", 3)
    bars.step("build", 0)
    assert state()[0] == ("build", 1, 3)
    bars.start("cost", 5)
    bars.start("time", 2)
    bars.step("time", 1)
    assert state() == [("build", 1, 3), ("time", 2, 2)]
    bars.finish("cost")  # before what began within it
    bars.finish("time")
    bars.step("build", 1)
    assert state()[0] == ("build", 2, 3)
    bars.finish("build")
    bars.step("build", 2)  # late words do no harm
    bars.finish("never begun")


def test_ctrl_c_leaves_nothing(engine: Path, trt: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt() -> None:
        time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.3)  # until the main thread has heard it

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    seen = watch_builds(monkeypatch, trt, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            build_plan(engine, engine.with_suffix(".plan"), RTX, Console(file=io.StringIO()))
    finally:
        signal.signal(signal.SIGINT, before)
    assert seen[0][2] is None  # TensorRT gave up, it was not merely ignored
    assert files(engine.parent) == ["tiny.onnx"]


@pytest.mark.parametrize("kept", [0, 7, 150])
def test_a_broken_onnx_file_is_named_and_leaves_nothing(engine: Path, trt: Any, kept: int) -> None:
    whole = engine.read_bytes()
    engine.write_bytes(whole[:kept] if kept else b"\0garbage" * 50)
    with pytest.raises(EngineError, match=r"tiny\.onnx: .*export it again"):
        build_plan(engine, engine.with_suffix(".plan"), RTX, None)
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
        build_plan(engine, engine.with_suffix(".plan"), RTX, None)
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
        build_plan(engine, engine.with_suffix(".plan"), RTX, None)
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
        build_plan(engine, engine.with_suffix(".plan"), RTX, None)
    assert files(engine.parent) == ["tiny.onnx"]


def test_a_full_disk_is_named_and_keeps_the_older_plan(engine: Path, trt: Any) -> None:
    plan = engine.with_suffix(".plan")
    plan.write_bytes(b"the older one")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (32 << 10, hard))  # the kernel refuses what is beyond 32 kB
    try:
        with pytest.raises(EngineError, match=r"tiny\.plan: cannot write .* MB: .*make room"):
            build_plan(engine, plan, RTX, None)
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
        build_plan(engine, engine.with_suffix(".plan"), RTX, None)
    assert files(engine.parent) == ["tiny.onnx"]


def test_a_tensorrt_that_does_not_start_is_no_traceback(
    engine: Path, trt: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(logger: Any) -> None:
        logger.log(trt.ILogger.Severity.ERROR, "CUDA initialization failure with error: 35")
        raise TypeError("pybind11::init(): factory function returned nullptr")

    monkeypatch.setattr(trt, "Builder", refuse)
    with pytest.raises(EngineError, match=r"tiny\.plan: .* cannot start: CUDA init.* 35; bring driver"):
        build_plan(engine, engine.with_suffix(".plan"), RTX, None)


def test_what_is_missing_is_found_before_the_build(engine: Path, trt: Any) -> None:
    with pytest.raises(EngineError, match=r"none\.onnx: no such file"):
        build_plan(engine.with_name("none.onnx"), engine.with_suffix(".plan"), RTX, None)
    with pytest.raises(EngineError, match=r"none/tiny\.plan: its folder does not exist"):
        build_plan(engine, engine.parent / "none" / "tiny.plan", RTX, None)


@pytest.mark.parametrize("text", ["sm86,sm89", "86,89", "8.6, 8.9", "SM_86,sm_89,sm86"])
def test_targets_in_any_spelling(text: str) -> None:
    assert parse_targets(text) == ("8.6", "8.9")


def test_every_known_target_can_be_named() -> None:
    assert parse_targets(",".join("sm" + name.replace(".", "") for name in KNOWN_TARGETS)) == (
        *KNOWN_TARGETS,
    )


@pytest.mark.parametrize("text", ["sm88", "orin", "", "sm86,", "sm86;sm89", "8..6", "sm1200"])
def test_a_wrong_target_names_the_known_ones(text: str) -> None:
    with pytest.raises(C2PError, match=r"is not a GPU .*sm87 \(Jetson Orin\).*sm120"):
        parse_targets(text)


def test_rtx_targets_are_those_of_the_installed_one(trt: Any) -> None:
    assert set(rtx_targets()) >= {"7.5", "8.6", "8.9", "12.0"}
    assert not set(rtx_targets()) & {"8.7", "9.0", "11.0"}


@pytest.mark.parametrize(
    ("flavour", "targets", "gpus", "words"),
    [
        ("tensorrt-rtx", (), (), ["no NVIDIA GPU", "--target"]),
        ("tensorrt-rtx", ("8.6", "8.7"), (), ["not for SM87 (Jetson Orin)", "SM86", "the Jetson", "--onnx"]),
        ("tensorrt-rtx", (), (ORIN,), ["not for SM87 (Jetson Orin)", "TensorRT does"]),
        ("tensorrt-rtx", ("9.0",), (), ["not for SM90 (H100, H200)", "the machine with that GPU"]),
        ("tensorrt", (), (), ["no NVIDIA GPU", "c2p-export --onnx NAME.onnx"]),
        ("tensorrt", ("8.7",), (), ["here none", "SM87 (Jetson Orin)", "c2p-export --onnx NAME.onnx"]),
        ("tensorrt", ("8.7",), (L4,), ["here NVIDIA L4, SM89", "not for SM87"]),
        ("tensorrt", ("8.9", "8.6"), (L4,), ["here NVIDIA L4, SM89", "SM89 (RTX 40xx"]),
    ],
)
def test_why_a_plan_cannot_be_built_here(
    trt: Any, flavour: str, targets: tuple[str, ...], gpus: tuple[Gpu, ...], words: list[str]
) -> None:
    reason = why_cannot_build(flavour, targets, gpus)
    assert reason is not None
    assert [word for word in words if word not in reason] == []


def test_what_can_be_built_here(trt: Any) -> None:
    assert why_cannot_build("tensorrt-rtx", ("7.5", "12.1"), ()) is None
    assert why_cannot_build("tensorrt-rtx", (), (L4,)) is None


@pytest.mark.skipif(find_spec("tensorrt") is not None, reason="TensorRT is installed here")
def test_no_tensorrt_installed(engine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_module, "find_gpus", lambda: (L4,))
    with pytest.raises(EngineError, match=r"tiny\.plan: TensorRT is not installed; .*c2p-deploy\[tensorrt\]"):
        build_plan(engine, engine.with_suffix(".plan"), PlanOptions("tensorrt"), None)
    assert files(engine.parent) == ["tiny.onnx"]


def test_too_little_memory_is_told_before_the_build(
    engine: Path, tmp_path: Path, trt: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pretend(available: int, swaps: str = "") -> None:
        meminfo, table = tmp_path / "meminfo", tmp_path / "swaps"
        meminfo.write_text(
            f"MemTotal: 8000000 kB\nMemFree: 5 kB\nMemAvailable:   {available} kB\nBuffers: 1 kB\n"
        )
        table.write_text("Filename\tType\tSize\tUsed\tPriority\n" + swaps)
        monkeypatch.setattr(plan_module, "MEMINFO", meminfo)
        monkeypatch.setattr(plan_module, "SWAPS", table)

    needed = memory_needed(engine, RTX) >> 10
    pretend(needed + 1)
    check_memory(engine, RTX)
    pretend(50_000)
    with pytest.raises(
        EngineError, match=r"tiny\.onnx: .* 0\.1 GB of memory, 0\.1 GB are free; close .*swap"
    ):
        build_plan(engine, engine.with_suffix(".plan"), RTX, None)
    pretend(50_000, f"/dev/zram0 partition {needed} 0 5\n")  # takes from the memory it adds to
    with pytest.raises(EngineError, match="swap on a disk"):
        check_memory(engine, RTX)
    pretend(50_000, f"/swapfile file {needed} 40000 -2\n")
    check_memory(engine, RTX)
    with pytest.raises(EngineError, match="smaller --workspace or --max-batch"):
        check_memory(engine, PlanOptions("tensorrt"))
    assert not engine.with_suffix(".plan").exists()


def test_memory_needed_grows_with_what_the_advice_is_about(engine: Path) -> None:
    least = memory_needed(engine, PlanOptions("tensorrt", batch=BatchProfile(1, 1, 1)))
    assert memory_needed(engine, PlanOptions("tensorrt", batch=BatchProfile(1, 1, 9))) > least
    workspace = PlanOptions("tensorrt", batch=BatchProfile(1, 1, 1), workspace=1 << 30)
    assert memory_needed(engine, workspace) == least + (1 << 30)


def test_timings_are_kept_by_release_and_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    path = default_timing_cache("tensorrt", "10.3.0.26", Gpu("NVIDIA RTX™ A2000 12GB/x", "8.6", 1))
    assert path == Path("/cache/c2p-deploy/timing/tensorrt-10.3.0.26-nvidia-rtx-a2000-12gb-x-sm86.cache")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_timings_that_tensorrt_refuses_are_noted_and_replaced(tmp_path: Path, trt: Any) -> None:
    # TensorRT-RTX has the interface still, and reads and writes caches without using them.
    logger = logger_of("tensorrt-rtx")
    config = trt.Builder(logger).create_builder_config()
    shown = io.StringIO()
    path = tmp_path / "new" / "timings [1].cache"
    use_timing_cache(config, path, logger, Console(file=shown))
    assert shown.getvalue() == ""
    plan_module.keep_timing_cache(config, path, None)
    assert path.stat().st_size > 0 and files(path.parent) == [path.name]
    path.write_bytes(b"garbage" * 30)
    use_timing_cache(config, path, logger, Console(file=shown))
    assert "timings [1].cache: these timings are not" in shown.getvalue()
    plan_module.keep_timing_cache(config, path, None)
    assert b"garbage" not in path.read_bytes()
    plan_module.keep_timing_cache(config, path / "below a file", Console(file=shown))
    assert "cannot keep the kernel timings" in shown.getvalue()
