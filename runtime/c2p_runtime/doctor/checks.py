"""One function a thing that an engine can need: what is there, whether it works, and what to do if not.

A check never raises: what it meets becomes a finding. Nothing here leaves the machine.
"""

from __future__ import annotations

import platform
import re
import struct
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from c2p_deploy.errors import C2PError, EngineError, MissingDependencyError, reason_of
from c2p_deploy.extras import install
from c2p_runtime.backends.choose import has_openvino, why_no_cuda
from c2p_runtime.backends.cuda_versions import (
    driver_cuda,
    numba_cuda,
    onnxruntime_cuda,
    why_numba_mismatch,
    why_onnxruntime_mismatch,
)
from c2p_runtime.backends.gpu import QUIET, Gpu, sm_name, why_no_gpu
from c2p_runtime.backends.tensorrt_install import FLAVOURS, TITLES, import_tensorrt, installed_version

_GB = 1e9
_LITTLE_MEMORY = 1.5 * _GB  # free: an engine of 350 MB, its scratch memory and CUDA's context need as much
# NVIDIA's release notes: Jetson Linux -> JetPack
_JETPACKS = {"36.3": "6.0", "36.4": "6.1 or 6.2", "36.5": "6.2", "38.1": "7.0", "38.2": "7.0", "38.4": "7.1"}


@dataclass(frozen=True)
class Finding:
    """One line. found: what there is; problem and remedy: what is wrong with it, empty when nothing is."""

    name: str
    found: str
    problem: str = ""
    remedy: str = ""

    @property
    def fine(self) -> bool:
        return not self.problem


def findings(
    machine: Mapping[str, Any], gpus: tuple[Gpu, ...], engine: Path | None, device: Any
) -> Iterator[Finding]:
    """All of them, each as soon as it is known.

    machine: of `c2p_runtime.bench.environment`. engine: whose run is tried, None is the bundled one's;
    device: where, as `Classifier` takes it.
    """
    yield python_and_system(machine)
    yield board(machine)
    yield guarded("driver", lambda: driver(machine, gpus))
    yield guarded("kernels", lambda: kernels(gpus))
    yield guarded("ONNX Runtime", lambda: onnxruntime(gpus))
    for flavour in FLAVOURS:
        yield guarded(TITLES[flavour], lambda flavour=flavour: tensorrt(flavour))  # type: ignore[misc]
    yield guarded("OpenVINO", lambda: openvino(machine))
    yield guarded("memory", lambda: memory(gpus))
    yield guarded("engine", lambda: runs(engine, device))


def guarded(name: str, check: Callable[[], Finding]) -> Finding:
    """What a check finds; what it raises is a problem of its name."""
    try:
        return check()
    except C2PError as error:
        return Finding(name, "", error.problem, error.remedy)
    except Exception as error:  # of a library that is broken in a way of its own
        return Finding(name, "", reason_of(error), "install it again")


def python_and_system(machine: Mapping[str, Any]) -> Finding:
    """The interpreter has to be of 64 bits, as all libraries are."""
    bits = 8 * struct.calcsize("P")
    found = (
        f"Python {platform.python_version()}, {machine['system']}, {machine['cores']} cores, {machine['cpu']}"
    )
    if bits != 64:
        return Finding("system", found, f"this Python is of {bits} bits", "install one of 64")
    return Finding("system", found)


def board(machine: Mapping[str, Any]) -> Finding:
    """A Jetson's model, Jetson Linux, JetPack and power mode."""
    if machine["machine"] is None and machine["jetson_linux"] is None:
        return Finding("board", "no Jetson")
    linux = jetson_release(machine["jetson_linux"] or "")
    jetpack = _JETPACKS.get(".".join(linux.split(".")[:2]), "unknown") if linux else None
    words = [machine["machine"] or "unknown board"]
    if linux:
        words.append(f"Jetson Linux {linux} (JetPack {jetpack})")
    if machine["power_mode"]:
        words.append(f"power mode {machine['power_mode']}")
    found = ", ".join(words)
    if linux and tuple(map(int, linux.split(".")[:2])) < (36, 4):
        return Finding(
            "board",
            found,
            "JetPack 6.1 is the first that works, with TensorRT 10.3",
            "install it, or a later one",
        )
    return Finding("board", found)


