"""What a run says of its cost."""

import numpy as np
import pytest

from c2p_deploy.errors import C2PError
from c2p_deploy.memory import peak_memory
from c2p_train.learn.run_report import RunReport
from c2p_train.model.device import pick_device
from heard import heard_lines


def test_it_counts_and_tells_time_and_memory() -> None:
    with heard_lines() as lines, RunReport("mesh") as report:
        report.steps += 3
    assert lines[0].startswith("3 meshes in ") and " a mesh), peak memory " in lines[0]
    assert report.line(60.0).startswith("3 meshes in 60.0 s (20.0 s a mesh), peak memory ")
    report.steps = 1
    assert report.line(0.05).startswith("1 mesh in 50 ms (50 ms a mesh)")
    report.steps = 0
    assert report.line(300.0).startswith("0 meshes in 5.0 min, peak memory ")


def test_a_failed_run_reports_nothing() -> None:
    with heard_lines() as lines, pytest.raises(ValueError, match="no"), RunReport():
        raise ValueError("no")
    assert lines == []


def test_peak_memory_counts_bytes() -> None:
    before = peak_memory()
    assert before is not None
    block = np.ones(80_000_000, np.uint8)
    assert before > 1_000_000 and peak_memory() >= block.nbytes
    assert peak_memory() >= before


def test_devices_that_are_not_there_are_refused() -> None:
    assert pick_device("cpu").type == "cpu"
    with pytest.raises(C2PError, match="device cuda:99: this machine has"):
        pick_device("cuda:99")
    with pytest.raises(C2PError, match="no device 'toaster'"):
        pick_device("toaster")
