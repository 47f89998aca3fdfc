"""`LabelSet`: the names a cloud can get, each with its text feature in CLIP's space."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from c2p_deploy.errors import LabelError, UnknownLabelError, reason_of
from c2p_deploy.files import write_atomic
from c2p_deploy.json_file import is_whole, parse_json, read_small, shown
from c2p_deploy.labels.names import near_names, row_of, rows_of

PAPER_TEMPLATE = "image of a {}"  # the prompt of CLIP2Point
MOST_LABELS = 1_000_000
MOST_DIMS = 65_536
MOST_LETTERS = 1000  # of a name; CLIP reads 77 tokens of a prompt
_MOST_TEMPLATE = 100_000  # letters of all prompts of a label set
_SAVE = "write it with LabelSet.save"
ASK = "give a list of names, a label-set file, or names separated by commas"
_MOST_LISTED = 100
_MOST_EXPLAINED = 5  # unknown names that are told with those near them


@dataclass(frozen=True, eq=False)
class LabelSet:
    """C names and their text features.

    names: unique, non-empty; text_features: [C, D], scaled to unit length and kept as
    float32; template: the prompt the features were made with, `{}` standing for the name.
    Raises LabelError when they do not fit together, a feature is zero or not finite, or a name is not one
    that can be printed.
    """

    names: tuple[str, ...]
    text_features: npt.NDArray[np.float32]
    template: str = "a {}"

    def __post_init__(self) -> None:
        names = checked_names(self.names)
        if not names or not all(map(str.strip, names)):
            raise LabelError("a label set needs at least one name, and no name may be empty")
        twice = sorted(name for name, count in Counter(names).items() if count > 1)
        if twice:
            raise LabelError(f"labels must be unique, but these occur twice: {_listed(twice)}")
        if not isinstance(self.template, str) or not _printable(self.template, _MOST_TEMPLATE):
            raise LabelError(f"the template of a label set must be a text, got {shown(self.template)}")
        features = _unit_rows(_numbers(self.text_features), len(names))
        features.setflags(write=False)
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "text_features", features)

    def __len__(self) -> int:
        return len(self.names)

    def __repr__(self) -> str:
        some = ", ".join(map(repr, self.names[:3])) + (", ..." if len(self) > 3 else "")
        return f"LabelSet({len(self)} names: {some}; features of {self.dim})"

    @property
    def dim(self) -> int:
        """D, the width of the text features."""
        return int(self.text_features.shape[1])

    def subset(self, names: Iterable[str]) -> LabelSet:
        """The label set with only these names, in this order.

        Case, spaces, hyphens, underscores and the plural do not matter. The result bears the names as
        asked for. Raises UnknownLabelError for names that have no text feature here, with the nearest ones
        that have.
        """
        wanted = checked_names(names)
        return self._of_rows(self._rows(wanted), wanted)

    def _rows(self, wanted: tuple[str, ...]) -> list[int]:
        """The row of each name. Raises UnknownLabelError."""
        rows = rows_of(self.names)
        found = [row_of(name, rows) for name in wanted]
        chosen = [row for row in found if row is not None]
        if len(chosen) < len(wanted):
            raise unknown_names(wanted, found, self.names)
        return chosen

    def _of_rows(self, rows: list[int], names: tuple[str, ...]) -> LabelSet:
        """These rows under these names."""
        return LabelSet(names, self.text_features[rows], self.template)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; text features as base64 of little-endian float16 [C, D]."""
        raw = self.text_features.astype("<f2").tobytes()
        return {
            "names": list(self.names),
            "template": self.template,
            "dim": self.dim,
            "text_features": base64.b64encode(raw).decode("ascii"),
        }

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> LabelSet:
        """The inverse of `to_dict`, up to float16 rounding. Raises LabelError when malformed."""
        try:
            names, template, dim = values["names"], values["template"], values["dim"]
            encoded = values["text_features"]
        except KeyError as error:
            raise LabelError(f"label set has no key {error}", _SAVE) from error
        except TypeError as error:
            raise LabelError(f"not a label set but a {type(values).__name__}", _SAVE) from error
        if not isinstance(names, list) or not isinstance(template, str) or not is_whole(dim) or dim < 1:
            raise LabelError("names must be a list, template a string, dim a positive integer", _SAVE)
        if dim > MOST_DIMS:
            raise LabelError(f"dim must be at most {MOST_DIMS}, got {shown(dim)}", _SAVE)
        try:
            if not isinstance(encoded, str):
                raise ValueError("not a text")
            raw = base64.b64decode(encoded, validate=True)
        except ValueError as error:  # binascii.Error is one
            raise LabelError("text_features is not base64", _SAVE) from error
        if len(raw) != 2 * dim * len(names):
            raise LabelError(
                f"{len(names)} names of dim {dim} need {2 * dim * len(names)} bytes of text features, "
                f"got {len(raw)}",
                "the file is damaged: copy it again",
            )
        features = np.frombuffer(raw, dtype="<f2").reshape(len(names), dim)
        return LabelSet(tuple(names), features.astype(np.float32), template)

    def save(self, path: str | PathLike[str]) -> None:
        """Writes the label set as JSON, under a temporary name first."""
        write_atomic(Path(path), json.dumps(self.to_dict(), indent=1).encode())

    @staticmethod
    def load(path: str | PathLike[str]) -> LabelSet:
        """Reads what `save` wrote. Raises LabelError that names the file."""
        values = read_label_file(path)
        try:
            return LabelSet.from_dict(values)
        except LabelError as error:
            raise error.at(path) from error


