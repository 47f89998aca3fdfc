"""`Rejection`: what is stored with an engine so that it can doubt; docs/manifest.md describes the file."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from c2p_deploy.errors import LabelError, ManifestError
from c2p_deploy.json_file import is_number, is_whole, shown
from c2p_deploy.labels import MOST_DIMS, LabelSet
from c2p_deploy.projection.spec import FloatArray
from c2p_deploy.rejection.signals import SIGNALS, Array, Region

MOST_CENTRES = 4096  # classes that training knew
MOST_DIRECTIONS = 256
MOST_OTHERS = 4096  # names known but not offered
_LARGEST = 1e6  # of any stored number
_AGAIN = "fit it again with c2p-train calibrate"


@dataclass(frozen=True, eq=False)
class Rejection:
    """Two detectors and a calibrated confidence, for the features of one engine.

    clutter: float32 [D + 1], weights of a unit feature and a bias: above 0 it is of no object.
    region: where features of known things lie. centre, scale: float64 [S], mean and standard deviation of each
    signal (`SIGNALS`) over known things. novelty, confidence: float64 [S + 1], weights of the signals in these
    units and a bias: above 0 the thing is new; the sigmoid is the probability that the best label is right.
    others: names known to the encoder that are not offered as labels, or None.
    Raises ManifestError for what does not fit together or is not finite.
    """

    clutter: FloatArray
    region: Region
    centre: Array
    scale: Array
    novelty: Array
    confidence: Array
    others: LabelSet | None = None

    def __post_init__(self) -> None:
        region, count = self.region, len(SIGNALS)
        directions = region.directions.shape
        if len(directions) != 2 or not 1 <= directions[0] <= MOST_DIRECTIONS or directions[1] > MOST_DIMS:
            raise _malformed(f"directions must be [r, D] with r of 1 to {MOST_DIRECTIONS}, got {directions}")
        r, dim = directions
        if region.centres.ndim != 2 or not 1 <= len(region.centres) <= MOST_CENTRES:
            raise _malformed(f"centres must be 1 to {MOST_CENTRES} rows, got {region.centres.shape}")
        for name, array, shape in (
            ("clutter", self.clutter, (dim + 1,)),
            ("spread", region.spread, (r,)),
            ("centres", region.centres, (len(region.centres), r)),
            ("centre", self.centre, (count,)),
            ("scale", self.scale, (count,)),
            ("novelty", self.novelty, (count + 1,)),
            ("confidence", self.confidence, (count + 1,)),
        ):
            if array.shape != shape:
                raise _malformed(f"{name} must have the shape {list(shape)}, got {list(array.shape)}")
            if not (np.abs(array) <= _LARGEST).all():  # nor for NaN
                raise _malformed(f"{name} holds a value that is not finite, or beyond {_LARGEST:g}")
        if not (np.abs(region.directions) <= _LARGEST).all():
            raise _malformed("directions hold a value that is not finite")
        if not (region.spread > 0).all() or not (self.scale > 0).all():
            raise _malformed("spread and scale must be above 0")
        if self.others is not None and (self.others.dim != dim or len(self.others) > MOST_OTHERS):
            raise _malformed(f"others must be at most {MOST_OTHERS} names with text features of {dim}")

    @property
    def dim(self) -> int:
        """D, the width of the features."""
        return int(self.region.directions.shape[1])

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; large arrays as base64 of little-endian float16."""
        region = self.region
        return {
            "dim": self.dim,
            "signals": list(SIGNALS),
            "clutter": _encoded(self.clutter, "<f4"),
            "directions": _encoded(region.directions, "<f2"),
            "spread": [float(x) for x in region.spread],
            "centres": _encoded(region.centres, "<f2"),
            "centre": self.centre.tolist(),
            "scale": self.scale.tolist(),
            "novelty": self.novelty.tolist(),
            "confidence": self.confidence.tolist(),
            "others": None if self.others is None else self.others.to_dict(),
        }

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> Rejection:
        """The inverse of `to_dict`, up to float16 rounding. Raises ManifestError for what does not fit."""
        if not isinstance(values, dict):
            raise _malformed(f"must be a JSON object, got {shown(values)}")
        try:
            dim, named, others = values["dim"], values["signals"], values["others"]
            if named != list(SIGNALS):
                raise _malformed(f"signals {shown(named)} are not those of this release")
            if not is_whole(dim) or not 1 <= dim <= MOST_DIMS:
                raise _malformed(f"dim must be a whole number in 1 ... {MOST_DIMS}, got {shown(dim)}")
            spread = _numbers(values, "spread", MOST_DIRECTIONS)
            directions = _decoded(values, "directions", "<f2", dim)
            return Rejection(
                clutter=_decoded(values, "clutter", "<f4", dim + 1).reshape(-1),
                region=Region(
                    directions=directions,
                    spread=spread.astype(np.float32),
                    centres=_decoded(values, "centres", "<f2", len(spread)),
                ),
                centre=_numbers(values, "centre", len(SIGNALS)),
                scale=_numbers(values, "scale", len(SIGNALS)),
                novelty=_numbers(values, "novelty", len(SIGNALS) + 1),
                confidence=_numbers(values, "confidence", len(SIGNALS) + 1),
                others=None if others is None else LabelSet.from_dict(others),
            )
        except KeyError as error:
            raise _malformed(f"has no key {error}") from error
        except LabelError as error:
            raise _malformed(f"in its others: {error.problem}") from error


def _malformed(problem: str) -> ManifestError:
    return ManifestError(f"rejection: {problem}", _AGAIN)


def _encoded(array: npt.NDArray[Any], dtype: str) -> str:
    return base64.b64encode(array.astype(dtype).tobytes()).decode("ascii")


def _decoded(values: Mapping[str, Any], key: str, dtype: str, width: int) -> FloatArray:
    """Rows of `width` as float32. Raises ManifestError."""
    try:
        if not isinstance(values[key], str):
            raise ValueError("not a text")
        raw = base64.b64decode(values[key], validate=True)
    except ValueError as error:  # binascii.Error is one
        raise _malformed(f"{key} is not base64") from error
    row = width * np.dtype(dtype).itemsize
    if width == 0 or not raw or len(raw) % row or len(raw) > row * MOST_CENTRES:
        raise _malformed(f"{key} has {len(raw)} bytes, not rows of {row}")
    return np.frombuffer(raw, dtype).reshape(-1, width).astype(np.float32)


def _numbers(values: Mapping[str, Any], key: str, most: int) -> Array:
    given = values[key]
    if not isinstance(given, list) or not 1 <= len(given) <= most or not all(map(is_number, given)):
        raise _malformed(f"{key} must be a list of 1 to {most} numbers, got {shown(given)}")
    return np.array(given, dtype=np.float64)
