"""`c2p-train`: everything that has to do with training, one subcommand each."""

from __future__ import annotations

import click

from c2p_deploy.console import CONTEXT, ExtraGroup
from c2p_train.commands.calibrate import calibrate
from c2p_train.commands.eval import evaluate
from c2p_train.commands.fewshot import fewshot
from c2p_train.commands.import_ import import_
from c2p_train.commands.labels import labels
from c2p_train.commands.pretrain import pretrain
from c2p_train.commands.render import render
from c2p_train.commands.reproduce import reproduce

_EPILOG = """
\b
From meshes to a model that knows your classes:
  c2p-train import ViT-B-32.pt --out clip.pt
  c2p-train render ShapeNetCore.v2 --out pairs
  c2p-train pretrain pairs --image-encoder clip.pt --out runs/pretrain
  c2p-train labels chair sofa "night stand" --out labels.json
  c2p-train fewshot --ckpt runs/pretrain/model.pt --data my_clouds --labels labels.json --shots 16
  c2p-train eval --ckpt runs/fewshot/shots-16/seed-0/model.pt --data my_clouds
  c2p-train calibrate --ckpt runs/fewshot/shots-16/seed-0/model.pt my_other_clouds

Every command explains itself with --help.
"""


@click.group(cls=ExtraGroup, extra="train", epilog=_EPILOG, context_settings=CONTEXT)
@click.version_option(package_name="c2p-deploy")
def main() -> None:
    """Train and evaluate CLIP2Point: pre-training, few-shot adapters, labels, import of published files."""


for _command in (import_, render, pretrain, fewshot, evaluate, calibrate, labels, reproduce):
    main.add_command(_command)
