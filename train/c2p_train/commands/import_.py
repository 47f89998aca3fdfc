"""`c2p-train import`: published weights become a checkpoint."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from c2p_deploy.console import CONTEXT, exit_on_error
from c2p_train.commands.common import FILE, NEW_FILE
from c2p_train.network import require_weights

_EPILOG = """
\b
Examples:
  c2p-train import best_vit32.pth --out pretrained.pt
  c2p-train import fewshot/best.pth --labels modelnet40.json --out fewshot.pt
  c2p-train import ViT-B-32.pt --out clip.pt
  c2p-train import --clip ViT-B-16-quickgelu --pretrained openai --out clip16.pt

A pre-training file gives a zero-shot model with its image encoder beside it (so that adapters can be
trained on it), a few-shot file a model with the head dpa, CLIP alone a zero-shot model whose depth
encoder is CLIP's image encoder. Takes seconds; --pretrained with a tag fetches weights from the network.
"""


@click.command("import", epilog=_EPILOG, context_settings=CONTEXT)
@click.argument("file", type=FILE, required=False)
@click.option("--clip", metavar="NAME", help="Instead of FILE: a model of open_clip.")
@click.option(
    "--pretrained",
    metavar="TAG|FILE",
    help="Its weights: a tag of open_clip (openai) or a file.  [required with --clip]",
)
@click.option(
    "--labels", type=FILE, help="Label set to put into the checkpoint (c2p-train labels makes one)."
)
@click.option("--out", type=NEW_FILE, required=True, help="The checkpoint to write.")
def import_(
    file: Path | None, clip: str | None, pretrained: str | None, labels: Path | None, out: Path
) -> None:
    """Turn weights published by the authors of CLIP2Point, or by CLIP's, into a checkpoint.

    Known are pre-training checkpoints (best_*.pth), few-shot checkpoints (best.pth) and OpenAI's CLIP
    files, as a state dict or a TorchScript archive. What FILE is, its contents tell.
    """
    if (file is None) == (clip is None):
        raise click.UsageError("give either FILE or --clip NAME")
    if (clip is None) != (pretrained is None):
        raise click.UsageError("--clip and --pretrained go together")
    with exit_on_error():
        from c2p_deploy import LabelSet

        if pretrained is not None:
            require_weights(clip, pretrained)
        from c2p_train.model.checkpoint import save_checkpoint
        from c2p_train.model.import_official import import_official, import_open_clip_model

        if file is not None:
            checkpoint = import_official(file)
        else:
            assert clip is not None and pretrained is not None
            checkpoint = import_open_clip_model(clip, pretrained)
        if labels is not None:
            checkpoint = replace(checkpoint, labels=LabelSet.load(labels))
        save_checkpoint(checkpoint, out)
        encoder = checkpoint.model.depth_encoder
        click.echo(
            f"wrote {out}: head {checkpoint.head}, {len(checkpoint.views)} views of "
            f"{checkpoint.spec.image_size} px, features of {encoder.embed_dim}, "
            f"encoders: {' and '.join(checkpoint.encoders)}"
        )
