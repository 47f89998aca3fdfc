"""The checkpoint: one `.pt` file that describes itself and loads with `weights_only=True`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from c2p_deploy import DepthSpec, LabelSet, ViewSet
from c2p_deploy.errors import C2PError, LabelError
from c2p_deploy.files import atomic_path
from c2p_train.encoder import DepthEncoder, EncoderConfig, ZeroShotModel

FORMAT = "c2p-checkpoint"
VERSION = 1


class CheckpointError(C2PError):
    """A checkpoint that cannot be read or is not one of ours."""


@dataclass(frozen=True)
class Checkpoint:
    """A trained model and all that must be known to use it."""

    encoder: DepthEncoder
    views: ViewSet
    spec: DepthSpec
    labels: LabelSet  # what the model is offered with, a part of what it was trained on
    logit_scale: float
    training: dict[str, Any]  # settings and validation figures; plain values
    head: str = "zeroshot"

    def model(self) -> ZeroShotModel:
        """depth [B, V, S, S] -> features [B, D], in evaluation mode."""
        return ZeroShotModel(self.encoder).eval()


def save_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Writes the checkpoint, under a temporary name first."""
    values = {
        "format": FORMAT,
        "version": VERSION,
        "head": checkpoint.head,
        "encoder": asdict(checkpoint.encoder.config),
        "state": checkpoint.encoder.state_dict(),
        "views": {
            "name": checkpoint.views.name,
            "rotations": checkpoint.views.rotations.tolist(),
            "distances": checkpoint.views.distances.tolist(),
        },
        "depth_spec": asdict(checkpoint.spec),
        "labels": checkpoint.labels.to_dict(),
        "logit_scale": checkpoint.logit_scale,
        "training": checkpoint.training,
    }
    with atomic_path(path) as temporary:
        torch.save(values, temporary)


def load_checkpoint(path: Path) -> Checkpoint:
    """Reads what `save_checkpoint` wrote. Raises CheckpointError that names the file."""
    values = load_torch_file(path)
    if values.get("format") != FORMAT:
        raise CheckpointError(f"{path}: not a c2p checkpoint; make one with c2p-train")
    if values["version"] != VERSION:
        raise CheckpointError(
            f"{path}: checkpoint version {values['version']}, this release reads {VERSION}; "
            "use the release that wrote it"
        )
    try:
        config = values["encoder"]
        encoder = DepthEncoder(EncoderConfig(**config))
        encoder.load_state_dict(values["state"])
        if not all(torch.isfinite(tensor).all() for tensor in encoder.state_dict().values()):
            raise CheckpointError(f"{path}: the weights hold values that are not finite; train again")
        return Checkpoint(
            encoder=encoder.eval(),
            views=ViewSet(**values["views"]),
            spec=DepthSpec(**values["depth_spec"]),
            labels=LabelSet.from_dict(values["labels"]),
            logit_scale=float(values["logit_scale"]),
            training=values["training"],
            head=values["head"],
        )
    except (KeyError, TypeError, ValueError, RuntimeError, LabelError) as error:
        raise CheckpointError(f"{path}: damaged checkpoint: {error}") from error


def load_torch_file(path: Path) -> dict[str, Any]:
    """A dictionary saved by torch.save; never runs code from the file. Raises CheckpointError."""
    try:
        values = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise CheckpointError(f"{path}: no such file") from error
    except Exception as error:  # torch raises many kinds for damaged or foreign files
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointError(f"{path}: cannot be loaded as a checkpoint: {reason}") from error
    if not isinstance(values, dict):
        raise CheckpointError(f"{path}: holds a {type(values).__name__}, not a checkpoint")
    return values
