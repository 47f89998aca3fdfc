"""Which backend runs an engine, on machines that this one is not."""

import os
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from c2p_deploy import Manifest
from c2p_deploy.errors import EngineError, MissingDependencyError, OptionError
from c2p_deploy.manifest import EngineTarget
from c2p_runtime import Classifier
from c2p_runtime.backends import choose as backends
from c2p_runtime.backends import tensorrt_install
from c2p_runtime.backends.choose import Choice, choose
from c2p_runtime.backends.gpu import Gpu
from engines import write_engine, write_plan

ORIN = Gpu("Orin", "8.7", 8 << 30)


@pytest.fixture
def onnx(tmp_path: Path) -> Path:
    return write_engine(tmp_path)


@pytest.fixture
def plan(onnx: Path) -> Path:
    """A plan for an Orin beside the .onnx, which nobody looks into."""
    return write_plan(onnx, EngineTarget("tensorrt", "10.3.0", ("8.7",), "Orin"), b"a plan")


def machine(
    monkeypatch: pytest.MonkeyPatch,
    *gpus: Gpu,
    tensorrt: str | None = None,
    cuda: bool = True,
    openvino: bool = False,
) -> None:
    """As if this machine had these GPUs, this TensorRT, numba-cuda, and OpenVINO."""

    def require_cuda() -> None:
        if not cuda:
            raise MissingDependencyError("the GPU needs numba-cuda; pip install it")

    for module in (backends, tensorrt_install):
        monkeypatch.setattr(module, "find_gpus", lambda: gpus)
    monkeypatch.setattr(tensorrt_install, "installed_version", {"tensorrt": tensorrt}.get)
    monkeypatch.setattr(backends, "require_cuda", require_cuda)
    monkeypatch.setattr(backends, "driver_cuda", lambda: (13, 0))
    monkeypatch.setattr(backends, "has_openvino", lambda: openvino)
    monkeypatch.setattr(
        "onnxruntime.get_available_providers", lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"]
    )


def test_an_onnx_runs_on_the_cpu_of_a_machine_without_a_gpu(
    onnx: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine(monkeypatch)
    manifest = Manifest.for_engine(onnx)
    assert choose(onnx, manifest) == Choice("cpu", "onnxruntime")  # nothing to notice: there is no GPU
    with pytest.raises(
        EngineError, match=r"tiny\.onnx: cannot run on the GPU: this machine has no NVIDIA GPU"
    ):
        choose(onnx, manifest, "cuda")


@pytest.mark.parametrize(
    ("precision", "there", "backend"),
    [
        ("fp32", True, "openvino"),
        ("fp16", True, "openvino"),
        ("int8", True, "openvino"),
        ("fp8", True, "onnxruntime"),  # OpenVINO does not run it
        ("fp16", False, "onnxruntime"),
    ],
)
def test_a_cpu_takes_openvino_where_it_is(
    onnx: Path, monkeypatch: pytest.MonkeyPatch, precision: str, there: bool, backend: str
) -> None:
    machine(monkeypatch, openvino=there)
    manifest = replace(Manifest.for_engine(onnx), precision=precision)
    assert choose(onnx, manifest) == Choice("cpu", backend)
    assert choose(onnx, manifest, backend="onnxruntime") == Choice("cpu", "onnxruntime")
    assert choose(onnx, manifest, backend="openvino") == Choice("cpu", "openvino")


@pytest.mark.parametrize(
    ("installed", "fits"),
    [("2026.4.1", True), ("2025.4.0", True), ("2025.3.0", False), ("2024.6.0", False), (None, False)],
)
def test_an_openvino_too_old_for_our_engines_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, installed: str | None, fits: bool
) -> None:
    def version(name: str) -> str:
        if installed is None:
            raise PackageNotFoundError(name)
        return installed

    monkeypatch.setattr(backends, "version", version)
    assert backends.has_openvino() is fits


def test_int8_in_onnx_runtime_on_a_cpu_is_noticed(onnx: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch)
    manifest = replace(Manifest.for_engine(onnx), precision="int8")
    assert "[openvino]" in (choose(onnx, manifest).notice or "")
    assert choose(onnx, manifest, backend="onnxruntime").notice is None  # asked for


def test_an_onnx_runs_on_the_gpu_where_onnx_runtime_can(onnx: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, ORIN)
    manifest = Manifest.for_engine(onnx)
    assert choose(onnx, manifest) == Choice("cuda", "onnxruntime")
    assert choose(onnx, manifest, "cuda", "onnxruntime") == Choice("cuda", "onnxruntime")
    assert choose(onnx, manifest, "cpu") == Choice("cpu", "onnxruntime")


