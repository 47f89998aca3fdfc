"""What `c2p-run` prints and writes for one cloud."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from c2p_deploy import console
from c2p_deploy.errors import C2PError, reason_of
from c2p_deploy.projection.floor import has_floor
from c2p_runtime.scene.hint import looks_like_scene

if TYPE_CHECKING:
    import numpy.typing as npt

    from c2p_deploy.io.recording import Frame
    from c2p_runtime.classifier import Classifier
    from c2p_runtime.prediction import Prediction

_log = logging.getLogger("c2p_runtime")
_FLOOR = (
    "seems to stand on a piece of floor, which counts as part of it; cut that off for a better answer, or "
    "have --scene do it"
)
_SCENE = "looks like a whole scene, not like one thing; with --scene, in metres, each thing in it gets a name"


@dataclass(frozen=True)
class Source:
    """Where a cloud is from: a file, or a frame of a recording. As text "chair.ply", or "drive.bag@12"."""

    path: Path
    frame: Frame | None = None

    def __str__(self) -> str:
        return str(self.path) if self.frame is None else f"{self.path}@{self.frame.number}"

    @property
    def stem(self) -> str:
        """For names of files about it."""
        return self.path.stem if self.frame is None else f"{self.path.stem}-{self.frame.number}"

    @property
    def first(self) -> bool:
        """Whether it is the first of its file, about which things are said that hold for all."""
        return self.frame is None or self.frame.number == 0

    def described(self) -> dict[str, Any]:
        """For JSON."""
        if self.frame is None:
            return {"file": str(self.path)}
        frame = self.frame
        return {
            "file": str(self.path),
            "frame": frame.number,
            "stamp_ns": frame.stamp,
            "frame_id": frame.frame_id,
        }


@dataclass(frozen=True)
class CloudAnswers:
    """Says what each cloud is, taken for one thing: a line, or with as_json an object.

    show: is shown each cloud that is answered.
    """

    classifier: Classifier
    outputs: OutputNames
    top_k: int
    as_json: bool
    save_views: Path | None = None
    save_depth: Path | None = None
    show: Callable[[Source, npt.NDArray[Any], Prediction], object] | None = None

    def __call__(self, source: Source, points: npt.NDArray[Any], read_ms: float) -> list[str]:
        """The lines for points [N, 3] from there, after their pictures are written. Raises C2PError."""
        classifier = self.classifier
        prediction = classifier(points)
        if self.show is not None:
            self.show(source, points, prediction)
        save_extras(classifier, points, prediction, source, self.save_views, self.save_depth, self.outputs)
        if source.first and has_floor(points, classifier.up):
            _log.warning("%s: %s", source, _FLOOR)
        elif source.first and looks_like_scene(points):
            _log.warning("%s: %s", source, _SCENE)
        if not self.as_json:
            return [answer_line(source, prediction, self.top_k)]
        record = describe(source, len(points), prediction, read_ms, classifier, self.top_k)
        return [json.dumps(record)]  # ASCII, also of names that are no text


class OutputNames:
    """Where --save-views and --save-depth write: one file, or one per cloud that never clash."""

    def __init__(self, many: bool) -> None:
        self.many = many
        self._taken: set[Path] = set()

    def for_cloud(self, wanted: Path, cloud: Source) -> Path:
        """`wanted` itself, or with several clouds `wanted` with the cloud's name in it."""
        if not self.many:
            return wanted
        candidate, number = wanted.with_name(f"{wanted.stem}-{cloud.stem}{wanted.suffix}"), 2
        while candidate in self._taken:
            candidate = wanted.with_name(f"{wanted.stem}-{cloud.stem}-{number}{wanted.suffix}")
            number += 1
        self._taken.add(candidate)
        return candidate


def save_extras(
    classifier: Classifier,
    points: npt.NDArray[Any],
    prediction: Prediction,
    cloud: Source,
    save_views: Path | None,
    save_depth: Path | None,
    outputs: OutputNames,
) -> None:
    """Writes the picture and the depth maps if they are wanted. Raises C2PError where that fails."""
    if save_views is None and save_depth is None:
        return
    depth = classifier.depth_maps(points)
    if save_views is not None:
        from c2p_runtime.picture import save_views as draw

        with writing(save_views):
            draw(
                depth,
                prediction,
                outputs.for_cloud(save_views, cloud),
                title=title_of(cloud),
                up=classifier.up,
            )
    if save_depth is not None:
        import numpy as np

        from c2p_deploy.files import atomic_path

        target = outputs.for_cloud(save_depth, cloud)
        with writing(save_depth), atomic_path(target) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, depth=depth)


@contextmanager
def writing(wanted: Path) -> Iterator[None]:
    """Inside, an OSError becomes a C2PError that says what could not be written."""
    try:
        yield
    except OSError as error:
        problem = f"cannot write {wanted}: {reason_of(error)}"
        raise C2PError(problem, "check the folder and its free space") from error


def title_of(cloud: Source) -> str:
    """The cloud's name, without its folder, for a picture."""
    return str(Source(Path(cloud.path.name), cloud.frame))


def describe(
    source: Source, points: int, prediction: Prediction, read_ms: float, classifier: Classifier, top_k: int
) -> dict[str, Any]:
    """The JSON object of one cloud."""
    timing = {"read": read_ms, **prediction.timing_ms}
    timing["total"] += read_ms
    return {
        **source.described(),
        **described(prediction, top_k),
        "points": points,
        "strays": prediction.strays,
        "timing_ms": {stage: round(ms, 3) for stage, ms in timing.items()},
        "engine": str(classifier.engine),
        "backend": classifier.backend,
    }


def described(prediction: Prediction, top_k: int) -> dict[str, Any]:
    """What a prediction says, for JSON."""
    cosines = dict(zip(prediction.labels, prediction.cosines.tolist(), strict=True))
    return {
        "label": prediction.label,
        "guess": prediction.guess,
        "confidence": round(prediction.confidence, 6),
        "reason": prediction.reason,
        "score": round(prediction.score, 6),
        "cosine": round(prediction.cosine, 6),
        "top": [
            {"label": label, "score": round(score, 6), "cosine": round(cosines[label], 6)}
            for label, score in prediction.top(top_k)
        ],
    }


def answer_line(source: Source | Path, prediction: Prediction, top_k: int) -> str:
    """The line of one cloud: file, name, how sure that is, and the scores of the runners-up."""
    if prediction.label is None:
        return f"{source}: unknown ({prediction.guess}?), {prediction.reason}"
    others = prediction.top(top_k)[1:]
    line = f"{source}: {prediction.label} {100 * prediction.confidence:.1f} %"
    if others:
        line += f"  ({', '.join(f'{label} {100 * score:.1f} %' for label, score in others)})"
    return line


def refusal_of(error: Exception, cloud: Path) -> C2PError:
    """What to tell of a cloud that ended with this error, ours or any. Raises what Ctrl-C began."""
    if console.began_with_interrupt(error):
        raise error
    if isinstance(error, C2PError):
        return error.at(cloud)
    if isinstance(error, OSError):
        return C2PError(reason_of(error), "check the path, its permissions and the free space", cloud)
    said = f": {reason_of(error)}" if str(error).strip() else ""
    problem = f"cannot be classified ({type(error).__name__}{said})"
    if isinstance(error, MemoryError):
        return C2PError(problem, "give it more memory, or fewer points", cloud)
    return C2PError(problem, "please report this", cloud)
