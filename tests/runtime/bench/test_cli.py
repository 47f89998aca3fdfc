"""`c2p-bench` as its users meet it: in a process of its own, with the bundled model and tiny ones."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from c2p_deploy import Manifest
from c2p_deploy.files import sha256_of
from c2p_deploy.manifest import EngineCost
from c2p_runtime.backends import gpu
from c2p_runtime.backends.gpu import Gpu
from c2p_runtime.bench import cli, memory
from c2p_runtime.classifier import DEFAULT_ENGINE
from c2p_runtime.prediction import Prediction, timing
from engines import CPU_BACKEND, write_engine

COMMAND = [sys.executable, "-m", "c2p_runtime.bench.cli"]
STAGES = ["prepare", "project", "encode", "score", "end to end"]
FEW = ["--runs", "4", "--burn-in", "2"]


def c2p_bench(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=cwd)


def test_json_of_the_bundled_model() -> None:
    result = c2p_bench("--json", "--device", "cpu", "--points", "3000", "--batch", "2", *FEW)
    said = [line for line in result.stderr.splitlines() if not line.startswith("measuring: ")]  # slow today
    assert (result.returncode, said) == (0, [])
    report = json.loads(result.stdout)
    assert list(report) == [
        "schema", "environment", "settings", "engines", "comparison", "memory", "interrupted",
    ]  # fmt: skip
    assert report["settings"] == {"points": 3000, "batch": 2, "runs": 4, "burn_in": 2, "seed": 0}
    assert report["comparison"] is None and report["interrupted"] is False
    (engine,) = report["engines"]
    assert engine["engine"] == "bundled model" and engine["sha256"] == sha256_of(DEFAULT_ENGINE)
    assert (engine["precision"], engine["device"]) == ("fp16", "cpu")
    assert engine["backend"].startswith(CPU_BACKEND)
    assert (engine["views"], engine["image_size"], engine["runs"]) == (10, 112, 4)
    assert list(engine["per_call_ms"]) == list(engine["per_cloud_ms"]) == STAGES
    for stage in STAGES:
        per_call, per_cloud = engine["per_call_ms"][stage], engine["per_cloud_ms"][stage]
        assert list(per_call) == ["mean", "p50", "p90", "p99", "max"]
        assert 0 < per_call["p50"] <= per_call["p90"] <= per_call["p99"] <= per_call["max"]
        assert per_cloud["mean"] == pytest.approx(per_call["mean"] / 2, abs=1e-5)
    means = [engine["per_call_ms"][stage]["mean"] for stage in STAGES]
    assert sum(means[:-1]) <= means[-1]
    assert engine["clouds_per_s"] == pytest.approx(2e3 * 4 / sum(engine["end_to_end_ms"]), rel=1e-4)
    assert engine["load_s"] > 0 and engine["first_call_ms"] > 0
    assert report["memory"]["peak_process_bytes"] > DEFAULT_ENGINE.stat().st_size
    assert report["memory"]["gpu_free_before_bytes"] is None
    machine = report["environment"]
    assert machine["cpu"] and machine["cores"] >= 1 and machine["versions"]["c2p-deploy"]
    assert machine["command"].startswith("c2p-bench --json --device cpu --points 3000")


def test_two_engines_and_what_they_cost(tmp_path: Path) -> None:
    engines = [write_engine(tmp_path, name="a"), write_engine(tmp_path, name="b")]
    path = Manifest.path_for(engines[0])
    replace(Manifest.load(path), cost=EngineCost(5_000_000, 2_000_000)).save(path)
    arguments = ["--engine", engines[0], "--compare", engines[1], "--device", "cpu", *FEW]
    report = json.loads(c2p_bench(*arguments, "--json").stdout)
    first, second = report["engines"]
    assert (first["engine"], second["engine"]) == ("a.onnx", "b.onnx")
    encode_ms = first["per_call_ms"]["encode"]["p50"]
    assert first["achieved"]["tflop_per_s"] == pytest.approx(5e6 / encode_ms / 1e9, rel=1e-3)
    assert first["achieved"]["gb_per_s"] == pytest.approx(2e6 / encode_ms / 1e6, rel=1e-3)
    assert first["achieved"]["roofline"] is None and second["achieved"] is None
    ratios = sorted(b / a for a, b in zip(first["end_to_end_ms"], second["end_to_end_ms"], strict=True))
    found = report["comparison"]
    assert found["median"] == pytest.approx((ratios[1] + ratios[2]) / 2, rel=1e-3)
    assert found["pairs"] == 4
    assert found["first_faster"] == sum(ratio > 1 for ratio in ratios)
    assert found["second_faster"] == sum(ratio < 1 for ratio in ratios)

    result = c2p_bench(*arguments, "--histogram", "both.png", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert "b.onnx / a.onnx, end to end, taking turns" in result.stdout
    assert "not known: its manifest does not say what it costs; export again" in result.stdout
    assert "(0.005 GFLOP per cloud, 2.0 MB)" in result.stdout
    with Image.open(tmp_path / "both.png") as picture:
        assert len(set(picture.convert("L").tobytes())) > 20  # letters and bars


def test_an_engine_beside_itself_keeps_two_names(tmp_path: Path) -> None:
    engine = write_engine(tmp_path)
    again = tmp_path / "copy"
    again.mkdir()
    for file in (engine, Manifest.path_for(engine)):
        shutil.copy(file, again)
    report = json.loads(
        c2p_bench(
            "--engine", engine, "--compare", again / engine.name, "--json", "--device", "cpu", *FEW
        ).stdout
    )
    assert [found["engine"] for found in report["engines"]] == ["tiny.onnx", "tiny.onnx (2)"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--engine", "gone.onnx"], "gone.onnx: no such engine"),
        (["--engine", "tiny.onnx", "--compare", "gone.plan"], "gone.plan: no such engine"),
        (["--engine", "tiny.onnx", "--batch", "5"], "takes 1 to 4 clouds per call, not 5"),
        (["--engine", "tiny.onnx", "--board", "h200", "--device", "cpu"], "--board h200 is of a GPU"),
        (["--engine", "tiny.onnx", "--backend", "tensorrt"], "tensorrt runs plans"),
        (["--histogram", "gone/h.png"], "gone/h.png: its folder does not exist"),
        (
            ["--engine", "tiny.onnx", *FEW, "--histogram", 300 * "h"],
            "hhh: cannot write it: File name too long",
        ),
    ],
)
def test_errors_are_one_line(tmp_path: Path, arguments: list[str], complaint: str) -> None:
    write_engine(tmp_path)
    result = c2p_bench(*arguments, cwd=tmp_path)
    assert result.returncode == 1
    assert result.stderr.startswith("error: ") and complaint in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["--runs", "0"],
        ["--batch", "x"],
        ["--board", "nano"],
        ["--points", "1"],
        ["--histogram", "."],
        ["more"],
    ],
)
def test_wrong_usage_exits_with_2(arguments: list[str]) -> None:
    result = c2p_bench(*arguments)
    assert result.returncode == 2 and "Usage: " in result.stderr


def test_help_teaches_and_loads_nothing_heavy() -> None:
    code = (
        "import sys; from c2p_runtime.bench.cli import main\n"
        "try: main(['--help'])\n"
        "finally: print(sorted({'numba', 'onnxruntime', 'PIL', 'torch', 'onnx', 'cuda'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0 and "Examples:" in result.stdout
    assert result.stdout.splitlines()[-1] == "[]"


@pytest.mark.usefixtures("ctrl_c")
def test_an_interrupt_prints_what_was_measured(tmp_path: Path) -> None:
    engine = write_engine(tmp_path)
    arguments = ["--engine", str(engine), "--device", "cpu", "--runs", "1000000", "--burn-in", "1", "--json"]
    terminal, stderr = pty.openpty()  # a terminal, so that there is a progress bar to wait for
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        env={**os.environ, "TERM": "xterm"},
    )
    os.close(stderr)
    seen = b""
    while not re.search(rb"measuring.* (?:[3-9]|\d\d+)/1000001", seen):  # some runs after the burn-in
        seen += os.read(terminal, 1 << 16)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    seen += os.read(terminal, 1 << 16)
    os.close(terminal)
    assert process.returncode == 130
    report = json.loads(output)
    runs = report["engines"][0]["runs"]
    assert report["interrupted"] is True and 0 < runs < 1_000_000
    assert len(report["engines"][0]["end_to_end_ms"]) == runs
    assert f"interrupted: these figures are of {runs} of 1000000 runs" in seen.decode()
    assert b"Traceback" not in seen


def test_an_interrupt_before_the_first_run_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "load", interrupted)
    result = CliRunner().invoke(cli.main, [])
    assert (result.exit_code, result.stdout) == (130, "")
    assert result.stderr == "interrupted: nothing was measured yet\n"


class OnGpu:
    """A classifier that says it runs on a GPU."""

    device, backend = "cuda", "tensorrt"

    def __init__(self, engine: Path) -> None:
        self.engine, self.manifest = engine, Manifest.for_engine(engine)

    def batch(self, clouds: list[object]) -> list[Prediction]:
        stages = timing(0.25, 0.0, 5.0, 0.0)
        one = np.ones(1, np.float32)
        return [Prediction(("a",), one, one, stages, one[None]) for _ in clouds]

    def __enter__(self) -> OnGpu:
        return self

    def __exit__(self, *_: object) -> None: ...


@pytest.mark.parametrize(("asked", "board"), [([], "orin-nx-16"), (["--board", "h200"], "h200")])
def test_on_a_gpu_the_board_is_told_and_its_memory_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: list[str], board: str
) -> None:
    engine = write_engine(tmp_path)
    path = Manifest.path_for(engine)
    cost = EngineCost(150_000_000_000, 102_000_000)  # 10 ms and 1 ms on an Orin NX 16 GB
    replace(Manifest.load(path), cost=cost, precision="fp16").save(path)
    free = iter([5 << 30, 3 << 30])
    monkeypatch.setattr(cli, "load", lambda *_: (OnGpu(engine), 0.5))
    monkeypatch.setattr(gpu, "find_gpus", lambda: (Gpu("Orin", "8.7", 15 << 30),))
    monkeypatch.setattr(memory, "free_gpu_memory", lambda: next(free))
    result = CliRunner().invoke(cli.main, ["--batch", "4", "--json", *FEW, *asked])
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["environment"]["gpus"] == [{"name": "Orin", "sm": "SM87", "memory_bytes": 15 << 30}]
    (found,) = report["engines"]
    assert list(found["per_call_ms"]) == ["copy in", "device", "end to end"]
    assert found["per_call_ms"]["device"]["p50"] == 20 and found["per_cloud_ms"]["copy in"]["p50"] == 0.25
    assert found["achieved"]["board"] == board
    if board == "orin-nx-16":
        assert found["achieved"]["roofline"]["per_cent"] == pytest.approx(100 * 40 / 20)
    assert report["memory"]["gpu_free_before_bytes"] - report["memory"]["gpu_free_after_bytes"] == 2 << 30
