"""What a manifest is put together of, each part checked when it is made."""

from __future__ import annotations

import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from c2p_deploy.errors import ManifestError
from c2p_deploy.json_file import is_whole, shown

MOST_CLOUDS = 4096  # per call; c2p-export gives at most 1024
EXPORT_AGAIN = "export the engine again"


@dataclass(frozen=True)
class BatchProfile:
    """Batch sizes (clouds per call) an engine takes: smallest, the one it is tuned for, largest."""

    min: int = 1
    opt: int = 1
    max: int = 32

    def __post_init__(self) -> None:
        sizes = (self.min, self.opt, self.max)
        if not all(map(is_whole, sizes)) or not 1 <= self.min <= self.opt <= self.max <= MOST_CLOUDS:
            raise ManifestError(
                f"batch profile must be whole numbers that rise from at least 1 to at most {MOST_CLOUDS}: "
                f"{', '.join(map(shown, sizes))}"
            )


@dataclass(frozen=True)
class EngineTarget:
    """What a TensorRT plan was built for. A plan fits nothing else."""

    flavour: str  # "tensorrt" or "tensorrt-rtx"
    version: str  # of TensorRT
    compute_capabilities: tuple[str, ...]  # "8.7", ...
    gpu: str | None = None  # name of the card it was built on, None when built off-board

    def __post_init__(self) -> None:
        capabilities = self.compute_capabilities
        texts = (self.flavour, self.version, *capabilities, *([] if self.gpu is None else [self.gpu]))
        if not isinstance(capabilities, tuple) or not all(isinstance(text, str) for text in texts):
            raise ManifestError(f"target must be described by texts, got {shown(texts)}")


@dataclass(frozen=True)
class EngineCost:
    """What a run of an engine takes at least, whatever runs it."""

    flops_per_cloud: int  # of its matrix products and convolutions, a multiply-add is two
    weight_bytes: int  # read once per call, however many clouds it has

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not is_whole(value) or not 0 <= value < 1 << 63:
                raise ManifestError(f"cost: {name} must be a whole number, got {shown(value)}")


@dataclass(frozen=True)
class TextEncoderFiles:
    """The text tower exported along with an engine; plain names of files beside the manifest."""

    model: str  # NAME.text.onnx: tokens int64 [N, L] -> unit features float32 [N, D]
    model_sha256: str
    tokenizer: str  # NAME.tokenizer.json, for the library `tokenizers`
    tokenizer_sha256: str

    def __post_init__(self) -> None:
        check_file("text encoder", self.model, self.model_sha256)
        check_file("tokenizer", self.tokenizer, self.tokenizer_sha256)


def check_file(what: str, name: Any, digest: Any) -> None:
    """Raises ManifestError unless it is the name of a file that can be, in no folder, and a SHA-256."""
    plain = (
        isinstance(name, str) and name not in ("", ".", "..") and "\0" not in name and Path(name).name == name
    )
    if plain:
        try:
            os.fsencode(name)
        except UnicodeEncodeError:
            plain = False
    if not plain or not isinstance(digest, str) or not re.fullmatch(r"[0-9a-f]{64}", digest):
        raise ManifestError(
            f"{what} {shown(name)}: needs a plain file name and its SHA-256 in hex", EXPORT_AGAIN
        )
