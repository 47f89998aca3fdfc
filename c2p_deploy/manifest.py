"""The manifest: the JSON file beside an engine that says what the engine is and how to feed it.

Nothing is ever glued to the engine itself, so it stays loadable by trtexec, Triton and any
ONNX tool. One manifest serves the `.onnx` and the `.plan` of the same model.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from c2p_deploy.errors import LabelError, ManifestError, reason_of
from c2p_deploy.files import sha256_of, write_atomic
from c2p_deploy.labels import LabelSet
from c2p_deploy.projection.spec import DepthSpec
from c2p_deploy.projection.views import ViewSet

SCHEMA = "1.1"  # major.minor; readers refuse another major
HEADS = ("zeroshot", "dpa", "gdpa")
PRECISIONS = ("fp32", "fp16", "int8", "fp8")
QUANTISED = ("int8", "fp8")  # those with ranges of activations, measured on clouds
_MAX_BYTES = 64 << 20  # a manifest is a few hundred kilobytes at most
_EXPORT_AGAIN = "export the engine again"


@dataclass(frozen=True)
class BatchProfile:
    """Batch sizes (clouds per call) an engine takes: smallest, the one it is tuned for, largest."""

    min: int = 1
    opt: int = 1
    max: int = 32

    def __post_init__(self) -> None:
        if not 1 <= self.min <= self.opt <= self.max:
            raise ManifestError(
                f"batch profile must rise from at least 1: {self.min}, {self.opt}, {self.max}"
            )


@dataclass(frozen=True)
class EngineTarget:
    """What a TensorRT plan was built for. A plan fits nothing else."""

    flavour: str  # "tensorrt" or "tensorrt-rtx"
    version: str  # of TensorRT
    compute_capabilities: tuple[str, ...]  # "8.7", ...
    gpu: str | None = None  # name of the card it was built on, None when built off-board


@dataclass(frozen=True)
class EngineCost:
    """What a run of an engine takes at least, whatever runs it."""

    flops_per_cloud: int  # of its matrix products and convolutions, a multiply-add is two
    weight_bytes: int  # read once per call, however many clouds it has

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if type(value) is not int or value < 0:
                raise ManifestError(f"cost: {name} must be a whole number, got {value!r}")


@dataclass(frozen=True)
class TextEncoderFiles:
    """The text tower exported along with an engine; plain names of files beside the manifest."""

    model: str  # NAME.text.onnx: tokens int64 [N, L] -> unit features float32 [N, D]
    model_sha256: str
    tokenizer: str  # NAME.tokenizer.json, for the library `tokenizers`
    tokenizer_sha256: str

    def __post_init__(self) -> None:
        _check_file("text encoder", self.model, self.model_sha256)
        _check_file("tokenizer", self.tokenizer, self.tokenizer_sha256)


@dataclass(frozen=True)
class Manifest:
    """Everything that must be known to run an engine; docs/manifest.md describes the file.

    engines: file name -> SHA-256, one entry per engine file beside the manifest.
    Engine input: float32 [B, V, S, S] in [0, 1]; output: float32 [B, D].
    """

    engines: Mapping[str, str]
    checkpoint_sha256: str
    head: str
    encoders: tuple[str, ...]
    views: ViewSet
    spec: DepthSpec
    labels: LabelSet
    logit_scale: float
    precision: str = "fp32"
    input_name: str = "depth"
    output_name: str = "features"
    batch: BatchProfile = field(default_factory=BatchProfile)
    opset: int | None = None
    target: EngineTarget | None = None  # of the plan, None when there is none
    parity: Mapping[str, Any] = field(default_factory=dict)  # figures against the checkpoint
    tools: Mapping[str, str] = field(default_factory=dict)  # versions of what made it
    created: str = ""  # ISO 8601, UTC
    text_encoder: TextEncoderFiles | None = None  # for labels that the engine has no text feature of
    cost: EngineCost | None = None  # None when whoever exported it did not count

    def __post_init__(self) -> None:
        for name, digest in self.engines.items():
            _check_file("engine", name, digest)
        if self.head not in HEADS:
            raise ManifestError(f"head {self.head!r} is not one of {', '.join(HEADS)}")
        if self.precision not in PRECISIONS:
            raise ManifestError(f"precision {self.precision!r} is not one of {', '.join(PRECISIONS)}")
        if not (np.isfinite(self.logit_scale) and self.logit_scale > 0):
            raise ManifestError(f"logit_scale must be a positive number, got {self.logit_scale}")

    @property
    def maps_shape(self) -> tuple[int, int, int]:
        """(V, S, S), of the depth maps of one cloud."""
        return len(self.views), self.spec.image_size, self.spec.image_size

    @staticmethod
    def path_for(engine: Path) -> Path:
        """Where the manifest of an engine file lies: NAME.json beside NAME.onnx or NAME.plan."""
        return engine.with_suffix(".json")

    @staticmethod
    def for_engine(engine: str | PathLike[str]) -> Manifest:
        """The manifest of an engine file, after checking that the two belong together.

        Raises ManifestError when either file is missing, the manifest cannot be read, or the
        engine's SHA-256 is not the recorded one.
        """
        engine = Path(engine)
        if not engine.is_file():
            remedy = "give a .onnx or .plan made by c2p-export"
            raise ManifestError("no such engine file", remedy, engine)
        path = Manifest.path_for(engine)
        if not path.is_file():
            remedy = "copy it along with the engine"
            raise ManifestError(f"its manifest {path.name} is missing", remedy, engine)
        manifest = Manifest.load(path)
        if engine.name not in manifest.engines:
            raise ManifestError(
                f"{path.name} describes {', '.join(manifest.engines) or 'no engine'}, not this file",
                "an engine must keep the name it was exported under",
                engine,
            )
        if sha256_of(engine) != manifest.engines[engine.name]:
            raise ManifestError(
                f"SHA-256 differs from the one in {path.name}",
                "the file is damaged or from another export: copy engine and manifest together again",
                engine,
            )
        return manifest

    @staticmethod
    def load(path: str | PathLike[str]) -> Manifest:
        """Reads a manifest. Raises ManifestError that names the file and what to do."""
        path = Path(path)
        try:
            if path.stat().st_size > _MAX_BYTES:
                raise ManifestError("too large to be a manifest", "give the .json made by c2p-export", path)
            values = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            remedy = "check the path and its permissions"
            raise ManifestError(f"cannot read manifest: {reason_of(error)}", remedy, path) from error
        except ValueError as error:
            raise ManifestError("not valid JSON", _EXPORT_AGAIN, path) from error
        try:
            return Manifest.from_dict(values)
        except ManifestError as error:
            raise error.at(path) from error

    def save(self, path: str | PathLike[str]) -> None:
        """Writes the manifest, under a temporary name first."""
        write_atomic(Path(path), (json.dumps(self.to_dict(), indent=1) + "\n").encode())

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; the layout is described in docs/manifest.md."""
        text = self.text_encoder
        return {
            "schema": SCHEMA,
            "engines": {name: {"sha256": digest} for name, digest in self.engines.items()},
            "checkpoint_sha256": self.checkpoint_sha256,
            "head": self.head,
            "encoders": list(self.encoders),
            "view_set": self.views.to_dict(),
            "depth_spec": asdict(self.spec),
            "precision": self.precision,
            "input": self.input_name,
            "output": self.output_name,
            "batch": asdict(self.batch),
            "opset": self.opset,
            "target": asdict(self.target) if self.target else None,
            "labels": self.labels.to_dict(),
            "logit_scale": self.logit_scale,
            "parity": dict(self.parity),
            "tools": dict(self.tools),
            "created": self.created,
            "text_encoder": {
                "model": {"file": text.model, "sha256": text.model_sha256},
                "tokenizer": {"file": text.tokenizer, "sha256": text.tokenizer_sha256},
            }
            if text
            else None,
            "cost": asdict(self.cost) if self.cost else None,
        }

    @staticmethod
    def from_dict(values: Any) -> Manifest:
        """The inverse of `to_dict`. Raises ManifestError for anything that does not fit."""
        if not isinstance(values, dict) or "schema" not in values:
            remedy = "give the .json made by c2p-export"
            raise ManifestError("not a manifest: it has no schema version", remedy)
        schema = values["schema"]
        if str(schema).split(".")[0] != SCHEMA.split(".")[0]:
            raise ManifestError(
                f"manifest schema {schema}, this release reads {SCHEMA.split('.')[0]}.x",
                "install the c2p-deploy release that exported it, or export again",
            )
        try:
            return Manifest(
                engines={name: entry["sha256"] for name, entry in values["engines"].items()},
                checkpoint_sha256=str(values["checkpoint_sha256"]),
                head=values["head"],
                encoders=tuple(values["encoders"]),
                views=ViewSet.from_dict(values["view_set"]),
                spec=DepthSpec(**values["depth_spec"]),
                labels=LabelSet.from_dict(values["labels"]),
                logit_scale=float(values["logit_scale"]),
                precision=values["precision"],
                input_name=str(values["input"]),
                output_name=str(values["output"]),
                batch=BatchProfile(**values["batch"]),
                opset=values["opset"],
                target=_target(values["target"]),
                parity=dict(values["parity"]),
                tools=dict(values["tools"]),
                created=str(values["created"]),
                text_encoder=_text_encoder(values.get("text_encoder")),  # absent before schema 1.1
                cost=_cost(values.get("cost")),  # the same
            )
        except KeyError as error:
            raise ManifestError(f"manifest has no key {error}", _EXPORT_AGAIN) from error
        except LabelError as error:
            raise ManifestError(f"in its labels: {error.problem}", _EXPORT_AGAIN) from error
        except (TypeError, ValueError, AttributeError) as error:
            raise ManifestError(f"manifest is malformed: {reason_of(error)}", _EXPORT_AGAIN) from error


def _check_file(what: str, name: str, digest: str) -> None:
    if not name or Path(name).name != name or not re.fullmatch(r"[0-9a-f]{64}", str(digest)):
        raise ManifestError(f"{what} {name!r}: needs a plain file name and its SHA-256 in hex", _EXPORT_AGAIN)


def _text_encoder(values: Any) -> TextEncoderFiles | None:
    if values is None:
        return None
    model, tokenizer = values["model"], values["tokenizer"]
    return TextEncoderFiles(model["file"], model["sha256"], tokenizer["file"], tokenizer["sha256"])


def _cost(values: Any) -> EngineCost | None:
    return None if values is None else EngineCost(values["flops_per_cloud"], values["weight_bytes"])


def _target(values: Any) -> EngineTarget | None:
    if values is None:
        return None
    capabilities = tuple(str(capability) for capability in values["compute_capabilities"])
    return EngineTarget(values["flavour"], values["version"], capabilities, values["gpu"])
