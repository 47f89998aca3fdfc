"""What a recipe ends with: the model and its engine, and the tables of figures that stand in its card."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np

from c2p_deploy.errors import C2PError
from c2p_deploy.files import sha256_of, write_atomic
from c2p_export.checkpoint import Source
from c2p_export.export import make_engines
from c2p_export.request import ExportOptions
from c2p_recipes.clouds import Clouds
from c2p_recipes.validation.judge import depth_maps
from c2p_train.model.checkpoint import Checkpoint, save_checkpoint

BEGIN = "<!-- figures: written by c2p-recipe, do not edit -->"
END = "<!-- end of figures -->"


def publish(
    checkpoint: Checkpoint,
    table: str,
    clouds: Clouds,
    out: Path,
    engine: Path,
    card: Path | None,
) -> None:
    """Writes `out`/model.pt and figures.md, the figures of the card, and the engine once it has parity."""
    save_checkpoint(checkpoint, out / "model.pt")
    write_atomic(out / "figures.md", table.encode())
    if card is not None:
        update_card(card, table)
    some = np.flatnonzero(clouds.validation)[::4]
    depth = depth_maps(clouds, some, checkpoint.views, checkpoint.spec)
    # fp16: half the size, and as right; some CPUs take a tenth longer for it, others half the time.
    options = ExportOptions(precision="fp16", max_batch=32)
    make_engines(Source(checkpoint, sha256_of(out / "model.pt")), engine, depth, options)


def figures_table(results: Mapping[str, Sequence[tuple[str, bool]]]) -> str:
    """Markdown tables of top-1 accuracy, overall and per label.

    results: per data set, (label, was it recognised?) of every validation cloud.
    """
    lines = ["| data set | held-out clouds | top-1 |", "|---|---|---|"]
    lines += [f"| {name} | {len(rows)} | {_percent(rows)} |" for name, rows in results.items()]
    for name, rows in results.items():
        by_label: dict[str, list[tuple[str, bool]]] = defaultdict(list)
        for row in rows:
            by_label[row[0]].append(row)
        lines += ["", f"### {name}, per label", "", "| label | held-out clouds | top-1 |", "|---|---|---|"]
        lines += [
            f"| {label} | {len(by_label[label])} | {_percent(by_label[label])} |"
            for label in sorted(by_label)
        ]
    return "\n".join(lines) + "\n"


def steps_table(report: Mapping[str, Mapping[str, Any]]) -> str:
    """Markdown table of what each step of the method brought, on objects that no step saw.

    report: what the recipe `mini` keeps in steps.json: "zero-shot" maps a step to the accuracies
    of each source, "ModelNet10" maps a number of shots to the accuracies of its draws, "fine-tuned"
    has those of each source.
    """
    zero_shot, tuned = report["zero-shot"], report["fine-tuned"]
    lines = [f"| step | {' | '.join(tuned)} |", "|---|" + "---|" * len(tuned)]

    def row(step: str, figures: Mapping[str, str]) -> str:
        return f"| {step} | {' | '.join(figures.get(source, '') for source in tuned)} |"

    def shares(figures: Mapping[str, float]) -> dict[str, str]:
        return {source: f"{100 * value:.1f} %" for source, value in figures.items()}

    lines += [row(f"zero-shot: {step}", shares(figures)) for step, figures in zero_shot.items()]
    for shots, draws in report["ModelNet10"].items():
        spread = f" ± {100 * stdev(draws):.1f}" if len(draws) > 1 else ""
        lines.append(row(f"adapters: {shots}", {"ModelNet10": f"{100 * mean(draws):.1f}{spread} %"}))
    lines.append(row("depth encoder trained further on all labels", shares(tuned)))
    return "\n".join(lines) + "\n"


def update_card(card: Path, table: str) -> None:
    """Replaces what stands between the two markers of a model card. Raises C2PError without them."""
    text = card.read_text(encoding="utf-8")
    if BEGIN not in text or END not in text:
        raise C2PError("has no place for figures", f"put {BEGIN!r} and {END!r} on lines of their own", card)
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    write_atomic(card, f"{before}{BEGIN}\n\n{table}\n{END}{after}".encode())


def _percent(rows: Sequence[tuple[str, bool]]) -> str:
    return f"{100 * sum(right for _, right in rows) / len(rows):.1f} %"
