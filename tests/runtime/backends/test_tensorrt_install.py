"""What is said of a TensorRT that is missing, broken, old, or not the one a plan was built with."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest

from c2p_deploy.errors import MissingDependencyError
from c2p_deploy.manifest import EngineTarget
from c2p_runtime.backends import tensorrt_install
from c2p_runtime.backends.gpu import Gpu
from c2p_runtime.backends.tensorrt_install import (
    import_tensorrt,
    installed_version,
    logger_of,
    release,
    why_not_here,
)

ORIN = Gpu("Orin", "8.7", 8 << 30)
L4 = Gpu("NVIDIA L4", "8.9", 24 << 30)
FOR_ORIN = EngineTarget("tensorrt", "10.3.0.26", ("8.7",), "Orin")
FOR_DESKTOPS = EngineTarget("tensorrt-rtx", "1.7.1.116", ("8.6", "8.9"))


def pretend(monkeypatch: pytest.MonkeyPatch, version: str) -> ModuleType:
    module = ModuleType("tensorrt")
    module.__version__ = version  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tensorrt", module)
    return module


@pytest.mark.skipif(find_spec("tensorrt") is not None, reason="TensorRT is installed here")
@pytest.mark.parametrize(
    ("machine", "advice"),
    [
        ("x86_64", r"pip install .*\[tensorrt\]'$"),
        (
            "aarch64",
            "apt install python3-libnvinfer .*--system-site-packages; on other machines: pip install",
        ),
    ],
)
def test_a_missing_tensorrt_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, machine: str, advice: str
) -> None:
    monkeypatch.setattr(tensorrt_install.platform, "machine", lambda: machine)
    assert installed_version("tensorrt") is None
    with pytest.raises(MissingDependencyError, match=f"TensorRT is not installed; .*{advice}"):
        import_tensorrt("tensorrt")


def test_a_missing_tensorrt_rtx_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt_rtx", None)
    assert installed_version("tensorrt-rtx") is None
    with pytest.raises(MissingDependencyError, match=r"pip install .*\[rtx\]'"):
        import_tensorrt("tensorrt-rtx")


@pytest.mark.parametrize(
    "source", ["import tensorrt_libs_missing", "import ctypes; ctypes.CDLL('libnvinfer_missing.so.10')"]
)
def test_a_broken_installation_is_told_from_a_missing_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    monkeypatch.delitem(sys.modules, "tensorrt", raising=False)
    (tmp_path / "tensorrt.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    assert installed_version("tensorrt") is None
    with pytest.raises(MissingDependencyError, match=r"installed but cannot be imported: .*_missing.*again"):
        import_tensorrt("tensorrt")


def test_a_folder_of_that_name_is_not_tensorrt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt", ModuleType("tensorrt"))
    sys.modules["tensorrt"].__path__ = [str(tmp_path / "tensorrt")]
    assert installed_version("tensorrt") is None
    with pytest.raises(MissingDependencyError, match=f"{tmp_path}/tensorrt, is not TensorRT"):
        import_tensorrt("tensorrt")


@pytest.mark.parametrize("version", ["8.6.1", "10.0.1", "10.2.0.19"])
def test_an_old_tensorrt_is_refused_with_both_versions(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    pretend(monkeypatch, version)
    assert installed_version("tensorrt") == version
    with pytest.raises(MissingDependencyError, match=rf"{version} is too old, 10\.3 "):
        import_tensorrt("tensorrt")


@pytest.mark.parametrize("version", ["10.3.0.26", "10.16.1", "11.4.1.2"])
def test_versions_in_the_field_are_taken(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    module = pretend(monkeypatch, version)
    assert import_tensorrt("tensorrt") is module


def test_a_flavour_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    assert installed_version("tensorflow") is None
    with pytest.raises(MissingDependencyError, match="'tensorflow' is not one of tensorrt, tensorrt-rtx"):
        import_tensorrt("tensorflow")
    target = EngineTarget("tensorflow", "1", ("8.7",))
    assert "built by 'tensorflow'" in str(why_not_here(target, (ORIN,), None))


@pytest.mark.parametrize(
    ("target", "gpu", "version"),
    [
        (FOR_ORIN, ORIN, "10.3.0.26"),
        (FOR_ORIN, Gpu("Orin (nvgpu)", "8.7", 64 << 30), "10.3.0.30"),
        (FOR_DESKTOPS, L4, "1.7.1.116"),
    ],
)
def test_a_plan_that_fits(target: EngineTarget, gpu: Gpu, version: str) -> None:
    assert why_not_here(target, (gpu,), version) is None


@pytest.mark.parametrize(
    ("target", "gpus", "version", "words"),
    [
        # No TensorRT comes before another version, that before no GPU, that before another GPU.
        (FOR_ORIN, (), None, ["TensorRT 10.3.0.26 for SM87 (Orin)", "cannot be imported here", ".onnx"]),
        (FOR_DESKTOPS, (), None, ["TensorRT-RTX 1.7.1.116 for SM86, SM89", "[rtx]"]),
        (FOR_ORIN, (), "10.16.2", ["10.3.0.26", "10.16.2", "c2p-export --onnx NAME.onnx"]),
        (FOR_DESKTOPS, (ORIN,), "1.7.2.1", ["1.7.1.116", "1.7.2.1", "c2p-export --onnx NAME.onnx"]),
        (FOR_ORIN, (), "10.3.0.26", ["SM87 (Orin)", "no NVIDIA GPU", ".onnx"]),
        (FOR_ORIN, (L4,), "10.3.0", ["SM87 (Orin)", "NVIDIA L4, SM89", "c2p-export --onnx NAME.onnx"]),
        (FOR_DESKTOPS, (ORIN, L4), "1.7.1", ["Orin, SM87", "NVIDIA L4 with CUDA_VISIBLE_DEVICES"]),
    ],
)
def test_a_plan_that_does_not_fit_names_both_sides(
    target: EngineTarget, gpus: tuple[Gpu, ...], version: str | None, words: list[str]
) -> None:
    error = why_not_here(target, gpus, version)
    assert error is not None and error.remedy
    assert [word for word in words if word not in str(error)] == []


def test_the_command_names_the_engine() -> None:
    error = why_not_here(FOR_ORIN, (), "11.0.0", "chairs.onnx")
    assert error is not None and error.remedy.endswith("c2p-export --onnx chairs.onnx")


def test_release_is_what_binds_a_plan() -> None:
    assert release("10.3.0.26") == release("10.3.0") == (10, 3, 0)
    assert release("1.7.1.116") != release("1.7.2.116")


def test_the_logger_keeps_errors_before_warnings_and_lives_once() -> None:
    trt = pytest.importorskip("tensorrt_rtx", reason="needs TensorRT-RTX: pip install tensorrt-rtx")
    logger = logger_of("tensorrt-rtx")
    assert logger is logger_of("tensorrt-rtx")
    logger.forget()
    logger.log(trt.ILogger.Severity.INFO, "just so")
    assert logger.told() == ""
    logger.log(trt.ILogger.Severity.WARNING, "careful")
    assert logger.told() == "careful"
    logger.log(trt.ILogger.Severity.ERROR, "broken\n in two")
    logger.log(trt.ILogger.Severity.INTERNAL_ERROR, "worse")
    assert logger.told() == "broken in two; worse"
    logger.forget()
