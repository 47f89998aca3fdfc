"""What an export tells people: how near the engines are, and what was written."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from c2p_deploy import Manifest, progress
from c2p_deploy.errors import C2PError
from c2p_export.parity import LIMITS, parities

_HEADINGS = ("engine", "clouds", "cosine", "mean", "score diff", "same top-1", "NaN")


def tell_parity(manifest: Manifest) -> None:
    """The figures of all engines that ran, beside what they must keep to, as a table."""
    limits = LIMITS[manifest.precision]
    rows = [_HEADINGS]
    for backend, parity in parities(manifest).items():
        rows.append(
            (
                backend,
                str(parity.clouds),
                f"{parity.cosine_min:.6f}",
                f"{parity.cosine_mean:.6f}",
                f"{parity.score_max_abs:.2g}",
                f"{100 * parity.top1_agreement:.1f} %",
                str(parity.nan_count),
            )
        )
    agreement = f"{100 * limits.top1_agreement:g} %"
    rows.append(("limit", "", f"{limits.cosine_min:g}", "", "", agreement, "0"))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    progress.say(f"parity of {manifest.precision} with the checkpoint")
    for name, *figures in rows:
        cells = [name.ljust(widths[0])]
        cells += [figure.rjust(width) for figure, width in zip(figures, widths[1:], strict=True)]
        progress.say("  " + "  ".join(cells))


def tell_written(files: Sequence[Path]) -> None:
    """Names and sizes of the files."""
    for file in files:
        progress.say(f"wrote {file} ({size_of(file)})")


def tell_next(engine: Path, why_no_plan: C2PError | None) -> None:
    """How to run an engine here, and the last line how to get a plan where none could be built."""
    if why_no_plan is not None:
        progress.say(f"no plan was built: {why_no_plan.problem}")
    progress.say(f"to run it here: {shlex.join(('c2p-run', '--engine', str(engine)))} CLOUD")
    if why_no_plan is not None:
        progress.say(f"for a plan: {why_no_plan.remedy}")


def tell_repository(folder: Path, models: Sequence[Path]) -> None:
    """What is in a model repository, and how a server gets it."""
    for model in models:
        progress.say(f"wrote {model}")
    progress.say(f"to serve it: {shlex.join(('tritonserver', '--model-repository', str(folder)))}")


def size_of(path: Path) -> str:
    """The size of a file, for people."""
    size = path.stat().st_size
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{-(-size // 1000)} kB"
