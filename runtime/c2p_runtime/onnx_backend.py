"""Running an `.onnx` engine with ONNX Runtime on the CPU."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from c2p_deploy import Manifest
from c2p_deploy.depth import FloatArray
from c2p_deploy.errors import EngineError
from c2p_runtime.onnx_session import check_session, open_session


class OnnxRuntimeBackend:
    """A loaded engine: depth maps in, features out. Safe to call from several threads at once."""

    name = "onnxruntime"

    def __init__(self, engine: Path, manifest: Manifest) -> None:
        """Raises EngineError when the file cannot be loaded or does not fit its manifest."""
        self._session = open_session(engine, manifest.precision)
        check_session(self._session, engine, manifest)
        self._input, self._outputs = manifest.input_name, [manifest.output_name]
        self._engine = engine

    def run(self, depth: FloatArray) -> FloatArray:
        """Features float32 [B, D] of depth maps float32 [B, V, S, S]. Raises EngineError."""
        try:
            (features,) = self._session.run(self._outputs, {self._input: depth})
        except Exception as error:
            raise EngineError(f"{self._engine}: {str(error).splitlines()[0]}") from error
        return np.asarray(features)
