"""`c2p-train fewshot`: a head learns from a few clouds per class, or from all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from c2p_deploy.console import CONTEXT, exit_on_error, shown
from c2p_deploy.errors import C2PError
from c2p_deploy.projection.spec import UP_AXES
from c2p_train.commands.common import FILE, FOLDER, INTERRUPTED, NEW_FOLDER, device_option, seed_option

if TYPE_CHECKING:
    from c2p_deploy import LabelSet
    from c2p_train.datasets.labelled_clouds import LabelledClouds
    from c2p_train.learn.fewshot import FewShotConfig
    from c2p_train.learn.ridge import RidgeConfig
    from c2p_train.learn.sweep import Learnt, ShotRun, Sweep
    from c2p_train.model.checkpoint import Checkpoint

_EPILOG = """
\b
Examples:
  c2p-train fewshot --data my_clouds --shots 16
  c2p-train fewshot --ckpt pretrained.pt --data modelnet10 --labels modelnet10.json --shots 16
  c2p-train fewshot --ckpt pretrained.pt --data my_clouds --shots 1,2,4,8,16,full --seeds 3
  c2p-train fewshot --ckpt pretrained.pt --data scans --labels scans.json --head dpa --paper --shots full

\b
Heads:
  ridge       zero-shot, corrected as far as the shots justify: ridge regression towards the text features
              on all views of both encoders, in closed form. Takes seconds; with one cloud a class it keeps
              to the words
  gdpa, dpa   the paper's adapters, with its gate between the two encoders or their mean (as released)

\b
Writes to OUT:
  shots-K/seed-S/model.pt   the trained model with its encoders, one for each training
  best.pt                   a copy of the best of them, or zero-shot where that is better
  results.json              the accuracy of each, on test clouds that no training saw
  curve.csv, curve.png      mean and standard deviation over the seeds, from 0 shots (zero-shot) on

From 30 clouds on, two or more a class, a model taught by ridge also says "unknown": to what is no object,
and to what is none of the classes. Both are fitted on the clouds learnt from, each judged by the others;
c2p-train calibrate does better where there are further clouds, and strangers.

A class without a text feature is learnt from its clouds alone. Where there are no test clouds, ridge is
judged by the clouds it learns from, each left out in turn.

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
    help="The model to start from; gdpa and dpa need both encoders.  [default: the small one of the package]",
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
    type=click.Choice(["ridge", "gdpa", "dpa"]),
    help="What learns, see below.  [default: ridge; with --paper, gdpa]",
)
@click.option("--labels", type=FILE, help="Label set with the names of all classes.  [default: the model's]")
@click.option("--up", type=click.Choice(UP_AXES), help="Up axis of the clouds.  [default: the data set's]")
@click.option(
    "--depth-only",
    is_flag=True,
    help="ridge without the image encoder: an engine of half the size and time, a little less right.",
)
@click.option("--epochs", type=click.IntRange(min=1), help="Of gdpa and dpa.  [default: 100]")
@click.option("--batch-size", type=click.IntRange(min=3), help="Clouds per step of these.  [default: 32]")
@click.option(
    "--lr", type=click.FloatRange(min=0, min_open=True), help="Learning rate of these.  [default: 0.001]"
)
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
    head: str | None,
    labels: Path | None,
    up: Any,
    depth_only: bool,
    epochs: int | None,
    batch_size: int | None,
    lr: float | None,
    paper: bool,
    out: Path,
    cache: Path | None,
    device: str,
) -> None:
    """Teach a pre-trained model your classes from a few clouds of each.

    The encoders stay as they are; a head over their features learns. At the end stands how well it does on
    test clouds that it did not learn from, beside zero-shot, class means and logistic regression.
    """
    head = head or ("gdpa" if paper else "ridge")
    if head == "ridge" and (paper or epochs or batch_size or lr):
        raise click.UsageError("--paper, --epochs, --batch-size and --lr belong to --head gdpa or dpa")
    if head != "ridge" and depth_only:
        raise click.UsageError("--depth-only belongs to --head ridge")
    with exit_on_error(INTERRUPTED), shown():
        from functools import partial

        from rich.console import Console

        from c2p_deploy import LabelSet, progress
        from c2p_deploy.errors import MissingSplitError
        from c2p_train.datasets.labelled_clouds import load_split
        from c2p_train.datasets.shots import sample_shots
        from c2p_train.evaluate.class_labels import known_labels, labels_to_teach
        from c2p_train.evaluate.features import default_cache, model_features
        from c2p_train.learn.curve import curve_points, curve_table, save_curve_csv, save_curve_png
        from c2p_train.learn.fewshot import PAPER, FewShotConfig
        from c2p_train.learn.ridge import RidgeConfig
        from c2p_train.learn.shots_rejection import LEAST_CLOUDS, clutter_of, fit_shots_rejection
        from c2p_train.learn.sweep import few_shot_sweep
        from c2p_train.model.checkpoint import PRETRAINED, load_checkpoint
        from c2p_train.model.clip2point import CLIP2Point
        from c2p_train.model.device import pick_device
        from c2p_train.model.heads import ZeroShot

        where = pick_device(device)
        config: FewShotConfig | RidgeConfig = RidgeConfig()
        if head != "ridge":
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
        if depth_only:
            checkpoint = replace(
                checkpoint, model=CLIP2Point(checkpoint.model.depth_encoder, None, ZeroShot())
            )
        if head != "ridge" and checkpoint.model.image_encoder is None:
            raise C2PError(
                f"has no image encoder, and the head {head} learns from two",
                "take a checkpoint of c2p-train pretrain or c2p-train import, which keep it, or --head ridge",
                ckpt,
            )
        given = LabelSet.load(labels) if labels else None
        known_labels(checkpoint, given)  # before anything long begins
        cache = default_cache() if cache is None else cache
        # Of the clouds, not of the trainings: with other seeds those see the same, cached features.
        read = partial(load_split, spec=checkpoint.spec, up=up, seed=0, whole=test is not None, cache=cache)
        learnt = read(data, "train")
        chosen, wordless = labels_to_teach(checkpoint, learnt, given)
        for name in (name for name, is_so in zip(chosen.names, wordless, strict=True) if is_so):
            progress.say(f"{name}: no text feature of its own, learnt from its clouds alone")
        judged: LabelledClouds | None = None
        try:
            judged = _same_classes(read(data if test is None else test, "test"), learnt.classes)
        except MissingSplitError as error:
            if test is not None:
                raise
            if head != "ridge":
                remedy = f"{error.remedy}; or give --test, or --head ridge, which can do without"
                raise C2PError(error.problem, remedy, error.path) from error
            progress.say("no test clouds: those learnt from judge, each left out in turn")

        features_of = partial(
            model_features,
            checkpoint.model,
            views=checkpoint.views,
            spec=checkpoint.spec,
            cache=cache,
            device=where,
        )
        judged_by = "each left out in turn" if judged is None else judged.name
        save = partial(_save, checkpoint, chosen, config, learnt, judged_by)
        unworded = wordless if wordless.any() else None
        doubt = None
        if head == "ridge" and max(len(sample_shots(learnt.label, k, 0)) for k in shots) >= LEAST_CLOUDS:
            doubt = partial(
                fit_shots_rejection,
                labels=chosen,
                wordless=unworded,
                clutter=features_of(clutter_of(learnt)),
                start=checkpoint.rejection if checkpoint.head == ZeroShot.name else None,
            )
        sweep = few_shot_sweep(
            features_of(learnt),
            None if judged is None else features_of(judged),
            chosen,
            shots,
            range(seed, seed + seeds),
            config,
            out,
            save,
            wordless=unworded,
            doubt=doubt,
            device=where,
        )
        points = curve_points(sweep)
        save_curve_csv(points, out / "curve.csv")
        save_curve_png(points, f"{head}, {learnt.name}", out / "curve.png")
        best = _keep_best(sweep, out, checkpoint, chosen)
    Console().print(curve_table(points, head))
    click.echo(
        "on the clouds learnt from, each left out in turn"
        if judged is None
        else f"on {len(judged)} test clouds"
    )
    for point in points[1:]:
        if point.mean < sweep.zero_shot:
            what = "1 shot" if point.shots == "1" else f"{point.shots} shots"
            click.echo(
                f"warning: from {what} it is right for {100 * point.mean:.1f} %, without any for "
                f"{100 * sweep.zero_shot:.1f} %: these clouds make it worse",
                err=True,
            )
    click.echo(f"wrote {out}; best.pt is {best}")


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


