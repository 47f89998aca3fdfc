"""The acceptance of a GPU: steps that hang or fail, verdicts, and a rehearsal in the emulator."""

from __future__ import annotations

import sys
from typing import Any

import pytest

import gpu_acceptance
from device_runs import needs_gpu


def test_a_step_that_hangs_is_ended_and_one_that_fails_is_told() -> None:
    hung = gpu_acceptance.run_step(
        [sys.executable, "-c", "import time; print('on', flush=True); time.sleep(60)"], 2
    )
    assert hung["status"] == "ran past 2 s" and hung["seconds"] < 30 and "on" in hung["tail"]
    failed = gpu_acceptance.run_step([sys.executable, "-c", "raise SystemExit(3)"], 60)
    assert failed["status"] == "failed with 3"
    script = "print('a warning'); print('{\"ms\": 1}'); print('bye')"
    found = gpu_acceptance.run_step([sys.executable, "-c", script], 60)
    assert found["status"] == "passed" and found["found"] == {"ms": 1}


def test_all_steps_together_take_25_minutes_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    steps = gpu_acceptance.steps(False)
    assert sum(limit for _, limit in steps.values()) <= 25 * 60
    assert set(gpu_acceptance.MEASURED) < set(steps)
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert gpu_acceptance.steps(False)["racecheck"] == "compute-sanitizer is not in PATH"


def test_verdicts_are_taken_from_what_was_measured() -> None:
    done: dict[str, Any] = {
        "tests": {"status": "passed"},
        "racecheck": {"left out": "not there"},
        "memcheck": {"status": "failed with 9"},
        "kernels": {"status": "passed", "found": {"ms": {"1024 points, batch 1": {"median": 0.2}}}},
        "classifier": {
            "status": "passed",
            "found": {
                "backends": {
                    "tensorrt": {
                        "ms": {"median": 2.0},
                        "engine_ms": {"median": 1.6},
                        "host_us": {"median": 30},
                    },
                    "onnxruntime": {"left out": "no cuDNN"},
                }
            },
        },
        "growth": {"status": "ran past 90 s", "tail": ""},
    }
    found = gpu_acceptance.verdicts(done)
    assert {name: verdict["holds"] for name, verdict in found.items()} == {
        "tests": True,
        "memcheck": False,
        "tensorrt: call over engine": False,
        "tensorrt: host, µs": True,
        "tensorrt: projection's share": False,
    }


@needs_gpu
def test_memory_does_not_grow() -> None:
    assert gpu_acceptance.growth(True)["gpu_bytes"] in (0, None)
