"""Running an `.onnx` engine with OpenVINO on the CPU.

Beside ONNX Runtime, because it has what ONNX Runtime lacks on a CPU: products in bfloat16, and integer
products for the int8 engines that c2p-export makes. How much that brings stands in docs/runtime.md.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np

from c2p_deploy import Manifest
from c2p_deploy.errors import EngineError, MissingDependencyError
from c2p_deploy.extras import install
from c2p_deploy.projection.spec import FloatArray
from c2p_runtime.backends.base import Tensor, check_tensors
from c2p_runtime.backends.onnx_file import check_self_contained

# What an engine may be computed in, best first, of what the CPU can. Whoever exports in float16 has
# agreed to 16 bits; a float32 engine stays in float32, and int8 leaves only small things in float.
_TYPES = {"fp32": ("f32",), "int8": ("f32",), "fp16": ("f16", "bf16", "f32")}
_CAPABILITIES = {"f16": "FP16", "bf16": "BF16", "f32": "FP32"}


class OpenVINOBackend:
    """A loaded engine: depth maps in, features out. Safe to call from several threads at once."""

    def __init__(self, engine: Path, manifest: Manifest) -> None:
        """Raises EngineError when the file cannot be loaded or does not fit its manifest."""
        openvino = import_openvino()
        if manifest.precision not in _TYPES:
            raise EngineError(f"OpenVINO does not run {manifest.precision}", "use onnxruntime", engine)
        check_self_contained(engine, "OpenVINO")
        self._engine = engine
        try:
            core = openvino.Core()
            kind = type_for(manifest.precision, core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"))
            settings = {
                "PERFORMANCE_HINT": "LATENCY",
                "INFERENCE_PRECISION_HINT": kind,
                # Threads tied to cores stand in the way of other programs whose threads are tied there, too.
                "ENABLE_CPU_PINNING": False,
            }
            self._compiled = core.compile_model(core.read_model(str(engine)), "CPU", settings)
        except RuntimeError as error:
            raise EngineError(
                f"OpenVINO cannot load it: {_reason(error)}", "update OpenVINO, or export it again", engine
            ) from error
        ports = (self._compiled.inputs, self._compiled.outputs)
        check_tensors(engine, manifest, *([_tensor(port) for port in some] for some in ports))
        self.name = "openvino" if kind == "f32" else f"openvino ({kind})"
        self._requests = threading.local()

    def run(self, depth: FloatArray) -> FloatArray:
        """Features float32 [B, D] of depth maps float32 [B, V, S, S]. Raises EngineError."""
        try:
            # Shared: the maps are read where they lie, and the features copied only once.
            outputs = self._request().infer({0: depth}, share_inputs=True, share_outputs=True)
        except RuntimeError as error:
            raise EngineError(_reason(error), path=self._engine) from error
        return np.array(outputs[0])

    def _request(self) -> Any:
        """This thread's own: one request runs one cloud at a time."""
        kept = getattr(self._requests, "kept", None)
        if kept is None:
            kept = self._requests.kept = self._compiled.create_infer_request()
        return kept


def import_openvino() -> Any:
    """The module, without its telemetry. Raises MissingDependencyError.

    Left alone, importing it writes an identifier into the home folder and reports the import to its makers
    over the network, which a robot has not agreed to. OpenVINO itself does without where that is missing.
    """
    absent = "openvino_telemetry" not in sys.modules  # else somebody else's code has decided
    if absent:
        sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # now it cannot be imported
    try:
        import openvino
    except ImportError as error:
        raise MissingDependencyError("OpenVINO cannot be imported here", install("openvino")) from error
    finally:
        if absent:
            del sys.modules["openvino_telemetry"]
    return openvino


def type_for(precision: str, capabilities: list[str]) -> str:
    """What an engine of this precision is computed in on a CPU with these capabilities: f16, bf16 or f32."""
    return next((kind for kind in _TYPES[precision] if _CAPABILITIES[kind] in capabilities), "f32")


def _tensor(port: Any) -> Tensor:
    found = port.partial_shape
    shape = None
    if not found.rank.is_dynamic:
        shape = tuple(None if size.is_dynamic else size.get_length() for size in found)
    return Tensor(port.any_name, port.element_type.get_type_name() == "f32", shape)


def _reason(error: RuntimeError) -> str:
    """OpenVINO names the places in its source first; the last line says what is wrong."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
