"""The recipe of the bundled model: a depth encoder trained straight against CLIP's text features."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from c2p_recipes.align import AlignConfig
from c2p_recipes.cloud_training import CloudBatchConfig, train_on_clouds
from c2p_recipes.clouds import recipe_clouds
from c2p_recipes.data import RecipeData
from c2p_recipes.publish import figures_table, publish
from c2p_train.model.device import has_bfloat16


def make_default_model(
    data: RecipeData,
    out: Path,
    engine: Path,
    card: Path | None,
    steps: int | None,
    seed: int,
    device: torch.device,
) -> None:
    """Trains, measures on clouds it never saw, exports with a parity check, fills the model card.

    out: work folder; with it in place an interrupted run goes on. Raises C2PError.
    """
    out.mkdir(parents=True, exist_ok=True)
    training = AlignConfig(bfloat16=has_bfloat16(device), seed=seed)
    drawing = CloudBatchConfig(seed=seed)
    if steps is not None:
        training = replace(training, steps=steps)
    clouds = recipe_clouds(data, drawing.spec, out, seed)
    labels = data.label_set(clouds.labels)
    checkpoint, results = train_on_clouds(data, clouds, labels, training, drawing, out / "run.pt", device)
    publish(checkpoint, figures_table(results), clouds, out, engine, card)
