"""`ViewSet`: the camera poses a cloud is drawn from.

The paper's two sets are frozen here as float32 constants. They must not be recomputed from
their angles: at the poles the look-at rule degenerates, and which way up those two maps
come out hangs on the rounding of a float32 cosine of 90 degrees.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from c2p_deploy.errors import OptionError
from c2p_deploy.json_file import shown

# World-to-camera rotations for row vectors (p_view = p @ R + T): the columns are the camera's
# x (left), y (up) and z (forward) axes. One matrix a row, in the authors' order.
_CLIP2POINT_10 = (  # elevation, azimuth in degrees
    ((-1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, -1.0)),  # 0, 0
    ((1.0, 0.0, 0.0), (0.0, 4.371139e-08, -1.0), (0.0, 1.0, 4.371139e-08)),  # 90, 0
    ((1.0, 0.0, 0.0), (0.0, 1.0, 8.742278e-08), (0.0, -8.742278e-08, 1.0)),  # 180, 0
    ((-1.0, 0.0, 0.0), (0.0, 1.1924881e-08, 1.0), (0.0, 1.0, -1.1924881e-08)),  # 270, 0
    (  # 225, -45
        (0.70710677, 0.49999997, -0.50000006),
        (0.0, 0.7071068, 0.70710677),
        (0.70710677, -0.49999997, 0.50000006),
    ),
    (  # 225, 45
        (0.70710677, -0.49999997, 0.50000006),
        (0.0, 0.7071068, 0.70710677),
        (-0.70710677, -0.49999997, 0.50000006),
    ),
    (  # 315, -45
        (-0.70710677, -0.5000001, 0.4999999),
        (0.0, 0.7071067, 0.7071069),
        (-0.70710677, 0.5000001, -0.4999999),
    ),
    (  # 315, 45
        (-0.70710677, 0.5000001, -0.4999999),
        (0.0, 0.7071067, 0.7071069),
        (0.70710677, 0.5000001, -0.4999999),
    ),
    ((4.371139e-08, 0.0, 1.0), (0.0, 1.0, 0.0), (-1.0, 0.0, 4.371139e-08)),  # 0, -90
    ((4.371139e-08, 0.0, -1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 4.371139e-08)),  # 0, 90
)
_CLIP2POINT_6 = (
    ((-1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, -1.0)),  # 0, 0
    ((4.371139e-08, 0.0, -1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 4.371139e-08)),  # 0, 90
    ((1.0, 0.0, 8.742278e-08), (0.0, 1.0, 0.0), (-8.742278e-08, 0.0, 1.0)),  # 0, 180
    ((-1.1924881e-08, 0.0, 1.0), (0.0, 1.0, 0.0), (-1.0, 0.0, -1.1924881e-08)),  # 0, 270
    ((1.0, 0.0, 0.0), (0.0, 4.371139e-08, -1.0), (0.0, 1.0, 4.371139e-08)),  # 90, 0
    (  # -90, 180
        (-1.0, 8.742278e-08, -3.821371e-15),
        (0.0, 4.371139e-08, 1.0),
        (8.742278e-08, 1.0, -4.371139e-08),
    ),
)
MOST_VIEWS = 256  # the paper's largest set has ten
# Far beyond the ±10 % of pre-training; within it a float32 neither overflows nor loses the cloud.
_NEAREST, _FARTHEST = 1e-3, 1e3
_NAMED = {"clip2point-10": _CLIP2POINT_10, "clip2point-6": _CLIP2POINT_6}


@dataclass(frozen=True, eq=False)
class ViewSet:
    """An ordered set of V orthographic cameras that look at the origin.

    name: what people call it; rotations: float32 [V, 3, 3], world to camera for row
    vectors; distances: float32 [V], from the origin, 1 unless jittered for pre-training.
    """

    name: str
    rotations: npt.NDArray[np.float32]
    distances: npt.NDArray[np.float32]

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise OptionError(f"the name of a view set must be a text, got {shown(self.name)}")
        rotations, distances = _numbers("rotations", self.rotations), _numbers("distances", self.distances)
        if rotations.ndim != 3 or rotations.shape[1:] != (3, 3) or len(rotations) == 0:
            raise OptionError(f"rotations must be [V, 3, 3] with V >= 1, got {rotations.shape}")
        if distances.shape != (len(rotations),):
            raise OptionError(f"distances must be [{len(rotations)}], got {distances.shape}")
        if len(rotations) > MOST_VIEWS:
            raise OptionError(f"a view set has at most {MOST_VIEWS} views, got {len(rotations)}")
        small = (np.abs(rotations) <= 2).all()  # else their products may overflow; False for NaN too
        if not small or not np.allclose(rotations @ rotations.transpose(0, 2, 1), np.eye(3), atol=1e-4):
            raise OptionError("rotations must be orthonormal matrices")
        if not ((distances >= _NEAREST) & (distances <= _FARTHEST)).all():
            raise OptionError(f"distances must be positive, from {_NEAREST:g} to {_FARTHEST:g}")
        for array in (rotations, distances):
            array.setflags(write=False)
        object.__setattr__(self, "rotations", rotations)
        object.__setattr__(self, "distances", distances)

    def __len__(self) -> int:
        return len(self.rotations)

    def __repr__(self) -> str:
        return f"ViewSet({self.name!r}, {len(self)} views)"

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, ViewSet)
            and self.name == other.name
            and np.array_equal(self.rotations, other.rotations)
            and np.array_equal(self.distances, other.distances)
        )

    @staticmethod
    def named(name: str) -> ViewSet:
        """One of the paper's sets: "clip2point-10" (training, few-shot) or "clip2point-6" (zero-shot).

        Raises OptionError for any other name.
        """
        if not isinstance(name, str) or name not in _NAMED:
            raise OptionError(f"unknown view set {shown(name)}", f"give one of {', '.join(sorted(_NAMED))}")
        rotations = np.array(_NAMED[name], dtype=np.float32)
        return ViewSet(name, rotations, np.ones(len(rotations), dtype=np.float32))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, as manifests, checkpoints and image-depth pairs keep them; exact."""
        return {
            "name": self.name,
            "rotations": self.rotations.tolist(),
            "distances": self.distances.tolist(),
        }

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> ViewSet:
        """The inverse of `to_dict`. Raises KeyError, TypeError or ValueError for anything else."""
        return ViewSet(values["name"], values["rotations"], values["distances"])


def _numbers(what: str, given: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """A copy in float32. Raises OptionError for what is no array of numbers: text, truth, ragged lists."""
    try:
        found = np.asarray(given)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:  # what NumPy makes no array of
        raise OptionError(f"{what} must be an array of numbers") from error
    if found.size == 0 or found.dtype.kind in "iuf":
        with np.errstate(over="ignore"):  # an infinity is refused later
            return np.array(found, dtype=np.float32)
    raise OptionError(f"{what} must be an array of numbers")
