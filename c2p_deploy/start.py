"""How the process of a command begins: Ctrl-C ends it with one line and 130 from the first moment on.

Importing what a command needs takes most of a second. A KeyboardInterrupt in the middle of that is a
traceback, or is lost in the C code of a library, or comes out of it as another error. So as long as nothing
has to be tidied up, Ctrl-C ends the process at once; `c2p_deploy.console.exit_on_error` lets it be an
exception while a command works. This module imports next to nothing, because until it has, the first
moment has not come.
"""

from __future__ import annotations

import os
import signal
import sys
from importlib import import_module
from types import FrameType
from typing import Any, NoReturn

INTERRUPTED = 130  # as shells have it: 128 + SIGINT
_process = 0  # whose Ctrl-C it is: a forked child says nothing


def start(module: str, *, computes: bool = False) -> NoReturn:
    """Runs the command `main` of this module, and ends the process. computes: with torch, on all cores."""
    guard()
    if computes:
        wait_asleep()
    command = import_module(module).main
    from c2p_deploy.console import run

    run(command)


def wait_asleep() -> None:
    """Threads of OpenMP that wait for one another sleep, unless whoever started us has chosen otherwise.

    Left alone they go on computing nothing, and where a core is shared with another program each waits for
    the one that it keeps from running: benchmarks/training_step.py. OpenMP asks once, when torch is imported.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # GNU's, which torch brings along
    os.environ.setdefault("KMP_BLOCKTIME", "0")  # Intel's and LLVM's


def guard() -> None:
    """From now on Ctrl-C ends the process; not where whoever started it has it ignored, as nohup does."""
    global _process
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        _process = os.getpid()
        signal.signal(signal.SIGINT, end_at_once)
        sys.unraisablehook = _not_lost


def end_at_once(number: int, frame: FrameType | None) -> None:
    """The handler of SIGINT while there is nothing to tidy up."""
    if os.getpid() == _process:
        try:  # noqa: SIM105 -- contextlib is not imported yet
            os.write(2, b"interrupted\n")
        except OSError:
            pass
    os._exit(INTERRUPTED)


def _not_lost(unraisable: Any) -> None:
    """Where Ctrl-C struck a callback that cannot raise, it comes again a little later."""
    if not issubclass(unraisable.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(unraisable)
        return
    strike_again()


def strike_again() -> None:
    """Ctrl-C comes again a little later."""
    from threading import Timer

    again = Timer(0.02, os.kill, (os.getpid(), signal.SIGINT))
    again.daemon = True
    again.start()
