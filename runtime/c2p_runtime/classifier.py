"""`Classifier`: from points in memory to a name.

The way of one cloud: prepare (sample, centre, scale) -> project (V depth maps) ->
encode (the engine: one feature per cloud) -> score (cosine with the text features). The
scores are taken outside the engine, so labels change without rebuilding anything.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from c2p_deploy import LabelSet, Manifest, prepare_points
from c2p_deploy.errors import C2PError, CloudError, EngineError, OptionError, UnusableCloudError
from c2p_deploy.json_file import shown
from c2p_deploy.projection.compiled import project_depth
from c2p_deploy.projection.spec import FloatArray, UpAxis, check_up
from c2p_runtime.at_exit import awaited_at_exit
from c2p_runtime.backends import Device
from c2p_runtime.backends.choose import choose
from c2p_runtime.cpu_pipeline import CpuPipeline
from c2p_runtime.prediction import Prediction
from c2p_runtime.text_encoder import choose_any_labels

if TYPE_CHECKING:
    from c2p_runtime.gpu_pipeline import GpuPipeline

_log = logging.getLogger("c2p_runtime")
MAX_POINTS = 1 << 17  # of a cloud, for the buffers on a GPU
MOST_POINTS = 1 << 28  # that a GPU's memory holds at all
DEFAULT_ENGINE = Path(__file__).parent / "models" / "default.onnx"
Labels = LabelSet | str | PathLike[str] | Iterable[str] | None


class Classifier:
    """A loaded engine with the labels it chooses from.

        clf = Classifier()                 # the bundled model; or Classifier("model.onnx")
        pred = clf(points)                 # (N, 3) float array in any unit
        pred.label, pred.score, pred.top(5)

    engine: an `.onnx` or a `.plan` with its manifest beside it; None is the bundled default model.
    labels: None (the engine's own), names, a label-set file or a LabelSet. Names that the
    engine does not know need the text encoder that c2p-export --text-encoder puts beside it.
    device: "cpu", "cuda" or "auto", which takes the GPU where there is one that can run the engine, and
    else says in the log what is missing. backend: "auto", or one of "onnxruntime", "openvino", "tensorrt",
    "tensorrt-rtx". max_points: of the largest cloud, for the buffers on a GPU; max_points_per_call: of all
    clouds of one engine call together, more of them take more calls (None: as many as max_points
    allows). up: the axis of your clouds that points up, "z" or "y".
    seed: of the sampling of clouds with more points than the model takes; the same cloud
    and seed give the same answer.

    points may be any array of the host or, on a GPU, any object with `__cuda_array_interface__`
    (torch, CuPy, Numba: float32 without gaps; its stream is respected, nothing goes over the host).
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
    ) -> None:
        check_up(up)
        _check_whole("seed", seed, 0, None)
        _check_whole("max_points", max_points, 1, MOST_POINTS)
        if max_points_per_call is not None:
            _check_whole("max_points_per_call", max_points_per_call, int(max_points), MOST_POINTS)
        if engine is not None and not isinstance(engine, (str, PathLike)):
            raise OptionError(f"engine must be a path, got {shown(engine)}")
        self.engine = Path(engine) if engine is not None else DEFAULT_ENGINE
        self.manifest = Manifest.for_engine(self.engine)
        choice = choose(self.engine, self.manifest, device, backend)
        if choice.notice is not None:
            _log.warning("%s: %s", self.engine, choice.notice)
        self.up, self.seed = up, seed
        self.labels = choose_any_labels(self.engine, self.manifest, labels)
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
                _log.warning(
                    "%s: runs on the CPU: %s",
                    self.engine,
                    f"{error.problem}; {error.remedy}" if error.remedy else error.problem,
                )
                choice = choose(self.engine, self.manifest, "cpu", backend)
        self.device = choice.device
        if self._pipeline is None:
            self._pipeline = CpuPipeline(self.engine, self.manifest, choice, self.labels, up, seed)

    @property
    def backend(self) -> str:
        """What runs the engine; with the type it computes in, where that is not the engine's own."""
        return self._open_pipeline().backend

    def __call__(self, points: npt.ArrayLike) -> Prediction:
        """The prediction for one cloud, points [N, 3]. Raises CloudError for one that has no shape."""
        return self.batch([points])[0]

    def batch(self, clouds: Sequence[npt.ArrayLike]) -> list[Prediction]:
        """Predictions for many clouds, with as few engine calls as its batch profile allows.

        Raises CloudError, naming the index of the cloud in the list, when one cannot be used.
        """
        largest = self.manifest.batch.max
        predictions: list[Prediction] = []
        for start in range(0, len(clouds), largest):
            predictions += self._run(clouds[start : start + largest], start)
        return predictions

    def depth_maps(self, points: npt.ArrayLike) -> FloatArray:
        """What the encoder sees of one cloud: float32 [V, S, S], near dark, background 1.0."""
        prepared = prepare_points(points, self.manifest.spec, self.seed)
        return project_depth(prepared, self.manifest.views, self.manifest.spec, self.up)

    def warmup(self) -> None:
        """Does everything that only a first call has to do: compiling or loading kernels, allocating."""
        corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], dtype=np.float32)
        self(np.resize(corners, (self.manifest.spec.num_points + 1, 3)))

    def close(self) -> None:
        """Frees the engine. Calling the classifier afterwards raises EngineError."""
        if self._pipeline is not None:
            self._pipeline.close()
        self._pipeline = None

    def __enter__(self) -> Classifier:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, clouds: Sequence[npt.ArrayLike], first: int) -> list[Prediction]:
        """One engine call. first: the index of the first of these clouds in the user's list."""
        try:
            with awaited_at_exit():
                return self._open_pipeline().run(clouds)
        except UnusableCloudError as error:
            if len(clouds) == 1 and first == 0:
                raise
            raise CloudError(f"cloud {first + error.index}: {error.problem}", error.remedy) from error

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
