"""What all tests share: their data, and how they are run."""

from __future__ import annotations

import ctypes
import math
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from c2p_deploy.start import wait_asleep

wait_asleep()  # before anything imports torch: of several workers each would wait for the cores it takes

from c2p_deploy import console  # noqa: E402
from paths import GOLDEN, SHARED  # noqa: E402
from stand_in import write_stand_in  # noqa: E402

# A slow machine is no error.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


@pytest.fixture(autouse=True)
def no_progress_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a command says does not depend on how fast the machine is."""
    monkeypatch.setattr(console, "EVERY", math.inf)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real clouds and full goldens beside the repository, where there is one."""
    if not (SHARED / "golden").is_dir():
        pytest.skip(f"needs the real clouds and full goldens in {SHARED}")
    return SHARED


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Checkpoints in the authors' layout and what follows from them, as far as a clone can make them."""
    folder = tmp_path_factory.mktemp("golden") / "stand-in"
    write_stand_in(folder)
    return folder


@pytest.fixture(
    scope="session", params=["stand-in", "authors"] if (SHARED / "golden").is_dir() else ["stand-in"]
)
def golden_folder(request: pytest.FixtureRequest) -> Path:
    """Checkpoints, clouds and outputs: the stand-in, and the authors' own where they are present."""
    if request.param == "authors":
        return SHARED / "golden"
    stand_in: Path = request.getfixturevalue("stand_in")
    return stand_in


@pytest.fixture
def chair() -> np.ndarray:
    """A chair of 1,024 points, z up: float32 [1024, 3]."""
    with np.load(GOLDEN / "chair.npz") as golden:
        return golden["points_raw"]


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Processes that the test starts heed SIGINT, also where the tests run in a shell's background.

    Such a shell starts its children with the signal ignored, and they hand that down.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class _Stack(ctypes.Structure):
    _fields_ = (("memory", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t))


@pytest.fixture(autouse=True)
def signals_on_the_threads_own_stack() -> None:
    """Without an alternate stack for signals, which pytest's faulthandler and some libraries install.

    After many tests in one process a signal no longer fitted the one that was there, and the kernel ended
    the process (SIGSEGV of its own, SI_KERNEL) where Python would have heard Ctrl-C.
    """
    disable = 2
    ctypes.CDLL(None).sigaltstack(ctypes.byref(_Stack(None, disable, 0)), None)
