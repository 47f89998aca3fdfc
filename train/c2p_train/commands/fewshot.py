"""`c2p-train fewshot`: adapters learn from a few clouds per class, or from all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from c2p_deploy.console import CONTEXT, exit_on_error, shown
from c2p_deploy.errors import C2PError
from c2p_train.commands.common import FILE, FOLDER, INTERRUPTED, NEW_FOLDER, device_option, seed_option

if TYPE_CHECKING:
    from c2p_deploy import LabelSet
    from c2p_train.datasets.labelled_clouds import LabelledClouds
    from c2p_train.learn.fewshot import FewShotConfig
    from c2p_train.learn.sweep import ShotRun
    from c2p_train.model.checkpoint import Checkpoint
    from c2p_train.model.heads import Head

_EPILOG = """
\b
Examples:
  c2p-train fewshot --data my_clouds --shots 16
  c2p-train fewshot --ckpt pretrained.pt --data modelnet10 --labels modelnet10.json --shots 16
  c2p-train fewshot --ckpt pretrained.pt --data my_clouds --shots 1,2,4,8,16,full --seeds 3
  c2p-train fewshot --ckpt pretrained.pt --data scans --labels scans.json --head dpa --paper --shots full

\b
Writes to OUT:
  shots-K/seed-S/model.pt   the trained model with both encoders, one for each training
  results.json              the accuracy of each, on test clouds that no training saw
  curve.csv, curve.png      mean and standard deviation over the seeds, from 0 shots (zero-shot) on

Without --ckpt, the small pre-trained model of the package is taught (10 ms a cloud and encoder on two
cores); it knows text features of 58 words, for others give --labels. CLIP's own, larger encoders come
by c2p-train import.

