"""The whole recipe of the bundled default model, from data folders to files in the package.

    python -m c2p_export.default_model --modelnet10 DIR --meshes DIR --posed-meshes DIR --text DIR

Reads and splits the clouds, trains the depth encoder against CLIP's text features, measures
it on the clouds it never saw, exports it with a parity check and writes the figures into
the model card. Stop it at any time: the same command goes on where it was.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import click
import numpy as np

from c2p_deploy.errors import C2PError
from c2p_deploy.files import write_atomic
from c2p_export.model_card import figures_table, update_card
from c2p_train.classes import TRAINING_ONLY_LABELS
from c2p_train.dataset import Source, load_clouds
from c2p_train.text_features import label_set_of, read_detic_features

VAL_FRACTION = 0.1  # of every class, never trained on
SEED = 0  # of the run that made the bundled model
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


_EPILOG = """
\b
Example:
  python -m c2p_export.default_model --modelnet10 modelnet10/train --meshes psb \\
      --posed-meshes shrec --text detic/metadata --out runs/default

Takes about an hour on two cores. OUT holds the clouds as they were read, the unfinished run,
the checkpoint model.pt and the figures; with OUT in place the same command goes on.
"""


@click.command(epilog=_EPILOG)
@click.option(
    "--modelnet10", type=_FOLDER, required=True, help="ModelNet10 training clouds, CLASS/FILE, z up."
)
@click.option(
    "--meshes", type=_FOLDER, required=True, help="Princeton Shape Benchmark meshes, CLASS/FILE, y up."
)
@click.option(
    "--posed-meshes", type=_FOLDER, required=True, help="SHREC meshes in arbitrary orientation, CLASS/FILE."
)
@click.option("--text", type=_FOLDER, required=True, help="CLIP text features as published by Detic.")
@click.option(
    "--out", type=click.Path(path_type=Path), default="runs/default", show_default=True, help="Work folder."
)
@click.option(
    "--engine", type=click.Path(path_type=Path), help="Where the .onnx goes.  [default: OUT/default.onnx]"
)
@click.option(
    "--card", type=click.Path(exists=True, path_type=Path), help="Model card to write the figures into."
)
@click.option("--steps", type=click.IntRange(min=1), help="Training steps of 64 clouds.  [default: 4000]")
@click.option(
    "--seed", default=SEED, show_default=True, help="Of the split, the weights and every random choice."
)
def main(
    modelnet10: Path,
    meshes: Path,
    posed_meshes: Path,
    text: Path,
    out: Path,
    engine: Path | None,
    card: Path | None,
    steps: int | None,
    seed: int,
) -> None:
    """Train, evaluate and export the bundled default model.

    Reads and splits the clouds, trains the depth encoder against CLIP's text features, measures
    it on the clouds it never saw, and exports it with a parity check.
    """
    # Imported here so that --help does not wait for torch.
    from rich.console import Console

    from c2p_export.onnx_export import export_onnx
    from c2p_train.align import AlignConfig, align
    from c2p_train.checkpoint import save_checkpoint
    from c2p_train.evaluate import depth_maps

    console = Console()
    try:
        out.mkdir(parents=True, exist_ok=True)
        config = AlignConfig(seed=seed)
        if steps is not None:
            config = replace(config, steps=steps)
        sources = recipe_sources(modelnet10, meshes, posed_meshes)
        clouds, skipped = load_clouds(
            sources, config.spec, out / "clouds.npz", val_fraction=VAL_FRACTION, seed=seed
        )
        for line in skipped:
            console.print(f"skipped {line}", markup=False)
        labels = label_set_of(clouds.labels, read_detic_features(text))
        offered = labels.subset(name for name in labels.names if name not in TRAINING_ONLY_LABELS)
        checkpoint = align(clouds, sources, labels, offered, config, out / "run.pt", console)
        save_checkpoint(checkpoint, out / "model.pt")

        table = figures_table(checkpoint.training["results"])
        write_atomic(out / "figures.md", table.encode())
        if card is not None:
            update_card(card, table)

        engine = engine or out / "default.onnx"
        some_held_out = np.flatnonzero(clouds.held_out)[::4]
        depth = depth_maps(clouds, some_held_out, checkpoint.views, config.spec)
        manifest = export_onnx(out / "model.pt", engine, depth)
    except (C2PError, OSError) as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
    console.print(f"wrote {engine} and its manifest; parity {dict(manifest.parity)}", markup=False)


def recipe_sources(modelnet10: Path, meshes: Path, posed_meshes: Path) -> list[Source]:
    """The data sets of the bundled model, in the order of its model card."""
    return [
        Source("ModelNet10", modelnet10, "z", samplings=1),
        Source("meshes", meshes, "y", samplings=4),
        Source("posed meshes", posed_meshes, "y", samplings=3, any_pose=True, weight=0.5),
    ]


if __name__ == "__main__":
    main()