def jetson_release(line: str) -> str | None:
    """ "36.4.3" of the first line of /etc/nv_tegra_release."""
    parts = re.search(r"R(\d+) \(release\), REVISION: ([\d.]+)", line)
    return f"{parts[1]}.{parts[2]}" if parts else None


def driver(machine: Mapping[str, Any], gpus: tuple[Gpu, ...]) -> Finding:
    """NVIDIA's driver, and the GPUs that it sees."""
    if not gpus:
        error = why_no_gpu()
        if error.problem in QUIET:
            return Finding("driver", f"{error.problem}: engines run on the CPU")
        return Finding("driver", "", error.problem, error.remedy)
    speaks = driver_cuda()
    number = next((f" {smi['driver_version']}" for smi in machine["nvidia_smi"] or () if smi), "")
    cards = ", ".join(f"{g.name} ({sm_name(g.compute_capability)}, {g.memory / _GB:.0f} GB)" for g in gpus)
    return Finding("driver", f"NVIDIA{number} for CUDA {'.'.join(map(str, speaks or ('?',)))}: {cards}")


def kernels(gpus: tuple[Gpu, ...]) -> Finding:
    """numba-cuda, by compiling a kernel and looking at what it gives."""
    name, major = "kernels", numba_cuda()
    try:
        from c2p_runtime.cuda.numba_cuda import check_gpu, cuda, launch
    except MissingDependencyError as error:
        if not gpus:
            return Finding(name, "numba-cuda is not installed, which only a GPU needs")
        return Finding(name, "", error.problem, error.remedy)
    found = f"numba-cuda {version('numba-cuda')}" + (f" for CUDA {major}" if major else "")
    if not gpus:
        return Finding(name, f"{found}; no GPU to run one on")
    if mismatch := why_numba_mismatch(driver_cuda(), major, gpus[0]):
        return Finding(name, found, mismatch.problem, mismatch.remedy)
    check_gpu()
    from c2p_runtime.cuda.device import Device

    @cuda.jit
    def double(values):  # type: ignore[no-untyped-def]
        values[cuda.grid(1)] *= 2

    started, device = time.perf_counter(), Device()
    try:
        values = device.put(np.arange(64, dtype=np.float32))
        launch(double, 2, 32, device.stream, values)
        doubled = values.copy_to_host(stream=device.stream)
        device.stream.synchronize()
    finally:
        device.close()
    if not np.array_equal(doubled, 2 * np.arange(64)):
        return Finding(
            name, found, "a kernel gave wrong numbers", "restart the machine, or update the driver"
        )
    return Finding(name, f"{found}: one compiled and run in {time.perf_counter() - started:.1f} s")


def onnxruntime(gpus: tuple[Gpu, ...]) -> Finding:
    """ONNX Runtime: its providers, and on a machine with a GPU whether the one for CUDA loads."""
    name = "ONNX Runtime"
    try:
        import onnxruntime as ort
    except ImportError as error:
        return Finding(name, "", f"cannot be imported: {reason_of(error)}", "pip install onnxruntime")
    major = onnxruntime_cuda()
    found = f"{ort.__version__}" + (f" for CUDA {major}" if major else "")
    if not gpus:
        return Finding(name, f"{found}, on the CPU")
    if mismatch := why_onnxruntime_mismatch(driver_cuda(), major):
        return Finding(name, found, mismatch.problem, mismatch.remedy)
    if reason := why_no_cuda(gpus):
        return Finding(name, found, reason.problem, reason.remedy)
    from c2p_runtime.backends.onnxruntime import open_session, preload_libraries
    from c2p_runtime.classifier import DEFAULT_ENGINE

    missing = preload_libraries()
    session = open_session(DEFAULT_ENGINE, providers=["CUDAExecutionProvider", "CPUExecutionProvider"])
    if session.get_providers()[0] != "CUDAExecutionProvider":
        problem = f"its CUDA provider does not load: {missing or 'a library of CUDA or cuDNN is missing'}"
        return Finding(name, found, problem, install(f"cuda{major}"))
    return Finding(name, f"{found}: its CUDA provider loads")


