"""How much memory this process has taken."""

from __future__ import annotations

import re
import sys
from pathlib import Path


def peak_memory() -> int | None:
    """The most memory this process ever held, in bytes; None where the system does not tell."""
    # On Linux not getrusage: what it says begins with the peak of the program that started this one.
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        status = ""
    if found := re.search(r"^VmHWM:\s*(\d+) kB$", status, re.MULTILINE):
        return int(found[1]) * 1024
    if sys.platform != "darwin":
        return None
    import resource  # not on every system

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
