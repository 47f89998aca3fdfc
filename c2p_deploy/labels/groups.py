"""Groups of labels: one word for many, so that a robot can ask coarse questions (`--labels furniture`)."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
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


def without_groups(wanted: Sequence[str], own: Container[str]) -> tuple[str, ...]:
    """The names, each group among them replaced by those of its labels that are known.

    own: the keys (`key_of`) of what is known. What is itself known is no group, nor is one of which nothing
    is known. No name comes twice because of a group.
    """
    keys = [key_of(name) for name in wanted]
    named = set(keys)
    expanded: list[str] = []
    for name, key in zip(wanted, keys, strict=True):
        group = () if key in own else label_groups().get(key, ())
        members = {key_of(member): member for member in group}
        known = {key: member for key, member in members.items() if key in own}
        if not known:
            expanded.append(name)
        expanded += [member for key, member in known.items() if key not in named]
        named |= known.keys()
    return tuple(expanded)
