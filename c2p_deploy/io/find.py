"""Which files a user means: one, a directory of clouds, or a glob."""

from __future__ import annotations

import glob
import os
from pathlib import Path

from c2p_deploy.errors import CloudFileError
from c2p_deploy.io.read import CLOUD_SUFFIXES


def find_clouds(pattern: str) -> list[Path]:
    """The files an argument stands for: itself, a directory's clouds, or what a glob matches.

    Raises CloudFileError when a directory or a glob holds no cloud. A plain name is
    returned even if there is no such file: reading it gives the better message.
    """
    path = Path(pattern)
    # os.path, because Path raises for names that are too long for the file system.
    if os.path.isdir(path):
        found = sorted(p for p in path.rglob("*") if p.suffix.lower() in CLOUD_SUFFIXES and p.is_file())
        if not found:
            known = f"give files that end in one of {' '.join(CLOUD_SUFFIXES)}"
            raise CloudFileError("no clouds in this directory", known, pattern)
        return found
    if not os.path.exists(path) and glob.has_magic(pattern):
        found = sorted(p for p in map(Path, glob.glob(pattern, recursive=True)) if p.is_file())
        if not found:
            raise CloudFileError("matches no file", "check the pattern", pattern)
        return found
    return [path]