@pytest.mark.parametrize(("cuda", "reason"), [(False, "numba-cuda"), (True, "no CUDA provider")])
def test_a_gpu_that_lies_idle_is_noticed_in_one_line(
    onnx: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    cuda: bool,
    reason: str,
) -> None:
    machine(monkeypatch, ORIN, cuda=cuda)
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: ["CPUExecutionProvider"])
    with Classifier(onnx) as clf:
        assert (clf.device, clf.backend) == ("cpu", "onnxruntime")
    (record,) = caplog.records
    assert record.levelname == "WARNING" and reason in record.getMessage()
    assert "tiny.onnx: runs on the CPU" in record.getMessage()
    caplog.clear()
    Classifier(onnx, device="cpu").close()  # asked for: nothing to notice
    assert not caplog.records
    with pytest.raises(EngineError, match=f"cannot run on the GPU: .*{reason}"):
        Classifier(onnx, device="cuda")


def test_a_plan_runs_where_it_fits(plan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, ORIN, tensorrt="10.3.0.26")
    manifest = Manifest.for_engine(plan)
    for device, backend in (("auto", "auto"), ("cuda", "auto"), ("auto", "tensorrt")):
        assert choose(plan, manifest, device, backend) == Choice("cuda", "tensorrt")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("gpus", "tensorrt", "message"),
    [
        ((), "10.3.0", "no NVIDIA GPU"),
        ((ORIN,), None, "cannot be imported here"),
        (
            (ORIN,),
            "10.16.2",
            r"built by TensorRT 10\.3\.0, this machine has 10\.16\.2; .*c2p-export --onnx tiny",
        ),
        ((Gpu("Thor", "11.0", 1),), "10.3.0", r"SM87 \(Orin\), this machine's GPU is Thor, SM110"),
    ],
)
def test_a_plan_that_does_not_fit_never_falls_back(
    plan: Path, monkeypatch: pytest.MonkeyPatch, gpus: tuple[Gpu, ...], tensorrt: str | None, message: str
) -> None:
    machine(monkeypatch, *gpus, tensorrt=tensorrt)
    with pytest.raises(EngineError, match=rf"tiny\.plan: .*{message}"):
        Classifier(plan)


@pytest.mark.parametrize(
    ("name", "device", "backend", "message"),
    [
        ("tiny.plan", "cpu", "auto", r"runs on a GPU only; give tiny\.onnx for the CPU"),
        ("tiny.plan", "auto", "tensorrt-rtx", "was built by tensorrt and cannot be run by tensorrt-rtx"),
        ("tiny.plan", "auto", "onnxruntime", "cannot be run by onnxruntime"),
        ("tiny.onnx", "auto", "tensorrt", r"runs plans; build one with c2p-export --onnx tiny\.onnx"),
        ("tiny.plan", "auto", "openvino", "was built by tensorrt and cannot be run by openvino"),
        ("tiny.onnx", "cuda", "openvino", "openvino runs on the CPU only"),
    ],
)
def test_what_cannot_go_together_is_refused(
    plan: Path, monkeypatch: pytest.MonkeyPatch, name: str, device: str, backend: str, message: str
) -> None:
    machine(monkeypatch, ORIN, tensorrt="10.3.0")
    engine = plan.with_name(name)
    with pytest.raises(EngineError, match=message):
        choose(engine, Manifest.for_engine(engine), device, backend)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("device", "backend", "message"),
    [
        ("auto", "tflite", "'tflite' is not one of auto, onnxruntime"),
        ("gpu", "auto", "'gpu' is not one of auto, cpu, cuda"),
    ],
)
def test_what_there_is_none_of_is_a_mistake_of_the_caller(
    onnx: Path, device: str, backend: str, message: str
) -> None:
    with pytest.raises(OptionError, match=message):
        choose(onnx, Manifest.for_engine(onnx), device, backend)  # type: ignore[arg-type]


def test_an_engine_is_an_onnx_or_a_plan(onnx: Path) -> None:
    with pytest.raises(EngineError, match=r"tiny\.engine: an engine is an \.onnx or a \.plan"):
        choose(onnx.with_suffix(".engine"), Manifest.for_engine(onnx))


def test_onnx_runtime_keeps_to_the_cores_of_the_process(onnx: Path) -> None:
    """Left alone it makes a thread for each core of the machine and ties it to that one."""
    if not hasattr(os, "sched_setaffinity") or (os.cpu_count() or 1) < 2:
        pytest.skip("needs two cores and a way to give one of them up")
    program = (
        "import os, sys\n"
        "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
        "from c2p_runtime import Classifier\n"
        "clf = Classifier(sys.argv[1], backend='onnxruntime')\n"
        "clf.warmup()\n"
        "print(len(set().union(*(os.sched_getaffinity(int(t)) for t in os.listdir('/proc/self/task')))))\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", program, str(onnx)], capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == "1"
