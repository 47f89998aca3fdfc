"""Damaged recordings end in frames or in one line, at the cost of a file of their size."""

from __future__ import annotations

import logging
import resource
import time
from pathlib import Path

import numpy as np
import pytest

from c2p_deploy.io.recording import open_recording
from io_damage import damaged
from overwrite import overwrite
from recordings import assert_frames_or_refusal, seeds


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return seeds(tmp_path_factory.mktemp("seeds"))


def test_damaged_recordings(
    tmp_path: Path, whole: dict[str, bytes], caplog: pytest.LogCaptureFixture
) -> None:
    """The same sixty of each kind every time."""
    caplog.set_level(logging.ERROR, "c2p_deploy")
    rng = np.random.default_rng(11)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for kind, content in whole.items():
        path = tmp_path / kind
        for _ in range(60):
            overwrite(path, damaged(content, rng))
            begin = time.process_time()
            assert_frames_or_refusal(path)
            assert time.process_time() - begin < 5, kind
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300 * 1024


def test_one_wrong_byte(tmp_path: Path, whole: dict[str, bytes]) -> None:
    """At every 41st place of the plain formats: lengths, offsets, types and names are met."""
    rng = np.random.default_rng(12)
    for kind in ("none.bag", "bare.mcap", "bare.db3", "ros1 none.mcap"):
        path, content = tmp_path / kind, whole[kind]
        for at in range(int(rng.integers(41)), len(content), 41 if len(content) < 20_000 else 331):
            wrong = bytes([content[at] ^ int(rng.integers(1, 256))])
            overwrite(path, content[:at] + wrong + content[at + 1 :])
            assert_frames_or_refusal(path)


def test_cut_anywhere(tmp_path: Path, whole: dict[str, bytes]) -> None:
    for kind, content in whole.items():
        path = tmp_path / kind
        for size in np.linspace(0, len(content) - 1, 40).astype(int).tolist():
            overwrite(path, content[:size])
            assert_frames_or_refusal(path)


def test_the_undamaged_ones_are_read(tmp_path: Path, whole: dict[str, bytes]) -> None:
    """Else the tests above would test nothing."""
    for kind, content in whole.items():
        (tmp_path / kind).write_bytes(content)
        assert len(list(open_recording(tmp_path / kind))) == 3
