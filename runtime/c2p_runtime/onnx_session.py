"""Opening an ONNX file with ONNX Runtime."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from c2p_deploy import Manifest
from c2p_deploy.errors import EngineError, MissingDependencyError
from c2p_runtime.backends import check_names
from c2p_runtime.cores import cores


def open_session(
    model: Path, precision: str = "fp32", providers: Sequence[Any] = ("CPUExecutionProvider",)
) -> Any:
    """The `onnxruntime.InferenceSession` of a file. Raises EngineError, MissingDependencyError.

    precision: of the engine, as its manifest has it; providers: as ONNX Runtime takes them.
    """
    try:
        import onnxruntime as ort
    except ImportError as error:
        raise MissingDependencyError(
            'ONNX Runtime is not installed; pip install "onnxruntime" (or onnxruntime-gpu)'
        ) from error
    options = ort.SessionOptions()
    # Waiting threads sleep. Spinning, as is the default, costs a 10 Hz loop more than the engine itself
    # (about 50 ms of every core after each call) and gains nothing: benchmarks/cpu.py.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    allowed = cores()
    if allowed < (os.cpu_count() or 1):
        # Left alone it takes a thread for every core of the machine and ties it there, whatever this process
        # was given (taskset, a container's cpuset).
        options.intra_op_num_threads = allowed
    options.log_severity_level = 3  # errors only: they come back as exceptions anyway
    if precision == "fp8":
        # Beyond this level ONNX Runtime 1.31 takes products in float8 for such in int8, and fails.
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    try:
        return ort.InferenceSession(str(model), options, providers=list(providers))
    except Exception as error:  # ONNX Runtime has no common base class for its errors
        reason = str(error).splitlines()[0]
        raise EngineError(f"{model}: ONNX Runtime cannot load it: {reason}; export it again") from error


def check_session(session: Any, engine: Path, manifest: Manifest) -> None:
    """Raises EngineError when an engine has other inputs and outputs than its manifest says."""
    check_names(
        engine, manifest, [i.name for i in session.get_inputs()], [o.name for o in session.get_outputs()]
    )
