"""`View`: what `c2p-run` sees, for Foxglove: served while it runs, written to an MCAP file, or both."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

import click
import numpy as np
import numpy.typing as npt

from c2p_deploy.errors import C2PError, MissingDependencyError, one_line, reason_of
from c2p_deploy.extras import install
from c2p_deploy.files import atomic_path
from c2p_deploy.projection.spec import FloatArray, up_vector
from c2p_deploy.start import strike_again
from c2p_runtime.answers import Source, writing
from c2p_runtime.classifier import Classifier
from c2p_runtime.picture import grid_shape
from c2p_runtime.prediction import Prediction
from c2p_runtime.scene.classifier import Scene
from c2p_runtime.scene.cutting.boxes import upright_box
from c2p_runtime.scene.ply import colours_of, parts_of
from c2p_runtime.scene.upright import turn_between, turned

if TYPE_CHECKING:
    from foxglove import Context

HOST, PORT = "127.0.0.1", 8765  # Foxglove's own default
_FRAME = "cloud"  # the frame of reference of clouds that name none
_MOST_DRAWN = 16  # things whose depth maps are drawn, the nearest first

Message = Callable[[], Any]  # makes one, where somebody wants it


class View:
    """Shows each cloud, and what was found in it, on four topics.

        view = View(clf)
        with view.shown(serve=True, save=Path("seen.mcap")):
            view.scene(source, points, scene_clf(points))

    /c2p/points: the cloud, in a scene in the colours of its things; /c2p/things: their boxes and names;
    /c2p/depth: what the encoder sees of them; /c2p/latency: the milliseconds of each stage. Messages have the
    stamp of the recording, and the time they are made at where there is none. Raises MissingDependencyError
    without the extra `view`.
    """

    def __init__(self, classifier: Classifier) -> None:
        try:
            import foxglove  # noqa: F401
        except ImportError as error:
            raise MissingDependencyError("to look needs foxglove-sdk", install("view")) from error
        self._classifier = classifier
        self._shown: list[_Topics] = []

    def cloud(self, source: Source, points: npt.NDArray[Any], prediction: Prediction) -> None:
        """Shows points [N, 3] that were taken for one thing."""
        from c2p_runtime.robot.foxglove_messages import cloud_message, depth_message, things_message

        stamp, frame_id = _when_and_where(source)
        seen = points[np.isfinite(points[:, :3]).all(axis=1), :3].astype(np.float64)
        box = upright_box(seen, up_vector(self._classifier.up))
        self._show(
            stamp,
            points=lambda: cloud_message(points, None, stamp, frame_id),
            things=lambda: things_message([(box, prediction)], stamp, frame_id),
            depth=lambda: depth_message(_in_rows(self._classifier.depth_maps(points)), stamp, frame_id),
            latency=lambda: dict(prediction.timing_ms),
        )

    def scene(self, source: Source, points: npt.NDArray[Any], scene: Scene) -> None:
        """Shows points [N, 3] of a scene."""
        from c2p_runtime.robot.foxglove_messages import cloud_message, depth_message, things_message

        stamp, frame_id = _when_and_where(source)
        things = [(found.box, found) for found in scene.objects]
        self._show(
            stamp,
            points=lambda: cloud_message(points, colours_of(parts_of(len(points), scene)), stamp, frame_id),
            things=lambda: things_message(things, stamp, frame_id),
            depth=lambda: depth_message(self._maps_of(points, scene), stamp, frame_id),
            latency=lambda: dict(scene.timing_ms),
        )

    def _maps_of(self, points: npt.NDArray[Any], scene: Scene) -> FloatArray:
        """Depth maps float32 [things, V, S, S]; NaN for a thing without a prediction; one row at least."""
        spec, views = self._classifier.manifest.spec, self._classifier.manifest.views
        shown = scene.objects[:_MOST_DRAWN]
        size = spec.image_size
        maps = np.full((max(len(shown), 1), len(views), size, size), np.nan, np.float32)
        turn = turn_between(scene.up, scene.up_axis, self._classifier.up)
        for row, found in enumerate(shown):
            if found.prediction is not None:
                maps[row] = self._classifier.depth_maps(turned(points[found.indices, :3], turn))
        return maps

    def _show(self, stamp: int, **messages: Message) -> None:
        for topics in self._shown:
            topics.show(stamp, messages)

    @contextmanager
    def shown(self, serve: bool, save: Path | None) -> Iterator[None]:
        """`served`, `saved`, or both: then the file is whole when Ctrl-C is waited for."""
        with self.served() if serve else nullcontext(), self.saved(save) if save else nullcontext():
            yield

    @contextmanager
    def served(self) -> Iterator[None]:
        """Inside, Foxglove can connect to this machine; afterwards, too, until Ctrl-C, if all went well.

        Whoever connects gets the last cloud at once. On another port than usual, where that is taken. Says
        on stderr which it is. Raises C2PError where none can be had.
        """
        from foxglove import start_server

        topics = _Topics()
        server = None
        for port in (PORT, 0):  # 0: any that is free
            try:
                server = start_server(
                    name="c2p-run",
                    host=HOST,
                    port=port,
                    context=topics.context,
                    server_listener=topics,  # type: ignore[arg-type]  # the part of one that is called
                )
                break
            except RuntimeError as error:
                refusal = error
        if server is None:
            problem = f"Foxglove cannot be served on {HOST} ({reason_of(refusal)})"
            raise C2PError(problem, "check the network interfaces")
        address = f"ws://{HOST}:{server.port}"
        try:
            self._shown.append(topics)
            click.echo(f"to be seen in Foxglove at {address}", err=True)
            yield
            if topics.last is not None:
                click.echo(f"all is done; the last cloud stays at {address} until Ctrl-C", err=True)
                _wait_for_ctrl_c()
        finally:
            self._shown.remove(topics)
            server.stop()

    @contextmanager
    def saved(self, path: Path) -> Iterator[None]:
        """Inside, all that is shown is written, too; the file has its name when all is in it.

        Raises C2PError where it cannot be written, and where there was nothing to write.
        """
        from foxglove import open_mcap

        topics = _Topics()
        with writing(path), atomic_path(path) as temporary, temporary.open("wb", buffering=0) as opened:
            file = _File(opened)
            with open_mcap(file, context=topics.context):  # type: ignore[arg-type]
                self._shown.append(topics)
                try:
                    yield
                finally:
                    self._shown.remove(topics)
            if file.error is not None:
                raise file.error
            if topics.last is None:
                raise C2PError("is not written: no cloud was answered", path=path)


class _Topics:
    """The topics for one taker: the server, which tells of subscriptions here, or a file."""

    def __init__(self) -> None:
        from foxglove import Channel, Context
        from foxglove.channels import PointCloudChannel, RawImageChannel, SceneUpdateChannel

        from c2p_runtime.robot.foxglove_messages import LATENCY

        self.context: Context = Context()
        self.last: tuple[int, dict[str, Message]] | None = None
        self._channels: dict[str, _Channel] = {
            "points": PointCloudChannel("/c2p/points", context=self.context),
            "things": SceneUpdateChannel("/c2p/things", context=self.context),
            "depth": RawImageChannel("/c2p/depth", context=self.context),
            "latency": Channel("/c2p/latency", schema=LATENCY, context=self.context),
        }

    def show(self, stamp: int, messages: dict[str, Message]) -> None:
        """Gives the messages of a cloud to whoever wants them; what nobody wants is not made."""
        messages = {name: cache(make) for name, make in messages.items()}
        self.last = stamp, messages
        for name, channel in self._channels.items():
            if channel.has_sinks():
                channel.log(messages[name](), log_time=stamp)

    def on_subscribe(self, client: object, channel: Any) -> None:
        """Gives who comes later what was shown last, which may be all there will be."""
        if self.last is not None:
            stamp, messages = self.last
            name = channel.topic.rpartition("/")[2]
            self._channels[name].log(messages[name](), log_time=stamp)

    def on_unsubscribe(self, client: object, channel: Any) -> None:
        """The server asks for this one, too."""


class _Channel(Protocol):
    def has_sinks(self) -> bool:
        """Whether anybody has subscribed."""

    def log(self, msg: Any, *, log_time: int | None = None) -> None:
        """Gives a message to all who have."""


class _File:
    """A file whose first failure is kept, Ctrl-C among them: foxglove's writer would only log it.

    After that it takes all and keeps nothing, at the places where a whole file would: the writer counts.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._at, self._end = file, 0, 0
        self.error: BaseException | None = None

    def write(self, data: bytes) -> int:
        written = self._unless_failed(lambda: self._file.write(data), len(data))
        self._at += written
        self._end = max(self._end, self._at)
        return written

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + (0, self._at, self._end)[whence]
        return self._unless_failed(lambda: self._file.seek(self._at), self._at)

    def flush(self) -> None:
        """It has no buffer."""

    def _unless_failed(self, do: Callable[[], int], otherwise: int) -> int:
        if self.error is None:
            try:
                return do()
            except BaseException as error:
                self.error = error
                if isinstance(error, KeyboardInterrupt):
                    strike_again()
        return otherwise


def _when_and_where(source: Source) -> tuple[int, str]:
    """Nanoseconds since 1970, and the frame of reference."""
    from c2p_runtime.robot.foxglove_messages import in_range

    frame = source.frame
    if frame is None:
        return time.time_ns(), _FRAME
    return in_range(frame.stamp), one_line(frame.frame_id) or _FRAME


def _in_rows(maps: FloatArray) -> FloatArray:
    """Depth maps [V, S, S] as [rows, columns, S, S]; NaN where the last row is not full."""
    rows, columns = grid_shape(len(maps))
    full = np.full((rows * columns, *maps.shape[1:]), np.nan, np.float32)
    full[: len(maps)] = maps
    return full.reshape(rows, columns, *maps.shape[1:])


def _wait_for_ctrl_c() -> None:
    ended = threading.Event()
    before = signal.signal(signal.SIGINT, lambda *_: ended.set())
    try:
        ended.wait()
    finally:
        signal.signal(signal.SIGINT, before)
