"""What a measurement depends on: machine, clocks, versions, what else was running.

Everything is read without root. What a machine does not tell is None.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from c2p_deploy.cores import cores
from c2p_runtime.backends.gpu import Gpu, sm_name

_PACKAGES = (
    "c2p-deploy", "numpy", "llvmlite", "onnxruntime", "onnxruntime-gpu", "openvino", "numba-cuda",
    "cuda-bindings", "tensorrt", "tensorrt-rtx",
)  # fmt: skip
_SMI_FIELDS = (
    "name", "driver_version", "clocks.sm", "clocks.max.sm", "clocks.mem", "clocks.max.mem", "power.limit",
    "persistence_mode", "mig.mode.current",
)  # fmt: skip
_CPUFREQ = Path("/sys/devices/system/cpu/cpu0/cpufreq")
_JETSON_GPU = re.compile(r"gpu|gv11b|ga10b|gpc")  # folders of /sys/class/devfreq, by generation
_PATIENCE = 10  # seconds for a tool to answer


def environment(gpus: Sequence[Gpu]) -> dict[str, Any]:
    """To be taken before anything is loaded, because it holds the load that is found."""
    return {
        "cpu": cpu_model(),
        "cores": cores(),
        "machine": machine_model(),
        "gpus": [
            {"name": gpu.name, "sm": sm_name(gpu.compute_capability), "memory_bytes": gpu.memory}
            for gpu in gpus
        ],
        "power_mode": _power_mode(),
        "clocks": _clocks(),
        "nvidia_smi": _nvidia_smi(),
        "load_before": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "jetson_linux": _first_line(Path("/etc/nv_tegra_release")),
        "versions": {"python": platform.python_version(), **_versions()},
        "command": command("c2p-bench"),
        "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }


def machine_model() -> str | None:
    """What the board calls itself in the device tree ("NVIDIA Jetson AGX Orin Developer Kit"); ARM only."""
    return _first_line(Path("/proc/device-tree/model"))


def parse_power_mode(answer: str) -> str | None:
    """The name in what `nvpmodel -q` prints."""
    found = re.search(r"NV Power Mode:\s*(\S+)", answer)
    return found[1] if found else None


def parse_smi(answer: str) -> list[dict[str, str | None]]:
    """One dictionary per GPU of nvidia-smi's lines of comma-separated values; "[N/A]" and such are None."""
    return [
        {
            field: None if value.startswith("[") else value
            for field, value in zip(_SMI_FIELDS, line.split(", "), strict=False)
        }
        for line in answer.splitlines()
    ]


def _power_mode() -> str | None:
    answer = _ask("nvpmodel", "-q")
    return None if answer is None else parse_power_mode(answer)


def _nvidia_smi() -> list[dict[str, str | None]] | None:
    answer = _ask("nvidia-smi", f"--query-gpu={','.join(_SMI_FIELDS)}", "--format=csv,noheader")
    return None if answer is None else parse_smi(answer)


def _clocks() -> dict[str, Any]:
    """The first core's governor and clock, and a Jetson's GPU clock, in MHz."""
    clocks: dict[str, Any] = {
        "cpu_governor": _first_line(_CPUFREQ / "scaling_governor"),
        "cpu_mhz": _number(_CPUFREQ / "scaling_cur_freq", 1e3),
        "cpu_max_mhz": _number(_CPUFREQ / "scaling_max_freq", 1e3),
    }
    for folder in sorted(Path("/sys/class/devfreq").glob("*")):
        if _JETSON_GPU.search(folder.name):
            clocks[f"{folder.name}_mhz"] = _number(folder / "cur_freq", 1e6)
            clocks[f"{folder.name}_max_mhz"] = _number(folder / "max_freq", 1e6)
    return clocks


def cpu_model() -> str:
    """What the processor calls itself."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def command(program: str) -> str:
    """The command line of a program without the folders, which are another's anyway."""
    words = [program]
    for word in sys.argv[1:]:
        option, equals, value = word.rpartition("=")
        words.append(option + equals + (Path(value).name or value))
    return " ".join(words)


def _ask(*command: str) -> str | None:
    """What a tool prints; None when it is not there or does not succeed."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout


def _first_line(path: Path) -> str | None:
    try:
        lines = path.read_text(errors="replace").strip("\0\n ").splitlines()
    except OSError:
        return None
    return lines[0] if lines else None


def _number(path: Path, divisor: float) -> float | None:
    line = _first_line(path)
    return float(line) / divisor if line is not None and line.isdigit() else None
