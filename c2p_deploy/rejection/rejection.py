"""`Rejection`: what is stored with an engine so that it can doubt; docs/manifest.md describes the file."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from c2p_deploy.errors import ManifestError
from c2p_deploy.json_file import is_number, is_whole, shown
from c2p_deploy.labels import MOST_DIMS
from c2p_deploy.projection.spec import FloatArray
from c2p_deploy.rejection.signals import SIGNALS, Array

_LARGEST = 1e6  # of any stored number
_AGAIN = "fit it again with c2p-train calibrate"


@dataclass(frozen=True, eq=False)
class Rejection:
    """Two detectors and a calibrated confidence, for the features of one engine.

    clutter: float32 [D + 1], weights of a feature of unit length and a bias: above 0 it is no object,
    whatever the labels. novelty: float32 [D + S + 1], the same with weights of the signals (`SIGNALS`) before
    the bias: above 0 it is a thing that is none of the labels that the engine came with. new_words: float64
    [S + 1], weights of the signals alone, in its place where labels are offered that the engine did not come
    with: what was a stranger when this was fitted may be what is looked for.
    confidence: float64 [S + 1]; the sigmoid is the probability that the best label is right.
    typical: float64 [S], the signals' means over known things, taken where a signal has nothing to tell.
    Raises ManifestError for what does not fit together or is not finite.
    """

    clutter: FloatArray
    novelty: FloatArray
    new_words: Array
    confidence: Array
    typical: Array

    def __post_init__(self) -> None:
        count = len(SIGNALS)
        dim = len(self.clutter) - 1
        if not 1 <= dim <= MOST_DIMS:
            raise _malformed(f"dim must be in 1 ... {MOST_DIMS}, got {dim}")
        lengths = {
            "clutter": dim + 1,
            "novelty": dim + count + 1,
            "new_words": count + 1,
            "confidence": count + 1,
            "typical": count,
        }
        for each in fields(self):
            array = getattr(self, each.name)
            length = lengths[each.name]
            if array.shape != (length,):
                raise _malformed(f"{each.name} must be {length} numbers, got {list(array.shape)}")
            if not (np.abs(array) <= _LARGEST).all():  # nor for NaN
                raise _malformed(f"{each.name} holds a value that is not finite, or beyond {_LARGEST:g}")

    @property
    def dim(self) -> int:
        """D, the width of the features."""
        return len(self.clutter) - 1

    def for_new_words(self) -> Rejection:
        """The same for an engine that comes with other labels: strangers are told by the signals alone."""
        novelty = np.concatenate((np.zeros(self.dim), self.new_words)).astype(np.float32)
        return replace(self, novelty=novelty)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; the weights of features as base64 of little-endian float32."""
        return {
            "dim": self.dim,
            "signals": list(SIGNALS),
            "clutter": _encoded(self.clutter),
            "novelty": _encoded(self.novelty),
            "new_words": self.new_words.tolist(),
            "confidence": self.confidence.tolist(),
            "typical": self.typical.tolist(),
        }

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> Rejection:
        """The inverse of `to_dict`. Raises ManifestError for what does not fit."""
        if not isinstance(values, dict):
            raise _malformed(f"must be a JSON object, got {shown(values)}")
        try:
            if values["signals"] != list(SIGNALS):
                raise _malformed(f"signals {shown(values['signals'])} are not those of this release")
            dim = values["dim"]
            if not is_whole(dim) or not 1 <= dim <= MOST_DIMS:
                raise _malformed(f"dim must be a whole number in 1 ... {MOST_DIMS}, got {shown(dim)}")
            return Rejection(
                clutter=_decoded(values, "clutter", dim + 1),
                novelty=_decoded(values, "novelty", dim + len(SIGNALS) + 1),
                new_words=_numbers(values, "new_words"),
                confidence=_numbers(values, "confidence"),
                typical=_numbers(values, "typical"),
            )
        except KeyError as error:
            raise _malformed(f"has no key {error}") from error


def _malformed(problem: str) -> ManifestError:
    return ManifestError(f"rejection: {problem}", _AGAIN)


def _encoded(array: FloatArray) -> str:
    return base64.b64encode(array.astype("<f4").tobytes()).decode("ascii")


def _decoded(values: Mapping[str, Any], key: str, length: int) -> FloatArray:
    try:
        if not isinstance(values[key], str):
            raise ValueError("not a text")
        raw = base64.b64decode(values[key], validate=True)
    except ValueError as error:  # binascii.Error is one
        raise _malformed(f"{key} is not base64") from error
    if len(raw) != 4 * length:
        raise _malformed(f"{key} has {len(raw)} bytes, not {4 * length}")
    return np.frombuffer(raw, "<f4").astype(np.float32)


def _numbers(values: Mapping[str, Any], key: str) -> Array:
    given = values[key]
    if (
        not isinstance(given, list)
        or not 1 <= len(given) <= len(SIGNALS) + 1
        or not all(map(is_number, given))
    ):
        raise _malformed(f"{key} must be a list of at most {len(SIGNALS) + 1} numbers, got {shown(given)}")
    try:
        return np.array(given, dtype=np.float64)
    except OverflowError as error:  # an integer of hundreds of digits
        raise _malformed(f"{key} holds a number that no float64 holds") from error
