"""`Classifier`: from points in memory to a name.

The whole path of one cloud: prepare (sample, centre, scale) -> project (V depth maps) ->
encode (the engine: one feature per cloud) -> score (cosine with the text features). The
scores are taken outside the engine, so labels change without rebuilding anything.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from os import PathLike
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import Literal

import numpy as np
import numpy.typing as npt

from c2p_deploy import LabelSet, Manifest, prepare_points
from c2p_deploy.depth import FloatArray, UpAxis, check_up
from c2p_deploy.errors import CloudError, EngineError
from c2p_runtime.onnx_backend import OnnxRuntimeBackend
from c2p_runtime.prediction import Prediction
from c2p_runtime.project_cpu import project_depth
from c2p_runtime.text_encoder import choose_any_labels

DEFAULT_ENGINE = Path(__file__).parent / "models" / "default.onnx"
Labels = LabelSet | str | PathLike[str] | Iterable[str] | None


class Classifier:
    """A loaded engine with the labels it chooses from.

        clf = Classifier()                 # the bundled model; or Classifier("model.onnx")
        pred = clf(points)                 # (N, 3) float array in any unit
        pred.label, pred.score, pred.top(5)

    engine: an `.onnx` with its manifest beside it; None is the bundled default model.
    labels: None (the engine's own), names, a label-set file or a LabelSet. Names that the
    engine does not know need the text encoder that c2p-export --text-encoder puts beside it.
    device: "auto" or "cpu". up: the axis of your clouds that points up, "z" or "y".
    seed: of the sampling of clouds with more points than the model takes; the same cloud
    and seed give the same answer.

    One classifier may be called from many threads at once; each keeps its own buffers.
    Raises ManifestError, EngineError, LabelError or MissingDependencyError when it cannot be built.
    """

    def __init__(
        self,
        engine: str | PathLike[str] | None = None,
        labels: Labels = None,
        device: Literal["auto", "cpu"] = "auto",
        *,
        up: UpAxis = "z",
        seed: int = 0,
    ) -> None:
        check_up(up)
        self.engine = Path(engine) if engine is not None else DEFAULT_ENGINE
        if device not in ("auto", "cpu"):
            raise EngineError(f"device {device!r}: this release runs engines on the CPU; use 'auto' or 'cpu'")
        if self.engine.suffix.lower() != ".onnx":
            raise EngineError(
                f"{self.engine}: this release runs .onnx engines only; give the .onnx exported beside it"
            )
        self.manifest = Manifest.for_engine(self.engine)
        self.up, self.seed = up, seed
        self.labels = choose_any_labels(self.engine, self.manifest, labels)
        self._text = np.ascontiguousarray(self.labels.text_features.T)  # [D, C]
        self._backend: OnnxRuntimeBackend | None = OnnxRuntimeBackend(self.engine, self.manifest)
        self._buffers = threading.local()

    @property
    def backend(self) -> str:
        """What runs the engine, e.g. "onnxruntime"."""
        return OnnxRuntimeBackend.name

    def __call__(self, points: npt.ArrayLike) -> Prediction:
        """The prediction for one cloud, points [N, 3]. Raises CloudError for one that has no shape."""
        return self.batch([points])[0]

    def batch(self, clouds: Sequence[npt.ArrayLike]) -> list[Prediction]:
        """Predictions for many clouds, with as few engine calls as its batch profile allows.

        Raises CloudError, naming the place of the cloud in the list, when one cannot be used.
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
        self._backend = None
        self._buffers = threading.local()

    def __enter__(self) -> Classifier:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, clouds: Sequence[npt.ArrayLike], first: int) -> list[Prediction]:
        """One engine call. `first` is the place of the first of these clouds in the user's list."""
        backend = self._backend
        if backend is None:
            raise EngineError(f"{self.engine}: this classifier is closed; make a new one")
        spec, views = self.manifest.spec, self.manifest.views
        depth = self._depth_buffer(len(clouds))
        prepare_ms, project_ms = [], []
        for place, cloud in enumerate(clouds):
            started = perf_counter()
            try:
                prepared = prepare_points(cloud, spec, self.seed)
            except CloudError as error:
                if len(clouds) == 1 and first == 0:
                    raise
                raise CloudError(f"cloud {first + place}: {error}") from error
            between = perf_counter()
            project_depth(prepared, views, spec, self.up, out=depth[place])
            prepare_ms.append(1e3 * (between - started))
            project_ms.append(1e3 * (perf_counter() - between))

        started = perf_counter()
        features = backend.run(depth)
        if not np.isfinite(features).all():
            raise EngineError(
                f"{self.engine}: the engine gave features that are not finite; "
                "its precision does not hold here: export it with a higher one"
            )
        between = perf_counter()
        scores = softmax(self.manifest.logit_scale * (features @ self._text))
        encode_ms = 1e3 * (between - started) / len(clouds)
        score_ms = 1e3 * (perf_counter() - between) / len(clouds)
        return [
            Prediction(
                self.labels.names,
                scores[i],
                features[i],
                timing(prepare_ms[i], project_ms[i], encode_ms, score_ms),
            )
            for i in range(len(clouds))
        ]

    def _depth_buffer(self, size: int) -> FloatArray:
        """This thread's depth maps [size, V, S, S], kept from call to call."""
        kept: FloatArray | None = getattr(self._buffers, "depth", None)
        if kept is None or len(kept) < size:
            s = self.manifest.spec.image_size
            kept = self._buffers.depth = np.empty((size, len(self.manifest.views), s, s), dtype=np.float32)
        return kept[:size]


def softmax(logits: FloatArray) -> FloatArray:
    """Softmax over the last axis, in float32, without overflow."""
    exponent = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(exponent / exponent.sum(axis=-1, keepdims=True), dtype=np.float32)


def timing(prepare: float, project: float, encode: float, score: float) -> dict[str, float]:
    """Milliseconds by stage, as `Prediction.timing_ms` and the JSON of c2p-run give them."""
    return {
        "prepare": prepare,
        "project": project,
        "encode": encode,
        "score": score,
        "total": prepare + project + encode + score,
    }
