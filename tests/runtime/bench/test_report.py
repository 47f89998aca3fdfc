"""What c2p-bench computes, with clocks and classifiers whose times are known. No real time is asserted."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from rich.console import Console

from c2p_deploy import Manifest
from c2p_deploy.manifest import EngineCost
from c2p_runtime.backends.gpu import Gpu
from c2p_runtime.bench import environment, measure, report
from c2p_runtime.bench.boards import BOARDS, detect_board, roofline
from c2p_runtime.bench.histogram import bin_edges, save_histogram
from c2p_runtime.bench.memory import free_gpu_memory
from c2p_runtime.bench.tables import show
from c2p_runtime.prediction import Prediction, timing
from engines import write_engine

GIB = 1 << 30


class Clock:
    """Stands still but for what the fakes below take."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Fake:
    """A classifier whose calls take the milliseconds it is given, one after the other, by the clock."""

    def __init__(
        self, name: str, times_ms: Sequence[float], clock: Clock, log: list[Any], device: str = "cpu"
    ) -> None:
        self.name, self.clock, self.log, self.device = name, clock, log, device
        self._times = iter(times_ms)

    def batch(self, clouds: Sequence[npt.ArrayLike]) -> list[Prediction]:
        self.log.append((self.name, clouds))
        self.clock.now += next(self._times) / 1e3
        stages = timing(1.0, 2.0, 3.0, 4.0)
        return [Prediction(("a",), np.ones(1, np.float32), np.ones(1, np.float32), stages) for _ in clouds]


BATCHES: Any = ["b0", "b1", "b2"]  # strings stand for lists of clouds: "b0" has two


def rested(log: list[Any]) -> Any:
    return lambda: log.append("rest")


def test_two_take_turns_and_the_first_changes() -> None:
    clock, log = Clock(), []
    # Every turn is an untimed call, here of 100 ms and more, and a timed one.
    a = Fake("A", [100, 1, 200, 2, 300, 3, 400, 4], clock, log)
    b = Fake("B", [100, 10, 200, 20, 300, 30, 400, 40], clock, log)
    runs = list(measure.take_turns([a, b], BATCHES, 4, clock, rested(log)))
    a_turns = [["rest", ("A", f"b{(run + 1) % 3}"), ("A", f"b{run % 3}")] for run in range(4)]
    b_turns = [["rest", ("B", f"b{(run + 1) % 3}"), ("B", f"b{run % 3}")] for run in range(4)]
    assert log == [
        *a_turns[0], *b_turns[0], *b_turns[1], *a_turns[1],
        *a_turns[2], *b_turns[2], *b_turns[3], *a_turns[3],
    ]  # fmt: skip
    times = [[call.total_ms for call in calls] for calls in runs]
    assert np.allclose(times, [[1, 10], [2, 20], [3, 30], [4, 40]])  # in the order given, not of turns


def test_one_alone_runs_back_to_back() -> None:
    clock, log = Clock(), []
    subject = Fake("A", [1, 2, 3, 4], clock, log)
    runs = list(measure.take_turns([subject], BATCHES, 4, clock, rested(log)))
    assert log == [("A", "b0"), ("A", "b1"), ("A", "b2"), ("A", "b0")]
    assert np.allclose([calls[0].total_ms for calls in runs], [1, 2, 3, 4])


def test_what_was_done_before_an_interrupt_is_kept() -> None:
    clock, log = Clock(), []

    def times() -> Iterator[float]:
        yield from (1, 2)
        raise KeyboardInterrupt

    subject = Fake("A", times(), clock, log)  # type: ignore[arg-type]
    runs = []
    with pytest.raises(KeyboardInterrupt):
        runs.extend(measure.take_turns([subject], BATCHES, 9, clock))
    assert np.allclose([calls[0].total_ms for calls in runs], [1, 2])


def test_stages_are_of_all_clouds_of_a_call() -> None:
    clock = Clock()
    call = measure.timed_call(Fake("A", [25], clock, []), "bb", clock)  # type: ignore[arg-type]
    assert call.total_ms == pytest.approx(25)
    assert call.stages_ms == {"prepare": 2, "project": 4, "encode": 6, "score": 8}


