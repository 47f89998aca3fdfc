"""The checkpoint: one `.pt` file that describes itself and loads without running anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from c2p_deploy import DepthSpec, LabelSet, ViewSet
from c2p_deploy.errors import C2PError, CheckpointError, reason_of
from c2p_deploy.files import atomic_path
from c2p_deploy.labels.label_set import MOST_LABELS
from c2p_deploy.manifest import size_limits_of
from c2p_deploy.rejection import Rejection
from c2p_train.model.clip2point import CLIP2Point
from c2p_train.model.descriptions import check_plain, fewest_tensors, is_number
from c2p_train.model.encoders import (
    Encoder,
    build_encoder,
    check_image_size,
    config_from_dict,
    config_to_dict,
)
from c2p_train.model.filled import NOT_A_MODEL, filled
from c2p_train.model.heads import Head, Ridge, build_head
from c2p_train.model.torch_file import load_torch_file

# The small pre-trained model that comes with the package: two encoders, head zeroshot (MODEL_CARD.md).
PRETRAINED = Path(__file__).parents[1] / "models" / "pretrained.pt"
FORMAT = "c2p-checkpoint"
VERSION = 2


@dataclass(frozen=True)
class Checkpoint:
    """A trained model and all that must be known to use it.

    Raises C2PError when an encoder cannot take the depth maps of the spec, or when the text
    features of the labels are not as wide as the model's.
    """

    model: CLIP2Point
    views: ViewSet
    spec: DepthSpec
    labels: LabelSet | None  # what the model is offered with; None until somebody chooses
    logit_scale: float
    training: dict[str, Any]  # settings and validation figures; plain values
    rejection: Rejection | None = None  # fitted for `labels` by c2p-train calibrate
    size_limits: Mapping[str, tuple[float, float]] | None = None  # as a manifest has them

    def __post_init__(self) -> None:
        for encoder in self.encoders.values():
            check_image_size(encoder, self.spec)
        dim = self.model.depth_encoder.embed_dim
        if self.labels is not None and self.labels.dim != dim:
            raise C2PError(
                f"text features of {self.labels.dim} do not fit a model of {dim}",
                "make the labels with the text encoder of the same CLIP",
            )

    def with_labels(self, labels: LabelSet) -> Checkpoint:
        """The same with other labels. Raises C2PError for text features of another width.

        A rejection that was fitted for other labels no longer knows what a stranger is.
        """
        rejection, known = self.rejection, self.labels
        if rejection is not None and (known is None or not set(labels.names) <= set(known.names)):
            rejection = rejection.for_new_words()
        return replace(self, labels=labels, rejection=rejection)

    @property
    def head(self) -> str:
        """`zeroshot`, `ridge`, `dpa` or `gdpa`."""
        return self.model.head.name

    @property
    def encoders(self) -> dict[str, Encoder]:
        """`depth` and, where there is one, `image`."""
        found = {"depth": self.model.depth_encoder}
        if self.model.image_encoder is not None:
            found["image"] = self.model.image_encoder
        return found


def save_checkpoint(checkpoint: Checkpoint, path: Path, *, fp16: bool = False) -> None:
    """Writes the checkpoint, under a temporary name first.

    fp16: with weights rounded to float16, in half the bytes; they are computed with in float32 again.
    """
    values = {
        "format": FORMAT,
        "version": VERSION,
        "head": {"name": checkpoint.head, **_sizes(checkpoint.model.head)}
        | {"state": _stored(checkpoint.model.head, fp16)},
        "encoders": {
            role: {"config": config_to_dict(encoder.config), "state": _stored(encoder, fp16)}
            for role, encoder in checkpoint.encoders.items()
        },
        "views": checkpoint.views.to_dict(),
        "depth_spec": asdict(checkpoint.spec),
        "labels": checkpoint.labels.to_dict() if checkpoint.labels is not None else None,
        "logit_scale": checkpoint.logit_scale,
        "training": checkpoint.training,
    }
    if checkpoint.rejection is not None:
        values["rejection"] = checkpoint.rejection.to_dict()
    if checkpoint.size_limits is not None:
        values["size_limits"] = {name: list(limits) for name, limits in checkpoint.size_limits.items()}
    with atomic_path(path) as temporary:
        torch.save(values, temporary)


def load_checkpoint(path: Path) -> Checkpoint:
    """Reads what `save_checkpoint` wrote, in evaluation mode. Raises CheckpointError that names the file."""
    values = load_torch_file(path)
    if not is_ours(values):
        raise CheckpointError(
            "not a c2p checkpoint", "turn the authors' files into one with c2p-train import", path
        )
    return checkpoint_of(values, path)


def is_ours(values: Mapping[str, Any]) -> bool:
    """Whether a file's contents are what `save_checkpoint` writes."""
    return values.get("format") == FORMAT


