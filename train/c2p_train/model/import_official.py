"""The authors' published files become checkpoints of ours.

Three kinds are known by their keys: a pre-training checkpoint (`best_*.pth`, the state dict of
nn.DataParallel(CLIP2Point): `module.point_model.*`, `module.image_model.*`, `module.weights`), a
few-shot checkpoint (`best.pth`, the state dict of DPA: `pre_model.*`, `ori_model.*`,
`adapter1.*`, `adapter2.*`) and OpenAI's CLIP itself (a state dict or a TorchScript archive).
Key layouts and the outputs to be matched are those of the authors' released code, measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from c2p_deploy import DepthSpec, LabelSet, ViewSet
from c2p_deploy.errors import C2PError, CheckpointError, reason_of
from c2p_deploy.files import sha256_of
from c2p_train.model.checkpoint import Checkpoint, check_finite, checkpoint_of, is_ours
from c2p_train.model.clip2point import CLIP2Point
from c2p_train.model.clip_encoder import (
    ClipConfig,
    below,
    clip_from_openai,
    image_encoder_of,
    is_from_openai,
    load_clip,
    read_clip_file,
    vit_config,
    vit_encoder,
)
from c2p_train.model.descriptions import check_plain
from c2p_train.model.filled import NOT_A_MODEL, filled
from c2p_train.model.heads import DPA, ZeroShot
from c2p_train.model.torch_file import load_torch_file
from c2p_train.model.torchscript_file import is_torchscript

if TYPE_CHECKING:
    import open_clip

_CLIP_LOGIT_SCALE = 100.0  # exp of CLIP's learned temperature; the authors' files hold none of their own
_REMEDY = "give a file as the authors published it"
_TEN_VIEWS = "clip2point-10"  # what the released models were trained with

# Names inside the authors' adapters -> names in `c2p_train.model.heads.Aggregator`.
_AGGREGATOR = {
    "fusion_ratio": "view_weight",
    "global_f.0.bn": "view_norm",
    "global_f.3": "squeeze",
    "global_f.4": "norm",
    "global_f.7": "out",
}


def open_checkpoint(path: Path) -> Checkpoint:
    """A checkpoint of ours as it is, or one made from a published file. Raises CheckpointError."""
    if not is_torchscript(path):
        values = load_torch_file(path)
        if is_ours(values):
            return checkpoint_of(values, path)
    return import_official(path)


def import_official(path: Path, labels: LabelSet | None = None) -> Checkpoint:
    """A checkpoint from a file of the authors or of OpenAI; which kind it is its keys tell.

    Raises CheckpointError that names the file when it is none of them, or not whole.
    """
    state = read_clip_file(path)  # also strips `module.`
    if any(key.startswith("adapter1.") for key in state):
        read = _import_fewshot
    elif any(key.startswith("point_model.") for key in state):
        read = _import_pretrained
    elif any(key.startswith("visual.") for key in state):
        read = _import_clip
    else:
        some = ", ".join(list(state)[:3])
        raise CheckpointError(
            f"neither a checkpoint of CLIP2Point nor a CLIP model (its first keys: {some})",
            "give a .pth of the authors or OpenAI's file",
            path,
        )
    return replace(read(path, state), labels=labels)


def _import_pretrained(path: Path, state: Mapping[str, Tensor]) -> Checkpoint:
    """Depth encoder, and the image encoder it learned from, of a pre-training checkpoint: head zeroshot."""
    with _naming(path):
        depth = vit_encoder(below(state, "point_model."), "CLIP2Point depth encoder")
        image = below(state, "image_model.")
        model = CLIP2Point(depth, vit_encoder(image, "CLIP image encoder") if image else None, ZeroShot())
        training = {"loss_weight": float(state["weights"])} if "weights" in state else {}
        check_plain(training)
        return _checkpoint(path, model, ViewSet.named(_TEN_VIEWS), training)


def _import_fewshot(path: Path, state: Mapping[str, Tensor]) -> Checkpoint:
    """Both encoders and both adapters of a few-shot checkpoint: head dpa."""
    with _naming(path):
        views = _view_set(state)
        depth = vit_encoder(below(state, "pre_model."), "CLIP2Point depth encoder")
        image = vit_encoder(below(state, "ori_model."), "CLIP image encoder")
        weights = {
            f"{side}.{name}": value
            for side, adapter in (("depth_path", "adapter1."), ("image_path", "adapter2."))
            for name, value in _aggregator(below(state, adapter)).items()
        }
        head = filled(lambda: DPA(len(views), depth.embed_dim), weights)
        return _checkpoint(path, CLIP2Point(depth, image, head), views, {})


def _import_clip(path: Path, state: Mapping[str, Tensor]) -> Checkpoint:
    """CLIP's image encoder as it is, for both paths: what zero-shot gives before any pre-training."""
    with _naming(path):
        clip = clip_from_openai(state)
        config = vit_config(below(state, "visual."), "CLIP image encoder")
        if not is_from_openai(state):
            raise C2PError("not OpenAI's own file, so its activation is unknown", "use --clip NAME with it")
        return _checkpoint(path, _image_encoder_twice(clip, config), ViewSet.named(_TEN_VIEWS), {})


