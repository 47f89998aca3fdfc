"""Running an `.onnx` engine with ONNX Runtime on the CPU."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from c2p_deploy import Manifest
from c2p_deploy.depth import FloatArray
from c2p_deploy.errors import EngineError, MissingDependencyError


class OnnxRuntimeBackend:
    """A loaded engine: depth maps in, features out. Safe to call from several threads at once."""

    name = "onnxruntime"

    def __init__(self, engine: Path, manifest: Manifest) -> None:
        """Raises EngineError when the file cannot be loaded or does not fit its manifest."""
        try:
            import onnxruntime as ort
        except ImportError as error:
            raise MissingDependencyError(
                'ONNX Runtime is not installed; pip install "onnxruntime" (or onnxruntime-gpu)'
            ) from error
        options = ort.SessionOptions()
        options.log_severity_level = 3  # errors only: they come back as exceptions anyway
        try:
            self._session = ort.InferenceSession(str(engine), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime has no common base class for its errors
            reason = str(error).splitlines()[0]
            raise EngineError(f"{engine}: ONNX Runtime cannot load it: {reason}; export it again") from error
        names = ([i.name for i in self._session.get_inputs()], [o.name for o in self._session.get_outputs()])
        if names != ([manifest.input_name], [manifest.output_name]):
            raise EngineError(
                f"{engine}: has inputs {names[0]} and outputs {names[1]}, its manifest says "
                f"{manifest.input_name} and {manifest.output_name}; export it again"
            )
        self._input, self._outputs = manifest.input_name, [manifest.output_name]
        self._engine = engine

    def run(self, depth: FloatArray) -> FloatArray:
        """Features float32 [B, D] of depth maps float32 [B, V, S, S]. Raises EngineError."""
        try:
            (features,) = self._session.run(self._outputs, {self._input: depth})
        except Exception as error:
            raise EngineError(f"{self._engine}: {str(error).splitlines()[0]}") from error
        return np.asarray(features)
