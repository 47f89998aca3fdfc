"""`SceneClassifier`: from the points of a whole scene to things with names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from types import TracebackType
from typing import Literal

import numpy as np
import numpy.typing as npt

from c2p_deploy.errors import UnusableCloudError
from c2p_deploy.projection.prepare import as_floats
from c2p_deploy.projection.spec import UpAxis
from c2p_deploy.rejection.judge import TOO_FEW_POINTS
from c2p_runtime.classifier import Classifier, Labels
from c2p_runtime.prediction import Prediction
from c2p_runtime.scene.segment import segment
from c2p_runtime.scene.segmentation import Box, IntArray, Plane, SceneOptions, Segment, Segmentation
from c2p_runtime.scene.upright import Floats, turn_between, turned, up_axis_of


@dataclass(frozen=True, eq=False)
class SceneObject:
    """One thing of a scene, and what it is.

    box: in the frame of the cloud; indices: of its points there, ascending; prediction: what the classifier
    says of these points alone, None where they are too few or have no shape.
    """

    box: Box
    indices: IntArray
    prediction: Prediction | None

    @property
    def label(self) -> str | None:
        """Its name, or None where `reason` says why none should be given."""
        return None if self.prediction is None else self.prediction.label

    @property
    def guess(self) -> str | None:
        """The most likely name in any case; None without a prediction."""
        return None if self.prediction is None else self.prediction.guess

    @property
    def confidence(self) -> float:
        """The probability that `guess` is right, in [0, 1]."""
        return 0.0 if self.prediction is None else self.prediction.confidence

    @property
    def reason(self) -> str | None:
        """Why there is no label, one of `c2p_deploy.rejection.judge.REASONS`; None where there is one."""
        return TOO_FEW_POINTS if self.prediction is None else self.prediction.reason


@dataclass(frozen=True, eq=False)
class Scene:
    """The things of a scene, the nearest to the sensor first.

    up_axis: the axis that points up in a frame of the cloud's kind; `up` is near it. planes, up, dropped,
    too_small and too_large are those of its `Segmentation`. timing_ms: milliseconds of the segmentation's
    stages, then "cut" (the points of things, upright), "classify" and "total".
    """

    objects: tuple[SceneObject, ...]
    planes: tuple[Plane, ...]
    up: npt.NDArray[np.float64]
    up_axis: UpAxis
    dropped: int
    too_small: int
    too_large: int
    timing_ms: dict[str, float]


class SceneClassifier:
    """Cuts a scene into things and says what each is, all of them in one call of the engine.

        scene_clf = SceneClassifier(Classifier())
        scene = scene_clf(points)                  # (N, 3) in metres
        for thing in scene.objects:
            thing.box, thing.indices, thing.label, thing.guess, thing.confidence, thing.reason

    clf stays as it is, and its owner's to close; `close` lets go of the share of its engine that is held
    here. Names that are impossible at a thing's size are left out wherever the engine has limits for them.
    One scene classifier may be called from many threads at once.
    """

    def __init__(self, clf: Classifier, options: SceneOptions | None = None) -> None:
        """Raises EngineError where clf is closed."""
        self.options = SceneOptions() if options is None else options
        self.classifier = clf.in_metres()

    def __call__(self, points: npt.ArrayLike, up: UpAxis | Literal["auto"] = "auto") -> Scene:
        """The scene of points [N, 3] in metres, on the host; further columns and holes are left aside.

        up: the axis of the cloud that points up; "auto" finds it (`segment`). Raises CloudError for what is
        no cloud.
        """
        started = perf_counter()
        cloud = as_floats(points)
        parts = segment(cloud, up, self.options)
        return self.named(cloud, parts, up, started)

    def named(
        self,
        cloud: Floats,
        parts: Segmentation,
        up: UpAxis | Literal["auto"] = "auto",
        started: float | None = None,
    ) -> Scene:
        """The scene of points [N, 3] that are in parts already. started: when work on it began."""
        up_axis = up_axis_of(parts.up, up)
        between = perf_counter()
        clouds = self._cut_out(cloud, parts.objects, turn_between(parts.up, up_axis, self.classifier.up))
        cut = perf_counter()
        predictions = self._predictions(clouds)
        ended = perf_counter()
        timing = {
            **parts.timing_ms,
            "cut": 1e3 * (cut - between),
            "classify": 1e3 * (ended - cut),
        }
        timing["total"] = 1e3 * (ended - (between if started is None else started))
        objects = tuple(
            SceneObject(part.box, part.indices, prediction)
            for part, prediction in zip(parts.objects, predictions, strict=True)
        )
        return Scene(
            objects, parts.planes, parts.up, up_axis, parts.dropped, parts.too_small, parts.too_large, timing
        )

    def with_labels(self, labels: Labels) -> SceneClassifier:
        """A new scene classifier with other labels on the same engine; as `Classifier.with_labels`."""
        with self.classifier.with_labels(labels) as changed:
            return SceneClassifier(changed, self.options)

    def close(self) -> None:
        """Lets go of the engine. Calling this scene classifier afterwards raises EngineError."""
        self.classifier.close()

    def __enter__(self) -> SceneClassifier:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _cut_out(
        self, cloud: Floats, parts: Sequence[Segment], turn: npt.NDArray[np.float64]
    ) -> list[Floats | None]:
        """The points of each part, turned as the classifier wants its clouds; None where they are too few.

        They are gathered and turned together: each cloud is a view of one array.
        """
        most = self.classifier.max_points if self.classifier.device == "cuda" else None
        chosen = [
            part.indices if most is None else part.indices[:: max(1, -(-len(part.indices) // most))]
            for part in parts
            if len(part.indices) >= self.options.min_points
        ]
        if not chosen:
            return [None] * len(parts)
        together = turned(np.take(cloud, np.concatenate(chosen), axis=0), turn)
        ends = np.cumsum([len(indices) for indices in chosen])
        cut = iter(np.split(together, ends[:-1]))
        return [next(cut) if len(part.indices) >= self.options.min_points else None for part in parts]

    def _predictions(self, clouds: Sequence[Floats | None]) -> list[Prediction | None]:
        """Of every cloud, in as few engine calls as can be; None for those that are None or have no shape."""
        found: list[Prediction | None] = [None] * len(clouds)
        places = [place for place, cloud in enumerate(clouds) if cloud is not None]
        while places:
            try:
                predictions = self.classifier.batch([clouds[place] for place in places])  # type: ignore[misc]
            except UnusableCloudError as error:  # nothing is left of it without its strays
                del places[error.index]
                continue
            for place, prediction in zip(places, predictions, strict=True):
                found[place] = prediction
            break
        return found
