"""Ctrl-C without loss: a long run ends at the next good moment."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

_ONE_REQUEST = 2.0  # seconds: torchrun hands a Ctrl-C on that its processes have seen already


@contextmanager
def stop_requests() -> Iterator[threading.Event]:
    """Set by Ctrl-C or SIGTERM; the same again, later, ends the process at once."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop  # signals are for the main thread
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    first = 0.0

    def request(number: int, frame: object) -> None:
        nonlocal first
        if not stop.is_set():
            first = monotonic()
            stop.set()
        elif monotonic() - first > _ONE_REQUEST:
            signal.signal(number, before[signal.Signals(number)])
            signal.raise_signal(number)

    for number in before:
        signal.signal(number, request)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
