"""Whether building a plan fits the free memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from c2p_deploy.errors import EngineError
from c2p_deploy.manifest import BatchProfile
from c2p_export.plan import memory
from c2p_export.plan.build import build_plan
from c2p_export.plan.memory import check_memory, memory_needed
from c2p_export.plan.options import PlanOptions

RTX = PlanOptions("tensorrt-rtx", ("8.6", "8.9"), BatchProfile(1, 2, 4))


def test_too_little_memory_is_told_before_the_build(
    engine: Path, tmp_path: Path, trt: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pretend(available: int, swaps: str = "") -> None:
        meminfo, table = tmp_path / "meminfo", tmp_path / "swaps"
        meminfo.write_text(
            f"MemTotal: 8000000 kB\nMemFree: 5 kB\nMemAvailable:   {available} kB\nBuffers: 1 kB\n"
        )
        table.write_text("Filename\tType\tSize\tUsed\tPriority\n" + swaps)
        monkeypatch.setattr(memory, "MEMINFO", meminfo)
        monkeypatch.setattr(memory, "SWAPS", table)

    needed = memory_needed(engine, RTX) >> 10
    pretend(needed + 1)
    check_memory(engine, RTX)
    pretend(50_000)
    with pytest.raises(
        EngineError, match=r"tiny\.onnx: .* 0\.1 GB of memory, 0\.1 GB are free; close .*swap"
    ):
        build_plan(engine, engine.with_suffix(".plan"), RTX)
    pretend(50_000, f"/dev/zram0 partition {needed} 0 5\n")  # takes from the memory it adds to
    with pytest.raises(EngineError, match="swap on a disk"):
        check_memory(engine, RTX)
    pretend(50_000, f"/swapfile file {needed} 40000 -2\n")
    check_memory(engine, RTX)
    with pytest.raises(EngineError, match="smaller --workspace or --max-batch"):
        check_memory(engine, PlanOptions("tensorrt"))
    assert not engine.with_suffix(".plan").exists()


def test_memory_needed_grows_with_what_the_advice_is_about(engine: Path) -> None:
    least = memory_needed(engine, PlanOptions("tensorrt", batch=BatchProfile(1, 1, 1)))
    assert memory_needed(engine, PlanOptions("tensorrt", batch=BatchProfile(1, 1, 9))) > least
    workspace = PlanOptions("tensorrt", batch=BatchProfile(1, 1, 1), workspace=1 << 30)
    assert memory_needed(engine, workspace) == least + (1 << 30)
