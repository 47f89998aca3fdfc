"""`c2p-train render`: meshes become image–depth pairs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from c2p_deploy.console import CONTEXT, exit_on_error, shown
from c2p_deploy.projection.spec import UP_AXES
from c2p_train.commands.common import FOLDER, INTERRUPTED, NEW_FOLDER, seed_option

_EPILOG = """
\b
Examples:
  c2p-train render ShapeNetCore.v2 --out pairs
  c2p-train render my_meshes --out pairs --up z --image-size 112 --samplings 4
  c2p-train render ShapeNetCore.v2 --out pairs --shard 3/8      on the third of eight machines
  c2p-train pretrain pairs --image-encoder clip.pt --out runs/pretrain

Interrupted at any moment, the same command goes on where it stopped. Look at OUT/contact_sheet.png before
you train: objects stand upright in columns 1 and 3, else try the other --up.

With --shard, machines that share OUT leave it complete when the last of them is through. Where each has
a folder of its own, copy them into one (with .render/, and meshes of the same times) and repeat the
command without --shard: it finds all there.

Time of one core (EPYC), 224 px: 0.14 s for a plain mesh of 2,500 faces, 0.7 s for a textured one of 20,000
that fills its pictures; at 112 px, 0.05 and 0.3 s. By that, ShapeNetCore's 52,460 models should take up to
ten core-hours. A plain mesh needs 80 KB at 224 px.
"""


def _share(text: str | None) -> tuple[int, int]:
    """ "3/8" as numbers. Raises click.BadParameter."""
    if text is None:
        return 1, 1
    number, _, of = text.partition("/")
    if not (number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of)):
        raise click.BadParameter(f"{text!r} is no part: the third of eight is 3/8")
    return int(number), int(of)


@click.command(epilog=_EPILOG, context_settings=CONTEXT)
@click.argument("meshes", type=FOLDER)
@click.option("--out", type=NEW_FOLDER, required=True, help="Folder for the pairs; empty, new or unfinished.")
@click.option(
    "--image-size",
    type=click.IntRange(8, 1024),
    default=224,
    show_default=True,
    help="Width and height of the pictures, pixels.",
)
@click.option(
    "--samplings",
    type=click.IntRange(1, 1000),
    default=1,
    show_default=True,
    help="Clouds per mesh, each drawn anew from its surface.",
)
@click.option(
    "--num-points", type=click.IntRange(2, 100_000), default=1024, show_default=True, help="Points per cloud."
)
@click.option(
    "--up",
    type=click.Choice(UP_AXES),
    default="y",
    show_default=True,
    help="The axis of the meshes that points up: y for ShapeNet and most meshes, z for most CAD. What is "
    "written has y up.",
)
@click.option(
    "--view-set",
    type=click.Choice(["clip2point-10", "clip2point-6"]),
    default="clip2point-10",
    show_default=True,
    help="The cameras.",
)
@click.option(
    "--shard-size", type=click.IntRange(min=1), default=256, show_default=True, help="Meshes per tar file."
)
@click.option(
    "--shard",
    "share",
    metavar="I/N",
    callback=lambda context, option, value: _share(value),
    help="Make only the Ith of N parts, on this machine; others make the rest.  [default: the whole]",
)
@click.option("--workers", type=click.IntRange(1, 512), help="Processes.  [default: one per core]")
@seed_option
def render(
    meshes: Path,
    out: Path,
    image_size: int,
    samplings: int,
    num_points: int,
    up: Any,
    view_set: str,
    shard_size: int,
    share: tuple[int, int],
    workers: int | None,
    seed: int,
) -> None:
    """Render the meshes of a folder into pictures and the point clouds that belong to them.

    MESHES is ShapeNetCore.v2, or a folder CLASS/... of OBJ, PLY, OFF, STL, GLB or GLTF files. Textures and
    colours are shown where there are any. Needs no display and no GPU. Writes OUT/shard-*.tar (WebDataset),
    OUT/dataset.json and OUT/contact_sheet.png. Meshes that cannot be rendered are named, and listed in
    dataset.json with the reason.
    """
    with exit_on_error(INTERRUPTED):
        from c2p_deploy import DepthSpec, progress
        from c2p_deploy.cores import cores
        from c2p_train.learn.run_report import RunReport
        from c2p_train.pairs.contact_sheet import write_contact_sheet
        from c2p_train.pairs.mesh_files import class_folders, find_meshes
        from c2p_train.pairs.pair_dataset import PairDataset
        from c2p_train.pairs.render import render_pairs
        from c2p_train.pairs.shards import RenderSettings, Share

        settings = RenderSettings(
            spec=DepthSpec(image_size=image_size, num_points=num_points),
            view_set=view_set,
            samplings=samplings,
            up=up,
            shard_size=shard_size,
            seed=seed,
        )
        with shown():
            with progress.task("looking for meshes"):
                files = find_meshes(meshes)
            with_mesh = {file.path.relative_to(meshes).parts[0] for file in files}
            for folder in class_folders(meshes):
                if folder.name not in with_mesh:
                    progress.say(f"{folder}: holds no mesh")
            with RunReport("model") as report:

                def count() -> None:
                    report.steps += 1

                result = render_pairs(
                    files, out, settings, workers=workers or cores(), on_model=count, share=Share(*share)
                )
            if result.missing:
                progress.say(f"{out}: {result.missing} shards of other parts are not there yet")
                return
            pairs = PairDataset(out)
            write_contact_sheet(pairs, settings.spec, out / "contact_sheet.png")
        click.echo(
            f"wrote {out}: {len(pairs)} of {len(files)} meshes in {len(pairs.classes)} classes, "
            f"{len(result.skipped)} skipped; see {out / 'contact_sheet.png'}"
        )
