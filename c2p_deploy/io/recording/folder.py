"""Which files make up the recording in a folder, as rosbag2 writes them: NAME_0.db3, NAME_1.db3, ...

Their names say it. metadata.yaml, which lists them, is not read: a recorder that was killed has written none,
and nothing in a recording should say which files are opened.
"""

from __future__ import annotations

import re
from pathlib import Path

from c2p_deploy.errors import CloudFileError

SUFFIXES = (".db3", ".mcap", ".db3.zstd", ".mcap.zstd")
_NUMBERED = re.compile(r"(.*?)(?:_(\d{1,18}))?\.[^_]*")


def files_of(folder: Path) -> list[Path]:
    """The files of the recording in a folder, in order. Raises CloudFileError for none, or for several."""
    found = [path for path in folder.iterdir() if path.name.endswith(SUFFIXES) and path.is_file()]
    if not found:
        raise CloudFileError(
            "is a directory without a recording", "give a .bag, .mcap or .db3, or the folder of a rosbag2"
        )
    order = {}
    recordings = set()
    for path in found:
        parts = _NUMBERED.fullmatch(path.name)
        name, number = (parts[1], parts[2]) if parts else (path.name, None)
        order[path] = int(number or 0)
        recordings.add((name, path.name.endswith((".mcap", ".mcap.zstd"))))
    if len(recordings) > 1 or len(set(order.values())) < len(found):
        raise CloudFileError(f"is a directory with {len(found)} recordings", "give one of them")
    return sorted(found, key=order.__getitem__)
