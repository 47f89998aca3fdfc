"""The parts of a manifest out of plain JSON values, with refusals that name the key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

from c2p_deploy.errors import ManifestError
from c2p_deploy.json_file import shown
from c2p_deploy.manifest.parts import EXPORT_AGAIN, EngineCost, EngineTarget, TextEncoderFiles
from c2p_deploy.rejection import Rejection

_Value = TypeVar("_Value")
_JSON_KINDS: Mapping[type, str] = {dict: "object", list: "array", str: "string"}


def of_kind(kind: type[_Value], value: Any, key: str) -> _Value:
    """A value that has to be of a kind of JSON's. Raises ManifestError that names its key."""
    if type(value) is not kind:
        raise ManifestError(
            f"manifest is malformed: {shown(key)} must be a JSON {_JSON_KINDS[kind]}, got {shown(value)}",
            EXPORT_AGAIN,
        )
    return value


def value_at(kind: type[_Value], values: dict[str, Any], key: str) -> _Value:
    """The value of a key, as `of_kind`. Raises KeyError where there is none, as all below do."""
    return of_kind(kind, values[key], key)


def texts_at(values: dict[str, Any], key: str) -> list[str]:
    """An array of strings."""
    return [of_kind(str, text, key) for text in value_at(list, values, key)]


def numbers_at(kind: type[_Value], values: dict[str, Any], key: str) -> _Value:
    """A dataclass of numbers. Raises ManifestError for a key that it has not."""
    given = value_at(dict, values, key)
    unknown = set(given) - {field.name for field in fields(kind)}  # type: ignore[arg-type]
    if unknown:
        raise ManifestError(f"manifest is malformed: {key} has no {shown(min(unknown))}", EXPORT_AGAIN)
    return kind(**given)


def text_encoder_of(values: Any) -> TextEncoderFiles | None:
    """Absent before schema 1.1. Raises ManifestError."""
    if values is None:
        return None
    given = of_kind(dict, values, "text_encoder")
    model, tokenizer = value_at(dict, given, "model"), value_at(dict, given, "tokenizer")
    return TextEncoderFiles(model["file"], model["sha256"], tokenizer["file"], tokenizer["sha256"])


def cost_of(values: Any) -> EngineCost | None:
    """Absent before schema 1.1. Raises ManifestError."""
    if values is None:
        return None
    given = of_kind(dict, values, "cost")
    return EngineCost(given["flops_per_cloud"], given["weight_bytes"])


def rejection_of(values: Any) -> Rejection | None:
    """Absent before schema 1.2. Raises ManifestError."""
    return None if values is None else Rejection.from_dict(of_kind(dict, values, "rejection"))


def target_of(values: Any) -> EngineTarget | None:
    """None without a plan. Raises ManifestError."""
    if values is None:
        return None
    given = of_kind(dict, values, "target")
    capabilities = tuple(texts_at(given, "compute_capabilities"))
    return EngineTarget(given["flavour"], given["version"], capabilities, given["gpu"])
