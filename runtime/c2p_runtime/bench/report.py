"""What was measured, as the JSON of c2p-bench has it. The tables are drawn from the same dictionary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from c2p_deploy import Manifest
from c2p_runtime.bench.boards import BOARDS, roofline
from c2p_runtime.bench.measure import Call, by_stage, compare

SCHEMA = "1.0"
_ENGINE_STAGE = {"cpu": "encode", "cuda": "device"}  # the stage that the engine runs in
_DIGITS = 6  # after the point: nanoseconds, in milliseconds


@dataclass(frozen=True)
class Engine:
    """One engine that was measured. The board is of its GPU, None on a CPU and where it is not known."""

    title: str
    path: Path
    manifest: Manifest
    device: str
    backend: str
    load_s: float
    first_call_ms: float
    board: str | None


def describe(engine: Engine, calls: Sequence[Call], clouds: int) -> dict[str, Any]:
    """All figures of one engine; `calls` has at least one, each of as many clouds."""
    manifest = engine.manifest
    per_call = by_stage(calls)
    total_ms = sum(call.total_ms for call in calls)
    encode_ms = per_call[_ENGINE_STAGE[engine.device]]["p50"]
    return _rounded(
        {
            "engine": engine.title,
            "sha256": manifest.engines[engine.path.name],
            "head": manifest.head,
            "encoders": list(manifest.encoders),
            "views": len(manifest.views),
            "image_size": manifest.spec.image_size,
            "precision": manifest.precision,
            "device": engine.device,
            "backend": engine.backend,
            "load_s": engine.load_s,
            "first_call_ms": engine.first_call_ms,
            "runs": len(calls),
            "per_call_ms": per_call,
            "per_cloud_ms": {
                stage: {name: ms / clouds for name, ms in stats.items()} for stage, stats in per_call.items()
            },
            "clouds_per_s": 1e3 * clouds * len(calls) / total_ms,
            "cost": None if manifest.cost is None else asdict(manifest.cost),
            "achieved": achieved(engine, clouds, encode_ms),
            "end_to_end_ms": [call.total_ms for call in calls],
        }
    )


def achieved(engine: Engine, clouds: int, encode_ms: float) -> dict[str, Any] | None:
    """Rates of the engine's stage at its median, and of the floor of the board; None without its cost.

    On a GPU the stage holds the projection too, so that the engine itself is a little faster.
    GB/s counts the weights alone, which every call has to read once.
    """
    cost = engine.manifest.cost
    if cost is None:
        return None
    found: dict[str, Any] = {
        "stage": _ENGINE_STAGE[engine.device],
        "tflop_per_s": cost.flops_per_cloud * clouds / encode_ms / 1e9,
        "gb_per_s": cost.weight_bytes / encode_ms / 1e6,
        "board": engine.board,
        "roofline": None,
    }
    floor = engine.board and roofline(cost, clouds, engine.manifest.precision, BOARDS[engine.board])
    if floor:
        found["roofline"] = {
            "compute_ms": floor.compute_ms,
            "memory_ms": floor.memory_ms,
            "bound": floor.bound,
            "per_cent": 100 * floor.floor_ms / encode_ms,
        }
    return found


def report(
    engines: Sequence[Engine],
    runs: Sequence[tuple[Call, ...]],
    *,
    environment: Mapping[str, Any],
    settings: Mapping[str, Any],
    memory: Mapping[str, Any],
) -> dict[str, Any]:
    """Everything. runs: at least one, with a call of every engine; settings: "batch" among them."""
    calls = list(zip(*runs, strict=True))  # by engine
    pairs = None
    if len(engines) == 2:
        pairs = compare(*([call.total_ms for call in of_one] for of_one in calls))
    return {
        "schema": SCHEMA,
        "environment": dict(environment),
        "settings": dict(settings),
        "engines": [
            describe(engine, of_one, settings["batch"]) for engine, of_one in zip(engines, calls, strict=True)
        ],
        "comparison": None if pairs is None else _rounded(asdict(pairs)),
        "memory": dict(memory),
        "interrupted": len(runs) < settings["runs"],
    }


def _rounded(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _round(value) for name, value in values.items()}


def _round(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, _DIGITS)
    if isinstance(value, dict):
        return _rounded(value)
    return [_round(part) for part in value] if isinstance(value, list) else value
