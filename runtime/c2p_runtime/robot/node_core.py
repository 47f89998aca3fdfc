"""`NodeCore`: clouds in, detections out, as messages; what a node does, whatever bus it is on.

An adapter hands in each message as it comes, and is handed what is to be published:

    with NodeCore(messages(2), engine, publish) as core:
        core.on_cloud(data)         # bytes, or a message object; never waits
        core.on_labels("mug, bowl") # from now on
        core.diagnostics()          # once a second, say
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from c2p_deploy.errors import C2PError
from c2p_deploy.io import read_cloud2
from c2p_deploy.projection.spec import UpAxis, up_vector
from c2p_runtime.classifier import Classifier
from c2p_runtime.robot.detections import Found, detection_array, marker_array
from c2p_runtime.robot.health import Health
from c2p_runtime.robot.messages import CLOUD, DETECTIONS, MARKERS, TEXT, Messages
from c2p_runtime.robot.stream import Stats, Stream
from c2p_runtime.scene.classifier import SceneClassifier
from c2p_runtime.scene.cutting.boxes import upright_box
from c2p_runtime.scene.segmentation import SceneOptions
from c2p_runtime.scene.tracks import Tracks

_log = logging.getLogger("c2p_runtime")
Output = Literal["detections", "markers"]
KINDS: dict[Output, str] = {"detections": DETECTIONS, "markers": MARKERS}


@dataclass(frozen=True)
class Told:
    """What is to be published of one cloud, and how old it was by its stamp when that was ready."""

    detections: Any
    markers: Any
    stamp_age_ms: float


class NodeCore:
    """Names the things in each cloud message that comes, and hands on what is to be published.

    clf: stays its owner's to close. publish: is called with "detections" or "markers" and a message of
    `msgs`, in the thread of the worker; what it raises counts as a failure of that cloud. scene: how clouds
    are cut into things; None takes each for one thing. up: as for `SceneClassifier`; "auto" finds the support
    plane, and for clouds of one thing is the classifier's own.

    Detections have the stamp and frame of the cloud that they are of. A cloud that has not been begun when
    the next one comes is dropped. What is wrong with one is logged, once, and the next one follows.
    """

    def __init__(
        self,
        msgs: Messages,
        clf: Classifier,
        publish: Callable[[Output, Any], object],
        *,
        scene: SceneOptions | None = None,
        up: UpAxis | Literal["auto"] = "auto",
        name: str = "c2p",
    ) -> None:
        self.msgs, self.name = msgs, name
        self._publish, self._scene, self._up = publish, scene, up
        self._own = clf.with_labels(clf.labels)  # shares of the engine that may be let go of
        self._clf = clf.with_labels(clf.labels)
        self._scene_clf = None if scene is None else SceneClassifier(self._clf, scene)
        self._tracks, self._frame_id = Tracks(), ""
        self._health = Health(name)
        self._asked: str | bytes = ""
        self._lock = threading.Lock()  # guards _asked
        self._warm_up()
        self._stream: Stream[Any, Told] = Stream(self._work)

    @property
    def stats(self) -> Stats:
        """Counts and times of this moment, as those of a `Stream`."""
        return self._stream.stats

    @property
    def labels(self) -> tuple[str, ...]:
        """What is chosen from."""
        return tuple(self._clf.labels.names)

    def on_cloud(self, message: Any) -> None:
        """Takes a cloud: the bytes of a PointCloud2 as they came, or the message. From any thread."""
        self._health.came()
        self._stream.submit(message)

    def on_labels(self, text: str | bytes) -> None:
        """Names, separated by commas, from which the next cloud's are chosen; an empty text changes nothing.

        text: itself, or the bytes of a std_msgs/String as they came.

        Names that are refused are logged, and told by `diagnostics`; the old ones then stay.
        """
        with self._lock:
            self._asked = text

    def diagnostics(self) -> Any:
        """A diagnostic_msgs/DiagnosticArray of what happened since the last one."""
        values = {
            "labels": len(self.labels),
            "engine": self._own.engine,
            "backend": self._own.backend,
        }
        header = header_of(self.msgs, time.time_ns(), "")
        return self._health.array(self.msgs, header, self._stream.stats, self._own.device, values)

    def close(self) -> None:
        """Finishes the cloud in work, and lets go of the engine."""
        self._stream.close()
        self._let_go(self._clf, self._scene_clf)
        self._own.close()

    def __enter__(self) -> NodeCore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _warm_up(self) -> None:
        """What only the first cloud would have to do: the engine's, and the codecs that rosbags writes."""
        self._clf.warmup()
        if self._scene_clf is not None:
            ball = np.random.default_rng(0).normal(size=(1000, 3)) * 0.05 + (1, 0, 0)
            self._scene_clf(ball.astype(np.float32), "z")
        header = header_of(self.msgs, 0, "")
        for empty in (
            detection_array(self.msgs, header, (), ()),
            marker_array(self.msgs, header, ()),
            self.msgs.make(CLOUD),
        ):
            self.msgs.decode(self.msgs.encode(empty), empty.__msgtype__)

    def _work(self, message: Any) -> Told:
        """What the stream's thread does with each cloud: whatever counts as done, diagnostics know of."""
        try:
            told = self._answer(message)
        except BaseException as error:
            self._health.done(error, None)
            raise
        self._health.done(None, told.stamp_age_ms)
        return told

    def _answer(self, message: Any) -> Told:
        """What is published of a cloud."""
        self._take_labels()
        if isinstance(message, bytes):
            message = self.msgs.decode(message, CLOUD)
        points = read_cloud2(message)
        stamp = message.header.stamp
        # ROS 1's own classes call them secs and nsecs, all others sec and nanosec.
        seconds = stamp.sec if hasattr(stamp, "sec") else stamp.secs
        nanoseconds = stamp.nanosec if hasattr(stamp, "nanosec") else stamp.nsecs
        measured = seconds * 10**9 + nanoseconds
        header = header_of(self.msgs, measured, message.header.frame_id)
        found = self._found(points, header.frame_id)
        told = Told(
            detection_array(self.msgs, header, found, self.labels),
            marker_array(self.msgs, header, found),
            (time.time_ns() - measured) / 1e6,
        )
        self._publish("detections", told.detections)
        self._publish("markers", told.markers)
        return told

    def _found(self, points: npt.NDArray[np.float32], frame_id: str) -> list[Found]:
        """The things in points [N, 3] of that frame."""
        if not np.isfinite(points).all(axis=1).any():
            return []  # the sensor sees nothing
        if self._scene_clf is None:
            return self._one_thing(points)
        if frame_id != self._frame_id:  # boxes of two frames of reference cannot be compared
            self._tracks, self._frame_id = Tracks(), frame_id
        scene = self._scene_clf(points, self._up)
        return [
            Found(track.box, track.label, track.guess, track.confidence, track.id)
            for track in self._tracks.update(scene)
        ]

    def _one_thing(self, points: npt.NDArray[np.float32]) -> list[Found]:
        prediction = self._clf(points)
        seen = points[np.isfinite(points).all(axis=1)].astype(np.float64)
        box = upright_box(seen, up_vector(self._clf.up))
        return [Found(box, prediction.label, prediction.guess, prediction.confidence, None)]

    def _take_labels(self) -> None:
        """Chooses from the labels that were asked for since the last cloud, if any."""
        with self._lock:
            text, self._asked = self._asked, ""
        if not text:
            return
        try:
            if isinstance(text, bytes):
                text = str(self.msgs.decode(text, TEXT).data)
            names = [name for part in text.replace("\n", ",").split(",") if (name := part.strip())]
            if not names:
                return
            changed = self._own.with_labels(names)  # what that one was taught, any of its names keeps
        except C2PError as error:
            self._health.refuse(f"the old labels stay: {error.problem}; {error.remedy}")
            return
        old = self._clf, self._scene_clf
        self._clf = changed
        self._scene_clf = None if self._scene is None else SceneClassifier(changed, self._scene)
        self._tracks = Tracks()  # names of before have no say in those of now
        self._let_go(*old)
        self._health.refuse("")
        _log.info("%s: chooses from %d labels", self.name, len(names))

    def _let_go(self, clf: Classifier, scene_clf: SceneClassifier | None) -> None:
        if scene_clf is not None:
            scene_clf.close()
        clf.close()


def header_of(msgs: Messages, nanoseconds: int, frame_id: str) -> Any:
    """The std_msgs/Header of a time since 1970 in a frame of reference."""
    seconds, rest = divmod(int(nanoseconds), 10**9)
    stamp = msgs.make("builtin_interfaces/msg/Time", sec=seconds, nanosec=rest)
    return msgs.make("std_msgs/msg/Header", stamp=stamp, frame_id=frame_id)
