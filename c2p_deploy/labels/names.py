"""Finding a name among many as people write it: case, underscores, hyphens and the plural do not matter."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import islice

_MOST_COMPARED = 10_000  # names that are looked through for one like an unknown name: a million take minutes
_NO_PLURAL = frozenset({"glasses", "goods", "arms", "shorts", "irons"})  # another thing than their singular


@lru_cache(maxsize=8192)  # a label set is gone through several times, and the same names come again
def key_of(name: str) -> str:
    """What of a name counts when it is looked up: "Night_Stand" and "night-stand" are one."""
    return " ".join(name.lower().replace("_", " ").replace("-", " ").split())


def other_numbers(key: str) -> tuple[str, ...]:
    """The keys a name may have in the other number, likely ones first: "knives" -> "knife", "box" -> "boxes".

    Only the last word is looked at, as English has it, and no dictionary: most of what comes out is no word.
    """
    if not key or key in _NO_PLURAL:
        return ()
    found = [f"{key}s", f"{key}es"]
    if key.endswith("y"):
        found.append(f"{key[:-1]}ies")
    if key.endswith(("f", "fe")):
        found.append(f"{key.rstrip('e')[:-1]}ves")
    if key.endswith("s") and not key.endswith("ss"):
        found.insert(0, key[:-1])
        if key.endswith("es"):
            found.append(key[:-2])
        if key.endswith("ies"):
            found.append(f"{key[:-3]}y")
        if key.endswith("ves"):
            found += [f"{key[:-3]}f", f"{key[:-3]}fe"]
    return tuple(one for one in found if one not in _NO_PLURAL)


def rows_of(names: Iterable[str]) -> dict[str, int]:
    """The row of every name, by its key; the first one's where two have the same."""
    rows: dict[str, int] = {}
    for row, name in enumerate(names):
        rows.setdefault(key_of(name), row)
    return rows


def row_of(name: str, rows: Mapping[str, int]) -> int | None:
    """The row of a name in `rows` (by `key_of`), as written or in the other number; None without one."""
    key = key_of(name)
    if key in rows:
        return rows[key]
    return next((rows[other] for other in other_numbers(key) if other in rows), None)


def near_names(name: str, known: Iterable[str], most: int = 5) -> list[str]:
    """Names of `known` that may be meant by one that is not among them, the likeliest first.

    Those with the same last word ("my drill" -> "electric drill"), then those spelled alike ("hamer" ->
    "hammer"), then those that share another word. Only the first 10,000 are looked at.
    """
    by_key: dict[str, str] = {}
    for one in islice(known, _MOST_COMPARED):
        by_key.setdefault(key_of(one), one)
    words = key_of(name).split()
    if not words:
        return []
    heads = {words[-1], *other_numbers(words[-1])}
    same_head = sorted((key for key in by_key if key.split()[-1:] and key.split()[-1] in heads), key=len)
    alike = difflib.get_close_matches(" ".join(words), by_key, n=most, cutoff=0.75)
    shared = sorted((key for key in by_key if set(words) & set(key.split())), key=len)
    return [by_key[key] for key in list(dict.fromkeys([*alike[:1], *same_head, *alike, *shared]))[:most]]
