"""Which plan is wanted, and whether this machine can build it.

TensorRT builds for the GPU it runs on, and for no other; TensorRT-RTX builds for the compute
capabilities it is told, and needs no GPU to do so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from c2p_deploy.errors import EngineError, MissingDependencyError, OptionError
from c2p_deploy.manifest import BatchProfile
from c2p_runtime.backends.gpu import Gpu, sm_name
from c2p_runtime.backends.tensorrt_install import import_tensorrt, rebuild_command

KNOWN_TARGETS: Mapping[str, str] = MappingProxyType(
    {
        "7.5": "RTX 20xx, T4",
        "8.0": "A100",
        "8.6": "RTX 30xx, RTX A2000-A6000, A10",
        "8.7": "Jetson Orin",
        "8.9": "RTX 40xx, L4, L40",
        "9.0": "H100, H200",
        "10.0": "B200",
        "11.0": "Jetson Thor",
        "12.0": "RTX 50xx, RTX PRO Blackwell",
        "12.1": "DGX Spark",
    }
)
_JETSONS = ("8.7", "11.0")
_FIRST_FP8 = (8, 9)  # compute capability


@dataclass(frozen=True)
class PlanOptions:
    """How a plan is built."""

    flavour: str  # "tensorrt" or "tensorrt-rtx"
    targets: tuple[str, ...] = ()  # compute capabilities, "8.6"; () is this machine's GPU
    batch: BatchProfile = field(default_factory=BatchProfile)
    workspace: int | None = None  # bytes of scratch memory at most; None is TensorRT's own default
    # Kernel timings of earlier builds, read and written; None keeps none. TensorRT-RTX has no
    # use for one, and asking for it would demand a GPU (its "Timing Cache Migration" page).
    timing_cache: Path | None = None


def parse_targets(text: str) -> tuple[str, ...]:
    """("8.6", "8.9") of "sm86,sm89"; "86", "8.6" and "sm_86" are the same. Raises OptionError."""
    targets = []
    for word in text.split(","):
        match = re.fullmatch(r"(?:sm_?)?(\d{1,2})\.?(\d)", word.strip().lower())
        target = f"{match[1]}.{match[2]}" if match else ""
        if target not in KNOWN_TARGETS:
            known = ", ".join(f"{sm_name(name).lower()} ({what})" for name, what in KNOWN_TARGETS.items())
            raise OptionError(f"{word.strip()!r} is not a GPU to build a plan for", f"known are {known}")
        targets.append(target)
    return tuple(dict.fromkeys(targets))


def rtx_targets() -> Mapping[str, Any]:
    """The compute capabilities that the installed TensorRT-RTX builds for: "8.6" -> ComputeCapability.SM86.

    Raises MissingDependencyError.
    """
    named = import_tensorrt("tensorrt-rtx").ComputeCapability.__members__
    members = sorted(named.items(), key=lambda member: int(member[1]))
    return {f"{name[2:-1]}.{name[-1]}": member for name, member in members if re.fullmatch(r"SM\d+", name)}


def why_cannot_build(
    flavour: str, targets: tuple[str, ...], gpus: tuple[Gpu, ...], onnx_name: str = "NAME.onnx"
) -> EngineError | None:
    """The refusal of a plan for these targets on this machine, to be raised; None when it can be built.

    targets: compute capabilities, () is the first of `gpus`, the GPUs of this machine. onnx_name: the
    engine's, for the command that is recommended.
    """
    if not targets and not gpus:
        named = "name the GPU it is for with --target, or " if flavour == "tensorrt-rtx" else ""
        return EngineError(
            "this machine has no NVIDIA GPU to build a plan for", named + _elsewhere((), onnx_name)
        )
    wished = targets or (gpus[0].compute_capability,)
    if flavour == "tensorrt":
        here = f"{gpus[0].name}, {sm_name(gpus[0].compute_capability)}" if gpus else "none"
        if not gpus or wished != (gpus[0].compute_capability,):
            return EngineError(
                f"TensorRT builds for the GPU it runs on, here {here}, not for {_names(wished)}",
                _elsewhere(wished, onnx_name),
            )
    try:
        import_tensorrt(flavour)
        possible = wished if flavour == "tensorrt" else tuple(rtx_targets())
    except MissingDependencyError as error:
        return EngineError(error.problem, error.remedy)
    foreign = tuple(target for target in wished if target not in possible)
    if foreign:
        return EngineError(
            f"TensorRT-RTX builds for {', '.join(map(sm_name, possible))}, not for {_names(foreign)}; "
            "TensorRT does, on that GPU itself",
            _elsewhere(foreign, onnx_name),
        )
    return None


def why_no_fp8(targets: tuple[str, ...]) -> EngineError | None:
    """The refusal of the first of these GPUs that does not know float8; None when all do."""
    for target in targets:
        if tuple(map(int, target.split("."))) < _FIRST_FP8:
            return EngineError(
                f"fp8 needs a GPU of SM89 or later (Ada, Hopper, Thor), which {sm_name(target)} is not",
                "export with --fp16 or --int8",
            )
    return None


def _names(targets: tuple[str, ...]) -> str:
    return ", ".join(
        f"{sm_name(target)} ({KNOWN_TARGETS[target]})" if target in KNOWN_TARGETS else sm_name(target)
        for target in targets
    )


def _elsewhere(targets: tuple[str, ...], onnx_name: str) -> str:
    """What to do where a plan can only be built on the GPU that shall run it."""
    machine = "the Jetson" if set(targets) & set(_JETSONS) else "the machine with that GPU"
    manifest = Path(onnx_name).with_suffix(".json")
    return f"copy {onnx_name} and {manifest} to {machine} and run there: {rebuild_command(onnx_name)}"
