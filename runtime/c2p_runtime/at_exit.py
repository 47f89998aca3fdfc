"""Calls of an engine end before the interpreter does.

A daemon thread that is inside a library of C++ when the interpreter ends is unwound there by Python up to
3.13, and that aborts the process. So the end waits for the calls that are running, and one that begins after
it never returns: its thread stands still for the milliseconds that are left.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_PATIENCE = 10.0  # seconds for a call that hangs
_change = threading.Condition()
_running = 0
_ended = False
_inside = threading.local()  # .now: whether this thread's call is counted already


@contextmanager
def awaited_at_exit() -> Iterator[None]:
    """Around a call of an engine, in any thread; the main thread's needs no waiting for.

    May be nested: a call inside one that is awaited belongs to it.
    """
    global _running
    if threading.current_thread() is threading.main_thread() or getattr(_inside, "now", False):
        yield
        return
    with _change:
        stand_still = _ended
        if not stand_still:
            _running += 1
    if stand_still:
        _for_ever()
    _inside.now = True
    try:
        yield
    finally:
        _inside.now = False
        with _change:
            _running -= 1
            _change.notify_all()


def _for_ever() -> None:
    never = threading.Lock()
    never.acquire()
    never.acquire()


@atexit.register
def _end() -> None:
    global _ended
    with _change:
        _ended = True
        _change.wait_for(lambda: _running == 0, _PATIENCE)


def _in_child() -> None:
    """A forked child has none of these threads."""
    global _change, _running
    _change, _running = threading.Condition(), 0


os.register_at_fork(after_in_child=_in_child)