def test_on_a_gpu_there_are_two_stages() -> None:
    clock = Clock()
    call = measure.timed_call(Fake("A", [25], clock, [], "cuda"), "bb", clock)  # type: ignore[arg-type]
    assert call.stages_ms == {"copy in": 2, "device": 6}


def test_statistics_against_numpy() -> None:
    values = np.random.default_rng(0).lognormal(size=357)
    found = measure.statistics(list(values))
    assert list(found) == ["mean", "p50", "p90", "p99", "max"]
    assert found["mean"] == pytest.approx(values.mean())
    assert found["max"] == values.max()
    ordered = np.sort(values)
    for name, fraction in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99)):
        place = fraction * (len(values) - 1)
        low, share = int(place), place % 1
        assert found[name] == pytest.approx(ordered[low] * (1 - share) + ordered[low + 1] * share)
    assert measure.statistics([5.0]) == {"mean": 5, "p50": 5, "p90": 5, "p99": 5, "max": 5}


def test_ratios_are_pair_by_pair() -> None:
    # Taken pair by pair the second is always faster, though the medians of both are the same.
    first, second = [10.0, 20.0, 30.0, 40.0, 8.0], [5.0, 10.0, 20.0, 20.0, 8.0]
    found = measure.compare(first, second)
    ratios = [0.5, 0.5, 2 / 3, 0.5, 1.0]
    assert (found.median, found.q1, found.q3) == pytest.approx(np.percentile(ratios, (50, 25, 75)))
    assert (found.pairs, found.first_faster, found.second_faster) == (5, 0, 4)


def test_clouds_are_the_same_for_a_seed_and_else_all_different() -> None:
    one, again, other = (measure.made_up_batches(500, 2, seed) for seed in (0, 0, 1))
    assert all(
        np.array_equal(a, b) for p, q in zip(one, again, strict=True) for a, b in zip(p, q, strict=True)
    )
    clouds = [cloud for batches in (one, other) for batch in batches for cloud in batch]
    assert len({cloud.tobytes() for cloud in clouds}) == len(clouds)
    for cloud in clouds:
        assert cloud.shape == (500, 3) and cloud.dtype == np.float32
        assert np.isfinite(cloud).all() and (np.ptp(cloud, axis=0) > 0.3).all()


