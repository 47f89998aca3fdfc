"""The peak of a process's own memory."""

from __future__ import annotations

import subprocess
import sys


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
