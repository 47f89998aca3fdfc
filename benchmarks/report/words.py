"""How figures are written, the same in every table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import floor, log10
from typing import Any

Results = dict[str, Any]  # what a file in results/ holds


def number(value: float, digits: int = 3) -> str:
    """A figure with so many significant digits, and all of its integer part: 0.297, 26.2 or 1,116."""
    return f"{value:,.{_decimals(value, digits)}f}"


def median(stats: dict[str, float], digits: int = 3) -> str:
    """A summary as median (quartile–quartile): the median as `number` has it, quartiles to the same place."""
    return _with_quartiles(stats, _decimals(stats["median"], digits))


def ratio(stats: dict[str, float]) -> str:
    """A summary of ratios, all with two decimal places."""
    return _with_quartiles(stats, 2)


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def in_bytes(count: float) -> str:
    """Bytes in the unit that makes them readable; a kilobyte is 1,000."""
    return _in_units(count, (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("KB", 1e3), ("bytes", 1)))


def duration(seconds: float) -> str:
    """Seconds in the unit that makes them readable; hours up to two days."""
    day = 86_400
    units = (("h", 3600), ("min", 60), ("s", 1), ("ms", 1e-3), ("µs", 1e-6))
    return f"{number(seconds / day)} days" if seconds >= 2 * day else _in_units(seconds, units)


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("|" + "|".join(f" {cell} " if cell else " " for cell in line) + "|" for line in lines)


def listed(values: Iterable[int]) -> str:
    """Whole numbers, each once: "3" or "3 or 5"."""
    return " or ".join(map(str, sorted(set(values))))


def floors(results: Results) -> str:
    """What was promised and whether it holds, as a table."""
    rows = [
        [name, number(floor["median"]), f"{floor['limit']:g}", "yes" if floor["holds"] else "**no**"]
        for name, floor in results["floors"].items()
    ]
    return table(["wanted", "measured", "at most", "holds"], rows)


def left_out(results: Results) -> str:
    """A sentence for every way that could not be measured, with its reason."""
    return "".join(f" Left out: {way} ({why})." for way, why in results["left_out"].items())


def machine(environment: Results) -> str:
    """What a measurement was made on, in words."""
    cores = f"{environment['cpu']}, {environment['cores']} cores"
    return f"{cores}, {environment['gpu']}" if environment.get("gpu") else cores


def _with_quartiles(stats: dict[str, float], places: int) -> str:
    middle, low, high = (f"{stats[key]:,.{places}f}" for key in ("median", "q1", "q3"))
    return f"{middle} ({low}–{high})"


def _in_units(value: float, units: Sequence[tuple[str, float]]) -> str:
    """In the first, largest unit that the value has one of."""
    unit, size = next((entry for entry in units if value >= entry[1]), units[-1])
    return f"{number(value / size)} {unit}"


def _decimals(value: float, digits: int) -> int:
    """Decimal places that so many significant digits take, after rounding to them (9.996 is 10.0)."""
    rounded = float(f"{value:.{digits - 1}e}")
    return max(0, digits - 1 - floor(log10(abs(rounded)))) if rounded else 0