def checkpoint_of(values: Mapping[str, Any], path: Path) -> Checkpoint:
    """The checkpoint out of the contents of its file. Raises CheckpointError that names the file."""
    version = values.get("version")
    if type(version) is not int or version != VERSION:
        raise CheckpointError(
            f"checkpoint version {str(version)[:50]}, this release reads {VERSION}",
            "use the release that wrote it",
            path,
        )
    try:
        if not {"depth"} <= set(values["encoders"]) <= {"depth", "image"}:
            raise ValueError("encoders are not depth, or depth and image")
        encoders = {role: _encoder(stored) for role, stored in values["encoders"].items()}
        views = _views(values["views"])
        name, dim = str(values["head"]["name"])[:50], encoders["depth"].embed_dim
        sizes = _head_sizes(values["head"]) if name == Ridge.name else {}
        head = filled(lambda: build_head(name, len(views), dim, **sizes), values["head"]["state"])
        model = CLIP2Point(encoders["depth"], encoders.get("image"), head).eval()
        check_finite(model, path)
        if not is_number(values["logit_scale"], 1e-6, 1e6):
            raise ValueError(f"logit_scale cannot be {str(values['logit_scale'])[:50]}")
        if not isinstance(values["training"], dict):
            raise ValueError("training is not a dictionary")
        check_plain(values["training"])
        return Checkpoint(
            model=model,
            views=views,
            spec=_spec(values["depth_spec"]),
            labels=LabelSet.from_dict(values["labels"]) if values["labels"] is not None else None,
            logit_scale=float(values["logit_scale"]),
            training=values["training"],
            rejection=Rejection.from_dict(values["rejection"]) if "rejection" in values else None,
            size_limits=size_limits_of(values.get("size_limits")),
        )
    except CheckpointError:
        raise
    except C2PError as error:
        raise CheckpointError(f"damaged checkpoint: {error.problem[:300]}", error.remedy, path) from error
    except NOT_A_MODEL as error:
        problem = f"damaged checkpoint: {reason_of(error)[:300]}"
        raise CheckpointError(problem, "copy it again", path) from error


def check_finite(model: nn.Module, path: Path) -> None:
    """Raises CheckpointError when a weight is NaN or infinite."""
    for name, tensor in model.state_dict().items():
        if not torch.isfinite(tensor).all():
            raise CheckpointError(
                f"{name} holds values that are not finite: its training diverged, or the file is damaged",
                "use an earlier checkpoint",
                path,
            )


def _encoder(stored: Mapping[str, Any]) -> Encoder:
    config = config_from_dict(stored["config"])
    if len(stored["state"]) < fewest_tensors(config_to_dict(config)):
        raise ValueError("weights are not those of the encoder described: there are too few")
    return filled(lambda: build_encoder(config), stored["state"])


def _views(stored: Mapping[str, Any]) -> ViewSet:
    if not isinstance(stored["name"], str):
        raise ValueError("the view set has no name")
    for key, most in (("rotations", 2.0), ("distances", 1000.0)):
        if not (np.abs(np.asarray(stored[key], dtype=np.float64)) <= most).all():  # nor for NaN
            raise ValueError(f"the views have {key} beyond {most:g}")
    return ViewSet.from_dict(stored)


def _spec(stored: Mapping[str, Any]) -> DepthSpec:
    for name, value in stored.items():
        if type(value) is not int and not (name == "point_radius" and type(value) is float):
            raise ValueError(f"{name} of the depth spec cannot be {str(value)[:50]}")
    return DepthSpec(**stored)


def _sizes(head: Head) -> dict[str, int]:
    """What must be known of a head to build it, besides views and width."""
    return {"paths": head.paths, "labels": head.back.in_features} if isinstance(head, Ridge) else {}


def _head_sizes(stored: Mapping[str, Any]) -> dict[str, int]:
    """The inverse of `_sizes`, of a `ridge`."""
    sizes = {key: stored[key] for key in ("paths", "labels")}
    if any(type(size) is not int for size in sizes.values()) or not (
        1 <= sizes["paths"] <= 2 and 1 <= sizes["labels"] <= MOST_LABELS
    ):
        raise ValueError(f"the head cannot have {str(sizes)[:100]}")
    return sizes


def _stored(module: nn.Module, fp16: bool) -> dict[str, torch.Tensor]:
    """The weights laid out the plain way, so that a file does not depend on how training laid them out."""
    return {
        name: (value.half() if fp16 and value.is_floating_point() else value).contiguous()
        for name, value in module.state_dict().items()
    }
