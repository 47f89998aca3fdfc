"""What every benchmark shares: statistics, the environment, and where results are written."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Callable, Iterable
from datetime import datetime, timezone
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import onnxruntime

from c2p_deploy.cores import cores
from c2p_deploy.files import sha256_of, write_atomic
from c2p_runtime.bench.environment import command, cpu_model
from c2p_runtime.classifier import DEFAULT_ENGINE

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).resolve().parent / "results"
_MEASURED = ("c2p-deploy", "numpy", "numba", "fpsample")


def summary(values: Iterable[float]) -> dict[str, float]:
    """Median, quartiles and extremes."""
    values = np.fromiter(values, dtype=np.float64)
    low, median, high = np.percentile(values, (25, 50, 75))
    return {
        "median": round(float(median), 4),
        "q1": round(float(low), 4),
        "q3": round(float(high), 4),
        "min": round(float(values.min()), 4),
        "max": round(float(values.max()), 4),
        "n": len(values),
    }


def spread(stats: dict[str, float], digits: int = 2) -> str:
    """A summary as a table shows it: median (quartile–quartile)."""
    return f"{stats['median']:.{digits}f} ({stats['q1']:.{digits}f}–{stats['q3']:.{digits}f})"


def timed(function: Callable[[], Any]) -> tuple[Any, float]:
    """What the function returns, and in how many seconds."""
    started = perf_counter()
    result = function()
    return result, perf_counter() - started


def in_rotation(names: Iterable[str], number: int) -> list[str]:
    """The names in round `number`: each begins a round as often as the others."""
    names = list(names)
    first = number % len(names)
    return names[first:] + names[:first]


def floor_of(limit: float, median: float) -> dict[str, Any]:
    """What was promised, what was measured, and whether it holds."""
    return {"limit": limit, "median": median, "holds": bool(median <= limit)}


def floor_line(name: str, floor: dict[str, Any], digits: int) -> str:
    """A floor as the commands print it."""
    answer = "holds" if floor["holds"] else "does NOT hold"
    return f"{name}: {floor['median']:.{digits}f}, at most {floor['limit']}: {answer}"


def write_results(path: Path, environment: dict[str, Any], results: dict[str, Any]) -> None:
    """Writes what was measured and where, as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, (json.dumps({"environment": environment, **results}, indent=1) + "\n").encode())


def environment() -> dict[str, Any]:
    """What the figures depend on. To be taken before measuring: it holds the load found there."""
    return {
        "cpu": cpu_model(),
        "cores": cores(),
        "load_before": round(os.getloadavg()[0], 2),  # of other programs: should be near 0
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{name: version(name) for name in _MEASURED},
        "onnxruntime": onnxruntime.__version__,
        **({"openvino": version("openvino")} if find_spec("openvino") else {}),
        "engine_sha256": sha256_of(DEFAULT_ENGINE),
        "command": command(f"python benchmarks/{Path(sys.argv[0]).name}"),
        "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }
