"""`c2p-train eval`: how well a checkpoint names the clouds of a data set."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from c2p_deploy.console import CONTEXT, exit_on_error, shown
from c2p_deploy.files import write_atomic
from c2p_deploy.projection.spec import UP_AXES
from c2p_train.commands.common import (
    FILE,
    FOLDER,
    INTERRUPTED,
    NEW_FOLDER,
    cache_option,
    device_option,
    json_option,
    percent,
    seed_option,
)

if TYPE_CHECKING:
    from c2p_train.evaluate.metrics import Metrics

_EPILOG = """
\b
Examples:
  c2p-train eval --ckpt model.pt --data ModelNet40 --labels modelnet40.json
  c2p-train eval --ckpt model.pt --data my_clouds --up y --out report --projections --tsne
  c2p-train eval --ckpt fewshot.pt --compare zeroshot.pt --data h5_files --variant pb_t50_rs --out report

DATA is found out: ModelNet10/40 as CLASS/SPLIT/FILE (meshes or points), ModelNet40 and ScanObjectNN as
HDF5, SPLIT/CLASS/FILE, or CLASS/FILE, of which a fifth then is the test split (all of it if the folder is
called test, or with --split all). It is evaluated over its own classes, and each must have a text feature.
Clouds that cannot be read are listed and left out.

