"""`c2p-recipe`: from folders of data to a model that is ready to run, in one command."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from c2p_deploy.console import CONTEXT, ExtraGroup, exit_on_error, shown
from c2p_recipes.data import SEED, RecipeData
from c2p_train.commands.common import FILE, FOLDER, INTERRUPTED, device_option

_EPILOG = """
\b
Example:
  c2p-recipe {name} --modelnet10 modelnet10/train --meshes psb \\
      --posed-meshes shrec --text detic/metadata --out runs/{name}

{cost} OUT holds everything between the data and the model; with OUT in place an interrupted
command goes on where it was.
"""


def _data_options(name: str, cost: str) -> Callable[[Callable[..., None]], click.Command]:
    """The command and the options that every recipe has."""

    def data(option: str, text: str) -> Callable[[Any], Any]:
        return click.option(option, type=FOLDER, required=True, help=text)

    path = click.Path(path_type=Path)
    options = [
        data("--modelnet10", "ModelNet10 training clouds, CLASS/FILE, z up."),
        data("--meshes", "Princeton Shape Benchmark meshes, CLASS/FILE, y up."),
        data("--posed-meshes", "SHREC meshes in arbitrary orientation, CLASS/FILE."),
        data("--text", "CLIP text features as published by Detic."),
        click.option("--out", type=path, default=f"runs/{name}", show_default=True, help="Work folder."),
        click.option("--engine", type=path, help=f"Where the .onnx goes.  [default: OUT/{name}.onnx]"),
        click.option("--card", type=FILE, help="Model card to write the figures into."),
        click.option(
            "--seed",
            type=click.IntRange(min=0),
            default=SEED,
            show_default=True,
            help="Of the split, the weights and every random choice.",
        ),
        device_option,
    ]

    def decorate(function: Callable[..., None]) -> click.Command:
        for option in reversed(options):
            function = option(function)
        return click.command(name, epilog=_EPILOG.format(name=name, cost=cost), context_settings=CONTEXT)(
            function
        )

    return decorate


@click.group(cls=ExtraGroup, extra="export", context_settings=CONTEXT)
@click.version_option(package_name="c2p-deploy")
def main() -> None:
    """Make a model from folders of data, from the first file to the engine."""


@_data_options("default", "Takes about an hour on two cores.")
@click.option("--steps", type=click.IntRange(min=1), help="Training steps of 64 clouds.  [default: 4000]")
def default(engine: Path | None, out: Path, steps: int | None, device: str, **given: Any) -> None:
    """Make the bundled model: one encoder, trained straight against CLIP's text features.

    Reads and splits the clouds, trains the depth encoder, measures it on the clouds it never saw,
    and exports it with a parity check.
    """
    with exit_on_error(INTERRUPTED), shown():
        from c2p_recipes.default_model import make_default_model
        from c2p_train.model.device import pick_device

        card, seed = given.pop("card"), given.pop("seed")
        engine = engine or out / "default.onnx"
        make_default_model(RecipeData(**given), out, engine, card, steps, seed, pick_device(device))


@_data_options("mini", "Takes up to two hours on two cores, minutes on a GPU.")
@click.option("--workers", type=click.IntRange(min=1), help="Processes that render.  [default: one per core]")
@click.option(
    "--image-steps", type=click.IntRange(min=1), help="Steps of the image encoder.  [default: 2000]"
)
@click.option("--epochs", type=click.IntRange(min=1), help="Of pre-training.  [default: 60]")
def mini(
    engine: Path | None,
    out: Path,
    workers: int | None,
    image_steps: int | None,
    epochs: int | None,
    device: str,
    **given: Any,
) -> None:
    """Make a small model by the whole method of CLIP2Point, and measure what each step brings.

    Renders image-depth pairs from the meshes, trains an image encoder on the pictures (a stand-in for
    CLIP's, in CLIP's text space), pre-trains a depth encoder against it without labels, trains adapters
    few-shot and with all clouds, and exports the result with a parity check. Accuracy is measured
    after every step, on objects that no step has seen.
    """
    with exit_on_error(INTERRUPTED), shown():
        from c2p_deploy.cores import cores
        from c2p_recipes.mini import MiniConfig, make_mini_model
        from c2p_train.model.device import pick_device

        card, seed = given.pop("card"), given.pop("seed")
        config = MiniConfig(seed=seed)
        config = replace(
            config,
            image_steps=image_steps or config.image_steps,
            pretrain_epochs=epochs or config.pretrain_epochs,
        )
        make_mini_model(
            RecipeData(**given),
            out,
            engine or out / "mini.onnx",
            card,
            config,
            pick_device(device),
            workers or cores(),
        )


main.add_command(default)
main.add_command(mini)