def read_label_file(path: str | PathLike[str]) -> dict[str, Any]:
    """The JSON object of a label-set file, of whatever kind. Raises LabelError that names the file."""
    try:
        values = parse_json(read_small(path))
    except OSError as error:
        raise LabelError(f"cannot read label set: {reason_of(error)}", "check the path", path) from error
    except ValueError as error:
        raise LabelError(f"not a JSON label set: {reason_of(error)}", _SAVE, path) from error
    if not isinstance(values, dict):
        raise LabelError(f"not a label set but a JSON {type(values).__name__}", _SAVE, path)
    return values


def templates_of(labels: LabelSet) -> tuple[str, ...]:
    """The prompts a label set was made with, the paper's where they are not written out.

    Label sets record OpenAI's ensemble of eighty templates by name only.
    """
    templates = tuple(labels.template.split(" | "))
    return templates if all(map(is_template, templates)) else (PAPER_TEMPLATE,)


def is_template(text: str) -> bool:
    """Whether a text has exactly one `{}`, where the name goes, and no other brace."""
    return text.count("{}") == 1 and not set("{}") & set(text.replace("{}", ""))


def unknown_names(
    wanted: tuple[str, ...], found: Sequence[object | None], known: Sequence[str], more: Sequence[str] = ()
) -> UnknownLabelError:
    """The refusal of names for which None was found, with the nearest of `known` and `more` for each."""
    missing = [name for name, one in zip(wanted, found, strict=True) if one is None]
    said = []
    for name in missing[:_MOST_EXPLAINED]:
        near = near_names(name, [*known, *more])
        if near:
            said.append(f"{name!r} (near: {', '.join(near)})")
        elif len(missing) == 1:
            further = f" and {len(more):,} words of the word bank" if more else ""
            said.append(f"{name!r} (known: {_listed(known)}{further})")
        else:
            said.append(repr(name))
    if len(missing) > _MOST_EXPLAINED:
        said.append(f"and {len(missing) - _MOST_EXPLAINED} more")
    return UnknownLabelError(
        f"no text feature for label{'s' if len(missing) > 1 else ''} {', '.join(said)}",
        "choose among the engine's own labels or give a label-set file with text features",
        names=wanted,
    )


def checked_names(names: Iterable[str]) -> tuple[str, ...]:
    """The names as a tuple. Raises LabelError for what are no names, or too many, or not printable."""
    if isinstance(names, (str, bytes, bytearray)):  # each letter would become a name
        raise LabelError(f"labels must be a list of names, got {shown(names)}", ASK)
    try:
        found = tuple(islice(names, MOST_LABELS + 1))
    except TypeError as error:
        raise LabelError(f"labels must be a list of names, got {shown(names)}", ASK) from error
    if len(found) > MOST_LABELS:
        raise LabelError(f"a label set has at most {MOST_LABELS} names")
    for name in found:
        if not isinstance(name, str):
            raise LabelError(f"a name must be a text, got {shown(name)}", ASK)
        if not _printable(name, MOST_LETTERS):
            raise LabelError(
                f"the name {shown(name)} cannot be printed in UTF-8 or has more than {MOST_LETTERS} letters",
                "write it otherwise",
            )
    return found


def _printable(text: str, most: int) -> bool:
    """Whether a text can be written in UTF-8: half a surrogate pair, from JSON or a file name, cannot."""
    if text.isascii():  # which a text knows of itself
        return len(text) <= most
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return len(text) <= most


def _listed(names: Iterable[str]) -> str:
    """Names for a message, the first of them where there are too many to read."""
    first = list(islice(names, _MOST_LISTED + 1))
    return ", ".join(first) if len(first) <= _MOST_LISTED else ", ".join([*first[:_MOST_LISTED], "..."])


def _numbers(given: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """A copy in float32. Raises LabelError for what is no array of numbers."""
    try:
        found = np.asarray(given)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:  # what NumPy makes no array of
        raise LabelError("text features must be an array of numbers") from error
    if found.dtype.kind not in "iuf":
        raise LabelError(f"text features must be an array of numbers, got {found.dtype}")
    with np.errstate(over="ignore"):  # an infinity is refused later
        return np.array(found, dtype=np.float32)


def _unit_rows(features: npt.NDArray[np.float32], count: int) -> npt.NDArray[np.float32]:
    """The same array, scaled in place. Raises LabelError unless it is [count, D], of numbers and not zero."""
    if features.ndim != 2 or len(features) != count or not 1 <= features.shape[1] <= MOST_DIMS:
        raise LabelError(
            f"{count} labels need text features [{count}, D] with D of 1 to {MOST_DIMS}, got {features.shape}"
        )
    # In float64, where no float32 overflows when it is squared, nor vanishes.
    norms = np.sqrt(np.einsum("ij,ij->i", features, features, dtype=np.float64))[:, None]
    # What is smaller than 1e-30 has lost its last digits.
    if not (np.isfinite(norms) & (norms > 1e-30)).all():
        raise LabelError("text features hold a zero or a value that is not finite", "make them again")
    np.divide(features, norms, out=features, casting="same_kind")
    return features
