"""Opening an ONNX file with ONNX Runtime on the CPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from c2p_deploy.errors import EngineError, MissingDependencyError


def open_session(model: Path, precision: str = "fp32") -> Any:
    """The `onnxruntime.InferenceSession` of a file. Raises EngineError, MissingDependencyError.

    precision: of the engine, as its manifest has it.
    """
    try:
        import onnxruntime as ort
    except ImportError as error:
        raise MissingDependencyError(
            'ONNX Runtime is not installed; pip install "onnxruntime" (or onnxruntime-gpu)'
        ) from error
    options = ort.SessionOptions()
    options.log_severity_level = 3  # errors only: they come back as exceptions anyway
    if precision == "fp8":
        # Beyond this level ONNX Runtime 1.31 takes products in float8 for such in int8, and fails.
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    try:
        return ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime has no common base class for its errors
        reason = str(error).splitlines()[0]
        raise EngineError(f"{model}: ONNX Runtime cannot load it: {reason}; export it again") from error
