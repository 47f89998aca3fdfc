"""`LabelSet`: the names a cloud can get, each with its text feature in CLIP's space."""

from __future__ import annotations

import base64
import binascii
import difflib
import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from c2p_deploy.errors import LabelError, UnknownLabelError, reason_of
from c2p_deploy.files import write_atomic

PAPER_TEMPLATE = "image of a {}"  # the prompt of CLIP2Point
_SAVE = "write it with LabelSet.save"


@dataclass(frozen=True, eq=False)
class LabelSet:
    """C names and their text features.

    names: unique, non-empty; text_features: [C, D], scaled to unit length and kept as
    float32; template: the prompt the features were made with, `{}` standing for the name.
    Raises LabelError when they do not fit together or a feature is zero or not finite.
    """

    names: tuple[str, ...]
    text_features: npt.NDArray[np.float32]
    template: str = "a {}"

    def __post_init__(self) -> None:
        names = tuple(self.names)
        if not names or not all(isinstance(name, str) and name.strip() for name in names):
            raise LabelError("a label set needs at least one name, and no name may be empty")
        twice = sorted(name for name, count in Counter(names).items() if count > 1)
        if twice:
            raise LabelError(f"labels must be unique, but these occur twice: {', '.join(twice)}")
        features = np.array(self.text_features, dtype=np.float32)
        if features.ndim != 2 or len(features) != len(names) or features.shape[1] == 0:
            raise LabelError(
                f"{len(names)} labels need text features [{len(names)}, D], got {features.shape}"
            )
        norms = np.linalg.norm(features, axis=1, keepdims=True)
        if not (np.isfinite(norms) & (norms > 0)).all():
            raise LabelError("text features hold a zero or a value that is not finite", "make them again")
        features = features / norms
        features.setflags(write=False)
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "text_features", features)

    def __len__(self) -> int:
        return len(self.names)

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
        wanted = list(names)
        chosen = []
        for name in wanted:
            if _key(name) not in rows:
                near = [self.names[rows[key]] for key in difflib.get_close_matches(_key(name), rows)]
                found = f"near: {', '.join(near)}" if near else f"known: {', '.join(self.names)}"
                raise UnknownLabelError(
                    f"no text feature for label {name!r} ({found})",
                    "choose among the engine's own labels or give a label-set file with text features",
                    names=wanted,
                )
            chosen.append(rows[_key(name)])
        return LabelSet(tuple(wanted), self.text_features[chosen], self.template)

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
            raw = base64.b64decode(values["text_features"], validate=True)
        except KeyError as error:
            raise LabelError(f"label set has no key {error}", _SAVE) from error
        except (TypeError, ValueError, binascii.Error) as error:
            raise LabelError("text_features is not base64", _SAVE) from error
        if not isinstance(names, list) or not isinstance(template, str) or type(dim) is not int or dim < 1:
            raise LabelError("names must be a list, template a string, dim a positive integer", _SAVE)
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
            values = json.loads(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise LabelError(f"cannot read label set: {reason_of(error)}", "check the path", path) from error
        except ValueError as error:
            raise LabelError("not a JSON label set", _SAVE, path) from error
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
        is_label_set = Path(wanted).suffix.lower() == ".json"
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
            lines = (
                Path(wanted).read_text(encoding="utf-8-sig").splitlines()
            )  # some editors begin with a mark
        except (OSError, UnicodeDecodeError) as error:
            raise LabelError(
                f"cannot read labels: {reason_of(error)}", "write one name per line", wanted
            ) from error
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
