"""How a node is: what its diagnostics say, and its log."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from typing import Any

from c2p_deploy.errors import C2PError, one_line, reason_of
from c2p_runtime.robot.messages import DIAGNOSTICS, Messages
from c2p_runtime.robot.stream import Stats

_log = logging.getLogger("c2p_runtime")
SILENCE = 5.0  # seconds without a cloud after which the sensor counts as stale
OK, WARN, ERROR, STALE = range(4)  # levels of diagnostic_msgs/DiagnosticStatus


class Health:
    """What happened of late. Safe to call from any thread.

    A problem of clouds is logged when it comes and when it has gone; diagnostics tell it as long as it is
    there.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._lock = threading.Lock()  # guards all that follows
        self._problem = self._refused = ""
        self._stamp_age_ms = float("nan")
        self._last = time.monotonic()
        self._before = 0, 0  # clouds done and dropped when diagnostics were made last

    def came(self) -> None:
        """A cloud came."""
        with self._lock:
            self._last = time.monotonic()

    def done(self, error: BaseException | None, stamp_age_ms: float | None) -> None:
        """A cloud is done, and was so old by its stamp; or it failed."""
        problem = ""
        if error is not None:
            problem = (
                str(error) if isinstance(error, C2PError) else f"{type(error).__name__}: {reason_of(error)}"
            )
        with self._lock:
            before, self._problem = self._problem, problem
            if stamp_age_ms is not None:
                self._stamp_age_ms = stamp_age_ms
        if problem and problem != before:
            _log.warning("%s: a cloud is left out: %s", self.name, one_line(problem))
        elif before and not problem:
            _log.warning("%s: clouds are answered again", self.name)

    def refuse(self, refusal: str) -> None:
        """The newest labels that were asked for are refused; with an empty text, they are taken."""
        with self._lock:
            self._refused = refusal
        if refusal:
            _log.warning("%s: %s", self.name, one_line(refusal))

    def array(
        self, msgs: Messages, header: Any, stats: Stats, hardware: str, values: Mapping[str, object]
    ) -> Any:
        """A diagnostic_msgs/DiagnosticArray of what happened since the last one. values: further ones."""
        with self._lock:
            done, dropped = stats.done - self._before[0], stats.dropped - self._before[1]
            self._before = stats.done, stats.dropped
            silent = time.monotonic() - self._last > SILENCE
            if silent:
                level, said = STALE, f"no cloud for {SILENCE:.0f} s"
            elif self._problem:
                level, said = ERROR, self._problem
            elif self._refused:
                level, said = WARN, self._refused
            elif dropped > done:
                level, said = WARN, f"{dropped} clouds dropped, {done} done: the sensor is faster"
            else:
                level, said = OK, f"{done} clouds done"
            told: dict[str, object] = {
                "received": stats.received,
                "done": stats.done,
                "dropped": stats.dropped,
                "failed": stats.failed,
                "stamp_age_ms": f"{self._stamp_age_ms:.1f}",
            }
        for what, times in (("latency_ms", stats.latency_ms), ("age_ms", stats.age_ms)):
            if times is not None:
                told |= {f"{what}_{part}": f"{ms:.1f}" for part, ms in times._asdict().items()}
        pairs = [
            msgs.make("diagnostic_msgs/msg/KeyValue", key=key, value=str(value))
            for key, value in (told | dict(values)).items()
        ]
        status = msgs.make(
            "diagnostic_msgs/msg/DiagnosticStatus",
            level=level,
            name=f"{self.name}: classification",
            message=one_line(said),
            hardware_id=hardware,
            values=pairs,
        )
        return msgs.make(DIAGNOSTICS, header=header, status=[status])
