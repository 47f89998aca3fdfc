"""numba's `cuda`, imported here and nowhere else, so that changing to its successor is one line.

Importing this module needs the package numba-cuda but no GPU and takes about half a second:
the others import it inside the function that needs it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from c2p_deploy.errors import MissingDependencyError
from c2p_deploy.extras import install
from c2p_deploy.files import user_cache
from c2p_deploy.projection import prepare


def _how_to_get() -> str:
    return f"{install('cuda12')} (JetPack 6, CUDA 12), or the same with cuda13 (JetPack 7, CUDA 13)"


try:
    from numba import cuda
    from numba.cuda import libdevice
    from numba.cuda.core import config  # not in the `cuda` of numba alone, which nobody maintains
except ImportError as error:
    raise MissingDependencyError("the GPU needs numba-cuda", _how_to_get()) from error

__all__ = ["check_gpu", "cuda", "kernel", "launch", "libdevice"]

_configuring = threading.Lock()


def check_gpu() -> None:
    """Raises MissingDependencyError when kernels cannot be compiled for a GPU of this machine."""
    if not cuda.is_available():
        raise MissingDependencyError(
            "numba-cuda finds no NVIDIA driver, or no CUDA compiler (libNVVM) for it", _how_to_get()
        )


def launch(kernel: Any, grid: int | tuple[int, ...], threads: int, stream: Any, *arguments: Any) -> None:
    """Puts a kernel on a stream. Numba would warn of every grid of fewer than 128 blocks, as of one cloud."""
    with _configuring:
        warned, config.CUDA_LOW_OCCUPANCY_WARNINGS = config.CUDA_LOW_OCCUPANCY_WARNINGS, 0
        try:
            configured = kernel[grid, threads, stream]
        finally:
            config.CUDA_LOW_OCCUPANCY_WARNINGS = warned
    configured(*arguments)


def kernel(threads: int) -> Callable[[Callable[..., Any]], Any]:
    """Decorates a CUDA kernel that is launched with at most `threads` threads a block.

    The compiler is told that number, or it could use more registers than such a block has.
    Compiled code is kept in the user's cache folder; where that is no safe place, or none that can be written
    to, it is compiled once per process.
    """

    def compiled(function: Callable[..., Any]) -> Any:
        folder = cache_folder()
        if folder is not None:
            try:
                with _cache_in(folder):
                    dispatcher = cuda.jit(cache=True, launch_bounds=threads)(function)
                _survive_damage(dispatcher, folder)
                return dispatcher
            except (RuntimeError, OSError):  # numba's, when it finds no place for its cache
                pass
        return cuda.jit(launch_bounds=threads)(function)

    return compiled


@cache
def cache_folder() -> Path | None:
    """Where compiled kernels of this code are kept; None where there is no safe place, or nothing is kept.

    What lies there is unpickled, and so can run as us: the folder must be ours, and nobody else may write to
    it or exchange it. It is below where NUMBA_CACHE_DIR says, or in our folder of the user's cache.
    """
    if config.ENABLE_CUDASIM:  # Numba's simulator runs Python
        return None
    folder = Path(config.CACHE_DIR or user_cache()) / f"kernels-{_fingerprint()}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
        above = [parent.stat() for parent in folder.absolute().parents]
    except OSError:
        return None
    private = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o022
    exchangeable = any(st.st_mode & stat.S_IWOTH and not st.st_mode & stat.S_ISVTX for st in above)
    return folder if private and not exchangeable else None


def _fingerprint() -> str:
    """Of all code that goes into a kernel: numba looks only at the file that a kernel itself stands in."""
    try:
        release = version("c2p-deploy")
    except PackageNotFoundError:  # a checkout that is not installed
        release = ""
    digest = hashlib.sha256(release.encode())
    for file in (*sorted(Path(__file__).parent.glob("*.py")), Path(prepare.__file__)):
        digest.update(b"\0" + file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


def _survive_damage(dispatcher: Any, folder: Path) -> None:
    """Lets a kernel compile where what is kept of it cannot be loaded; then all in the folder goes, once."""
    kept = dispatcher._cache
    load, save = kept.load_overload, kept.save_overload

    def load_overload(signature: Any, target: Any) -> Any:
        try:
            found = load(signature, target)
            if found is not None:
                found.bind()  # the driver loads it now, not at the launch
            return found
        except Exception:  # a damaged pickle may raise anything
            give_up()
            return None

    def save_overload(signature: Any, compiled: Any) -> None:
        try:
            save(signature, compiled)
        except Exception:
            give_up()

    def give_up() -> None:
        kept.disable()
        _purge(folder)

    kept.load_overload, kept.save_overload = load_overload, save_overload


@cache
def _purge(folder: Path) -> None:
    """Removes all that is in the folder, once a process; the next start compiles and keeps anew."""
    with suppress(OSError):
        for inside in folder.iterdir():
            if inside.is_dir() and not inside.is_symlink():
                shutil.rmtree(inside, ignore_errors=True)
            else:
                inside.unlink()


@contextmanager
def _cache_in(folder: Path) -> Iterator[None]:
    """Functions decorated inside are cached in this folder.

    Left alone, Numba writes beside the source. Files there outlive an uninstallation, and the folder
    that they keep alive hides an editable installation of the same package.
    """
    chosen = config.CACHE_DIR  # of NUMBA_CACHE_DIR, if the user set it
    config.CACHE_DIR = str(folder)
    try:
        yield
    finally:
        config.CACHE_DIR = chosen
