"""`jit`: Numba's compiler with an on-disk cache where one can be written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit


def jit(function: Callable[..., Any]) -> Any:
    """Compiles `function` at its first call, without Python's lock, cached on disk.

    Numba refuses to cache when neither the package folder nor the user's cache folder is
    writable (a read-only container without a home); then it is compiled once per process.
    """
    try:
        return njit(nogil=True, cache=True)(function)
    except RuntimeError:
        return njit(nogil=True)(function)