def _keep_best(sweep: Sweep, out: Path, checkpoint: Checkpoint, labels: LabelSet) -> str:
    """Writes OUT/best.pt, and says what it is."""
    import shutil

    from c2p_deploy.files import atomic_path
    from c2p_train.learn.sweep import MODEL, best_run, folder_of
    from c2p_train.model.checkpoint import save_checkpoint
    from c2p_train.model.clip2point import CLIP2Point
    from c2p_train.model.heads import ZeroShot

    best, path = best_run(sweep), out / "best.pt"
    if best is None:
        model = CLIP2Point(checkpoint.model.depth_encoder, checkpoint.model.image_encoder, ZeroShot())
        if checkpoint.head != ZeroShot.name:  # of its features, not of these
            checkpoint = replace(checkpoint, rejection=None)
        save_checkpoint(replace(checkpoint, model=model.cpu().eval()).with_labels(labels), path)
        return "zero-shot, which no number of shots did better than"
    source = folder_of(out, best.shots, best.seed) / MODEL
    with atomic_path(path) as temporary:
        shutil.copyfile(source, temporary)
    return f"{source.parent.relative_to(out)}"


def _save(
    checkpoint: Checkpoint,
    labels: LabelSet,
    config: FewShotConfig | RidgeConfig,
    learnt: LabelledClouds,
    test: str,
    made: Learnt,
    run: ShotRun,
    path: Path,
) -> None:
    """Writes the model of one training: the encoders of `checkpoint` under a new head."""
    from dataclasses import asdict

    from c2p_train.model.checkpoint import save_checkpoint
    from c2p_train.model.clip2point import CLIP2Point

    model = CLIP2Point(checkpoint.model.depth_encoder, checkpoint.model.image_encoder, made.head)
    trained = {**asdict(run), "config": asdict(replace(config, seed=run.seed)), "test": test}
    save_checkpoint(
        replace(
            checkpoint,
            model=model.cpu().eval(),
            labels=labels,
            # Cosines without a scale give flat probabilities; those of the model started from are better.
            logit_scale=made.logit_scale if made.logit_scale > 1 else checkpoint.logit_scale,
            rejection=made.rejection,  # that of the checkpoint is of other features
            training={**checkpoint.training, "few_shot": trained, "data_digest": learnt.digest},
        ),
        path,
    )
