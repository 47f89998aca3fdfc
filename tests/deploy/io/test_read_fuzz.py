"""Random damage to small valid files of every format: a finite array or one clear line, nothing else."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from c2p_deploy.io import CLOUD_SUFFIXES, read_cloud
from io_damage import SEEDS, assert_cloud_or_refusal, damaged
from overwrite import overwrite
from paths import REPOSITORY

PATHS = {"PYTHONPATH": os.pathsep.join([str(REPOSITORY / "tests/helpers"), *sys.path])}

# What damage puts in: single bytes, extreme counts in both byte orders, and words that parse oddly.
SPLICES = st.one_of(
    st.binary(min_size=1, max_size=4),
    st.sampled_from([0, 1, 255, 2**15, 2**31 - 1, 2**31, 2**32 - 1]).map(lambda n: n.to_bytes(4, "little")),
    st.sampled_from([2**31 - 1, 2**32 - 1]).map(lambda n: n.to_bytes(4, "big")),
    st.sampled_from(
        [
            b"-1",
            b"0",
            b"999999999",
            b"1e999",
            b"nan",
            b" ",
            b"\n",
            b"\r",
            b'"',
            b"#",
            b",",
            b";",
            b"-",
            b"\xff\xfe",
        ]
    ),
)


@st.composite
def damage(draw: st.DrawFn, content: bytes) -> bytes:
    """Up to four replacements, insertions, removals or cuts."""
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(content) - 1, 0)))
        kind = draw(st.sampled_from(["replace", "insert", "remove", "cut", "repeat"]))
        splice = draw(SPLICES)
        if kind == "replace":
            content = content[:at] + splice + content[at + len(splice) :]
        elif kind == "insert":
            content = content[:at] + splice + content[at:]
        elif kind == "remove":
            content = content[:at] + content[at + draw(st.integers(1, 40)) :]
        elif kind == "cut":
            content = content[: at + 1]
        else:
            content = content[:at] + content[at : at + 40] * draw(st.integers(2, 30)) + content[at:]
    return content


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", SEEDS)
@settings(max_examples=60, deadline=20_000, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_damaged_files(tmp_path_factory: pytest.TempPathFactory, name: str, data: st.DataObject) -> None:
    path = tmp_path_factory.getbasetemp() / name
    overwrite(path, data.draw(damage(SEEDS[name])))
    assert_cloud_or_refusal(path)


@pytest.mark.parametrize("name", SEEDS)
def test_the_undamaged_files_are_read(tmp_path: Path, name: str) -> None:
    """Else the test above would test nothing."""
    path = tmp_path / name
    path.write_bytes(SEEDS[name])
    assert len(read_cloud(path, mesh_points=64)) in (2, 3, 4, 20, 64)


@settings(max_examples=200, deadline=20_000, derandomize=True)
@given(suffix=st.sampled_from(CLOUD_SUFFIXES), content=st.binary(min_size=1, max_size=300))
def test_any_bytes(tmp_path_factory: pytest.TempPathFactory, suffix: str, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / f"any{suffix}"
    overwrite(path, content)
    assert_cloud_or_refusal(path)


@pytest.mark.filterwarnings("error")
def test_a_hundred_damaged_files_of_every_format(tmp_path: Path) -> None:
    """The same files each time, and no process of more than 200 MB above what it had."""
    rng = np.random.default_rng(7)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name, content in SEEDS.items():
        path = tmp_path / name
        for _ in range(100):
            overwrite(path, damaged(content, rng))
            begin = time.process_time()
            assert_cloud_or_refusal(path)
            assert time.process_time() - begin < 5, path.read_bytes()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024


def test_the_fuzzer_runs() -> None:
    command = [sys.executable, str(REPOSITORY / "tests/fuzz/fuzz_readers.py"), "--seconds", "1", "--blind"]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | PATHS, timeout=120)
    assert done.returncode == 0 and "nothing found" in done.stdout, done.stderr
