"""Which backend runs an engine, on which device.

    engine      device   backend
    NAME.onnx   CPU      openvino where it is installed, else onnxruntime
    NAME.onnx   GPU      onnxruntime, its CUDA provider
    NAME.plan   GPU      tensorrt or tensorrt-rtx, whichever built it

The suffix of the engine decides first, then what the machine has.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from c2p_deploy import Manifest
from c2p_deploy.errors import C2PError, EngineError, MissingDependencyError, OptionError
from c2p_deploy.extras import install
from c2p_runtime.backends import BACKENDS, DEVICES, Device
from c2p_runtime.backends.base import DeviceBackend, HostBackend
from c2p_runtime.backends.cuda_versions import (
    driver_cuda,
    numba_cuda,
    onnxruntime_cuda,
    why_numba_mismatch,
    why_onnxruntime_mismatch,
)
from c2p_runtime.backends.gpu import QUIET, Gpu, find_gpus, why_no_gpu
from c2p_runtime.backends.tensorrt_install import check_fits, rebuild_command, target_of

_OLDEST_OPENVINO = (2025, 4)  # before, pairs with float16 scales, as in int8 engines, are refused


@dataclass(frozen=True)
class Choice:
    """What will run an engine. `notice`: what the user could have instead, and how; None when nothing."""

    device: Literal["cpu", "cuda"]
    backend: str
    notice: str | None = None


def choose(engine: Path, manifest: Manifest, device: Device = "auto", backend: str = "auto") -> Choice:
    """The backend and device for an engine on this machine.

    Raises OptionError for a device or backend that there is none of, EngineError when what is asked for
    cannot be had, and always for a plan that does not fit: only an `.onnx` with device "auto" falls back
    to the CPU.
    """
    if device not in DEVICES:
        raise OptionError(f"device {device!r} is not one of {', '.join(DEVICES)}")
    if backend not in BACKENDS:
        raise OptionError(f"backend {backend!r} is not one of {', '.join(BACKENDS)}")
    suffix = engine.suffix.lower()
    if suffix == ".plan":
        return _choose_plan(engine, manifest, device, backend)
    if suffix != ".onnx":
        raise EngineError("an engine is an .onnx or a .plan made by c2p-export", path=engine)
    if backend not in ("auto", "onnxruntime", "openvino"):
        remedy = f"build one with {rebuild_command(engine.name)}, or leave the backend to auto"
        raise EngineError(f"{backend} runs plans", remedy, engine)
    if backend == "openvino":
        if device == "cuda":
            remedy = "use onnxruntime, or device='cpu'"
            raise EngineError("openvino runs on the CPU only", remedy, engine)
        return Choice("cpu", "openvino")
    gpus = () if device == "cpu" else find_gpus()
    error = why_no_cuda(gpus)
    if device == "cuda" and error is not None:
        raise EngineError(f"cannot run on the GPU: {error.problem}", error.remedy, engine)
    if device != "cpu" and error is None:
        return Choice("cuda", "onnxruntime")
    # A machine without a GPU needs no word about it.
    notice = f"runs on the CPU: {error}" if gpus or (error and error.problem not in QUIET) else None
    return _choose_for_cpu(manifest, backend, notice)


def _choose_for_cpu(manifest: Manifest, backend: str, notice: str | None) -> Choice:
    if backend == "auto" and manifest.precision != "fp8" and has_openvino():  # which does not run fp8
        return Choice("cpu", "openvino", notice)
    if backend == "auto" and manifest.precision == "int8" and notice is None:
        notice = (
            f"ONNX Runtime runs int8 slower than float32 on a CPU; {install('openvino')}, or export it again "
            "with --fp16"
        )
    return Choice("cpu", "onnxruntime", notice)


def has_openvino() -> bool:
    """Whether there is an OpenVINO that reads all our engines."""
    try:
        year, release = version("openvino").split(".")[:2]
    except PackageNotFoundError:
        return False
    return (int(year), int(release)) >= _OLDEST_OPENVINO


def _choose_plan(engine: Path, manifest: Manifest, device: Device, backend: str) -> Choice:
    target = target_of(engine, manifest)
    if device == "cpu":
        remedy = f"give {engine.with_suffix('.onnx').name} for the CPU"
        raise EngineError("a plan runs on a GPU only", remedy, engine)
    if backend not in ("auto", target.flavour):
        remedy = "leave the backend to auto"
        raise EngineError(f"was built by {target.flavour} and cannot be run by {backend}", remedy, engine)
    check_fits(engine, target)
    return Choice("cuda", target.flavour)


def why_no_cuda(gpus: tuple[Gpu, ...]) -> C2PError | None:
    """Why an `.onnx` cannot run on a GPU here, and what to do; None when it can."""
    if not gpus:
        return why_no_gpu()
    if mismatch := why_onnxruntime_mismatch(driver_cuda(), onnxruntime_cuda()):
        return mismatch
    try:
        require_cuda()
        import onnxruntime
    except MissingDependencyError as error:
        return error
    except ImportError:
        return MissingDependencyError("ONNX Runtime is not installed", "pip install onnxruntime-gpu")
    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        return MissingDependencyError(
            "this ONNX Runtime has no CUDA provider (there is none for Jetson on PyPI)",
            f"pip install onnxruntime-gpu, or build a plan with {rebuild_command()}",
        )
    return None


def require_cuda() -> None:
    """Raises MissingDependencyError when numba-cuda is not there, or cannot use this machine's GPU."""
    if mismatch := why_numba_mismatch(driver_cuda(), numba_cuda(), next(iter(find_gpus()), None)):
        raise mismatch
    from c2p_runtime.cuda.numba_cuda import check_gpu

    check_gpu()


def open_host_backend(choice: Choice, engine: Path, manifest: Manifest) -> HostBackend:
    """The chosen backend on the CPU, loaded. Raises EngineError, MissingDependencyError."""
    if choice.backend == "openvino":
        from c2p_runtime.backends.openvino import OpenVINOBackend

        return OpenVINOBackend(engine, manifest)
    from c2p_runtime.backends.onnxruntime import OnnxRuntimeBackend

    return OnnxRuntimeBackend(engine, manifest)


def open_device_backend(choice: Choice, engine: Path, manifest: Manifest, stream: int) -> DeviceBackend:
    """The chosen backend on the GPU, loaded. stream: handle of the CUDA stream that it will run on."""
    if choice.backend == "onnxruntime":
        from c2p_runtime.backends.onnxruntime import OnnxRuntimeCudaBackend

        return OnnxRuntimeCudaBackend(engine, manifest, stream)
    from c2p_runtime.backends.tensorrt import TensorRTBackend

    return TensorRTBackend(engine, manifest, stream)
