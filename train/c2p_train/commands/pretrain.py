"""`c2p-train pretrain`: a depth encoder learns from image-depth pairs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from c2p_deploy.console import CONTEXT, exit_on_error, shown
from c2p_deploy.projection.spec import UP_AXES
from c2p_train.commands.common import FILE, FOLDER, INTERRUPTED, NEW_FOLDER, device_option, seed_option
from c2p_train.network import require_weights

if TYPE_CHECKING:
    from c2p_train.model.encoders import Encoder

_EPILOG = """
\b
Examples:
  c2p-train pretrain pairs --image-encoder clip.pt --out runs/pretrain
  c2p-train pretrain pairs --image-encoder clip.pt --optimizer lamb --no-bf16 --out runs/paper
  c2p-train pretrain pairs --clip ViT-B-16-quickgelu --pretrained openai --out runs/vit16
  c2p-train pretrain pairs more_pairs --image-encoder clip.pt --depth-encoder conv --image-size 112 \\
      --point-radius 0.03 --val ModelNet10 --labels modelnet10.json --out runs/small
  torchrun --nproc-per-node 8 -m c2p_train pretrain pairs --image-encoder clip.pt --batch-size 512 \\
      --out runs/pretrain

Writes OUT/model.pt, a zero-shot model, and while it trains OUT/run.pt (three times the size of the depth
encoder) and OUT/tensorboard. Ctrl-C stops after the step; whether stopped or killed, the same command goes on
where it was, and the result is the same as without the break. Ends with the time per step and the peak
memory.
"""


@click.command(epilog=_EPILOG, context_settings=CONTEXT)
@click.argument("pairs", type=FOLDER, nargs=-1, required=True)
@click.option(
    "--image-encoder",
    type=FILE,
    metavar="CKPT",
    help="Checkpoint whose image encoder is learned from; c2p-train import makes one of CLIP.",
)
@click.option("--clip", metavar="NAME", help="Instead of --image-encoder: a model of open_clip.")
@click.option("--pretrained", metavar="TAG|FILE", help="Its weights: a tag of open_clip (openai) or a file.")
@click.option(
    "--depth-encoder",
    metavar="conv|CKPT",
    help="Where the depth encoder starts: conv, a small convolutional one with random weights, or that of a "
    "checkpoint.  [default: the image encoder's weights, as in the paper]",
)
@click.option("--out", type=NEW_FOLDER, required=True, help="Folder of the run; new or unfinished.")
@click.option(
    "--epochs", type=click.IntRange(min=1), help="How often every pair is seen.  [default: 30, or by --steps]"
)
@click.option("--steps", type=click.IntRange(min=1), help="Instead of --epochs: updates of the weights.")
@click.option(
    "--batch-size",
    type=click.IntRange(min=2),
    default=64,
    show_default=True,
    help="Pairs contrasted with one another, over all processes together. Larger is better.",
)
@click.option(
    "--accumulate",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Batches whose gradients make one step. Pairs are contrasted within their batch only, so this "
    "steadies the steps but does not replace a larger --batch-size.",
)
@click.option(
    "--optimizer",
    type=click.Choice(["adamw", "lamb"]),
    default="adamw",
    show_default=True,
    help="AdamW with warm-up and one cosine, or the paper's LAMB, whose cosine restarts every two epochs.",
)
@click.option(
    "--lr",
    type=click.FloatRange(min=0, min_open=True),
    metavar="RATE",
    help="Highest learning rate.  [default: 0.006 for lamb; for adamw 5e-5 from the image encoder's weights, "
    "else 0.001]",
)
@click.option(
    "--image-size",
    type=click.IntRange(8, 1024),
    help="Of the depth maps, pixels.  [default: that of the pictures]",
)
@click.option(
    "--point-radius",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.02,
    show_default=True,
    help="Of a point's disc in the depth maps; the frame is 2 wide.",
)
@click.option(
    "--bf16/--no-bf16",
    default=None,
    help="Encode in bfloat16.  [default: where the GPU or the processor has it; elsewhere it is slower]",
)
@click.option(
    "--val", type=FOLDER, metavar="DIR", help="Labelled clouds: zero-shot accuracy on their test split."
)
@click.option("--val-up", type=click.Choice(UP_AXES), help="Their up axis.  [default: what is published]")
@click.option("--validate-every", type=click.IntRange(min=1), default=500, show_default=True, metavar="STEPS")
@click.option(
    "--labels",
    type=FILE,
    help="Label set to put into the checkpoint and to validate with.  [default: that of --image-encoder]",
)
@device_option
@seed_option
def pretrain(
    pairs: tuple[Path, ...],
    image_encoder: Path | None,
    clip: str | None,
    pretrained: str | None,
    depth_encoder: str | None,
    out: Path,
    epochs: int | None,
    steps: int | None,
    batch_size: int,
    accumulate: int,
    optimizer: str,
    lr: float | None,
    image_size: int | None,
    point_radius: float,
    bf16: bool | None,
    val: Path | None,
    val_up: Any,
    validate_every: int,
    labels: Path | None,
    device: str,
    seed: int,
) -> None:
    """Pre-train a depth encoder so that it sees in depth maps what CLIP sees in pictures.

    PAIRS are folders of c2p-train render. Two depth maps of an object, from slightly different distances,
    learn to agree with each other and with the frozen image encoder's features of its picture from the same
    side. No labels are needed.
    """
    if (image_encoder is None) == (clip is None):
        raise click.UsageError("give either --image-encoder CKPT or --clip NAME")
    if (clip is None) != (pretrained is None):
        raise click.UsageError("--clip and --pretrained go together")
    if epochs is not None and steps is not None:
        raise click.UsageError("--epochs and --steps exclude each other")
    with exit_on_error(INTERRUPTED), shown():
        if pretrained is not None:
            require_weights(clip, pretrained)
        from c2p_deploy import LabelSet
        from c2p_deploy.errors import C2PError
        from c2p_train.datasets.labelled_clouds import load_split
        from c2p_train.evaluate.class_labels import labels_for
        from c2p_train.learn.distributed import process_group, rank
        from c2p_train.learn.pretrain import PretrainConfig, depth_spec, zero_shot_accuracy
        from c2p_train.learn.pretrain import pretrain as run
        from c2p_train.model.checkpoint import load_checkpoint
        from c2p_train.model.clip2point import CLIP2Point
        from c2p_train.model.device import has_bfloat16, pick_device
        from c2p_train.model.import_official import import_open_clip_model
        from c2p_train.pairs.pair_dataset import PairDataset

        picked = pick_device(device)
        config = PretrainConfig(
            epochs=epochs or PretrainConfig.epochs,
            steps=steps,
            batch_size=batch_size,
            accumulate=accumulate,
            optimizer=optimizer,
            learning_rate=lr,
            image_size=image_size,
            point_radius=point_radius,
            bfloat16=has_bfloat16(picked) if bf16 is None else bf16,
            validate_every=validate_every,
            seed=seed,
        )
        with process_group(picked) as where:
            datasets = [PairDataset(folder) for folder in pairs]
            if image_encoder is not None:
                source = load_checkpoint(image_encoder)
            else:
                assert clip is not None and pretrained is not None
                source = import_open_clip_model(clip, pretrained)
            teacher = source.model.image_encoder
            if teacher is None:
                raise C2PError("holds no image encoder", "make one with c2p-train import", image_encoder)
            start = _depth_encoder(depth_encoder, teacher, seed)
            label_set = source.labels if labels is None else LabelSet.load(labels)
            validate = None
            if val is not None and rank() == 0:
                spec = depth_spec(datasets, config)
                clouds = load_split(val, "test", spec, up=val_up, seed=seed)
                words = labels_for(source, clouds, label_set)

                def validate(model: CLIP2Point) -> dict[str, float]:
                    views = datasets[0].views
                    accuracy = zero_shot_accuracy(model, clouds, words, views, spec, where)
                    return {"zero-shot top-1": accuracy}

            run(
                datasets,
                teacher,
                config,
                out,
                depth_encoder=start,
                labels=label_set,
                validate=validate,
                device=where,
            )
            if rank() == 0:
                click.echo(f"wrote {out / 'model.pt'}")


def _depth_encoder(wanted: str | None, image_encoder: Encoder, seed: int) -> Encoder | None:
    """What the option --depth-encoder stands for. Raises CheckpointError."""
    import torch

    from c2p_train.model.checkpoint import load_checkpoint
    from c2p_train.model.conv_encoder import ConvConfig, ConvEncoder

    if wanted is None:
        return None
    if wanted == "conv":
        torch.manual_seed(seed)
        return ConvEncoder(ConvConfig(embed_dim=image_encoder.embed_dim))
    return load_checkpoint(Path(wanted)).model.depth_encoder
