"""`c2p-recipe`: from folders of data to a model that is ready to run, in one command."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from c2p_deploy.console import CONTEXT, ExtraGroup, exit_on_error, shown
from c2p_recipes.data import SEED, RecipeData, sources_of
from c2p_train.commands.common import FILE, FOLDER, INTERRUPTED, device_option

Option = Callable[[Any], Any]
_EPILOG = """
\b
{example}

{cost} OUT holds everything between the data and the model; with OUT in place an interrupted
command goes on where it was.
"""
_MINI_EXAMPLE = """Example:
  c2p-recipe mini --modelnet10 modelnet10/train --meshes psb \\
      --posed-meshes shrec --text detic/metadata --out runs/mini"""
_REAL_EXAMPLES = """Examples:
  apt-get download sweethome3d-furniture
  c2p-recipe default --objects objects --furniture sweethome3d-furniture_*.deb --text detic/metadata
  c2p-recipe research --objects objects --furniture sweethome3d-furniture_*.deb --text detic/metadata \\
      --modelnet10 modelnet10/train --meshes psb --posed-meshes shrec"""
_MEASURES_ONLY = " Measures only, nothing is learned from it."
_OBJECTS = (
    click.option("--objects", type=FOLDER, required=True, help="Folder of objects.tsv and objects.npz."),
    click.option("--furniture", type=FILE, required=True, help="Debian's package sweethome3d-furniture."),
)
_TEXT = click.option("--text", type=FOLDER, required=True, help="CLIP text features as published by Detic.")


def _collections(required: bool = True, use: str = "") -> tuple[Option, ...]:
    """The data sets for research use; use: said of each."""
    texts = {
        "--modelnet10": "ModelNet10 training clouds, CLASS/FILE, z up.",
        "--meshes": "Princeton Shape Benchmark meshes, CLASS/FILE, y up.",
        "--posed-meshes": "SHREC meshes in arbitrary orientation, CLASS/FILE.",
    }
    return tuple(
        click.option(name, type=FOLDER, required=required, help=text + use) for name, text in texts.items()
    )


def _out(name: str) -> Option:
    path = click.Path(path_type=Path)
    return click.option("--out", type=path, default=f"runs/{name}", show_default=True, help="Work folder.")


def _seed(text: str = "Of the split, the weights and every random choice.") -> Option:
    return click.option("--seed", type=click.IntRange(min=0), default=SEED, show_default=True, help=text)


def _given(*options: Option) -> Option:
    """A function with all these options, which help lists in this order."""

    def decorate(function: Any) -> Any:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def _recipe(
    name: str, example: str, cost: str, *options: Option
) -> Callable[[Callable[..., None]], click.Command]:
    """A command that makes a model: these options and those that every recipe has."""
    path = click.Path(path_type=Path)
    shared = (
        _out(name),
        click.option("--engine", type=path, help=f"Where the .onnx goes.  [default: OUT/{name}.onnx]"),
        click.option("--card", type=FILE, help="Model card to write the figures into."),
        _seed(),
        device_option,
    )

    def decorate(function: Callable[..., None]) -> click.Command:
        epilog = _EPILOG.format(example=example, cost=cost)
        command = main.command(name, epilog=epilog, context_settings=CONTEXT)
        return command(_given(*options, *shared)(function))

    return decorate


@click.group(cls=ExtraGroup, extra="export", context_settings=CONTEXT)
@click.version_option(package_name="c2p-deploy")
def main() -> None:
    """Make a model from folders of data, from the first file to the engine."""


def _real_recipe(name: str, research: bool) -> Callable[[Callable[..., None]], click.Command]:
    """A command that makes a model of scans of real things."""
    return _recipe(
        name,
        _REAL_EXAMPLES,
        "Takes up to four hours on two cores, minutes on a GPU.",
        *_OBJECTS,
        _TEXT,
        *_collections(required=research, use="" if research else _MEASURES_ONLY),
        click.option("--scenes", type=FOLDER, help="Labelled RGB-D scenes (mOSD). Measures only."),
        click.option(
            "--steps", type=click.IntRange(min=1), help="Training steps of 64 clouds.  [default: 8000]"
        ),
        click.option(
            "--start", type=FILE, help="A model.pt of these recipes, whose encoder is trained further."
        ),
    )


def _make_real(name: str, given: dict[str, Any], research: bool) -> None:
    with exit_on_error(INTERRUPTED), shown():
        from c2p_recipes.default_model import RealData, encoder_of, make_real_model, training_config
        from c2p_recipes.training.scan_batches import ScanBatchConfig
        from c2p_train.model.device import pick_device

        out, engine, card = given.pop("out"), given.pop("engine"), given.pop("card")
        seed, steps, device = given.pop("seed"), given.pop("steps"), pick_device(given.pop("device"))
        start = given.pop("start")
        make_real_model(
            RealData(**given, research=research),
            out,
            engine or out / f"{name}.onnx",
            card,
            training_config(seed, steps, further=start is not None),
            ScanBatchConfig(seed=seed if start is None else seed + 1),  # not the same scans again
            device,
            start=None if start is None else encoder_of(start),
        )


@_real_recipe("default", research=False)
def default(**given: Any) -> None:
    """Make the bundled model: everyday things, from openly licensed objects alone.

    Labels the objects, keeps whole packs and twins apart, adds shapes made by rule, trains a depth encoder
    against CLIP's text features on scans as sensors would see them, measures it on what it never saw,
    and exports it with a parity check.
    """
    _make_real("default", given, research=False)


@_real_recipe("research", research=True)
def research(**given: Any) -> None:
    """Make the model `research`: as `default`, and from collections for research use, too."""
    _make_real("research", given, research=True)


@main.command("split", context_settings=CONTEXT)
@_given(*_OBJECTS, _out("default"), _seed("Of the split."))
def split(objects: Path, furniture: Path, out: Path, seed: int) -> None:
    """Tell which objects are trained on and which stay apart, and which twins were left out.

    Example: c2p-recipe split --objects objects --furniture sweethome3d-furniture_*.deb
    """
    with exit_on_error(INTERRUPTED), shown():
        from c2p_recipes.packs.open_objects import open_objects

        click.echo(open_objects(objects, furniture, out, seed).report, nl=False)


@_recipe(
    "mini",
    _MINI_EXAMPLE,
    "Takes up to two hours on two cores, minutes on a GPU.",
    *_collections(),
    _TEXT,
    click.option(
        "--workers", type=click.IntRange(min=1), help="Processes that render.  [default: one per core]"
    ),
    click.option(
        "--image-steps", type=click.IntRange(min=1), help="Steps of the image encoder.  [default: 2000]"
    ),
    click.option("--epochs", type=click.IntRange(min=1), help="Of pre-training.  [default: 60]"),
)
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


@main.command("calibrate", context_settings=CONTEXT)
@_given(
    *_collections(),
    click.option("--objects", type=FOLDER, help="Named objects (objects.npz, objects.tsv), not trained on."),
    click.option("--engine", type=FILE, help="The .onnx of the model.  [default: the bundled `research`]"),
    _out("calibrate"),
    _seed("Of the split."),
)
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
        from c2p_recipes.validation.rejection import calibrate_engine
        from c2p_runtime.bundled import engine_path

        sources = sources_of(modelnet10, meshes, posed_meshes)
        calibrate_engine(engine or engine_path("research"), sources, objects, out, seed)
