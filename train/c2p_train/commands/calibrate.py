"""`c2p-train calibrate`: a model learns when to say "unknown", and how sure its answers are."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from c2p_deploy.console import CONTEXT, exit_on_error, shown
from c2p_deploy.projection.spec import UP_AXES
from c2p_train.commands.common import (
    FILE,
    FOLDER,
    INTERRUPTED,
    cache_option,
    device_option,
    json_option,
    percent,
    seed_option,
)

if TYPE_CHECKING:
    from c2p_train.evaluate.calibrate import Figures

_EPILOG = """
\b
Examples:
  c2p-train calibrate --engine model.onnx my_clouds
  c2p-train calibrate --ckpt model.pt my_clouds other_things --up y
  c2p-train calibrate --engine model.onnx my_clouds --size-limits sizes.json

DATA are folders as c2p-train eval takes them, of clouds that training has NOT seen: it is surer of those it
has than it will ever be again. Classes that are among the model's labels are known things (a hundred or more
are wanted); all others are strangers, from which it learns what it does not know. Without strangers every
thing plays one once. Clutter - walls, floors, heaps, halves of two things - is made up from the known things.

Thirty percent of the objects are held back, and the table at the end is measured on them: AUROC, false
positives at 95 % recall of known things, and the expected calibration error. What is written: the manifest
beside an engine, or the checkpoint, from which c2p-export takes it along. Then c2p-run says "unknown
(bottle?)".

--size-limits is a JSON object {"chair": [0.4, 1.6], ...}: least and largest extent in metres, for c2p-run
--metric.
"""


@click.command(epilog=_EPILOG, context_settings=CONTEXT)
@click.argument("data", nargs=-1, required=True, type=FOLDER)
@click.option("--engine", type=FILE, help="An .onnx whose manifest gets the calibration.")
@click.option("--ckpt", type=FILE, help="A checkpoint that gets the calibration.")
@click.option("--up", type=click.Choice(UP_AXES), help="The axis of the clouds that points up.  [default: z]")
@click.option("--size-limits", type=FILE, metavar="JSON", help="Also store how large things can be.")
@cache_option
@json_option
@seed_option
@device_option
def calibrate(
    data: tuple[Path, ...],
    engine: Path | None,
    ckpt: Path | None,
    up: Any,
    size_limits: Path | None,
    cache: Path | None,
    as_json: bool,
    seed: int,
    device: str,
) -> None:
    """Fit when a model rejects (clutter, things it has no label for), and how sure its answers are."""
    if (engine is None) == (ckpt is None):
        raise click.UsageError("give either --engine or --ckpt")
    with exit_on_error(INTERRUPTED):
        from c2p_deploy import Manifest
        from c2p_deploy.errors import LabelError
        from c2p_deploy.manifest import read_size_limits
        from c2p_train.datasets.labelled_clouds import load_split
        from c2p_train.evaluate import calibrate as fitting
        from c2p_train.evaluate.accuracy import check_unseen
        from c2p_train.evaluate.features import default_cache
        from c2p_train.model.checkpoint import load_checkpoint, save_checkpoint
        from c2p_train.model.device import pick_device

        folder = cache or default_cache()
        limits = None if size_limits is None else read_size_limits(size_limits)
        if engine is not None:
            manifest = Manifest.for_engine(engine)
            labels, scale, spec = manifest.labels, manifest.logit_scale, manifest.spec
            encode = fitting.engine_encoder(engine, manifest)
        else:
            assert ckpt is not None
            checkpoint = load_checkpoint(ckpt)
            if checkpoint.labels is None:
                raise LabelError("the checkpoint has no labels", "give it some: c2p-train fewshot", ckpt)
            labels, scale, spec = checkpoint.labels, checkpoint.logit_scale, checkpoint.spec
            encode = fitting.checkpoint_encoder(checkpoint, folder, pick_device(device))
        with shown():
            groups = []
            for path in data:
                clouds = load_split(path, "test", spec, whole=True, up=up, seed=seed, cache=folder)
                if ckpt is not None:
                    check_unseen(checkpoint, clouds)
                groups.append(fitting.group_of(clouds, labels))
            rejection, figures = fitting.calibrate(groups, labels, scale, encode, seed)
        if engine is not None:
            target = Manifest.path_for(engine)
            limits = manifest.size_limits if limits is None else limits
            replace(manifest, rejection=rejection, size_limits=limits).save(target)
        else:
            assert ckpt is not None
            target, limits = ckpt, checkpoint.size_limits if limits is None else limits
            save_checkpoint(replace(checkpoint, rejection=rejection, size_limits=limits), ckpt)
        if as_json:
            click.echo(json.dumps([asdict(row) for row in figures], ensure_ascii=False))
        else:
            _print(figures)
            click.echo(f"wrote {target}")


def _print(figures: list[Figures]) -> None:
    """One line for each kind of clouds, all held back."""
    from rich.console import Console
    from rich.table import Table

    columns = ("clouds", "get a label", "top-1", "label if right", "ECE", "AUROC", "FPR95")
    table = Table("held back", *columns, title="percent of clouds that no weight has seen")
    for row in figures:
        shares = (
            row.named, row.top1, row.named_of_right, row.calibration_error, row.auroc, row.false_positives
        )  # fmt: skip
        cells = (percent(None if share is None else 100 * share) for share in shares)
        table.add_row(f"{row.kind}: {row.group}", str(row.clouds), *cells)
    Console().print(table)
