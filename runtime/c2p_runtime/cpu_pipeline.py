"""One engine call on the CPU: prepare, project, encode, score."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

import numpy as np
import numpy.typing as npt

from c2p_deploy import LabelSet, Manifest
from c2p_deploy.errors import CloudError, UnusableCloudError
from c2p_deploy.projection.compiled import project_depth
from c2p_deploy.projection.prepare import prepare
from c2p_deploy.projection.spec import FloatArray, UpAxis
from c2p_deploy.scores import softmax
from c2p_runtime.backends.choose import Choice, open_host_backend
from c2p_runtime.prediction import Prediction, check_features, check_scores, timing


class CpuPipeline:
    """Safe to call from many threads at once; each keeps its own buffers."""

    def __init__(
        self, engine: Path, manifest: Manifest, choice: Choice, labels: LabelSet, up: UpAxis, seed: int
    ) -> None:
        self.manifest, self.labels, self.up, self.seed = manifest, labels, up, seed
        self._text = np.ascontiguousarray(labels.text_features.T)  # [D, C]
        self._backend = open_host_backend(choice, engine, manifest)
        self._engine = engine
        self._buffers = threading.local()

    @property
    def backend(self) -> str:
        """What runs the engine."""
        return self._backend.name

    def run(self, clouds: Sequence[npt.ArrayLike]) -> list[Prediction]:
        """Predictions for at most as many clouds as the batch profile allows.

        Raises UnusableCloudError for a cloud without a shape.
        """
        spec, views = self.manifest.spec, self.manifest.views
        depth = self._depth_buffer(len(clouds))
        prepare_ms, project_ms, strays = [], [], []
        for index, cloud in enumerate(clouds):
            started = perf_counter()
            try:
                prepared = prepare(cloud, spec, self.manifest.preparation, self.seed)
            except CloudError as error:
                raise UnusableCloudError(error.problem, error.remedy, index=index) from error
            between = perf_counter()
            project_depth(prepared.points, views, spec, self.up, out=depth[index])
            strays.append(prepared.strays)
            prepare_ms.append(1e3 * (between - started))
            project_ms.append(1e3 * (perf_counter() - between))

        started = perf_counter()
        features = self._backend.run(depth)
        check_features(features, len(clouds), self.manifest, self._engine)
        between = perf_counter()
        scores = softmax(self.manifest.logit_scale * (features @ self._text))
        check_scores(scores, self._engine)
        encode_ms = 1e3 * (between - started) / len(clouds)
        score_ms = 1e3 * (perf_counter() - between) / len(clouds)
        return [
            Prediction(
                self.labels.names,
                scores[i],
                features[i],
                timing(prepare_ms[i], project_ms[i], encode_ms, score_ms),
                self.labels.text_features,
                strays[i],
            )
            for i in range(len(clouds))
        ]

    def close(self) -> None:
        """Frees the buffers."""
        self._buffers = threading.local()

    def _depth_buffer(self, size: int) -> FloatArray:
        """This thread's depth maps [size, V, S, S], kept from call to call."""
        kept: FloatArray | None = getattr(self._buffers, "depth", None)
        if kept is None or len(kept) < size:
            kept = self._buffers.depth = np.empty((size, *self.manifest.maps_shape), dtype=np.float32)
        return kept[:size]