def test_quiet_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, used = [0.0], [0.0]
    naps: list[float] = []

    def nap(seconds: float) -> None:
        naps.append(seconds)
        clock[0] += seconds
        used[0] += seconds if busy(len(naps)) else 0.01 * seconds

    monkeypatch.setattr(measure, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(measure, "process_time", lambda: used[0])
    monkeypatch.setattr(measure, "sleep", nap)
    busy = lambda count: count <= 9  # noqa: E731
    measure.wait_until_quiet()
    assert len(naps) == 10  # nine while threads spin, one in which none does
    naps.clear()
    busy = lambda count: True  # noqa: E731
    measure.wait_until_quiet()
    assert sum(naps) == pytest.approx(1, abs=0.01)


# 176.4 GFLOP and 351 MB: ViT-B/32 dual path of ten views, whose floors were worked out on paper.
DUAL_PATH = EngineCost(176_400_000_000, 351_000_000)


@pytest.mark.parametrize(
    ("board", "floor_ms", "bound"),
    [
        ("orin-nano-super", 10.6, "compute"),
        ("orin-nx-16", 11.8, "compute"),
        ("agx-orin-64", 4.1, "compute"),
        ("thor-t5000", 1.29, "memory"),
        ("h200", 0.178, "compute"),
    ],
)
def test_floors_worked_out_by_hand(board: str, floor_ms: float, bound: str) -> None:
    floor = roofline(DUAL_PATH, 1, "fp16", BOARDS[board])
    assert floor is not None and floor.bound == bound
    assert floor.floor_ms == pytest.approx(floor_ms, rel=0.01)


def test_a_batch_reads_its_weights_once() -> None:
    one, eight = (roofline(DUAL_PATH, clouds, "int8", BOARDS["thor-t5000"]) for clouds in (1, 8))
    assert one is not None and eight is not None
    assert eight.memory_ms == one.memory_ms == pytest.approx(351e6 / 273e9 * 1e3)
    assert eight.compute_ms == pytest.approx(8 * 176.4e9 / 517e12 * 1e3)
    assert (one.bound, eight.bound) == ("memory", "compute")


def test_no_peak_no_floor() -> None:
    assert roofline(DUAL_PATH, 1, "fp32", BOARDS["h200"]) is None
    assert roofline(DUAL_PATH, 1, "fp8", BOARDS["agx-orin-64"]) is None


@pytest.mark.parametrize(
    ("name", "sm", "gib", "machine", "mode", "board"),
    [
        ("NVIDIA H200", "9.0", 140, None, None, "h200"),
        ("NVIDIA H200 NVL", "9.0", 140, None, None, None),
        ("NVIDIA H200 MIG 1g.18gb", "9.0", 16, None, None, None),
        ("NVIDIA GH200 480GB", "9.0", 95, None, None, None),
        ("NVIDIA H100 80GB HBM3", "9.0", 79, None, None, None),
        ("Orin", "8.7", 61.4, "NVIDIA Jetson AGX Orin Developer Kit", "MAXN", "agx-orin-64"),
        ("Orin", "8.7", 29.9, "NVIDIA Jetson AGX Orin", "MAXN", None),  # the 32 GB one has fewer cores
        ("Orin", "8.7", 15.3, "NVIDIA Jetson Orin NX Engineering Reference", "25W", "orin-nx-16"),
        ("Orin", "8.7", 7.4, "NVIDIA Jetson Orin NX 8GB", "25W", None),
        ("Orin", "8.7", 7.4, "NVIDIA Jetson Orin Nano Developer Kit", "15W", "orin-nano"),
        ("Orin", "8.7", 7.4, "NVIDIA Jetson Orin Nano Developer Kit Super", "MAXN_SUPER", "orin-nano-super"),
        ("Orin", "8.7", 3.4, "NVIDIA Jetson Orin Nano Developer Kit", "10W", None),
        ("NVIDIA Thor", "11.0", 122, "NVIDIA Jetson AGX Thor Developer Kit", "MAXN", "thor-t5000"),
        ("NVIDIA Thor", "11.0", 61, "NVIDIA Jetson T4000", None, None),
        ("NVIDIA GeForce RTX 4090", "8.9", 24, None, None, None),
    ],
)
def test_boards_are_told_by_gpu_memory_and_model(
    name: str, sm: str, gib: float, machine: str | None, mode: str | None, board: str | None
) -> None:
    assert detect_board(Gpu(name, sm, int(gib * GIB)), machine, mode) == board


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


def test_peak_memory_is_of_what_was_held_once() -> None:
    code = (
        "from c2p_deploy.memory import peak_memory; before = peak_memory()\n"
        "held = b'1' * (200 << 20); del held\n"
        "print(before, peak_memory())"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    before, after = map(int, result.stdout.split())
    assert before < 100 << 20  # not that of the process which runs the tests
    assert 150 << 20 < after - before < 250 << 20


def test_gpu_memory_is_asked_of_the_primary_context(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def answers(name: str, *values: Any) -> Any:
        return lambda *arguments: asked.append((name, *arguments)) or (0, *values)

    driver = SimpleNamespace(
        cuInit=answers("init"),
        cuDeviceGet=answers("device", "dev"),
        cuDevicePrimaryCtxRetain=answers("retain", "ctx"),
        cuCtxPushCurrent=answers("push"),
        cuMemGetInfo=answers("memory", 123, 456),
        cuCtxPopCurrent=answers("pop", "ctx"),
        cuGetErrorName=lambda error: (0, b"CUDA_ERROR_NO_DEVICE"),
    )
    monkeypatch.setitem(sys.modules, "cuda.bindings", SimpleNamespace(driver=driver))
    assert free_gpu_memory() == 123
    assert asked == [("init", 0), ("device", 0), ("retain", "dev"), ("push", "ctx"), ("memory",), ("pop",)]
    driver.cuInit = lambda flags: (100,)
    assert free_gpu_memory() is None
    monkeypatch.setitem(sys.modules, "cuda.bindings", None)
    assert free_gpu_memory() is None


def page_of(path: Path) -> npt.NDArray[np.int64]:
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        return np.asarray(picture.convert("RGB")).astype(np.int64)


def bars_of(page: npt.NDArray[np.int64], panel: int = 0) -> list[int]:
    """Heights in pixels of the bars of a panel, read from the middle of each."""
    top = panel * (116 + 220 + 44) + 116
    bars = page[top : top + 220, 32 + 3 : 32 + 800 : 10]
    return [int(n) for n in (np.abs(bars - (0xA8, 0xBD, 0xD4)).max(axis=2) <= 3).sum(axis=0)]


def test_bars_are_as_high_as_the_counts(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    values = list(rng.gamma(4, 2, size=400) + 10)
    save_histogram({"a": values}, tmp_path / "a.png", subtitle="s")
    counts, _ = np.histogram(np.minimum(values, bin_edges([values])[-1]), bin_edges([values]))
    expected = 212 * counts / counts.max()
    found = np.array(bars_of(page_of(tmp_path / "a.png")))
    # Where a line marks a percentile it covers part of a bar's width, but hardly its third pixel.
    assert (np.abs(found - expected) <= 1.5).sum() >= 78


def test_the_marks_stand_at_the_percentiles(tmp_path: Path) -> None:
    values = list(np.linspace(10, 20, 1001))  # p50 15, p90 19, p99 19.9
    save_histogram({"a": values}, tmp_path / "a.png", subtitle="s")
    page = page_of(tmp_path / "a.png")
    # The track above the bars' middle row: a row of the panel through which only lines and bars run.
    accent = (np.abs(page[116 + 100] - (0x09, 0x69, 0xDA)).max(axis=1) <= 3).nonzero()[0]
    expected = [32 + 800 * (value - 10) / 10 for value in (15, 19, 19.9)]
    for x in expected:
        assert np.abs(accent - x).min() <= 1.5
    assert len(accent) <= 9


def test_two_engines_share_one_axis(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    fast, slow = list(rng.normal(10, 0.1, 200)), list(rng.normal(20, 0.1, 200))
    save_histogram({"fast": fast, "slow": slow}, tmp_path / "a.png", subtitle="s")
    page = page_of(tmp_path / "a.png")
    left, right = (np.nonzero(bars_of(page, panel))[0] for panel in (0, 1))
    assert left.size and right.size and left.max() < 5 and right.min() > 70
    save_histogram({"fast": slow, "slow": fast}, tmp_path / "b.png", subtitle="s")
    assert (tmp_path / "a.png").read_bytes() != (tmp_path / "b.png").read_bytes()


def test_one_slow_call_does_not_squeeze_the_rest(tmp_path: Path) -> None:
    values = [*np.random.default_rng(2).normal(10, 1, 500), 5000.0]
    edges = bin_edges([values])
    assert edges[-1] < 20 and edges[0] == min(values)
    save_histogram({"a": values}, tmp_path / "a.png", subtitle="s")
    assert sum(height > 0 for height in bars_of(page_of(tmp_path / "a.png"))) > 30


@pytest.mark.parametrize("values", [[5.0], [5.0, 5.0, 5.0], [0.001, 0.001]])
def test_equal_times_can_be_drawn(tmp_path: Path, values: list[float]) -> None:
    save_histogram({"a": values}, tmp_path / "a.png", subtitle="s")
    assert max(bars_of(page_of(tmp_path / "a.png"))) > 200


def test_an_unwritable_picture_is_an_oserror(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        save_histogram({"a": [1.0]}, tmp_path / "no" / "a.png", subtitle="s")
    assert not list(tmp_path.iterdir())
