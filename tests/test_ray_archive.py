"""`examples/ray_archive.py` with real Ray, two processes: what `c2p-run` says, once each, whatever dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from engines import write_engine

pytest.importorskip("ray.data", reason="needs Ray: the extra scale")
import pyarrow
import pyarrow.parquet

EXAMPLE = Path(__file__).parent.parent / "examples/ray_archive.py"
pytestmark = pytest.mark.skipif(
    not Path("/proc/self/environ").is_file(), reason="looks up processes in /proc"
)


def processes(mark: str) -> dict[int, str]:
    """Those with this text in their environment, as all of one Ray have: id and title."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (folder / "environ").read_bytes() and int(folder.name) != os.getpid():
                found[int(folder.name)] = (folder / "cmdline").read_bytes().decode().strip("\0 ")
        except OSError:  # ended, or another user's
            continue
    return found


@pytest.fixture
def mark(tmp_path: Path) -> Iterator[str]:
    """Goes into the environment of Ray; whatever bears it at the end is ended."""
    text = f"C2P_RAY_TEST={tmp_path}"
    yield text
    for process in processes(text):
        os.kill(process, signal.SIGKILL)


def start(mark: str, *arguments: str | Path) -> subprocess.Popen[str]:
    name, value = mark.split("=")
    environment = {**os.environ, name: value, "RAY_TMPDIR": "/tmp"}
    environment.pop("RAY_ADDRESS", None)
    command = [sys.executable, str(EXAMPLE), *map(str, arguments)]
    return subprocess.Popen(
        command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )


def finished(run: subprocess.Popen[str]) -> str:
    out, _ = run.communicate(timeout=240)
    assert run.returncode == 0
    return out


def all_ended(mark: str) -> None:
    """Ray's processes end with the one that started them, within seconds."""
    give_up = time.monotonic() + 60
    while (left := processes(mark)) and time.monotonic() < give_up:
        time.sleep(0.1)
    assert not left


def answers_of(lines: str) -> dict[str, dict]:
    """By file; without times."""
    records = [json.loads(line) for line in lines.splitlines()]
    found = {record.pop("file"): record for record in records}
    assert len(found) == len(records), "a cloud has two answers"
    for record in records:
        record.pop("timing_ms", None)
    return found


def test_answers_are_those_of_the_command_and_a_killed_process_loses_none(tmp_path: Path, mark: str) -> None:
    engine = write_engine(tmp_path)
    folder = tmp_path / "clouds"
    folder.mkdir()
    rng = np.random.default_rng(0)
    kinds = [rng.normal(size=(200_000, 3)).astype(np.float32) * rng.uniform(0.2, 1, 3) for _ in range(4)]
    for kind, points in enumerate(kinds):
        np.save(folder / f"{kind}.npy", points.astype(np.float32))
        for copy in range(60):
            os.link(folder / f"{kind}.npy", folder / f"{kind}-{copy}.npy")
    (folder / "bad.ply").write_text("no cloud")
    with tarfile.open(tmp_path / "some.tar", "w") as tar:
        for name in ("0.npy", "1.npy", "bad.ply"):
            tar.add(folder / name, f"scans/{name}")
    (tmp_path / "cut.tar").write_bytes(b"no tar at all")
    flat = [np.load(folder / f"{kind}.npy").ravel() for kind in (2, 3)]
    for name, column in (
        ("lists", [*(f.tolist() for f in flat), [1.0]]),
        ("bytes", [*(f.tobytes() for f in flat), b"0"]),
    ):
        table = pyarrow.table({"name": ["2", "3", "bad"], "points": column})
        pyarrow.parquet.write_table(table, tmp_path / f"{name}.parquet")

    command = [sys.executable, "-m", "c2p_runtime", "--json", "--engine", str(engine)]
    clouds = [str(folder / f"{kind}.npy") for kind in range(4)]
    expected = answers_of(
        subprocess.run([*command, *clouds], check=True, text=True, capture_output=True).stdout
    )

    answers = tmp_path / "out/answers.jsonl"
    holders = [tmp_path / name for name in ("some.tar", "cut.tar", "lists.parquet", "bytes.parquet")]
    arguments = [folder, *holders, "--out", tmp_path / "out", "--engine", engine, "--workers", "2"]
    run = start(mark, *arguments)
    give_up = time.monotonic() + 240
    while not (answers.is_file() and answers.stat().st_size) and time.monotonic() < give_up:
        assert run.poll() is None
        time.sleep(0.02)
    actors = [number for number, title in processes(mark).items() if "Namer" in title]
    assert actors, processes(mark)
    os.kill(actors[0], signal.SIGKILL)
    at_kill = len(answers.read_text().splitlines())
    assert "255 clouds named now, 0 before" in finished(run)
    assert at_kill < 255
    all_ended(mark)

    given = answers_of(answers.read_text())
    assert Counter(name.rsplit("/", 1)[0] for name in given) == {
        str(folder): 245, str(tmp_path): 1, f"{tmp_path}/some.tar/scans": 3, f"{tmp_path}/lists.parquet": 3,
        f"{tmp_path}/bytes.parquet": 3,
    }  # fmt: skip
    for name, record in given.items():
        stem = Path(name).stem
        if stem in ("bad", "cut"):
            assert record.keys() == {"error"} and record["error"].startswith(f"{name}: ")
        else:
            assert record == expected[str(folder / f"{stem[0]}.npy")], name

    before = answers.read_text()
    lines = before.splitlines(keepends=True)
    answers.write_text("".join(lines[:-2]) + lines[-2][:30])  # as if broken off while it wrote
    assert "2 clouds named now, 253 before" in finished(start(mark, *arguments))
    assert answers.read_text().startswith("".join(lines[:-2]))
    assert answers_of(answers.read_text()) == given
    all_ended(mark)
