"""What a measurement depends on, asked of tools that are stand-ins."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from c2p_runtime.bench import environment


def test_answers_of_nvidias_tools() -> None:
    assert environment.parse_power_mode(
        "NVPM WARN: fan mode is not set!\nNV Power Mode: MAXN_SUPER\n2\n"
    ) == ("MAXN_SUPER")
    assert environment.parse_power_mode("error") is None
    line = "NVIDIA H200, 580.65.06, 1980 MHz, 1980 MHz, 3201 MHz, [N/A], 700.00 W, Enabled, Disabled\n"
    first, second = environment.parse_smi(2 * line)
    assert first == second and first["driver_version"] == "580.65.06" and first["clocks.max.mem"] is None
    assert first["mig.mode.current"] == "Disabled"


def test_tools_that_are_there_are_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, script in (
        ("nvpmodel", 'test "$1" = -q && echo "NV Power Mode: 15W"'),
        ("nvidia-smi", "exit 9"),
    ):
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    monkeypatch.setattr(sys, "argv", ["c2p-bench", "--engine", "/home/me/a.onnx", "--compare=/b/c.plan"])
    found = environment.environment([])
    assert found["power_mode"] == "15W" and found["nvidia_smi"] is None
    assert found["command"] == "c2p-bench --engine a.onnx --compare=c.plan"
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    assert environment.environment([])["power_mode"] is None
