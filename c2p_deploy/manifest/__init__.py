"""The manifest: the JSON file beside an engine that says what the engine is and how to feed it.

Nothing is ever glued to the engine itself, so it stays loadable by trtexec, Triton and any
ONNX tool. One manifest serves the `.onnx` and the `.plan` of the same model.
"""

from c2p_deploy.manifest.manifest import HEADS, MOST_CALL_BYTES, PRECISIONS, QUANTISED, Manifest
from c2p_deploy.manifest.parts import BatchProfile, EngineCost, EngineTarget, TextEncoderFiles
from c2p_deploy.manifest.size_limits import read_size_limits, size_limits_of

__all__ = [
    "HEADS",
    "MOST_CALL_BYTES",
    "PRECISIONS",
    "QUANTISED",
    "BatchProfile",
    "EngineCost",
    "EngineTarget",
    "Manifest",
    "TextEncoderFiles",
    "read_size_limits",
    "size_limits_of",
]
