"""The labels of the bundled models: `labels.tsv`, one line per label, made to be read and reviewed.

A line holds the label, the groups it belongs to, the name whose CLIP text feature it has (where that is not
the label itself; `a+b` is the mean of two), the names that objects of open packs go by, and names that look
like these but are something else. A name is a run of words; `=name` must be the whole name of an object, and
`@name` the start of the category it stands in (`@category/name`: and this whole name). When several names
fit an object, the one of most words wins.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np

from c2p_deploy import LabelSet
from c2p_deploy.errors import LabelError
from c2p_deploy.projection.spec import FloatArray
from c2p_train.model.detic_features import LABEL_FEATURES

# What packs put around the name of a thing, and numbers that tell one from another.
_NOISE = re.compile(r"\b(aws|robomaker|hospital|residential|retail|warehouse|mat|[ivx]+|[a-z]?\d+[a-z]?)\b")
_COLUMNS = 5
_EXACT = 100  # more words than any name has


@dataclass(frozen=True)
class Label:
    """One line of the table."""

    name: str
    groups: tuple[str, ...]
    clip: tuple[str, ...]  # names whose text features make its own
    names: tuple[str, ...]  # of objects
    others: tuple[str, ...]  # names of objects that are something else


@cache
def all_labels() -> tuple[Label, ...]:
    """The table, in its order. Raises LabelError for a line that makes no sense."""
    text = resources.files(__package__).joinpath("labels.tsv").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")][1:]
    found = tuple(_parsed(line) for line in lines)
    if len({label.name for label in found}) < len(found):
        raise LabelError("labels.tsv has a label twice", "merge its lines")
    return found


def _parsed(line: str) -> Label:
    fields = line.split("\t")
    if len(fields) != _COLUMNS or not fields[0]:
        raise LabelError(f"labels.tsv: {line!r} has not {_COLUMNS} columns", "separate them by tabs")
    name, groups, clip, names, others = fields
    parts = [part.strip() for part in (clip or name).split("+")]
    return Label(name, _listed(groups), tuple(parts), _listed(names), _listed(others))


def _listed(field: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in field.split(",") if part.strip())


def groups() -> dict[str, tuple[str, ...]]:
    """The labels of each group, in the order of the table."""
    found: dict[str, list[str]] = {}
    for label in all_labels():
        for group in label.groups:
            found.setdefault(group, []).append(label.name)
    return {group: tuple(names) for group, names in sorted(found.items())}


def words_of(name: str) -> str:
    """A free-text name as plain lower-case words: "kitchen Cabinet1" -> "kitchen cabinet"."""
    text = re.sub(
        r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=\D)(?=\d)|(?<=\d)(?=[A-Z])|[_,°€./:-]", " ", name
    )
    return " ".join(_NOISE.sub(" ", text.lower()).split())


def label_of(name: str, category: str = "") -> str | None:
    """The label of an object with this free-text name, or None where the table has none.

    category: of the pack, where the object stands. Raises LabelError where two labels claim the name
    equally: the table must say which.
    """
    words = words_of(name)
    claims: dict[str, int] = {}
    for label in all_labels():
        fits = max((_fits(pattern, words, category) for pattern in label.names), default=0)
        vetoed = max((_fits(pattern, words, category) for pattern in label.others), default=0)
        if fits > vetoed:
            claims[label.name] = fits
    best = max(claims.values(), default=0)
    winners = [label for label, fits in claims.items() if fits == best]
    if len(winners) > 1:
        raise LabelError(f"labels.tsv: {name!r} is {' and '.join(winners)}", "decide for one")
    return winners[0] if winners else None


def _fits(pattern: str, words: str, category: str) -> int:
    """How well a pattern fits, 0 for not at all: the number of its words."""
    if pattern.startswith("@"):
        place, _, exact = pattern[1:].partition("/")
        if not category.startswith(place):
            return 0
        return (_EXACT if words == exact else 0) if exact else 1
    if pattern.startswith("="):
        return _EXACT if words == pattern[1:] else 0
    return len(pattern.split()) + 1 if f" {pattern} " in f" {words} " else 0


def label_set(names: tuple[str, ...], vocabulary: Mapping[str, FloatArray]) -> LabelSet:
    """These labels with their text features out of a vocabulary (`read_detic_features`).

    Labels that are not in the table, but of collections for research, have those of `LABEL_FEATURES`. Raises
    LabelError.
    """
    clip = {label.name: label.clip for label in all_labels()}
    rows = []
    for name in names:
        parts = []
        for source in clip.get(name, (LABEL_FEATURES.get(name, name),)):
            if source.lower() not in vocabulary:
                raise LabelError(f"no CLIP text feature {source!r} for label {name!r}", "mend labels.tsv")
            feature = vocabulary[source.lower()]
            parts.append(feature / np.linalg.norm(feature))
        rows.append(np.mean(parts, axis=0))
    return LabelSet(names, np.stack(rows), template="a {}")
