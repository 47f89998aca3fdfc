"""The label set a user asks for: by name, by a file, or all that an engine knows."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from os import PathLike
from pathlib import Path

from c2p_deploy.errors import LabelError, reason_of
from c2p_deploy.json_file import read_small, shown
from c2p_deploy.labels.groups import without_groups
from c2p_deploy.labels.label_set import ASK, MOST_LABELS, LabelSet, checked_names, unknown_names
from c2p_deploy.labels.names import key_of, row_of, rows_of
from c2p_deploy.labels.taught import load_labels
from c2p_deploy.labels.word_bank import word_bank

_LINE_ENDS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"  # what str.splitlines splits at
_COMMENT = re.compile(r"(?:^|\s)#.*")  # "C#" is a name


def choose_labels(
    known: LabelSet, wanted: LabelSet | str | PathLike[str] | Iterable[str] | None, *, bank: bool = True
) -> LabelSet:
    """The label set a user asks for, `known` being the engine's own.

    wanted: None (all known), a LabelSet, a list of names, a file (a label set as JSON, or a
    text file with one name per line), or names separated by commas. Names get the text
    features the engine knows them by, and others those of the word bank, where that is of the
    engine's CLIP; bank: whether to look there. Raises LabelError, UnknownLabelError for names
    that neither has.
    """
    if wanted is None:
        return known
    if isinstance(wanted, LabelSet):
        chosen = wanted
    elif isinstance(wanted, (str, PathLike)):
        is_label_set = _path(wanted).suffix.lower() == ".json"
        chosen = load_labels(wanted) if is_label_set else _by_list(known, wanted, bank=bank)
    else:
        chosen = by_names(known, wanted, bank=bank)
    if chosen.dim != known.dim:
        raise LabelError(
            f"text features have {chosen.dim} dimensions, the engine's features {known.dim}",
            "make the label set with the text encoder the engine was trained for",
        )
    return chosen


def label_names(wanted: str | PathLike[str]) -> tuple[str, ...]:
    """The names in a text file with one per line, or in a list separated by commas. Raises LabelError.

    In a file, what follows a # at the beginning of a line, or behind a space, is a comment.
    """
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
        lines = [_COMMENT.sub("", line) for line in text.splitlines()]
    return tuple(line.strip() for line in lines if line.strip())


def by_names(known: LabelSet, names: Iterable[str], *, bank: bool = True) -> LabelSet:
    """The label set of these names, with the features that `known` has of them, or else the word bank.

    The name of a group (`label_groups`) stands for those of its labels that `known` has.
    A bank made with another prompt than `known` is taken for all names, where it has them all, so that
    their features can be compared. Raises LabelError, UnknownLabelError.
    """
    own = rows_of(known.names)
    wanted = without_groups(checked_names(names), own)
    keys = list(map(key_of, wanted))
    mine = [own.get(key) for key in keys]
    if None not in mine or not bank:
        return known.subset(wanted)
    words = word_bank()
    if not words.fits(known):
        return known.subset(wanted)
    theirs = [words.rows.get(key) for key in keys]
    for i, key in enumerate(keys):
        if mine[i] is None and theirs[i] is None:  # in the other number, then
            mine[i] = row_of(key, own)
            theirs[i] = row_of(key, words.rows)
    if words.template != known.template and None not in theirs:
        mine = [None] * len(wanted)
    if any(row is None and there is None for row, there in zip(mine, theirs, strict=True)):
        found = [there if row is None else row for row, there in zip(mine, theirs, strict=True)]
        raise unknown_names(wanted, found, known.names, words.names)
    features = words.features[[0 if there is None else there for there in theirs]]
    for i, row in enumerate(mine):
        if row is not None:
            features[i] = known.text_features[row]
    templates = dict.fromkeys([known.template] * any(row is not None for row in mine) + [words.template])
    return LabelSet(wanted, features, ", ".join(templates))


def _is_label_file(wanted: str | PathLike[str]) -> bool:
    """Whether a text stands for a file; a mistyped `labels.txt` must not become a label."""
    # Unlike Path.is_file, os.path.isfile takes a long list of names for no file.
    return isinstance(wanted, PathLike) or wanted.lower().endswith(".txt") or os.path.isfile(wanted)


def _by_list(known: LabelSet, wanted: str | PathLike[str], *, bank: bool) -> LabelSet:
    """`by_names` of the names in a text file, or in a list separated by commas."""
    names = label_names(wanted)
    try:
        return by_names(known, names, bank=bank)
    except LabelError as error:
        if not _is_label_file(wanted):
            raise
        raise error.at(wanted) from error


def _path(wanted: str | PathLike[str]) -> Path:
    try:
        return Path(wanted)
    except TypeError as error:  # of a PathLike that gives bytes
        raise LabelError(f"the path of a label file must be a text, got {shown(wanted)}", ASK) from error
