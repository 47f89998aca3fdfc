"""Writing files whole or not at all, and hashing them."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

from c2p_deploy.errors import C2PError
from c2p_deploy.json_file import check_regular

_ABANDONED = 24 * 3600  # seconds after which a temporary file is nobody's any more


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its name when the block ends without an error.

    Then the file is on the disk, and outlives a power loss. A link is followed, as `open` would: the file
    that it names is replaced, and the link stays. Raises C2PError where `path` is something that a file must
    not replace, a folder or a device. What killed processes left here of this name is removed once it is a
    day old.
    """
    target = _replaceable(path)
    _sweep(target.parent, target.name)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".tmp")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        umask = os.umask(0)  # mkstemp makes files private; give the mode a plain open() would
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        to_disk(temporary)  # before the name: a file system may keep the two in another order
        temporary.replace(target)
        to_disk(target.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _replaceable(path: Path) -> Path:
    """The file that `path` names or will name, behind all links. Raises C2PError where it is no file."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        mode = stat.S_IFREG  # not there yet, or what a link will lead to
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "a device, a pipe or a socket"
        raise C2PError(f"is {kind}, which no file can replace", "choose another name", path)
    return Path(os.path.realpath(path)) if path.is_symlink() else path


@lru_cache(maxsize=1024)  # once a name and process: a training saves often
def _sweep(folder: Path, name: str) -> None:
    """Removes the temporary files of `name` that killed processes left, which are a day old or older."""
    ours = re.compile(rf"\.{re.escape(name)}\.[a-z0-9_]{{8}}\.tmp")  # as mkstemp names them
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if not ours.fullmatch(entry.name):
                continue
            with suppress(OSError):
                found = entry.stat(follow_symlinks=False)
                if (
                    stat.S_ISREG(found.st_mode)
                    and found.st_uid == os.geteuid()
                    and time.time() - found.st_mtime > _ABANDONED
                ):
                    Path(entry.path).unlink()


def to_disk(path: Path) -> None:
    """Waits until a file's contents, or the names in a folder, are on the disk. Raises OSError.

    Where a file system cannot be asked for that, nothing is waited for.
    """
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EBADF):
            raise
    finally:
        os.close(handle)


def user_cache() -> Path:
    """Our folder in the user's cache: below $XDG_CACHE_HOME or ~/.cache. It need not exist."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()) / "c2p-deploy"


def write_atomic(path: Path, data: bytes) -> None:
    """Writes `data` to `path`; another process sees the old file or the new one, never a part.

    Raises C2PError and OSError, see `atomic_path`.
    """
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def sha256_of(path: Path) -> str:
    """SHA-256 of a regular file, in hex. Raises OSError, also for a device or a pipe: these never end."""
    check_regular(path)
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
