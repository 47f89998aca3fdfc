"""Groups of labels: one word for many, so that a robot can ask coarse questions (`--labels furniture`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path

from c2p_deploy.errors import LabelError, reason_of
from c2p_deploy.json_file import parse_json, read_small
from c2p_deploy.labels.names import key_of

_FILE = Path(__file__).parent / "groups.json"


@lru_cache(maxsize=1)
def label_groups() -> Mapping[str, tuple[str, ...]]:
    """The labels of each group, by the group's name. Raises LabelError when the file is damaged."""
    try:
        listed = parse_json(read_small(_FILE))
        return {str(group): tuple(map(str, names)) for group, names in listed.items()}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise LabelError(
            f"the groups of labels cannot be read: {reason_of(error)}", "install c2p-deploy again", _FILE
        ) from error


def without_groups(wanted: Iterable[str], known: Iterable[str]) -> tuple[str, ...]:
    """The names, each group among them replaced by those of its labels that are `known`.

    What is itself known is no group, nor is one of which nothing is known. No name comes twice because of a
    group.
    """
    own = {key_of(name) for name in known}
    found: dict[str, str] = {}
    names = tuple(wanted)
    named = {key_of(name) for name in names}
    expanded: list[str] = []
    for name in names:
        members = () if key_of(name) in own else label_groups().get(key_of(name), ())
        members = tuple(member for member in members if key_of(member) in own)
        if not members:
            expanded.append(name)
            continue
        for member in members:
            if key_of(member) not in named and key_of(member) not in found:
                found[key_of(member)] = member
                expanded.append(member)
    return tuple(expanded)