def import_open_clip_model(name: str, pretrained: str) -> Checkpoint:
    """The image encoder of a model of open_clip, for both paths. Raises C2PError (see `load_clip`)."""
    clip, config = load_clip(name, pretrained)
    origin = {"imported_from": f"open_clip {name}, {pretrained}"}
    return _without_labels(_image_encoder_twice(clip, config), ViewSet.named(_TEN_VIEWS), origin)


def _image_encoder_twice(clip: open_clip.CLIP, config: ClipConfig) -> CLIP2Point:
    """CLIP's image encoder on both paths, each with weights of its own."""
    return CLIP2Point(image_encoder_of(clip, config), image_encoder_of(clip, config), ZeroShot())


def _checkpoint(path: Path, model: CLIP2Point, views: ViewSet, training: dict[str, float]) -> Checkpoint:
    """What was read from a file. Raises CheckpointError for weights that are not finite."""
    check_finite(model, path)
    return _without_labels(model, views, {"imported_from": path.name, "sha256": sha256_of(path), **training})


def _without_labels(model: CLIP2Point, views: ViewSet, origin: dict[str, Any]) -> Checkpoint:
    size = model.depth_encoder.image_size
    spec = DepthSpec() if size is None else DepthSpec(image_size=size)
    return Checkpoint(model.eval(), views, spec, None, _CLIP_LOGIT_SCALE, origin)


def _view_set(state: Mapping[str, Tensor]) -> ViewSet:
    """The views a few-shot checkpoint was trained with, by its angles. Raises C2PError for others."""
    known = {
        _TEN_VIEWS: ((0, 90, 180, 270, 225, 225, 315, 315, 0, 0), (0, 0, 0, 0, -45, 45, -45, 45, -90, 90)),
        "clip2point-6": ((0, 0, 0, 0, 90, -90), (0, 90, 180, 270, 0, 180)),
    }
    selector = "selector.view_selector.views_"
    elevation, azimuth = (state[selector + angle].numpy() for angle in ("elev", "azim"))
    for name, angles in known.items():
        if np.array_equal(elevation, angles[0]) and np.array_equal(azimuth, angles[1]):
            return ViewSet.named(name)
    raise C2PError("trained with views that are neither clip2point-10 nor clip2point-6", _REMEDY)


def _aggregator(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    renamed = {}
    for key, value in state.items():
        old = next(prefix for prefix in _AGGREGATOR if key.startswith(prefix))
        renamed[_AGGREGATOR[old] + key.removeprefix(old)] = value
    return renamed


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Whatever goes wrong inside is an error of this file."""
    try:
        yield
    except CheckpointError:  # names it already
        raise
    except C2PError as error:
        raise CheckpointError(f"cannot be imported: {error.problem}", error.remedy, path) from error
    except NOT_A_MODEL as error:
        raise CheckpointError(f"cannot be imported: {reason_of(error)}", _REMEDY, path) from error
