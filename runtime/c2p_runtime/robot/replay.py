"""`replay`: a recording in place of a sensor."""

from __future__ import annotations

from collections.abc import Iterator
from time import monotonic, sleep
from typing import Literal, Protocol, get_args

from c2p_deploy.errors import OptionError
from c2p_deploy.io.recording import Frame

Rate = Literal["real", "max"]
RATES: tuple[Rate, ...] = get_args(Rate)


class Frames(Protocol):
    """What gives frames: a `c2p_deploy.io.recording.Recording`."""

    def frames(self, every: int) -> Iterator[Frame]:
        """The first, and every so many after it."""


def replay(recording: Frames, every: int = 1, rate: Rate = "real") -> Iterator[Frame]:
    """The frames of a recording: the first, and every so many after it; `frame.number` counts all.

        with Stream(clf, on_result=publish) as stream:
            for frame in replay(open_recording("drive.mcap")):
                stream.submit(frame.points)

    rate: "real" gives each frame as long after the first as it was recorded after it, "max" as fast as they
    are read. Who is slower than that gets what is overdue at once, frame by frame, and then keeps pace again.
    Raises OptionError, and what the recording raises.
    """
    if rate not in RATES:
        raise OptionError(f"rate must be one of {' '.join(RATES)}, not {rate!r}")
    return _at_pace(recording.frames(every)) if rate == "real" else recording.frames(every)


def _at_pace(frames: Iterator[Frame]) -> Iterator[Frame]:
    begun = first = None
    for frame in frames:
        if begun is None or first is None:
            begun, first = monotonic(), frame.received
        else:
            left = begun + (frame.received - first) / 1e9 - monotonic()
            if left > 0:
                sleep(left)
        yield frame
