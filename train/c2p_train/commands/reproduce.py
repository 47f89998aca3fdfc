"""`c2p-train reproduce`: the paper's experiments with the authors' own files, beside what they report."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from c2p_deploy.console import CONTEXT, exit_on_error, shown
from c2p_deploy.errors import C2PError
from c2p_deploy.files import write_atomic
from c2p_train.commands.common import (
    FILE,
    FOLDER,
    INTERRUPTED,
    NEW_FOLDER,
    cache_option,
    device_option,
    json_option,
    percent,
)

if TYPE_CHECKING:
    from c2p_train.reproduce import Outcome

_EPILOG = """
\b
Example:
  c2p-train reproduce --data-root data --weights authors --out report

DATA-ROOT holds the data sets in folders that are called, or begin with, modelnet10, modelnet40 and
scanobjectnn; WEIGHTS the authors' checkpoints, which their contents tell apart. Clouds are prepared as the
authors do, normalised before they are sampled. What is missing is listed with the place to get it.

OUT gets paper.json. The encoders run once: what they gave is kept in the cache.
"""


@click.command(epilog=_EPILOG, context_settings=CONTEXT)
@click.option("--data-root", type=FOLDER, required=True, help="Folder of the data sets.")
@click.option("--weights", type=FOLDER, required=True, help="Folder of the authors' checkpoints.")
@click.option(
    "--labels",
    type=FILE,
    help="Label set with the text features of all classes.  [default: made by CLIP's text encoder]",
)
@click.option("--out", type=NEW_FOLDER, help="Folder for the report.")
@cache_option
@json_option
@device_option
def reproduce(
    data_root: Path,
    weights: Path,
    labels: Path | None,
    out: Path | None,
    cache: Path | None,
    as_json: bool,
    device: str,
) -> None:
    """Run the paper's experiments that can be run here, beside the published figures."""
    with exit_on_error(INTERRUPTED):
        from c2p_deploy import LabelSet
        from c2p_train.evaluate.features import default_cache
        from c2p_train.learn.run_report import RunReport
        from c2p_train.model.device import pick_device
        from c2p_train.reproduce import reproduce as outcomes_of

        given = LabelSet.load(labels) if labels else None
        computer, folder = pick_device(device), cache or default_cache()
        outcomes = []
        with shown(), RunReport("cloud") as cost:
            for outcome in outcomes_of(data_root, weights, given, cache=folder, device=computer):
                cost.steps += outcome.clouds
                outcomes.append(outcome)
        values = [asdict(outcome) for outcome in outcomes]
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            write_atomic(out / "paper.json", json.dumps(values, ensure_ascii=False, indent=1).encode())
        if as_json:
            click.echo(json.dumps(values, ensure_ascii=False))
        else:
            _print(outcomes)
        if all(outcome.accuracy is None for outcome in outcomes):
            raise C2PError("nothing could be run", "get what is listed above")


def _print(outcomes: list[Outcome]) -> None:
    """The table of all experiments, then what each of those lacks that were not run."""
    from rich.console import Console
    from rich.table import Table

    table = Table("experiment", "data set", "views", "PointCLIP", "published", "here", "clouds")
    for outcome in outcomes:
        e = outcome.experiment
        cells = (percent(e.pointclip), percent(e.published), percent(outcome.accuracy))
        table.add_row(e.setting, e.data, e.view_set, *cells, str(outcome.clouds or "-"))
    Console().print(table)
    for outcome in outcomes:
        if outcome.missing:
            e = outcome.experiment
            click.echo(f"not run: {e.setting} on {e.data}: {outcome.missing}")
