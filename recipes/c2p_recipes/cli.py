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


_REAL_EPILOG = """
\b
Examples:
  apt-get download sweethome3d-furniture
  c2p-recipe default --objects objects --furniture sweethome3d-furniture_*.deb --text detic/metadata
  c2p-recipe research --objects objects --furniture sweethome3d-furniture_*.deb --text detic/metadata \\
      --modelnet10 modelnet10/train --meshes psb --posed-meshes shrec

Takes up to four hours on two cores, minutes on a GPU. OUT holds everything between the data and the
model; with OUT in place an interrupted command goes on where it was.
"""


def _real_options(name: str, research: bool) -> Callable[[Callable[..., None]], click.Command]:
    """The command and the options of the recipes that learn from scans of real things."""
    path = click.Path(path_type=Path)
    use = "" if research else " Measures only, nothing is learned from it."

    def collection(option: str, text: str) -> Callable[[Any], Any]:
        return click.option(option, type=FOLDER, required=research, help=text + use)

    options = [
        click.option("--objects", type=FOLDER, required=True, help="Folder of objects.tsv and objects.npz."),
        click.option("--furniture", type=FILE, required=True, help="Debian's package sweethome3d-furniture."),
        click.option("--text", type=FOLDER, required=True, help="CLIP text features as published by Detic."),
        collection("--modelnet10", "ModelNet10 training clouds, CLASS/FILE, z up."),
        collection("--meshes", "Princeton Shape Benchmark meshes, CLASS/FILE, y up."),
        collection("--posed-meshes", "SHREC meshes in arbitrary orientation, CLASS/FILE."),
        click.option("--scenes", type=FOLDER, help="Labelled RGB-D scenes (mOSD). Measures only."),
        click.option("--out", type=path, default=f"runs/{name}", show_default=True, help="Work folder."),
        click.option("--engine", type=path, help=f"Where the .onnx goes.  [default: OUT/{name}.onnx]"),
        click.option("--card", type=FILE, help="Model card to write the figures into."),
        click.option(
            "--steps", type=click.IntRange(min=1), help="Training steps of 64 clouds.  [default: 8000]"
        ),
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
        return click.command(name, epilog=_REAL_EPILOG, context_settings=CONTEXT)(function)

    return decorate


def _make_real(name: str, given: dict[str, Any], research: bool) -> None:
    with exit_on_error(INTERRUPTED), shown():
        from c2p_recipes.default_model import RealData, make_real_model, training_config
        from c2p_recipes.scan_training import ScanBatchConfig
        from c2p_train.model.device import pick_device

        out, engine, card = given.pop("out"), given.pop("engine"), given.pop("card")
        seed, steps, device = given.pop("seed"), given.pop("steps"), pick_device(given.pop("device"))
        make_real_model(
            RealData(**given, research=research),
            out,
            engine or out / f"{name}.onnx",
            card,
            training_config(seed, steps),
            ScanBatchConfig(seed=seed),
            device,
        )


@_real_options("default", research=False)
def default(**given: Any) -> None:
    """Make the bundled model: everyday things, from openly licensed objects alone.

    Labels the objects, keeps whole packs and twins apart, adds shapes made by rule, trains a depth encoder
    against CLIP's text features on scans as sensors would see them, measures it on what it never saw,
    and exports it with a parity check.
    """
    _make_real("default", given, research=False)


@_real_options("research", research=True)
def research(**given: Any) -> None:
    """Make the model `research`: as `default`, and from collections for research use, too."""
    _make_real("research", given, research=True)


@click.command("split", context_settings=CONTEXT)
@click.option("--objects", type=FOLDER, required=True, help="Folder of objects.tsv and objects.npz.")
@click.option("--furniture", type=FILE, required=True, help="Debian's package sweethome3d-furniture.")
@click.option("--text", type=FOLDER, required=True, help="CLIP text features as published by Detic.")
@click.option(
    "--out", type=click.Path(path_type=Path), default="runs/default", show_default=True, help="Work folder."
)
@click.option("--seed", type=click.IntRange(min=0), default=SEED, show_default=True, help="Of the split.")
def split(out: Path, seed: int, **given: Any) -> None:
    """Tell which objects are trained on and which stay apart, and which twins were left out.

    Example: c2p-recipe split --objects objects --furniture sweethome3d-furniture_*.deb --text detic/metadata
    """
    with exit_on_error(INTERRUPTED), shown():
        from c2p_recipes.default_model import RealData, make_split

        click.echo(make_split(RealData(**given), out, seed)[1], nl=False)


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


@click.command("calibrate", context_settings=CONTEXT)
@click.option(
    "--modelnet10", type=FOLDER, required=True, help="ModelNet10 training clouds, CLASS/FILE, z up."
)
@click.option("--meshes", type=FOLDER, required=True, help="Princeton Shape Benchmark meshes, CLASS/FILE.")
@click.option("--posed-meshes", type=FOLDER, required=True, help="SHREC meshes, CLASS/FILE.")
@click.option("--objects", type=FOLDER, help="Named objects (objects.npz, objects.tsv), not trained on.")
@click.option("--engine", type=FILE, help="The .onnx of the model.  [default: the bundled `research`]")
@click.option(
    "--out", type=click.Path(path_type=Path), default="runs/calibrate", show_default=True, help="For figures."
)
@click.option("--seed", type=click.IntRange(min=0), default=SEED, show_default=True, help="Of the split.")
def calibrate(
    modelnet10: Path,
    meshes: Path,
    posed_meshes: Path,
    objects: Path | None,
    engine: Path | None,
    out: Path,
    seed: int,
) -> None:
    """Fit only the rejection of a model of research data: when it says "unknown", and how sure it is.

    Uses the clouds that training held out and other packs' objects; made-up clutter comes along. Writes the
    manifest beside the engine, and the figures into OUT/rejection.json. Takes about five minutes on two
    cores. The recipes `default` and `research` end with this step themselves.

    Example: c2p-recipe calibrate --modelnet10 modelnet10/train --meshes psb --posed-meshes shrec
    --objects objects
    """
    with exit_on_error(INTERRUPTED), shown():
        from c2p_recipes.rejection import calibrate_engine
        from c2p_runtime.bundled import engine_path

        sources = RecipeData(modelnet10, meshes, posed_meshes, meshes).sources
        calibrate_engine(engine or engine_path("research"), sources, objects, out, seed)


main.add_command(default)
main.add_command(research)
main.add_command(split)
main.add_command(calibrate)
main.add_command(mini)
