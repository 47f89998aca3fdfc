"""`Classifier`: from points in memory to a name.

The way of one cloud: prepare (sample, centre, scale) -> project (V depth maps) ->
encode (the engine: one feature per cloud) -> score (cosine with the text features). The
scores are taken outside the engine, so labels change without rebuilding anything.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from types import TracebackType
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from c2p_deploy import LabelSet, Manifest, read_cloud
from c2p_deploy.errors import (
    C2PError,
    CloudError,
    EngineError,
    LabelError,
    OptionError,
    UnusableCloudError,
    one_line,
)
from c2p_deploy.json_file import shown
from c2p_deploy.labels import TaughtLabels
from c2p_deploy.labels.label_set import checked_names
from c2p_deploy.projection.compiled import project_depth
from c2p_deploy.projection.prepare import prepare
from c2p_deploy.projection.spec import FloatArray, UpAxis, check_up
from c2p_runtime.at_exit import awaited_at_exit
from c2p_runtime.backends import Device
from c2p_runtime.backends.choose import choose
from c2p_runtime.bundled import engine_path
from c2p_runtime.cpu_pipeline import CpuPipeline
from c2p_runtime.learn import Scores, Users, learned, relabelled, rescored, scores_by, tell_untried, untried
from c2p_runtime.prediction import Prediction
from c2p_runtime.rejection import ConfidenceBar, SizeCheck, has_limits, held_to, judge_for, judged
from c2p_runtime.text.encoder import choose_any_labels

if TYPE_CHECKING:
    from c2p_runtime.gpu_pipeline import GpuPipeline

_log = logging.getLogger("c2p_runtime")
MAX_POINTS = 1 << 17  # of a cloud, for the buffers on a GPU
MOST_POINTS = 1 << 28  # that a GPU's memory holds at all
DEFAULT_ENGINE = engine_path(None)
Cloud = npt.ArrayLike | str | PathLike[str]  # points, or a file of them
Labels = LabelSet | str | PathLike[str] | Iterable[str] | None


class Classifier:
    """A loaded engine with the labels it chooses from.

        clf = Classifier()                 # the bundled model; or Classifier("model.onnx")
        pred = clf(points)                 # (N, 3) float array in any unit; or clf("chair.ply")
        pred.label, pred.confidence, pred.top(5)  # label None: see pred.guess and pred.reason

    engine: an `.onnx` or a `.plan` with its manifest beside it, or the name of a bundled engine
    (`c2p-run --list-engines`); None is the one called "default".
    labels: None (the engine's own), names, a label-set file or a LabelSet. Names that the engine does not
    know are looked up in the word bank; any others need the text encoder that c2p-export --text-encoder puts
    beside it, or clouds: see `learn`.
    device: "cpu", "cuda" or "auto", which takes the GPU where there is one that can run the engine, and
    else says in the log what is missing. backend: "auto", or one of "onnxruntime", "openvino", "tensorrt",
    "tensorrt-rtx". max_points: of the largest cloud, for the buffers on a GPU; max_points_per_call: of all
    clouds of one engine call together, more of them take more calls (None: as many as max_points
    allows). up: the axis of your clouds that points up, "z", "y" or another of `UP_AXES`.
    seed: of the sampling of clouds with more points than the model takes; the same cloud
    and seed give the same answer. always_answer: give every cloud a label, also what looks like clutter or
    like none of the labels. unit: "m" where clouds are in metres, so that names impossible at that size are
    left out (for labels with size limits in the manifest); None where the unit is not known. min_confidence:
    below it there is no label but the reason "unsure"; for all, or by label: {"knife": 0.9, "*": 0.5}.

    points may be any array of the host or, on a GPU, any object with `__dlpack__` or
    `__cuda_array_interface__` (torch, CuPy, Numba: float32 without gaps; its stream is respected, nothing
    goes over the host).
    One classifier may be called from many threads at once: on the CPU each keeps its own buffers, on
    a GPU they take turns. After a fork make a new one.
    Raises ManifestError, EngineError, LabelError or MissingDependencyError when it cannot be built, and
    OptionError (a ValueError, too) for a device, backend, up, seed or number of points that makes no sense.
    """

    def __init__(
        self,
        engine: str | PathLike[str] | None = None,
        labels: Labels = None,
        device: Device = "auto",
        *,
        backend: str = "auto",
        up: UpAxis = "z",
        seed: int = 0,
        max_points: int = MAX_POINTS,
        max_points_per_call: int | None = None,
        always_answer: bool = False,
        unit: Literal["m"] | None = None,
        min_confidence: float | Mapping[str, float] = 0.0,
    ) -> None:
        check_up(up)
        if unit not in (None, "m"):
            raise OptionError(f'unit must be "m" or None, got {shown(unit)}')
        _check_whole("seed", seed, 0, None)
        _check_whole("max_points", max_points, 1, MOST_POINTS)
        if max_points_per_call is not None:
            _check_whole("max_points_per_call", max_points_per_call, int(max_points), MOST_POINTS)
        if engine is not None and not isinstance(engine, (str, PathLike)):
            raise OptionError(f"engine must be a path, got {shown(engine)}")
        self.engine = engine_path(engine)
        self.manifest = Manifest.for_engine(self.engine)
        choice = choose(self.engine, self.manifest, device, backend)
        if choice.notice is not None:
            _log.warning("%s", one_line(f"{self.engine}: {choice.notice}"))
        self.up, self.seed, self.max_points = up, seed, max_points
        self.labels = choose_any_labels(self.engine, self.manifest, labels)
        # None: the pipeline's own, which know text features only.
        self._scores: Scores | None = None
        if isinstance(self.labels, TaughtLabels):
            try:
                self._scores = scores_by(self.labels, self.manifest)
            except LabelError as error:
                raise error if not isinstance(labels, (str, PathLike)) else error.at(labels) from error
        self._users = Users()
        tell_untried(self.untried_labels)
        self._always_answer, self._unit, self._needs_limits = always_answer, unit, True
        self._bar = ConfidenceBar(min_confidence)
        if strange := self._bar.unknown(self.labels):
            raise OptionError(f"min_confidence names what is no label here: {shown(strange[0])}")
        self._doubt_by_labels()
        self._pipeline: CpuPipeline | GpuPipeline | None = None
        if choice.device == "cuda":
            try:
                from c2p_runtime.gpu_pipeline import GpuPipeline

                self._pipeline = GpuPipeline(
                    self.engine, self.manifest, choice, self.labels, up, seed, max_points, max_points_per_call
                )
            except C2PError as error:
                if device != "auto" or self.engine.suffix.lower() == ".plan":
                    raise
                reason = f"{error.problem}; {error.remedy}" if error.remedy else error.problem
                _log.warning("%s", one_line(f"{self.engine}: runs on the CPU: {reason}"))
                choice = choose(self.engine, self.manifest, "cpu", backend)
        self.device = choice.device
        if self._pipeline is None:
            self._pipeline = CpuPipeline(self.engine, self.manifest, choice, self.labels, up, seed)

    @property
    def backend(self) -> str:
        """What runs the engine; with the type it computes in, where that is not the engine's own."""
        return self._open_pipeline().backend

    def __repr__(self) -> str:
        state = "closed" if self._pipeline is None else f"{self.backend} on {self.device}"
        return f"Classifier({self.engine.name!r}, {len(self.labels)} labels, {state})"

    def __call__(self, points: Cloud) -> Prediction:
        """The prediction for one cloud: points [N, 3], or the path of a file that `read_cloud` reads.

        Further columns are left aside. Raises CloudError for points that have no shape, CloudFileError for a
        file that cannot be read.
        """
        return self.batch([points])[0]

    def batch(self, clouds: Sequence[Cloud]) -> list[Prediction]:
        """Predictions for many clouds, as for one, with as few engine calls as its batch profile allows.

        Raises UnusableCloudError, a CloudError, with the index of the cloud in the list, when one cannot be
        used.
        """
        largest = self.manifest.batch.max
        predictions: list[Prediction] = []
        for start in range(0, len(clouds), largest):
            predictions += self._run(clouds[start : start + largest], start)
        return predictions

    @property
    def untried_labels(self) -> tuple[str, ...]:
        """Labels that the engine was neither made with nor taught: CLIP knows the word, and that is all."""
        return untried(self.manifest, self.labels)

    def with_labels(self, labels: Labels) -> Classifier:
        """A new classifier with other labels on the same engine; this one stays as it is, also while it runs.

        labels: as for a new classifier. Names that this one was taught keep their clouds. Takes milliseconds.
        The engine is freed when the last of the classifiers on it is closed. Raises LabelError.
        """
        return self._derived(relabelled(self.engine, self.manifest, self.labels, labels))

    def in_metres(self) -> Classifier:
        """A new classifier on the same engine, for clouds in metres; this one stays as it is.

        As with `unit="m"`, but where the engine knows no size limits for any of the labels, all are offered.
        """
        return self._derived(self.labels, _unit="m", _needs_limits=False)

    def learn(self, examples: Mapping[str, Cloud | Sequence[Cloud]]) -> Classifier:
        """A new classifier on the same engine that knows these things, too; this one stays as it is.

            clf = clf.learn({"my drill": [cloud, another], "bowl": [cloud]})
            clf.labels.save("mine.json")              # Classifier(labels="mine.json")

        examples: clouds of each thing (points [N, 3] or files), or one; from several sides if it will be seen
        so. A name that is a label already gets further clouds. Nothing is trained: the features of the clouds
        are kept, and go into the file. Raises CloudError, naming the thing, and LabelError.
        """
        features = {}
        checked_names(examples)
        for name, clouds in examples.items():
            alone = isinstance(clouds, (str, PathLike)) or getattr(clouds, "ndim", 0) == 2
            try:
                predictions = self.batch([clouds] if alone else clouds)  # type: ignore[arg-type, list-item]
            except CloudError as error:
                raise CloudError(f"{name!r}: {error.problem}", error.remedy, error.path) from error
            features[name] = [prediction.features for prediction in predictions]
        return self._derived(learned(self.engine, self.manifest, self.labels, features))

    def depth_maps(self, points: Cloud) -> FloatArray:
        """What the encoder sees of one cloud: float32 [V, S, S], near dark, background 1.0."""
        prepared = prepare(self._points(points), self.manifest.spec, self.manifest.preparation, self.seed)
        return project_depth(prepared.points, self.manifest.views, self.manifest.spec, self.up)

    def warmup(self) -> None:
        """Does everything that only a first call has to do: compiling or loading kernels, allocating."""
        corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], dtype=np.float32)
        self(np.resize(corners, (self.manifest.spec.num_points + 1, 3)))

    def close(self) -> None:
        """Frees the engine, unless others share it. Calling this classifier afterwards raises EngineError."""
        if self._pipeline is not None and self._users.leave():
            self._pipeline.close()
        self._pipeline = None

    def __enter__(self) -> Classifier:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _points(self, cloud: Cloud) -> npt.ArrayLike:
        """The points of a cloud, which may be a file. Raises CloudFileError."""
        return read_cloud(cloud, seed=self.seed) if isinstance(cloud, (str, PathLike)) else cloud

    def _run(self, clouds: Sequence[Cloud], first: int) -> list[Prediction]:
        """One engine call. first: the index of the first of these clouds in the user's list."""
        points = [self._points(cloud) for cloud in clouds]
        try:
            with awaited_at_exit():
                predictions = self._open_pipeline().run(points)
        except UnusableCloudError as error:
            if len(clouds) == 1 and first == 0:
                raise
            index = first + error.index
            raise UnusableCloudError(f"cloud {index}: {error.problem}", error.remedy, index=index) from error
        if self._scores is not None:
            predictions = rescored(
                predictions, self.labels, self._scores, self.manifest.logit_scale, self._judge
            )
        elif self._judge is not None:
            predictions = judged(predictions, self._judge)
        if (sizes := self._sizes) is not None:
            predictions = [sizes(each, cloud) for each, cloud in zip(predictions, points, strict=True)]
        if (bars := self._bars) is not None:
            predictions = [held_to(bars, each) for each in predictions]
        return predictions

    def _derived(self, labels: LabelSet, **changes: object) -> Classifier:
        """One with these labels on the same engine. changes: further attributes that differ."""
        self._open_pipeline()
        derived = copy.copy(self)
        vars(derived).update(changes)
        derived.labels, derived._scores = labels, scores_by(labels, self.manifest)
        derived._doubt_by_labels()
        self._users.join()
        return derived

    def _doubt_by_labels(self) -> None:
        """Sets up what rejects answers, and names impossible at a cloud's size: all follow the labels."""
        self._bars = self._bar.by_label(self.labels)
        self._judge = judge_for(self.manifest, self.labels, self._scores, always_answer=self._always_answer)
        self._sizes = None
        if self._unit == "m" and (self._needs_limits or has_limits(self.manifest, self.labels)):
            self._sizes = SizeCheck(self.manifest, self.labels, self._judge)

    def _open_pipeline(self) -> CpuPipeline | GpuPipeline:
        if self._pipeline is None:
            raise EngineError("this classifier is closed", "make a new one", self.engine)
        return self._pipeline


def _check_whole(name: str, value: object, least: int, most: int | None) -> None:
    """Raises OptionError unless it is a whole number, Python's or NumPy's, within bounds."""
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or value < least or (most is not None and value > most):  # type: ignore[operator]
        upper = "" if most is None else f", at most {most}"
        raise OptionError(f"{name} must be a whole number, at least {least}{upper}, got {shown(value)}")
