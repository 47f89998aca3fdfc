"""`Manifest`: everything that must be known to run an engine, checked, read and written."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from os import PathLike
from pathlib import Path
from typing import Any

from c2p_deploy.errors import LabelError, ManifestError, OptionError, reason_of
from c2p_deploy.files import sha256_of, write_atomic
from c2p_deploy.json_file import is_number, is_whole, parse_json, read_small, shown
from c2p_deploy.labels import LabelSet
from c2p_deploy.manifest.beside import no_engine, renamed
from c2p_deploy.manifest.parts import (
    EXPORT_AGAIN,
    BatchProfile,
    EngineCost,
    EngineTarget,
    TextEncoderFiles,
    check_file,
)
from c2p_deploy.manifest.size_limits import size_limits_of
from c2p_deploy.manifest.values import (
    cost_of,
    numbers_at,
    of_kind,
    rejection_of,
    target_of,
    text_encoder_of,
    texts_at,
    value_at,
)
from c2p_deploy.projection.spec import PREPARATIONS, DepthSpec, Preparation
from c2p_deploy.projection.views import ViewSet
from c2p_deploy.rejection import Rejection

SCHEMA = "1.2"  # major.minor; readers refuse another major
HEADS = ("zeroshot", "ridge", "dpa", "gdpa")
PRECISIONS = ("fp32", "fp16", "int8", "fp8")
QUANTISED = ("int8", "fp8")  # those with ranges of activations, measured on clouds
# CLIP's training keeps it below 100. Beyond 1e4 the last digit of a float32 cosine would decide the answer.
MOST_LOGIT_SCALE = 1e4
MOST_CALL_BYTES = 8 << 30  # of depth maps, features and scores: the RAM of the smallest board that is sold
_CHECKPOINTS = (".pt", ".pth", ".ckpt", ".safetensors")  # what people give in place of an engine
_NOT_OURS = "give the .json made by c2p-export"


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
    preparation: Preparation = "robust"  # of clouds: whether stray points are removed
    rejection: Rejection | None = None  # None: every cloud gets a label, and no calibrated confidence
    size_limits: Mapping[str, tuple[float, float]] | None = (
        None  # by label, least and largest extent in metres
    )

    def __post_init__(self) -> None:
        for name, digest in self.engines.items():
            check_file("engine", name, digest)
        for what, text in (
            ("checkpoint_sha256", self.checkpoint_sha256),
            ("input", self.input_name),
            ("output", self.output_name),
            ("created", self.created),
        ):
            if not isinstance(text, str):
                raise ManifestError(f"{what} must be a text, got {shown(text)}", EXPORT_AGAIN)
        if self.head not in HEADS:
            raise ManifestError(f"head {shown(self.head)} is not one of {', '.join(HEADS)}")
        if self.precision not in PRECISIONS:
            raise ManifestError(f"precision {shown(self.precision)} is not one of {', '.join(PRECISIONS)}")
        if self.preparation not in PREPARATIONS:
            raise ManifestError(
                f"preparation {shown(self.preparation)} is not one of {', '.join(PREPARATIONS)}"
            )
        if not is_number(self.logit_scale) or not 0 < self.logit_scale <= MOST_LOGIT_SCALE:
            raise ManifestError(
                f"logit_scale must be a positive number, at most {MOST_LOGIT_SCALE:g}, "
                f"got {shown(self.logit_scale)}"
            )
        if self.opset is not None and (not is_whole(self.opset) or not 1 <= self.opset <= 1000):
            raise ManifestError(f"opset must be a whole number in 1 ... 1000, got {shown(self.opset)}")
        size_limits_of(self.size_limits)
        if self.rejection is not None and self.rejection.dim != self.labels.dim:
            raise ManifestError(
                f"its rejection is for features of {self.rejection.dim}, its labels have {self.labels.dim}",
                "fit it again with c2p-train calibrate",
            )
        if self.call_bytes > MOST_CALL_BYTES:
            views, size, _ = self.maps_shape
            raise ManifestError(
                f"a call of {self.batch.max} clouds, {views} views of {size} x {size} pixels and "
                f"{len(self.labels)} labels would take {self.call_bytes / 2**30:.1f} GiB, more than "
                f"{MOST_CALL_BYTES >> 30} GiB",
                "export it again with a smaller --max-batch",
            )

    def __repr__(self) -> str:
        engines = ", ".join(self.engines) or "no engine"
        return (
            f"Manifest({engines}: {self.head} in {self.precision}, {len(self.views)} views of "
            f"{self.spec.image_size} px, {len(self.labels)} labels)"
        )

    @property
    def call_bytes(self) -> int:
        """Bytes of depth maps, features and scores of the largest call, all in float32."""
        views, height, width = self.maps_shape
        return 4 * self.batch.max * (views * height * width + self.labels.dim + len(self.labels))

    @property
    def maps_shape(self) -> tuple[int, int, int]:
        """(V, S, S), of the depth maps of one cloud."""
        return len(self.views), self.spec.image_size, self.spec.image_size

    @property
    def encoder_sha256(self) -> str:
        """What the features of a clean cloud depend on, as a hash; the same for all precisions."""
        spec = (self.spec.image_size, self.spec.point_radius, self.spec.num_points)
        views = [
            array.astype("<f4").tobytes().hex() for array in (self.views.rotations, self.views.distances)
        ]
        about = json.dumps([self.checkpoint_sha256, self.head, spec, views])
        return sha256(about.encode()).hexdigest()

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
        manifest = Manifest.beside(engine)
        try:
            digest = sha256_of(engine)
        except OSError as error:
            remedy = "check the path and its permissions"
            raise ManifestError(f"cannot read engine: {reason_of(error)}", remedy, engine) from error
        if digest != manifest.engines[engine.name]:
            raise ManifestError(
                f"SHA-256 differs from the one in {Manifest.path_for(engine).name}",
                "the file is damaged or from another export: copy engine and manifest together again",
                engine,
            )
        return manifest

    @staticmethod
    def beside(engine: Path) -> Manifest:
        """The manifest of an engine file, whose bytes are not looked at.

        One that was renamed along with the engine lists the new name. Raises ManifestError when either file
        is missing, or the manifest cannot be read or is of no such engine.
        """
        if engine.suffix.lower() in _CHECKPOINTS:
            export = shlex.join(("c2p-export", "--ckpt", str(engine)))
            raise ManifestError("is a checkpoint, not an engine", f"export it first: {export}", engine)
        if not os.path.isfile(engine):  # Path.is_file raises for a name too long, or a folder that is shut
            raise no_engine(engine)
        path = Manifest.path_for(engine)
        if not os.path.exists(path):
            remedy = "copy it along with the engine"
            raise ManifestError(f"its manifest {path.name} is missing", remedy, engine)
        manifest = Manifest.load(path)
        if engine.name not in manifest.engines:
            engines, text = renamed(manifest.engines, manifest.text_encoder, engine)
            manifest = replace(manifest, engines=engines, text_encoder=text)
        if engine.name not in manifest.engines:
            raise ManifestError(
                f"{path.name} describes {', '.join(manifest.engines) or 'no engine'}, not this file",
                "copy engine and manifest together again",
                engine,
            )
        return manifest

    @staticmethod
    def load(path: str | PathLike[str]) -> Manifest:
        """Reads a manifest. Raises ManifestError that names the file and what to do."""
        path = Path(path)
        try:
            values = parse_json(read_small(path))
        except OSError as error:
            remedy = "check the path and its permissions"
            raise ManifestError(f"cannot read manifest: {reason_of(error)}", remedy, path) from error
        except ValueError as error:
            raise ManifestError(f"not valid JSON: {reason_of(error)}", EXPORT_AGAIN, path) from error
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
            "target": asdict(self.target) | {"compute_capabilities": list(self.target.compute_capabilities)}
            if self.target
            else None,
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
            "preparation": self.preparation,
            "rejection": self.rejection.to_dict() if self.rejection else None,
            "size_limits": {name: list(limits) for name, limits in self.size_limits.items()}
            if self.size_limits is not None
            else None,
        }

    @staticmethod
    def from_dict(values: Any) -> Manifest:
        """The inverse of `to_dict`. Raises ManifestError for anything that does not fit."""
        if not isinstance(values, dict) or "schema" not in values:
            raise ManifestError("not a manifest: it has no schema version", _NOT_OURS)
        schema = values["schema"]
        if not isinstance(schema, str) or schema.split(".")[0] != SCHEMA.split(".")[0]:
            raise ManifestError(
                f"manifest schema {shown(schema)}, this release reads {SCHEMA.split('.')[0]}.x",
                "install the c2p-deploy release that exported it, or export again",
            )
        try:
            return _manifest(values)
        except KeyError as error:
            raise ManifestError(f"manifest has no key {error}", EXPORT_AGAIN) from error
        except LabelError as error:
            raise ManifestError(f"in its labels: {error.problem}", EXPORT_AGAIN) from error
        except OptionError as error:  # of the view set and the depth spec
            raise ManifestError(f"manifest is malformed: {error.problem}", EXPORT_AGAIN) from error


def _manifest(values: dict[str, Any]) -> Manifest:
    """Of the values of a file. Raises KeyError, ManifestError, LabelError and OptionError."""
    return Manifest(
        engines={
            name: of_kind(dict, engine, name)["sha256"]
            for name, engine in value_at(dict, values, "engines").items()
        },
        checkpoint_sha256=values["checkpoint_sha256"],
        head=values["head"],
        encoders=tuple(texts_at(values, "encoders")),
        views=ViewSet.from_dict(value_at(dict, values, "view_set")),
        spec=numbers_at(DepthSpec, values, "depth_spec"),
        labels=LabelSet.from_dict(value_at(dict, values, "labels")),
        logit_scale=values["logit_scale"],
        precision=values["precision"],
        input_name=values["input"],
        output_name=values["output"],
        batch=numbers_at(BatchProfile, values, "batch"),
        opset=values["opset"],
        target=target_of(values["target"]),
        parity=value_at(dict, values, "parity"),
        tools=value_at(dict, values, "tools"),
        created=values["created"],
        text_encoder=text_encoder_of(values.get("text_encoder")),  # absent before schema 1.1
        cost=cost_of(values.get("cost")),  # the same
        # Absent before schema 1.2: an engine answers as it did when it was exported.
        preparation=values.get("preparation", "paper"),
        rejection=rejection_of(values.get("rejection")),  # absent before schema 1.2
        size_limits=size_limits_of(values.get("size_limits")),  # the same
    )
