"""What the recipes share: the clouds of all sources, training on them end to end, and publication."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from rich.console import Console

from c2p_deploy import DepthSpec, LabelSet
from c2p_deploy.files import sha256_of, write_atomic
from c2p_export.checkpoint import Source
from c2p_export.export import make_engines
from c2p_export.request import ExportOptions
from c2p_recipes.align import AlignConfig, align
from c2p_recipes.cloud_batches import CloudBatchConfig, CloudBatches
from c2p_recipes.clouds import Clouds, load_clouds
from c2p_recipes.data import VAL_FRACTION, RecipeData
from c2p_recipes.held_out import Results, depth_maps, held_out_results, top1
from c2p_recipes.model_card import update_card
from c2p_train.model.checkpoint import Checkpoint, save_checkpoint
from c2p_train.model.clip2point import CLIP2Point
from c2p_train.model.conv_encoder import ConvEncoder
from c2p_train.model.heads import ZeroShot


def recipe_clouds(data: RecipeData, spec: DepthSpec, out: Path, seed: int, console: Console) -> Clouds:
    """The clouds of all sources, kept in `out`/clouds.npz; files that cannot be read are named."""
    clouds, skipped = load_clouds(
        data.sources, spec, out / "clouds.npz", val_fraction=VAL_FRACTION, seed=seed
    )
    for line in skipped:
        console.print(f"skipped {line}", markup=False)
    return clouds


def train_on_clouds(
    data: RecipeData,
    clouds: Clouds,
    labels: LabelSet,
    training: AlignConfig,
    drawing: CloudBatchConfig,
    run_file: Path,
    device: torch.device,
    console: Console,
    start: ConvEncoder | None = None,
) -> tuple[Checkpoint, Results]:
    """A depth encoder that matches text features, new or from `start`, and what it says of held-out clouds.

    labels: those of `clouds`; the checkpoint gets the ones that are offered.
    """
    offered = data.offered(labels)
    batches = CloudBatches(clouds, data.sources, drawing)
    results: Results = {}

    def validate(encoder: ConvEncoder) -> dict[str, float]:
        nonlocal results
        model = CLIP2Point(encoder, None, ZeroShot())
        results = held_out_results(model, clouds, labels, offered, drawing.spec, batches.views)
        return top1(results)

    encoder, scale, accuracy = align(
        batches, labels, training, run_file, console, validate, device, start=start
    )
    about = {"config": {"training": asdict(training), "batches": asdict(drawing)}, "validation": accuracy}
    model = CLIP2Point(encoder, None, ZeroShot()).eval()
    return Checkpoint(model, batches.views, drawing.spec, offered, scale, about), results


def publish(
    checkpoint: Checkpoint,
    table: str,
    clouds: Clouds,
    out: Path,
    engine: Path,
    card: Path | None,
    console: Console,
) -> None:
    """Writes `out`/model.pt and figures.md, the figures of the card, and the engine once it has parity."""
    save_checkpoint(checkpoint, out / "model.pt")
    write_atomic(out / "figures.md", table.encode())
    if card is not None:
        update_card(card, table)
    some_held_out = np.flatnonzero(clouds.held_out)[::4]
    depth = depth_maps(clouds, some_held_out, checkpoint.views, checkpoint.spec)
    # float32: it is fastest on the CPUs that the bundled model runs on, and small as it is.
    options = ExportOptions(precision="fp32", max_batch=32)
    make_engines(Source(checkpoint, sha256_of(out / "model.pt")), engine, depth, options)
