"""How large the things of a label can be, in metres: read, and checked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from c2p_deploy.errors import ManifestError, reason_of
from c2p_deploy.json_file import is_number, parse_json, read_small, shown

_MOST_METRES = 1e5
_LIMITS = "give two lengths in metres for each label, the smaller first"


def size_limits_of(values: Any) -> Mapping[str, tuple[float, float]] | None:
    """By label the least and largest extent in metres, out of plain values. Raises ManifestError."""
    if values is None:
        return None
    if not isinstance(values, Mapping):
        raise ManifestError(f"size_limits must be a JSON object, got {shown(values)}", _LIMITS)
    found = {}
    for name, limits in values.items():
        numbers = isinstance(limits, (list, tuple)) and len(limits) == 2 and all(map(is_number, limits))
        if not isinstance(name, str) or not numbers or not 0 <= limits[0] < limits[1] <= _MOST_METRES:
            raise ManifestError(f"size_limits of {shown(name)} cannot be {shown(limits)}", _LIMITS)
        found[name] = (float(limits[0]), float(limits[1]))
    return found


def read_size_limits(path: Path) -> Mapping[str, tuple[float, float]] | None:
    """Size limits out of a JSON file. Raises ManifestError that names it."""
    try:
        return size_limits_of(parse_json(read_small(path)))
    except OSError as error:
        raise ManifestError(f"cannot read size limits: {reason_of(error)}", "check the path", path) from error
    except ValueError as error:
        raise ManifestError(f"not valid JSON: {reason_of(error)}", _LIMITS, path) from error
    except ManifestError as error:
        raise error.at(path) from error
