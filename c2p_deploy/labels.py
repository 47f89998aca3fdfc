"""`LabelSet`: the names a cloud can get, each with its text feature in CLIP's space."""

from __future__ import annotations

import base64
import difflib
import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping
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

PAPER_TEMPLATE = "image of a {}"  # the prompt of CLIP2Point
MOST_LABELS = 1_000_000
MOST_DIMS = 65_536
MOST_LETTERS = 1000  # of a name; CLIP reads 77 tokens of a prompt
_MOST_TEMPLATE = 100_000  # letters of all prompts of a label set
_SAVE = "write it with LabelSet.save"
_ASK = "give a list of names, a label-set file, or names separated by commas"
_LINE_ENDS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"  # what str.splitlines splits at
_MOST_COMPARED = 10_000  # names that are looked through for one like an unknown name
_MOST_LISTED = 100


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
        names = _checked_names(self.names)
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

        Case, spaces, hyphens and underscores do not matter. The result bears the names as
        asked for. Raises UnknownLabelError for a name that has no text feature here, with
        the nearest ones that have.
        """
        rows = {_key(name): row for row, name in enumerate(self.names)}
        wanted = _checked_names(names)
        chosen = []
        for name in wanted:
            if _key(name) not in rows:
                some = islice(rows, _MOST_COMPARED)  # with all of a million it would take minutes
                near = [self.names[rows[key]] for key in difflib.get_close_matches(_key(name), some)]
                found = f"near: {', '.join(near)}" if near else f"known: {_listed(self.names)}"
                raise UnknownLabelError(
                    f"no text feature for label {name!r} ({found})",
                    "choose among the engine's own labels or give a label-set file with text features",
                    names=wanted,
                )
            chosen.append(rows[_key(name)])
        return LabelSet(wanted, self.text_features[chosen], self.template)

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
        try:
            values = parse_json(read_small(path))
        except OSError as error:
            raise LabelError(f"cannot read label set: {reason_of(error)}", "check the path", path) from error
        except ValueError as error:
            raise LabelError(f"not a JSON label set: {reason_of(error)}", _SAVE, path) from error
        if not isinstance(values, dict):
            raise LabelError(f"not a label set but a JSON {type(values).__name__}", _SAVE, path)
        try:
            return LabelSet.from_dict(values)
        except LabelError as error:
            raise error.at(path) from error


def templates_of(labels: LabelSet) -> tuple[str, ...]:
    """The prompts a label set was made with, the paper's where they are not written out.

    Label sets record OpenAI's ensemble of eighty templates by name only.
    """
    templates = tuple(labels.template.split(" | "))
    return templates if all(map(is_template, templates)) else (PAPER_TEMPLATE,)


def is_template(text: str) -> bool:
    """Whether a text has exactly one `{}`, where the name goes, and no other brace."""
    return text.count("{}") == 1 and not set("{}") & set(text.replace("{}", ""))


def choose_labels(known: LabelSet, wanted: LabelSet | str | PathLike[str] | Iterable[str] | None) -> LabelSet:
    """The label set a user asks for, `known` being the engine's own.

    wanted: None (all known), a LabelSet, a list of names, a file (a label set as JSON, or a
    text file with one name per line), or names separated by commas. Names get the text
    features the engine knows them by. Raises LabelError, UnknownLabelError for a name that
    the engine does not know.
    """
    if wanted is None:
        return known
    if isinstance(wanted, LabelSet):
        chosen = wanted
    elif isinstance(wanted, (str, PathLike)):
        is_label_set = _path(wanted).suffix.lower() == ".json"
        chosen = LabelSet.load(wanted) if is_label_set else _by_names(known, wanted)
    else:
        chosen = known.subset(wanted)
    if chosen.dim != known.dim:
        raise LabelError(
            f"text features have {chosen.dim} dimensions, the engine's features {known.dim}",
            "make the label set with the text encoder the engine was trained for",
        )
    return chosen


def label_names(wanted: str | PathLike[str]) -> tuple[str, ...]:
    """The names in a text file with one per line, or in a list separated by commas. Raises LabelError."""
    if not _is_label_file(wanted):
        lines = str(wanted).split(",")
    else:
        try:
            text = read_small(_path(wanted)).decode("utf-8-sig")  # some editors begin with a mark
            if sum(map(text.count, _LINE_ENDS)) > 2 * MOST_LABELS:  # before each becomes an object
                raise ValueError(f"it has more than {MOST_LABELS} names")
        except (OSError, ValueError) as error:
            raise LabelError(
                f"cannot read labels: {reason_of(error)}", "write one name per line", wanted
            ) from error
        lines = text.splitlines()
    return tuple(line.strip() for line in lines if line.strip())


def _is_label_file(wanted: str | PathLike[str]) -> bool:
    """Whether a text stands for a file; a mistyped `labels.txt` must not become a label."""
    # Unlike Path.is_file, os.path.isfile takes a long list of names for no file.
    return isinstance(wanted, PathLike) or wanted.lower().endswith(".txt") or os.path.isfile(wanted)


def _by_names(known: LabelSet, wanted: str | PathLike[str]) -> LabelSet:
    """What `known` has of the names in a text file, or in a list separated by commas."""
    names = label_names(wanted)
    try:
        return known.subset(names)
    except LabelError as error:
        if not _is_label_file(wanted):
            raise
        raise error.at(wanted) from error


def _key(name: str) -> str:
    """What of a name counts when it is looked up: "Night_Stand" and "night stand" are one."""
    return " ".join(name.lower().replace("_", " ").replace("-", " ").split())


def _path(wanted: str | PathLike[str]) -> Path:
    try:
        return Path(wanted)
    except TypeError as error:  # of a PathLike that gives bytes
        raise LabelError(f"the path of a label file must be a text, got {shown(wanted)}", _ASK) from error


def _checked_names(names: Iterable[str]) -> tuple[str, ...]:
    """The names as a tuple. Raises LabelError for what are no names, or too many, or not printable."""
    if isinstance(names, (str, bytes, bytearray)):  # each letter would become a name
        raise LabelError(f"labels must be a list of names, got {shown(names)}", _ASK)
    try:
        found = tuple(islice(names, MOST_LABELS + 1))
    except TypeError as error:
        raise LabelError(f"labels must be a list of names, got {shown(names)}", _ASK) from error
    if len(found) > MOST_LABELS:
        raise LabelError(f"a label set has at most {MOST_LABELS} names")
    for name in found:
        if not isinstance(name, str):
            raise LabelError(f"a name must be a text, got {shown(name)}", _ASK)
        if not _printable(name, MOST_LETTERS):
            raise LabelError(
                f"the name {shown(name)} cannot be printed in UTF-8 or has more than {MOST_LETTERS} letters",
                "write it otherwise",
            )
    return found


def _printable(text: str, most: int) -> bool:
    """Whether a text can be written in UTF-8: half a surrogate pair, from JSON or a file name, cannot."""
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
