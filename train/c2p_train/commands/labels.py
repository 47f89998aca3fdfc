"""`c2p-train labels`: names become a label set."""

from __future__ import annotations

from pathlib import Path

import click

from c2p_deploy.console import CONTEXT, exit_on_error
from c2p_train.commands.common import FILE, NEW_FILE
from c2p_train.network import require_weights

_EPILOG = """
\b
Examples:
  c2p-train labels mug "cordless drill" "tape measure" --out tools.json
  c2p-train labels --names modelnet40.txt --template "image of a {}" --pretrained ViT-B-32.pt --out m40.json
  c2p-train labels chair sofa --template openai --out ensemble.json
  c2p-train labels chair sofa --features detic/metadata --out seats.json
  c2p-run --labels tools.json --engine model.onnx cloud.ply

The text encoder has to be that of the CLIP the model was trained against. Without a file, open_clip
fetches the weights from the network once (350 MB for ViT-B/32). Takes seconds.
"""


@click.command(epilog=_EPILOG, context_settings=CONTEXT)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--names", "names_file", type=FILE, help="More names, one per line.")
@click.option(
    "--template",
    "templates",
    multiple=True,
    metavar="TEXT",
    help="The prompt, with {} where the name goes. Several are averaged; `openai` stands for OpenAI's "
    "ensemble of eighty.  [default: 'image of a {}']",
)
@click.option(
    "--clip",
    metavar="NAME",
    help="The model of open_clip.  [default: ViT-B-32-quickgelu, or what the file of --pretrained holds]",
)
@click.option(
    "--pretrained",
    metavar="TAG|FILE",
    default="openai",
    show_default=True,
    help="Its weights: a tag of open_clip, or a file.",
)
@click.option(
    "--features",
    type=click.Path(exists=True, path_type=Path),
    help="Stored features instead of a text encoder: a label set .json, an .npz with names and "
    "text_features, or the text features published with Detic (a folder).",
)
@click.option("--out", type=NEW_FILE, required=True, help="The label set to write.")
def labels(
    names: tuple[str, ...],
    names_file: Path | None,
    templates: tuple[str, ...],
    clip: str | None,
    pretrained: str,
    features: Path | None,
    out: Path,
) -> None:
    """Make a label set: the words a cloud can be called, each with its feature in CLIP's text space.

    The file serves c2p-run, c2p-train fewshot and eval, and every engine made for the same CLIP.
    """
    if features is not None and (templates or clip or pretrained != "openai"):
        raise click.UsageError(
            "--features are finished: --template, --clip and --pretrained do not go with it"
        )
    with exit_on_error():
        from c2p_deploy.labels import PAPER_TEMPLATE, label_names

        if names_file is not None:
            names += label_names(names_file)
        if features is None:
            if not names:
                raise click.UsageError("no name given")
            if clip is None and not Path(pretrained).exists():
                clip = "ViT-B-32-quickgelu"
            require_weights(clip, pretrained)
        from c2p_train.model.text_encoder import label_set_from_clip, label_set_from_file

        if features is not None:
            made = label_set_from_file(names, features)
        else:
            made = label_set_from_clip(names, templates or (PAPER_TEMPLATE,), clip, pretrained)
        made.save(out)
        click.echo(f"wrote {out}: {len(made)} labels, text features of {made.dim}, prompt {made.template!r}")
