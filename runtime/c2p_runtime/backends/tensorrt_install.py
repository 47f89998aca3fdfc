"""The TensorRT of this machine: which one is there, and which plans it can run.

Two flavours share one Python API: `tensorrt` (the module of the same name, from JetPack or
from NVIDIA's package index) and `tensorrt-rtx` (module `tensorrt_rtx`, from PyPI).

A plan fits the release of TensorRT that built it and the compute capabilities it was built
for, nothing else. Loading any other one ends in a bare deserialisation error, so manifest
and machine are compared before, by `why_not_here`.
"""

from __future__ import annotations

import platform
import re
from collections import deque
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from c2p_deploy.errors import EngineError, MissingDependencyError, reason_of
from c2p_deploy.extras import install
from c2p_deploy.manifest import EngineTarget, Manifest
from c2p_runtime.backends.gpu import Gpu, find_gpus, sm_name

_MODULES = {"tensorrt": "tensorrt", "tensorrt-rtx": "tensorrt_rtx"}
FLAVOURS = tuple(_MODULES)
TITLES = {"tensorrt": "TensorRT", "tensorrt-rtx": "TensorRT-RTX"}
_OLDEST = (10, 3)  # of TensorRT: JetPack 6.1's
_KEPT_LINES = 20  # of TensorRT's log; its last words say why


def import_tensorrt(flavour: str) -> ModuleType:
    """The module of one flavour. Raises MissingDependencyError that says how to get it."""
    if flavour not in FLAVOURS:
        raise MissingDependencyError(f"TensorRT {flavour!r} is not one of {', '.join(FLAVOURS)}")
    title, name, how_to_get = TITLES[flavour], _MODULES[flavour], _how_to_get(flavour)
    try:
        module = import_module(name)
    except Exception as error:  # a missing library is an OSError, a wrong one may be anything
        if isinstance(error, ModuleNotFoundError) and error.name == name:
            raise MissingDependencyError(f"{title} is not installed", how_to_get) from error
        raise MissingDependencyError(
            f"{title} is installed but cannot be imported: {reason_of(error)}",
            f"install it again: {how_to_get}",
        ) from error
    version = getattr(module, "__version__", None)
    if version is None:  # a folder of that name in sys.path imports as an empty package
        places = ", ".join(getattr(module, "__path__", [])) or "an unknown place"
        raise MissingDependencyError(
            f"what Python finds as `{name}`, in {places}, is not {title}",
            f"rename that folder, or {how_to_get}",
        )
    if flavour == "tensorrt" and release(version) < _OLDEST:
        oldest = ".".join(map(str, _OLDEST))
        raise MissingDependencyError(
            f"TensorRT {version} is too old, {oldest} is the first that works",
            f"install JetPack 6.1 or later on a Jetson, elsewhere: {how_to_get}",
        )
    return module


def installed_version(flavour: str) -> str | None:
    """The version of this flavour's TensorRT, None when it cannot be imported."""
    if flavour not in FLAVOURS:
        return None
    try:
        return getattr(import_module(_MODULES[flavour]), "__version__", None)
    except Exception:  # as in import_tensorrt, which explains it
        return None


def release(version: str) -> tuple[int, ...]:
    """(10, 3, 0) of "10.3.0.26": what must be equal for a plan to load."""
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


def rebuild_command(onnx_name: str = "NAME.onnx") -> str:
    """What to type, on the machine that shall run it, to get a plan from an `.onnx`."""
    return f"c2p-export --onnx {onnx_name}"


def why_not_here(
    target: EngineTarget, gpus: tuple[Gpu, ...], version: str | None, onnx_name: str = "NAME.onnx"
) -> EngineError | None:
    """Why a plan built for `target` cannot run on this machine, and what to do; None when it can.

    gpus: of this machine, the first is the one that would run it. version: of this machine's
    TensorRT of the target's flavour, None when there is none. onnx_name: the engine's, for
    the command that is recommended.
    """
    if target.flavour not in FLAVOURS:
        known = ", ".join(FLAVOURS)
        return EngineError(f"it was built by {target.flavour!r}, known are {known}", "update c2p-deploy")
    title = TITLES[target.flavour]
    built_by = f"it was built by {title} {target.version}"
    built = ", ".join(sm_name(capability) for capability in target.compute_capabilities)
    if target.gpu:
        built += f" ({target.gpu})"
    rebuild, run_onnx = f"rebuild it here: {rebuild_command(onnx_name)}", "run the .onnx beside it"
    if version is None:
        return EngineError(
            f"{built_by} for {built}, and {title} cannot be imported here",
            f"{_how_to_get(target.flavour)}; or {run_onnx}",
        )
    # Plans of both flavours are bound to the release: TensorRT's by default, TensorRT-RTX's always.
    if release(version) != release(target.version):
        return EngineError(f"{built_by}, this machine has {version}", rebuild)
    if not gpus:
        problem = f"it was built for {built}, and this machine has no NVIDIA GPU or no driver for it"
        return EngineError(problem, run_onnx)
    if gpus[0].compute_capability in target.compute_capabilities:
        return None
    for gpu in gpus:
        if gpu.compute_capability in target.compute_capabilities:
            rebuild = f"choose the {gpu.name} with CUDA_VISIBLE_DEVICES, or {rebuild}"
            break
    here = f"{gpus[0].name}, {sm_name(gpus[0].compute_capability)}"
    return EngineError(f"it was built for {built}, this machine's GPU is {here}", rebuild)


def target_of(plan: Path, manifest: Manifest) -> EngineTarget:
    """What a plan was built for. Raises EngineError when its manifest does not say."""
    if manifest.target is None:
        problem = "its manifest does not say what it was built for"
        raise EngineError(problem, "export it again", plan)
    return manifest.target


def check_fits(plan: Path, target: EngineTarget) -> None:
    """Raises EngineError for a plan that this machine cannot run (`why_not_here`)."""
    version = installed_version(target.flavour)
    error = why_not_here(target, find_gpus(), version, plan.with_suffix(".onnx").name)
    if error is not None:
        raise error.at(plan)


@cache
def logger_of(flavour: str) -> Any:
    """The one logger of this process for a flavour; it keeps the last errors and warnings.

    TensorRT goes on using the first logger it is given, whatever is passed later: it must
    never be freed. `forget()` before a piece of work, `told()` when that has failed.
    """
    trt = import_tensorrt(flavour)

    class Logger(trt.ILogger):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            self.forget()

        def forget(self) -> None:
            self._errors: deque[str] = deque(maxlen=_KEPT_LINES)
            self._warnings: deque[str] = deque(maxlen=_KEPT_LINES)

        def log(self, severity: Any, message: str) -> None:
            # By value: the enum's members cannot be compared by rank.
            level, line = int(severity), " ".join(message.split())
            if level <= int(trt.ILogger.Severity.ERROR):
                self._errors.append(line)
            elif level == int(trt.ILogger.Severity.WARNING):
                self._warnings.append(line)

        def told(self) -> str:
            """The errors, or else the warnings, on one line; empty when there were none."""
            return "; ".join(dict.fromkeys(self._errors or self._warnings))

    return Logger()


def _how_to_get(flavour: str) -> str:
    if flavour == "tensorrt-rtx":
        return install("rtx")
    pip = install("tensorrt")
    if platform.machine() != "aarch64":
        return pip
    return (
        "on a Jetson it comes with JetPack: sudo apt install python3-libnvinfer (or nvidia-jetpack), and "
        f"make the virtual environment with --system-site-packages; on other machines: {pip}"
    )
