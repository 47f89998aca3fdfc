"""Few-shot training from cached view features against projecting and encoding in every epoch.

Both frozen encoders see every cloud in every epoch of the authors' training. Here they see it
once. This script trains the same head twice on the same 16 shots of ModelNet10, from the same
seed, with the same batches: once from `cached_view_features`, once with projection and both
encoders in every step. The encoders of both are ours, so that only the cache makes the
difference; heads are compared on held-out clouds.

    python benchmarks/fewshot_cache.py --modelnet10 DIR
"""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter

import click
import numpy as np
import numpy.typing as npt
import torch
from common import RESULTS, environment, summary, timed, write_results
from rich.console import Console
from rich.progress import track
from torch import Tensor, nn

from c2p_deploy import DepthSpec, ViewSet
from c2p_deploy.projection.spec import FloatArray
from c2p_runtime.classifier import DEFAULT_ENGINE, Manifest
from c2p_train.datasets.labelled_clouds import LabelledClouds, load_split
from c2p_train.datasets.shots import sample_shots
from c2p_train.evaluate.features import ViewFeatures, model_features, view_features
from c2p_train.learn.fewshot import FewShotConfig, accuracy, batch_rows, new_optimizer, steps_of, train_step
from c2p_train.model.checkpoint import PRETRAINED, load_checkpoint
from c2p_train.model.clip2point import CLIP2Point
from c2p_train.model.heads import build_head

IntArray = npt.NDArray[np.int64]
Fetch = Callable[[IntArray], list[FloatArray]]


def features_of(model: CLIP2Point, points: FloatArray, views: ViewSet, spec: DepthSpec) -> list[FloatArray]:
    """Features [B, V, D] of both paths, nothing cached."""
    assert model.image_encoder is not None
    return [view_features(e, points, views, spec) for e in (model.depth_encoder, model.image_encoder)]


def train(
    head: nn.Module, fetch: Fetch, label: IntArray, text: Tensor, config: FewShotConfig
) -> Iterator[float]:
    """Trains a head; gives the seconds of each epoch. fetch: rows -> features of both paths."""
    optimizer = new_optimizer(head.train(), config)
    batches = steps_of(config, len(label)) // config.epochs
    for epoch in range(config.epochs):
        started = perf_counter()
        for step in range(epoch * batches, (epoch + 1) * batches):
            rows = batch_rows(step, len(label), config)
            depth, image = (torch.from_numpy(features) for features in fetch(rows))
            torch.manual_seed(step)  # dropout: the same in both
            train_step(head, optimizer, depth, image, torch.from_numpy(label[rows]), text, config.logit_scale)
        yield perf_counter() - started


def chosen(clouds: LabelledClouds, rows: IntArray) -> LabelledClouds:
    """A part of the clouds."""
    return LabelledClouds(clouds.name, clouds.points[rows], clouds.label[rows], clouds.classes)


@click.command()
@click.option(
    "--modelnet10",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    help="ModelNet10's training split as CLASS/FILE, z up.",
)
@click.option(
    "--ckpt",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=PRETRAINED,
    help="A checkpoint with both encoders.  [default: the small one of the package]",
)
@click.option("--shots", type=click.IntRange(min=1), default=16, show_default=True)
@click.option("--epochs", type=click.IntRange(min=1), default=20, show_default=True, help="Of each training.")
@click.option(
    "--test", "judged", type=click.IntRange(min=1), default=20, show_default=True, help="Per class."
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of everything.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=RESULTS / "fewshot_cache.json",
    help="Where the figures go.  [default: benchmarks/results/fewshot_cache.json]",
)
def main(modelnet10: Path, ckpt: Path, shots: int, epochs: int, judged: int, seed: int, out: Path) -> None:
    """Time an epoch of few-shot training with and without cached features."""
    console = Console()
    machine = environment()
    checkpoint = load_checkpoint(ckpt)
    model, views, spec = checkpoint.model, checkpoint.views, checkpoint.spec
    if model.image_encoder is None:
        raise click.UsageError(f"{ckpt} has no image encoder; the adapters need both")
    known = Manifest.for_engine(DEFAULT_ENGINE).labels
    learnt, held_out = (load_split(modelnet10, split, spec, seed=seed) for split in ("train", "test"))
    learnt = chosen(learnt, sample_shots(learnt.label, shots, seed))
    held_out = chosen(held_out, sample_shots(held_out.label, judged, seed))
    labels = known.subset(learnt.classes)
    config = FewShotConfig(epochs=epochs, seed=seed)
    test = ViewFeatures(*features_of(model, held_out.points, views, spec), held_out.label)

    with tempfile.TemporaryDirectory() as folder:
        cached, fill = timed(lambda: model_features(model, learnt, views, spec, Path(folder)))
        _, load = timed(lambda: model_features(model, learnt, views, spec, Path(folder)))
    assert cached.image is not None
    paths = (cached.depth, cached.image)
    ways: dict[str, Fetch] = {
        "cached": lambda rows: [path[rows] for path in paths],
        "uncached": lambda rows: features_of(model, learnt.points[rows], views, spec),
    }
    text = torch.from_numpy(labels.text_features.copy())
    torch.manual_seed(seed)
    first = build_head(config.head, len(views), model.depth_encoder.embed_dim)
    heads = {name: copy.deepcopy(first) for name in ways}
    runs = [train(heads[name], fetch, learnt.label, text, config) for name, fetch in ways.items()]
    # In turn, an epoch each, so that both meet the same load.
    seconds = list(track(zip(*runs, strict=True), "training", total=epochs, console=console))
    rows = {}
    for name, taken in zip(ways, zip(*seconds, strict=True), strict=True):
        right = accuracy(heads[name], test, labels.text_features)
        rows[name] = {"epoch_s": summary(taken), "top1": round(right, 4)}
        console.print(f"{name}: {rows[name]['epoch_s']['median']:.3f} s an epoch, top-1 {100 * right:.1f} %")
    assert test.image is not None
    with torch.inference_mode():
        inputs = (torch.from_numpy(test.depth), torch.from_numpy(test.image))
        difference = float((heads["cached"](*inputs) - heads["uncached"](*inputs)).abs().max())
    factor = rows["uncached"]["epoch_s"]["median"] / rows["cached"]["epoch_s"]["median"]
    console.print(
        f"{factor:.0f} times as fast; filling the cache once takes {fill:.1f} s, reading it {load:.3f} s; "
        f"test features of the two heads differ by {difference:.1e} at most"
    )
    results = {
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "clouds": len(learnt),
        "test_clouds": len(held_out),
        "views": len(views),
        "image_size": spec.image_size,
        "encoder": type(model.depth_encoder).__name__,
        "config": {"epochs": epochs, "batch_size": config.batch_size, "head": config.head, "seed": seed},
        **rows,
        "factor": round(factor, 1),
        "fill_s": round(fill, 3),
        "load_s": round(load, 4),
        "feature_difference": difference,
    }
    write_results(out, machine, results)
    console.print(f"wrote {out.name}")


if __name__ == "__main__":
    main()
