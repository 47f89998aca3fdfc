"""The recipe of the bundled model: a depth encoder trained straight against CLIP's text features."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from rich.console import Console

from c2p_deploy.files import write_atomic
from c2p_export.model_card import figures_table, update_card
from c2p_export.onnx_export import export_onnx
from c2p_export.recipe_data import VAL_FRACTION, RecipeData
from c2p_train.align import AlignConfig, align
from c2p_train.checkpoint import Checkpoint, save_checkpoint
from c2p_train.cloud_batches import CloudBatchConfig, CloudBatches
from c2p_train.conv_encoder import ConvEncoder
from c2p_train.heads import ZeroShot
from c2p_train.held_out import depth_maps, held_out_results, top1
from c2p_train.model import CLIP2Point
from c2p_train.recipe_clouds import load_clouds


def make_default_model(
    data: RecipeData,
    out: Path,
    engine: Path,
    card: Path | None,
    steps: int | None,
    seed: int,
    device: torch.device,
    console: Console,
) -> None:
    """Trains, measures on clouds it never saw, exports with a parity check, fills the model card.

    out: work folder; with it in place an interrupted run goes on. Raises C2PError.
    """
    out.mkdir(parents=True, exist_ok=True)
    config, drawing = AlignConfig(seed=seed), CloudBatchConfig(seed=seed)
    if steps is not None:
        config = replace(config, steps=steps)
    sources = data.sources
    clouds, skipped = load_clouds(
        sources, drawing.spec, out / "clouds.npz", val_fraction=VAL_FRACTION, seed=seed
    )
    for line in skipped:
        console.print(f"skipped {line}", markup=False)
    labels = data.label_set(clouds.labels)
    offered = data.offered(labels)
    batches = CloudBatches(clouds, sources, drawing)

    def validate(encoder: ConvEncoder) -> dict[str, float]:
        model = CLIP2Point(encoder, None, ZeroShot())
        return top1(held_out_results(model, clouds, labels, offered, drawing.spec, batches.views))

    encoder, logit_scale = align(batches, labels, config, out / "run.pt", console, validate, device)
    model = CLIP2Point(encoder, None, ZeroShot()).eval()
    results = held_out_results(model, clouds, labels, offered, drawing.spec, batches.views)
    training = {
        "config": {"training": asdict(config), "batches": asdict(drawing)},
        "validation": top1(results),
    }
    checkpoint = Checkpoint(model, batches.views, drawing.spec, offered, logit_scale, training)
    save_checkpoint(checkpoint, out / "model.pt")

    table = figures_table(results)
    write_atomic(out / "figures.md", table.encode())
    if card is not None:
        update_card(card, table)
    some_held_out = np.flatnonzero(clouds.held_out)[::4]
    depth = depth_maps(clouds, some_held_out, batches.views, drawing.spec)
    manifest = export_onnx(out / "model.pt", engine, depth)
    console.print(f"wrote {engine} and its manifest; parity {dict(manifest.parity)}", markup=False)
