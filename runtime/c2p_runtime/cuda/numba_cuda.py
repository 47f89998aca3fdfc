"""numba's `cuda`, imported here and nowhere else, so that changing to its successor is one line.

Importing this module needs the package numba-cuda but no GPU and takes about half a second:
the others import it inside the function that needs it. Not run on hardware yet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from c2p_deploy.errors import MissingDependencyError
from c2p_deploy.files import user_cache

_INSTALL = (
    "pip install 'c2p-deploy[cuda12]' (JetPack 6, CUDA 12) or 'c2p-deploy[cuda13]' (JetPack 7, CUDA 13)"
)

try:
    from numba import cuda
    from numba.cuda import libdevice
    from numba.cuda.core import config  # not in the `cuda` of numba alone, which nobody maintains
except ImportError as error:
    raise MissingDependencyError("the GPU needs numba-cuda", _INSTALL) from error

__all__ = ["check_gpu", "cuda", "kernel", "libdevice"]


def check_gpu() -> None:
    """Raises MissingDependencyError when kernels cannot be compiled for a GPU of this machine."""
    if not cuda.is_available():
        raise MissingDependencyError(
            "numba-cuda finds no NVIDIA driver, or no CUDA compiler (libNVVM) for it", _INSTALL
        )


def kernel(threads: int) -> Callable[[Callable[..., Any]], Any]:
    """Decorates a CUDA kernel that is launched with at most `threads` threads a block.

    The compiler is told that number, or it could use more registers than such a block has.
    Compiled code is kept in the user's cache folder; where no folder is writable it is compiled once per
    process.
    """

    def compiled(function: Callable[..., Any]) -> Any:
        try:
            with _cache_of_the_user():
                return cuda.jit(cache=True, launch_bounds=threads)(function)
        except RuntimeError:  # numba's, when it finds no place for its cache
            return cuda.jit(launch_bounds=threads)(function)

    return compiled


@contextmanager
def _cache_of_the_user() -> Iterator[None]:
    """Functions decorated inside are cached below the user's cache folder, or where NUMBA_CACHE_DIR says.

    Left alone, Numba writes beside the source. Files there outlive an uninstallation, and the folder
    that they keep alive hides an editable installation of the same package.
    """
    chosen = config.CACHE_DIR  # of NUMBA_CACHE_DIR, if the user set it
    config.CACHE_DIR = chosen or str(user_cache())
    try:
        yield
    finally:
        config.CACHE_DIR = chosen
