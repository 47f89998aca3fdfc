"""`is_recording`: whether a path is a recording; without importing what reads one, which takes a while."""

from __future__ import annotations

import os
from pathlib import Path

from c2p_deploy.io.read import CLOUD_SUFFIXES

HEADS = (b"#ROSBAG", b"\x89MCAP0\r\n", b"SQLite format 3\0")
"""How files of ROS 1 bags, of MCAP and of SQLite begin."""
ZSTD = b"\x28\xb5\x2f\xfd"
SUFFIXES = (".db3", ".mcap", ".db3.zstd", ".mcap.zstd")
"""Of the files in a folder of rosbag2."""


def is_recording(path: Path) -> bool:
    """Whether a file begins as recordings do, or a folder holds one of rosbag2 and no clouds beside it.

    A file whose first bytes say nothing, because it is packed or was cut off there, counts by its name.
    False where there is nothing, or nothing that can be read.
    """
    try:
        if os.path.isdir(path):
            names = [entry.name.lower() for entry in os.scandir(path)]
            return any(name.endswith(SUFFIXES) for name in names) and not any(
                name.endswith(CLOUD_SUFFIXES) for name in names
            )
        if path.suffix.lower() in CLOUD_SUFFIXES or not os.path.isfile(path):
            return False
        with path.open("rb") as file:
            head = file.read(16)
    except (OSError, ValueError):
        return False
    says_nothing = head.startswith(ZSTD) or not head.strip(b"\0")
    return head.startswith(HEADS) or (says_nothing and path.name.lower().endswith((".bag", *SUFFIXES)))
