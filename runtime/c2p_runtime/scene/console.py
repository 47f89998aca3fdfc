"""What `c2p-run --scene` prints and writes for one scene."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from c2p_deploy.files import atomic_path
from c2p_deploy.projection.spec import UpAxis
from c2p_runtime.answers import OutputNames, Source, described, title_of, writing
from c2p_runtime.classifier import Classifier
from c2p_runtime.prediction import Prediction
from c2p_runtime.scene.classifier import Scene, SceneClassifier, SceneObject
from c2p_runtime.scene.picture import scene_picture
from c2p_runtime.scene.ply import write_ply
from c2p_runtime.scene.segmentation import SceneOptions

_log = logging.getLogger("c2p_runtime")


@dataclass(frozen=True)
class SceneAnswers:
    """Says what is in each scene: a line for each thing, or with as_json an object for the scene.

    show: is shown each scene.
    """

    classifier: SceneClassifier
    outputs: OutputNames
    up: UpAxis | Literal["auto"]
    top_k: int
    as_json: bool
    save: Path | None = None
    show: Callable[[Source, npt.NDArray[Any], Scene], object] | None = None

    def __call__(self, source: Source, points: npt.NDArray[Any], read_ms: float) -> list[str]:
        """The lines for points [N, 3] from there, after their pictures are written. Raises C2PError."""
        scene = self.classifier(points, self.up)
        if self.show is not None:
            self.show(source, points, scene)
        if self.save is not None:
            with writing(self.save):
                target = self.outputs.for_cloud(with_suffix(self.save, ".ply"), source)
                save_scene(points, scene, target, title_of(source))
        if scene.dropped:
            _log.warning(
                "%s: %d things more than are looked at; those farthest from the sensor are left out",
                source,
                scene.dropped,
            )
        if not self.as_json:
            return list(lines_of(source, scene))
        return [json.dumps(self._described(source, len(points), scene, read_ms))]  # ASCII, whatever the names

    def _described(self, source: Source, points: int, scene: Scene, read_ms: float) -> dict[str, Any]:
        timing = {"read": read_ms, **scene.timing_ms}
        timing["total"] += read_ms
        engine = self.classifier.classifier
        return {
            **source.described(),
            "objects": [
                {"id": number, **described_object(found, self.top_k)}
                for number, found in enumerate(scene.objects, 1)
            ],
            "planes": [
                {
                    "normal": rounded(plane.normal),
                    "offset": round(plane.offset, 6),
                    "points": len(plane.indices),
                }
                for plane in scene.planes
            ],
            "up": rounded(scene.up),
            "dropped": scene.dropped,
            "too_small": scene.too_small,
            "too_large": scene.too_large,
            "points": points,
            "timing_ms": {stage: round(ms, 3) for stage, ms in timing.items()},
            "engine": str(engine.engine),
            "backend": engine.backend,
        }


def scene_answers(
    classifier: Classifier,
    outputs: OutputNames,
    up: UpAxis | Literal["auto"],
    top_k: int,
    as_json: bool,
    *,
    save_scene: Path | None,
    show: Callable[[Source, npt.NDArray[Any], Scene], object] | None = None,
    **options: Any,
) -> SceneAnswers:
    """As `SceneAnswers`. options: of `SceneOptions`; those that are None keep their defaults."""
    given = {name: value for name, value in options.items() if value is not None}
    scene_clf = SceneClassifier(classifier, SceneOptions(**given))
    return SceneAnswers(scene_clf, outputs, up, top_k, as_json, save_scene, show)


def lines_of(source: Source | Path, scene: Scene) -> Iterator[str]:
    """A line for each thing of a scene, or one that says that there is none."""
    for number, found in enumerate(scene.objects, 1):
        size = " × ".join(f"{side:.2f}" for side in found.box.size)
        place = ", ".join(f"{part:.2f}" for part in found.box.center)
        yield f"{source} #{number}: {answer_of(found)}, {size} m at ({place})"
    if not scene.objects:
        refused = [
            f"{count} too {kind}"
            for kind, count in (("small", scene.too_small), ("large", scene.too_large))
            if count
        ]
        yield f"{source}: no things found" + (f" ({', '.join(refused)})" if refused else "")


def answer_of(found: SceneObject | Prediction) -> str:
    """ "mug 87.0 %", "unknown (mug?), novel" or "unknown, too few points"."""
    if found.label is not None:
        return f"{found.label} {100 * found.confidence:.1f} %"
    guess = "" if found.guess is None else f" ({found.guess}?)"
    return f"unknown{guess}, {found.reason}"


def described_object(found: SceneObject, top_k: int) -> dict[str, Any]:
    """The JSON object of a thing."""
    if found.prediction is None:
        answer: dict[str, Any] = {"label": None, "guess": None, "confidence": 0.0, "reason": found.reason}
    else:
        answer = described(found.prediction, top_k)
    box = found.box
    return {
        **answer,
        "points": len(found.indices),
        "box": {"center": rounded(box.center), "size": rounded(box.size), "axes": rounded(box.axes)},
    }


def rounded(numbers: npt.NDArray[np.float64]) -> Any:
    """Nested lists of numbers, to the micrometre."""
    return np.round(numbers, 6).tolist()


def save_scene(points: npt.NDArray[Any], scene: Scene, target: Path, title: str) -> None:
    """Writes the coloured cloud to `target`, which ends in .ply, and the picture beside it; both or none.

    Raises OSError.
    """
    picture = scene_picture(points, scene, title=title)
    with atomic_path(target) as cloud_file, atomic_path(target.with_suffix(".png")) as picture_file:
        with cloud_file.open("wb") as file:
            write_ply(file, points, scene)
        picture.save(picture_file, format="PNG")


def with_suffix(name: Path, suffix: str) -> Path:
    """The name with this suffix in place of one of ours; any other that it has is part of the name."""
    bare = name.with_suffix("") if name.suffix.lower() in (".ply", ".png") else name
    return bare.with_name(bare.name + suffix)
