"""Writing one file thousands of times."""

from __future__ import annotations

from pathlib import Path


def overwrite(path: Path, content: bytes) -> None:
    """Gives a file this content, whether it was there or not.

    `Path.write_bytes` empties a file first, and ext4 then writes it to the disk as it is closed: some
    milliseconds each time.
    """
    path.touch()
    with path.open("r+b") as file:
        file.write(content)
        file.truncate()