OUT gets report.json and confusion.png, and where asked for features.png and projections.png. The
encoders run once: what they gave is kept in the cache. ViT-B/32 with 10 views takes about 1 s a cloud on
two CPU cores, some milliseconds on a GPU.
"""


@click.command("eval", epilog=_EPILOG, context_settings=CONTEXT)
@click.option("--ckpt", type=FILE, required=True, help="The checkpoint to evaluate.")
@click.option("--data", type=FOLDER, required=True, help="The data set's folder.")
@click.option(
    "--split",
    type=click.Choice(["train", "test", "all"]),
    default="test",
    show_default=True,
    help="all: every cloud of a folder CLASS/FILE, which has no split of its own.",
)
@click.option("--variant", help="Of ScanObjectNN: obj_bg, obj_only, pb_t25, pb_t25_r, pb_t50_r or pb_t50_rs.")
@click.option(
    "--labels", type=FILE, help="Label set with the classes' text features.  [default: the checkpoint's]"
)
@click.option(
    "--up",
    type=click.Choice(UP_AXES),
    help="The axis of the clouds that points up.  [default: y for HDF5 files, else z]",
)
@click.option(
    "--views",
    type=click.Choice(["clip2point-6", "clip2point-10"]),
    help="Other views than the checkpoint's own; for the head zeroshot only.",
)
@click.option(
    "--preparation",
    type=click.Choice(["robot", "paper"]),
    default="robot",
    show_default=True,
    help="robot: sampled, then normalised, as c2p-run does. paper: the other way round, as the authors do.",
)
@click.option("--compare", type=FILE, metavar="CKPT", help="A second checkpoint, set beside the first.")
@click.option(
    "--projections", is_flag=True, help="Compare with the projections of PointCLIP and PointCLIP V2."
)
@click.option("--tsne", is_flag=True, help="Draw the features, needs --out.")
@click.option("--out", type=NEW_FOLDER, help="Folder for the report and the pictures.")
@cache_option
@json_option
@click.option("--allow-training-data", is_flag=True, help="Evaluate even on the clouds it was trained on.")
@seed_option
@device_option
def evaluate(
    ckpt: Path,
    data: Path,
    split: Any,
    variant: str | None,
    labels: Path | None,
    up: Any,
    views: str | None,
    preparation: Any,
    compare: Path | None,
    projections: bool,
    tsne: bool,
    out: Path | None,
    cache: Path | None,
    as_json: bool,
    allow_training_data: bool,
    seed: int,
    device: str,
) -> None:
    """Measure a checkpoint on a data set: overall and per-class accuracy, confusion, pictures."""
    if tsne and out is None:
        raise click.UsageError("--tsne needs --out")
    with exit_on_error(INTERRUPTED):
        from c2p_deploy import LabelSet, ViewSet
        from c2p_train.datasets.labelled_clouds import load_split
        from c2p_train.evaluate import accuracy, plots
        from c2p_train.evaluate.class_labels import labels_for
        from c2p_train.evaluate.features import default_cache
        from c2p_train.learn.run_report import RunReport
        from c2p_train.model.checkpoint import load_checkpoint
        from c2p_train.model.device import pick_device

        computer, folder = pick_device(device), cache or default_cache()
        given = LabelSet.load(labels) if labels else None
        wanted = ViewSet.named(views) if views else None
        report: dict[str, Any] = {
            "data": {"path": str(data), "split": split, "seed": seed},
            "checkpoints": {},
        }
        results = {}
        with shown(), RunReport("cloud") as cost:
            for path in (ckpt, compare):
                if path is None or path in results:
                    continue
                checkpoint = load_checkpoint(path)
                clouds = load_split(
                    data,
                    "test" if split == "all" else split,
                    checkpoint.spec,
                    whole=split == "all",
                    up=up,
                    seed=seed,
                    preparation=preparation,
                    variant=variant,
                    cache=folder,
                )
                if not allow_training_data:
                    accuracy.check_unseen(checkpoint, clouds)
                text = labels_for(checkpoint, clouds, given)
                results[path] = accuracy.evaluate(
                    checkpoint,
                    clouds,
                    text,
                    views=wanted if path == ckpt else None,
                    cache=folder,
                    device=computer,
                )
                cost.steps += len(clouds)
                report["checkpoints"][str(path)] = {
                    "head": checkpoint.head,
                    "views": results[path].views,
                    "template": text.template,
                    **results[path].metrics.to_dict(),
                }
                if path == ckpt:
                    about = {"name": clouds.name, "digest": clouds.digest, "preparation": preparation}
                    report["data"].update(about, left_out=list(clouds.skipped))
                    drawn, label, classes = [], clouds.label, clouds.classes
                    if projections:
                        drawn = accuracy.projection_rows(checkpoint, clouds, wanted)
                        baselines = accuracy.evaluate_baselines(
                            checkpoint, clouds, text, views=wanted, device=computer
                        )
                        cost.steps += len(baselines) * len(clouds)
                        report["projections"] = {
                            "ours": results[path].metrics.accuracy,
                            **{name: metrics.accuracy for name, metrics in baselines.items()},
                        }
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            write_atomic(out / "report.json", json.dumps(report, ensure_ascii=False, indent=1).encode())
            plots.save_confusion(
                results[ckpt].metrics, out / "confusion.png", report["data"]["name"], str(ckpt)
            )
            if drawn:
                plots.save_projections(drawn, out / "projections.png")
            if tsne:
                panels = [(path.name, found.features) for path, found in results.items()]
                plots.save_features(panels, label, classes, out / "features.png", seed)
        if as_json:
            click.echo(json.dumps(report, ensure_ascii=False))
        else:
            _print([found.metrics for found in results.values()], [str(path) for path in results], report)


def _print(metrics: list[Metrics], names: list[str], report: dict[str, Any]) -> None:
    """The per-class table and the overall figures; a second checkpoint is a second column."""
    from rich.console import Console
    from rich.table import Table

    console = Console()
    first = metrics[0]
    table = Table(
        "class", "clouds", *(Path(name).name for name in names), "mistaken for", title=report["data"]["name"]
    )
    for index, name in enumerate(first.classes):
        shares = (m.class_accuracy[index] for m in metrics)
        wrong = first.mistaken_for(index)
        cells = (percent(None if share is None else 100 * share) for share in shares)
        table.add_row(name, str(first.counts[index]), *cells, f"{wrong[0]} ({wrong[1]})" if wrong else "")
    table.add_section()
    for what, values in (
        ("overall", [m.accuracy for m in metrics]),
        ("mean of classes", [m.mean_class_accuracy for m in metrics]),
        *((f"among the best {k}", [m.top[k] for m in metrics]) for k in first.top if k > 1),
    ):
        table.add_row(what, str(sum(first.counts)), *(percent(100 * value) for value in values), "")
    console.print(table)
    for name, share in report.get("projections", {}).items():
        console.print(f"projection {name}: {percent(100 * share)} %", markup=False, highlight=False)