def tensorrt(flavour: str) -> Finding:
    """A flavour of TensorRT; not to have it is no problem, to have it broken is."""
    if found := installed_version(flavour):
        import_tensorrt(flavour)  # raises for one that is too old
        return Finding(TITLES[flavour], found)
    try:
        import_tensorrt(flavour)
    except MissingDependencyError as error:
        if error.problem.endswith("is not installed"):
            return Finding(TITLES[flavour], "not installed, which only a .plan of its own needs")
        raise
    return Finding(TITLES[flavour], "of unknown version")


def openvino(machine: Mapping[str, Any]) -> Finding:
    """OpenVINO, which runs engines faster on a CPU."""
    found = machine["versions"].get("openvino")
    if found is None:
        return Finding("OpenVINO", f"not installed (faster on a CPU: {install('openvino')})")
    if not has_openvino():
        return Finding("OpenVINO", found, "is too old and not used", install("openvino"))
    import openvino as ov

    return Finding("OpenVINO", f"{found}: {', '.join(ov.Core().available_devices)}")


def memory(gpus: tuple[Gpu, ...]) -> Finding:
    """What is free, of this computer and of its GPU."""
    from c2p_runtime.bench.memory import free_gpu_memory

    total, free = system_memory(Path("/proc/meminfo"))
    found = "unknown" if free is None or total is None else f"{free / _GB:.1f} of {total / _GB:.1f} GB free"
    free_here = free_gpu_memory() if gpus else None
    if free_here is not None:
        found += f"; on the GPU {free_here / _GB:.1f} of {gpus[0].memory / _GB:.1f} GB"
    if min(n for n in (free, free_here, 1 << 60) if n is not None) < _LITTLE_MEMORY:
        return Finding(
            "memory",
            found,
            "little memory is free",
            "close other programs; on a Jetson end the desktop: sudo systemctl isolate multi-user.target",
        )
    return Finding("memory", found)


def system_memory(path: Path) -> tuple[int | None, int | None]:
    """Bytes in all, and bytes available, of /proc/meminfo."""
    try:
        text = path.read_text()
    except OSError:
        return None, None
    numbers = dict(re.findall(r"^(\w+):\s*(\d+) kB$", text, re.MULTILINE))
    total, free = (numbers.get(name) for name in ("MemTotal", "MemAvailable"))
    return (int(total) << 10 if total else None), (int(free) << 10 if free else None)


def runs(engine: Path | None, device: Any) -> Finding:
    """Whether an engine runs here: it is loaded, and gets a cloud."""
    from c2p_runtime.classifier import DEFAULT_ENGINE, Classifier

    path = engine or DEFAULT_ENGINE
    name = f"engine {path.name}" + ("" if engine else " (bundled)")
    try:
        with Classifier(engine, device=device) as classifier:
            classifier.warmup()
            started = time.perf_counter()
            classifier.warmup()
            ms = 1e3 * (time.perf_counter() - started)
            found = f"runs on {classifier.device} by {classifier.backend}, {ms:.1f} ms a cloud"
    except EngineError as error:
        return Finding(name, "does not run here", error.problem, error.remedy)
    except C2PError as error:
        return Finding(name, "cannot be used", error.problem, error.remedy)
    return Finding(name, found)
