"""`c2p-doctor` as its users meet it, and what single checks find on machines that are not here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from c2p_deploy.errors import EngineError
from c2p_runtime.backends.gpu import Gpu
from c2p_runtime.doctor import checks
from device_runs import needs_gpu
from engines import write_engine

HERE: dict[str, Any] = {
    "machine": None,
    "jetson_linux": None,
    "power_mode": None,
    "nvidia_smi": None,
    "versions": {},
}
ORIN = Gpu("Orin", "8.7", 8 << 30)


def doctor(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "c2p_runtime.doctor", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_one_screen_with_an_engine(tmp_path: Path) -> None:
    done = doctor("--device", "cpu", str(write_engine(tmp_path)))
    lines = done.stdout.splitlines()
    assert len(lines) <= 24 and all(len(line) < 200 for line in lines)
    for name in ("system", "driver", "kernels", "ONNX Runtime", "TensorRT", "OpenVINO", "memory"):
        assert any(line.split(maxsplit=1)[1].startswith(name) for line in lines), name
    assert any("engine tiny.onnx" in line and "runs on cpu by " in line for line in lines)


def test_json_names_each_problem_with_its_cure(tmp_path: Path) -> None:
    engine = write_engine(tmp_path)
    engine.with_suffix(".json").unlink()
    done = doctor("--json", str(engine))
    report = json.loads(done.stdout)
    assert done.returncode == 1 and report["schema"] == "c2p-doctor/1" and not report["fine"]
    (bad,) = (finding for finding in report["findings"] if finding["name"].startswith("engine"))
    assert bad["problem"] and bad["remedy"] and bad["found"] == "cannot be used"
    assert {"cpu", "versions", "gpus", "power_mode"} <= set(report["machine"])


def test_a_check_that_fails_is_a_finding() -> None:
    def broken() -> checks.Finding:
        raise OSError("libopenvino.so: undefined symbol")

    def refusing() -> checks.Finding:
        raise EngineError("no", "do this")

    assert checks.guarded("OpenVINO", broken).problem == "libopenvino.so: undefined symbol"
    assert checks.guarded("x", refusing) == checks.Finding("x", "", "no", "do this")


@pytest.mark.parametrize(
    ("line", "words", "fine"),
    [
        ("# R36 (release), REVISION: 4.3, GCID: 38968081", "Jetson Linux 36.4.3 (JetPack 6.1 or 6.2)", True),
        ("# R36 (release), REVISION: 3.0, GCID: 1", "Jetson Linux 36.3.0 (JetPack 6.0)", False),
        ("# R38 (release), REVISION: 2.0, GCID: 1", "Jetson Linux 38.2.0 (JetPack 7.0)", True),
    ],
)
def test_a_jetson(line: str, words: str, fine: bool) -> None:
    board = {"machine": "NVIDIA Jetson Orin Nano", "jetson_linux": line, "power_mode": "25W"}
    found = checks.board({**HERE, **board})
    assert words in found.found and "power mode 25W" in found.found and found.fine == fine


def test_cuda_that_does_not_fit_the_driver_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numba_cuda")
    monkeypatch.setattr(checks, "driver_cuda", lambda: (12, 6))
    monkeypatch.setattr(checks, "numba_cuda", lambda: 13)
    monkeypatch.setattr(checks, "onnxruntime_cuda", lambda: 13)
    for check in (checks.kernels, checks.onnxruntime):
        found = check((ORIN,))
        assert "CUDA 12.6" in found.problem and "[cuda12]" in found.remedy


def test_little_memory_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "meminfo"
    path.write_text("MemTotal:        7802032 kB\nMemFree: 1 kB\nMemAvailable:     512000 kB\n")
    assert checks.system_memory(path) == (7802032 * 1024, 512000 * 1024)
    assert checks.system_memory(tmp_path / "none") == (None, None)
    monkeypatch.setattr(checks, "system_memory", lambda _: (8 << 30, 500 << 20))
    found = checks.memory(())
    assert found.problem == "little memory is free" and "0.5 of 8.6 GB" in found.found


def test_help_waits_for_nothing_heavy() -> None:
    code = "import sys; import c2p_runtime.doctor.cli; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not {"numba", "onnxruntime", "openvino", "torch", "rich", "c2p_runtime.doctor.checks"} & set(
        loaded.split()
    )
    assert "Examples:" in doctor("--help").stdout


@needs_gpu
def test_a_kernel_is_compiled_and_run() -> None:
    from c2p_runtime.backends.gpu import find_gpus

    found = checks.kernels(find_gpus())
    assert found.fine and "one compiled and run in " in found.found
