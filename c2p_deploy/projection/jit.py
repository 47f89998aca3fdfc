"""`jit`: Numba's compiler with an on-disk cache that stays out of the installed package."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numba
from numba import njit

from c2p_deploy.files import user_cache


def jit(function: Callable[..., Any]) -> Any:
    """Compiles `function` at its first call, without Python's lock, cached on disk.

    x / 0 is inf, as in NumPy: the check for it would keep loops from being vectorised.
    The compiled code is kept in `c2p-deploy` below $XDG_CACHE_HOME or ~/.cache, or where
    NUMBA_CACHE_DIR says. Where no folder is writable (a read-only container without a
    home) Numba refuses to cache; then it is compiled once per process.
    """
    compiled = partial(njit, nogil=True, error_model="numpy")
    try:
        with cache_of_the_user(numba.config):
            return compiled(cache=True)(function)
    except RuntimeError:
        return compiled()(function)


@contextmanager
def cache_of_the_user(config: Any) -> Iterator[None]:
    """Functions decorated inside are cached in the user's cache folder. config: of numba, or of numba-cuda.

    Left alone, Numba writes beside the source. Files there outlive an uninstallation, and
    the folder that they keep alive hides an editable installation of the same package.
    """
    chosen = config.CACHE_DIR  # of NUMBA_CACHE_DIR, if the user set it
    config.CACHE_DIR = chosen or str(user_cache())
    try:
        yield
    finally:
        config.CACHE_DIR = chosen