The encoders run once for each cloud; their features are kept in the cache, so that the next command on
the same data begins with training. An interrupted command goes on where it stopped when it is repeated,
and may be repeated with more shots or seeds.
"""


def _shots(value: str) -> list[int | None]:
    """Numbers of clouds per class out of "1,4,full", ascending; full is None, at the end.

    Raises click.BadParameter.
    """
    words = set(value.split(","))
    for word in words - {"full"}:
        if not (word.isascii() and word.isdigit() and int(word) > 0):
            raise click.BadParameter(
                f"{word!r} is neither a number of clouds per class nor 'full'", param_hint="--shots"
            )
    full: list[int | None] = [None] if "full" in words else []
    return [*sorted({int(word) for word in words - {"full"}}), *full]


@click.command(epilog=_EPILOG, context_settings=CONTEXT)
@click.option(
    "--ckpt",
    type=FILE,
    help="The model to start from; it must hold both encoders.  [default: the small one of the package]",
)
@click.option(
    "--data",
    type=FOLDER,
    required=True,
    help="The clouds: CLASS/FILE (a fifth is held out as test), CLASS/SPLIT/FILE or SPLIT/CLASS/FILE.",
)
@click.option(
    "--test",
    type=FOLDER,
    help="Where the test split is; a folder CLASS/FILE then counts as a whole, here and in --data."
    "  [default: --data]",
)
@click.option(
    "--shots",
    type=_shots,
    default="16",
    show_default=True,
    metavar="K,...",
    help="Clouds per class to learn from, one number or several with commas between; full: all.",
)
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Trainings for each number of shots, with different clouds and starts: from --seed on.",
)
@seed_option
@click.option(
    "--head",
    type=click.Choice(["gdpa", "dpa"]),
    default="gdpa",
    show_default=True,
    help="The adapter: with the paper's gate between the two paths, or their mean (as released).",
)
@click.option("--labels", type=FILE, help="Label set with the names of all classes.  [default: the model's]")
@click.option("--up", type=click.Choice(["z", "y"]), help="Up axis of the clouds.  [default: the data set's]")
@click.option("--epochs", type=click.IntRange(min=1), help="[default: 100]")
@click.option("--batch-size", type=click.IntRange(min=3), help="Clouds per step.  [default: 32]")
@click.option("--lr", type=click.FloatRange(min=0, min_open=True), help="Learning rate.  [default: 0.001]")
@click.option(
    "--paper",
    is_flag=True,
    help="The authors' loss, on cosines without a scale, and a constant learning rate.",
)
@click.option(
    "--out", type=NEW_FOLDER, default=Path("runs/fewshot"), show_default=True, help="Where the results go."
)
@click.option("--cache", type=NEW_FOLDER, help="Where features are kept.  [default: in the user's cache]")
@device_option
def fewshot(
    ckpt: Path | None,
    data: Path,
    test: Path | None,
    shots: list[int | None],
    seeds: int,
    seed: int,
    head: str,
    labels: Path | None,
    up: Any,
    epochs: int | None,
    batch_size: int | None,
    lr: float | None,
    paper: bool,
    out: Path,
    cache: Path | None,
    device: str,
) -> None:
    """Teach a pre-trained model your classes from a few clouds of each.

    Both encoders stay as they are; only the adapter that fuses their features learns. The accuracy is that
    of the last step on test clouds: nothing is chosen on them.
    """
    with exit_on_error(INTERRUPTED), shown():
        from functools import partial

        from rich.console import Console

        from c2p_deploy import LabelSet
        from c2p_train.datasets.labelled_clouds import load_split
        from c2p_train.evaluate.class_labels import known_labels, labels_for
        from c2p_train.evaluate.features import default_cache, model_features
        from c2p_train.learn.curve import curve_points, curve_table, save_curve_csv, save_curve_png
        from c2p_train.learn.fewshot import PAPER, FewShotConfig
        from c2p_train.learn.sweep import few_shot_sweep
        from c2p_train.model.checkpoint import PRETRAINED, load_checkpoint
        from c2p_train.model.device import pick_device

        where = pick_device(device)
        start = PAPER if paper else FewShotConfig()
        config = replace(
            start,
            head=head,
            epochs=epochs or start.epochs,
            batch_size=batch_size or start.batch_size,
            learning_rate=lr or start.learning_rate,
        )
        ckpt = ckpt or PRETRAINED
        checkpoint = load_checkpoint(ckpt)
        if checkpoint.model.image_encoder is None:
            raise C2PError(
                f"has no image encoder, and the head {head} learns from two",
                "take a checkpoint of c2p-train pretrain or c2p-train import, which keep it",
                ckpt,
            )
        given = LabelSet.load(labels) if labels else None
        known_labels(checkpoint, given)  # before anything long begins
        cache = default_cache() if cache is None else cache
        # Of the clouds, not of the trainings: with other seeds those see the same, cached features.
        read = partial(load_split, spec=checkpoint.spec, up=up, seed=0, whole=test is not None, cache=cache)
        learnt = read(data, "train")
        chosen = labels_for(checkpoint, learnt, given)
        try:
            judged = read(data if test is None else test, "test")
        except C2PError as error:
            if test is not None:
                raise
            ways = (error.remedy, "give --test, or a folder CLASS/FILE of which a fifth is held out")
            raise C2PError(error.problem, "; or ".join(way for way in ways if way), error.path) from error
        judged = _same_classes(judged, learnt.classes)

        features_of = partial(
            model_features,
            checkpoint.model,
            views=checkpoint.views,
            spec=checkpoint.spec,
            cache=cache,
            device=where,
        )
        sweep = few_shot_sweep(
            features_of(learnt),
            features_of(judged),
            chosen,
            shots,
            range(seed, seed + seeds),
            config,
            out,
            partial(_save, checkpoint, chosen, config, learnt, judged.name),
            device=where,
        )
        points = curve_points(sweep)
        save_curve_csv(points, out / "curve.csv")
        save_curve_png(points, f"{head}, {learnt.name}", out / "curve.png")
    Console().print(curve_table(points))
    click.echo(f"on {len(judged)} test clouds; wrote {out}")


def _same_classes(clouds: LabelledClouds, classes: tuple[str, ...]) -> LabelledClouds:
    """Test clouds with their labels counted as those of training are. Raises C2PError for other classes."""
    import numpy as np

    unknown = [name for name in clouds.classes if name not in classes]
    if unknown:
        raise C2PError(
            f"{clouds.name}: no training clouds of {', '.join(unknown)}", "leave these classes out"
        )
    rows = np.array([classes.index(name) for name in clouds.classes])
    return replace(clouds, label=rows[clouds.label], classes=classes)


def _save(
    checkpoint: Checkpoint,
    labels: LabelSet,
    config: FewShotConfig,
    learnt: LabelledClouds,
    test: str,
    head: Head,
    run: ShotRun,
    path: Path,
) -> None:
    """Writes the model of one training: the encoders of `checkpoint` under a new head."""
    from dataclasses import asdict

    from c2p_train.model.checkpoint import save_checkpoint
    from c2p_train.model.clip2point import CLIP2Point

    model = CLIP2Point(checkpoint.model.depth_encoder, checkpoint.model.image_encoder, head)
    trained = {**asdict(run), "config": asdict(replace(config, seed=run.seed)), "test": test}
    save_checkpoint(
        replace(
            checkpoint,
            model=model.cpu().eval(),
            labels=labels,
            # Cosines without a scale give flat probabilities; those of the model started from are better.
            logit_scale=config.logit_scale if config.logit_scale > 1 else checkpoint.logit_scale,
            training={**checkpoint.training, "few_shot": trained, "data_digest": learnt.digest},
        ),
        path,
    )
