"""The report, from times that are known, and its tables."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from c2p_deploy import Manifest
from c2p_deploy.manifest import EngineCost
from c2p_runtime.backends.gpu import Gpu
from c2p_runtime.bench import environment, measure, report
from c2p_runtime.bench.tables import show
from engines import write_engine

GIB = 1 << 30
# 176.4 GFLOP and 351 MB: ViT-B/32 dual path of ten views, whose floors were worked out on paper.
DUAL_PATH = EngineCost(176_400_000_000, 351_000_000)


def engine_of(tmp_path: Path, cost: EngineCost | None, **more: Any) -> report.Engine:
    path = write_engine(tmp_path)
    manifest = replace(Manifest.for_engine(path), cost=cost, precision=more.pop("precision", "fp16"))
    values = {
        "title": "tiny.onnx",
        "path": path,
        "manifest": manifest,
        "device": "cuda",
        "backend": "tensorrt",
        "load_s": 0.5,
        "first_call_ms": 80.0,
        "board": "h200",
    }
    return report.Engine(**{**values, **more})  # type: ignore[arg-type]


def calls_of(device: str, encode_ms: Sequence[float]) -> list[measure.Call]:
    stage = "device" if device == "cuda" else "encode"
    other = "copy in" if device == "cuda" else "prepare"
    return [measure.Call(ms + 1, {other: 0.5, stage: ms}) for ms in encode_ms]


def test_what_was_achieved_by_hand(tmp_path: Path) -> None:
    engine = engine_of(tmp_path, EngineCost(989_000_000_000, 4_800_000_000))  # 1 ms each on an H200
    found = report.describe(engine, calls_of("cuda", [9, 10, 11]), 4)
    achieved = found["achieved"]
    assert achieved["tflop_per_s"] == pytest.approx(4 * 0.989 / 0.010)
    assert achieved["gb_per_s"] == pytest.approx(480)
    assert achieved["roofline"] == {
        "compute_ms": pytest.approx(4), "memory_ms": pytest.approx(1), "bound": "compute",
        "per_cent": pytest.approx(40),
    }  # fmt: skip
    assert found["per_call_ms"]["device"]["p50"] == 10 and found["per_cloud_ms"]["device"]["p50"] == 2.5
    assert found["clouds_per_s"] == pytest.approx(12 / 0.033)
    assert found["end_to_end_ms"] == [10, 11, 12]


def test_what_is_not_known_is_null(tmp_path: Path) -> None:
    calls = calls_of("cuda", [1])
    assert report.describe(engine_of(tmp_path, None), calls, 1)["achieved"] is None
    unknown_board = report.describe(engine_of(tmp_path, DUAL_PATH, board=None), calls, 1)
    assert unknown_board["achieved"]["roofline"] is None and unknown_board["achieved"]["tflop_per_s"] > 0
    no_peak = report.describe(engine_of(tmp_path, DUAL_PATH, precision="fp32"), calls, 1)
    assert no_peak["achieved"]["roofline"] is None


def shown(found: dict[str, Any]) -> str:
    console = Console(file=io.StringIO(), width=100)
    show(found, console)
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


def full_report(engines: list[report.Engine], runs: list[tuple[measure.Call, ...]]) -> dict[str, Any]:
    machine = environment.environment([Gpu("NVIDIA H200", "9.0", 140 * GIB)])
    settings = {"points": 1024, "batch": 2, "runs": 3, "burn_in": 5, "seed": 0}
    memory = {
        "peak_process_bytes": 1 << 30,
        "gpu_free_before_bytes": 9 << 20,
        "gpu_free_after_bytes": 2 << 20,
    }
    return report.report(engines, runs, environment=machine, settings=settings, memory=memory)


def test_the_tables_of_a_gpu_and_a_cpu_side_by_side(tmp_path: Path) -> None:
    gpu = engine_of(tmp_path, DUAL_PATH, title="[odd] name.plan")
    cpu = engine_of(tmp_path, None, title="tiny.onnx", device="cpu", backend="onnxruntime", board=None)
    runs = list(zip(calls_of("cuda", [1, 2, 3]), calls_of("cpu", [3, 5, 7]), strict=True))
    found = full_report([gpu, cpu], runs)
    assert not found["interrupted"]
    assert found["comparison"]["median"] == pytest.approx(2) and found["comparison"]["first_faster"] == 3
    text = shown(found)
    for line in (
        "[odd] name.plan: fp16, tensorrt on cuda",
        "2 clouds of 1,024 points per call, 3 runs after 5 of burn-in",
        "on a GPU the stages are one launch",
        f"{100 * 2 * 176.4e9 / 989e12 / 2e-3:.1f} % of H200",
        "not known: its manifest does not say what it costs; export again",
        "roofline     none on a CPU",
        "tiny.onnx / [odd] name.plan, end to end, taking turns",
        "ratio        2.000 (quartiles 2.000 to 2.000) of 3 pairs",
        "[odd] name.plan in 3 pairs, tiny.onnx in 0",
        "7 MiB taken, 2 MiB free",
        "NVIDIA H200 (SM90, 143,360 MiB)",
    ):
        assert line in text, line


def test_an_unknown_board_is_told_how_to_be_named(tmp_path: Path) -> None:
    calls = [(call,) for call in calls_of("cuda", [1, 2])]
    found = full_report([engine_of(tmp_path, DUAL_PATH, board=None)], calls)
    assert found["interrupted"] and found["comparison"] is None
    assert "--board takes one of orin-nano, " in shown(found)
    found = full_report([engine_of(tmp_path, DUAL_PATH, precision="fp32")], calls)
    assert "no peak of H200 in fp32" in shown(found)
