"""The recipe of the bundled model: a depth encoder trained straight against CLIP's text features."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from c2p_deploy import Manifest
from c2p_recipes.align import AlignConfig
from c2p_recipes.cloud_training import CloudBatchConfig, train_on_clouds
from c2p_recipes.clouds import recipe_clouds
from c2p_recipes.data import RecipeData
from c2p_recipes.publish import figures_table, publish
from c2p_recipes.rejection import fit_bundled
from c2p_recipes.size_limits import SIZE_LIMITS
from c2p_train.evaluate.calibrate import checkpoint_encoder, engine_encoder


def make_default_model(
    data: RecipeData,
    out: Path,
    engine: Path,
    card: Path | None,
    steps: int | None,
    seed: int,
    device: torch.device,
) -> None:
    """Trains, measures on clouds it never saw, fits the rejection, exports with a parity check, fills the
    card.

    out: work folder; with it in place an interrupted run goes on. Raises C2PError.
    """
    out.mkdir(parents=True, exist_ok=True)
    training, drawing = AlignConfig(seed=seed), CloudBatchConfig(seed=seed)
    if steps is not None:
        training = replace(training, steps=steps)
    clouds = recipe_clouds(data, drawing.spec, out, seed)
    labels = data.label_set(clouds.labels)
    checkpoint, results = train_on_clouds(data, clouds, labels, training, drawing, out / "run.pt", device)
    encode = checkpoint_encoder(checkpoint, out / "features", device)
    assert checkpoint.labels is not None  # those that are offered
    rejection = fit_bundled(
        data, checkpoint.labels, checkpoint.logit_scale, checkpoint.spec, encode, out, seed
    )
    checkpoint = replace(checkpoint, rejection=rejection, size_limits=SIZE_LIMITS)
    publish(checkpoint, figures_table(results), clouds, out, engine, card)


def calibrate_engine(data: RecipeData, out: Path, engine: Path, seed: int) -> None:
    """Fits the rejection of a bundled engine anew, as `make_default_model` does, into its manifest."""
    manifest = Manifest.for_engine(engine)
    encode = engine_encoder(engine, manifest)
    rejection = fit_bundled(data, manifest.labels, manifest.logit_scale, manifest.spec, encode, out, seed)
    limits = {name: SIZE_LIMITS[name] for name in manifest.labels.names if name in SIZE_LIMITS}
    replace(manifest, rejection=rejection, size_limits=limits).save(Manifest.path_for(engine))
