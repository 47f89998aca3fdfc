"""CLIP's image encoders: any vision tower of open_clip, from its own description.

The tower of the paper is `ViT-B-32-quickgelu` with OpenAI's weights. OpenAI trained with
QuickGELU, x * sigmoid(1.702 x); the same weights in a tower with the exact GELU give other
features without any error, so a mismatch is refused here.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from c2p_deploy.errors import C2PError, CheckpointError, MissingDependencyError, reason_of
from c2p_deploy.extras import install
from c2p_deploy.json_file import check_regular
from c2p_train.model.filled import NOT_A_MODEL, filled
from c2p_train.model.torch_file import load_torch_file
from c2p_train.model.torchscript_file import is_torchscript, read_torchscript
from c2p_train.network import hub, require_reachable

if TYPE_CHECKING:
    import open_clip

OPENAI_MEAN = (0.48145466, 0.4578275, 0.40821073)
OPENAI_STD = (0.26862954, 0.26130258, 0.27577711)
_HEAD_WIDTH = 64  # of all attention heads in OpenAI's transformers


@dataclass(frozen=True)
class ClipConfig:
    """Everything needed to build the tower again; stored in the checkpoint."""

    name: str  # for people: the model name of open_clip, or where the tower came from
    embed_dim: int  # D
    vision: Mapping[str, Any]  # open_clip's vision_cfg: layers, width, patch_size, image_size ...
    quick_gelu: bool  # OpenAI's activation instead of the exact GELU
    mean: tuple[float, float, float] = OPENAI_MEAN
    std: tuple[float, float, float] = field(default=OPENAI_STD)


class ClipEncoder(nn.Module):
    """Images [N, 1 or 3, S, S] in [0, 1] -> projected class tokens [N, D], not normalised.

    One channel (a depth map) is repeated three times, as the authors do.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, config: ClipConfig) -> None:
        super().__init__()
        self.config = config
        self.embed_dim = config.embed_dim
        self.image_size = int(config.vision["image_size"])
        # The text tower that open_clip builds along is thrown away, so it is as small as can be.
        text = {"context_length": 8, "vocab_size": 8, "width": 64, "heads": 1, "layers": 1}
        # The weights come with the checkpoint: timm is not to fetch any.
        vision = {**config.vision, "timm_model_pretrained": False}
        clip = import_open_clip().CLIP(config.embed_dim, vision, text, quick_gelu=config.quick_gelu)
        self.visual = clip.visual
        self.register_buffer("mean", torch.tensor(config.mean).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(config.std).view(3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        features: Tensor = self.visual((images - self.mean) / self.std)  # broadcasts one channel to three
        return features


def import_open_clip() -> Any:
    """The module, imported late: it takes seconds."""
    try:
        import open_clip
    except ImportError as error:
        raise MissingDependencyError("CLIP's encoders need open_clip", install("train")) from error
    return open_clip


def load_clip(name: str, pretrained: str) -> tuple[open_clip.CLIP, ClipConfig]:
    """A whole CLIP model in float32, and the description of its image tower.

    name: a model name of open_clip; pretrained: a tag of open_clip (fetched from the network
    once) or a file: a state dict, OpenAI's TorchScript archive, or safetensors. Raises C2PError
    for an unknown name or tag, and where weights trained with QuickGELU meet a tower without.
    """
    path = Path(pretrained)
    if path.exists():
        try:
            check_regular(path)
        except OSError as error:
            raise C2PError(f"cannot be read: {reason_of(error)}", "check the path", path) from error
    open_clip = import_open_clip()
    # Not names as hf-hub:USER/MODEL: these have open_clip fetch a description, too.
    settings = open_clip.get_model_config(name) if name in open_clip.list_models() else None
    if settings is None:
        raise C2PError(f"open_clip has no model {name!r}", "open_clip.list_models() names them")
    has_quick_gelu = bool(settings.get("quick_gelu", False))
    mean, std = OPENAI_MEAN, OPENAI_STD
    state = None
    if path.exists():
        wants_quick_gelu = has_quick_gelu
        if path.suffix != ".safetensors":
            state = read_clip_file(path)
            if is_from_openai(state):
                wants_quick_gelu = True
    else:
        about = open_clip.get_pretrained_cfg(name, pretrained)
        if not about:
            tags = ", ".join(open_clip.list_pretrained_tags_by_model(name)) or "none"
            raise C2PError(
                f"{pretrained!r} is neither a file nor a set of weights of {name}", f"open_clip has: {tags}"
            )
        wants_quick_gelu = bool(about.get("quick_gelu", False))
        mean, std = tuple(about.get("mean", mean)), tuple(about.get("std", std))
    other = f"{name}-quickgelu" if wants_quick_gelu else name.removesuffix("-quickgelu")
    if wants_quick_gelu != has_quick_gelu and open_clip.get_model_config(other) is not None:
        these, its = ("with", "without") if wants_quick_gelu else ("without", "with")
        raise C2PError(
            f"these weights were trained {these} QuickGELU, the tower {name} computes {its} it",
            f"use {other}",
            pretrained,
        )
    try:
        if state is not None:
            clip = open_clip.create_model(name, pretrained_text=False)
            clip.load_state_dict(_weights_only_of(state))
        else:
            clip = open_clip.create_model(name, pretrained=_fetched(about, pretrained) or pretrained)
    except C2PError:
        raise
    except Exception as error:  # the network, or weights of another shape: open_clip raises many kinds
        raise C2PError(
            f"cannot be loaded as {name}: {reason_of(error)}", "name the model it was made for", pretrained
        ) from error
    config = ClipConfig(
        name, int(settings["embed_dim"]), dict(settings["vision_cfg"]), has_quick_gelu, mean, std
    )
    return clip.float().eval(), config


def _fetched(about: Mapping[str, Any], pretrained: str) -> str | None:
    """Where the hub's cache has the weights of a tag, so that no network is asked for them.

    None where they are to be fetched. Raises C2PError where they cannot be.
    """
    repository, _, name = str(about.get("hf_hub") or "").rpartition("/")
    if repository:
        from huggingface_hub import try_to_load_from_cache

        for file in (name,) if name else ("open_clip_model.safetensors", "open_clip_pytorch_model.bin"):
            found = try_to_load_from_cache(repository, file)
            if isinstance(found, str):
                return found
    require_reachable(pretrained, hub() if repository else str(about.get("url") or hub()))
    return None


def image_encoder_of(clip: open_clip.CLIP, config: ClipConfig) -> ClipEncoder:
    """The image tower of a CLIP model as an encoder of ours."""
    encoder = ClipEncoder(config)
    encoder.visual = copy.deepcopy(clip.visual)
    return encoder.eval()


def clip_from_openai(state: Mapping[str, Tensor]) -> open_clip.CLIP:
    """A CLIP model, float32, from a state dict in OpenAI's layout; its shape is read off the weights.

    Raises C2PError for weights of any other layout.
    """
    try:
        visual = below(state, "visual.")
        vision = _resnet_vision(visual) if "layer1.0.conv1.weight" in visual else _vit_vision(visual)
        width = len(state["ln_final.weight"])
        text = {
            "context_length": len(state["positional_embedding"]),
            "vocab_size": len(state["token_embedding.weight"]),
            "width": width,
            "heads": width // _HEAD_WIDTH,
            "layers": sum(k.startswith("transformer.") and k.endswith(".in_proj_weight") for k in state),
        }
        dim, make = state["text_projection"].shape[1], import_open_clip().CLIP
        clip = filled(lambda: make(dim, vision, text, quick_gelu=True), _weights_only_of(state))
    except NOT_A_MODEL as error:
        raise C2PError(
            f"not a CLIP model in OpenAI's layout: {reason_of(error)}", "name the model of open_clip"
        ) from error
    clip.eval()
    return clip


def vit_config(state: Mapping[str, Tensor], name: str) -> ClipConfig:
    """The description of a vision transformer of OpenAI's kind, read off its weights.

    state: keys without prefix (`conv1.weight`, `proj` ...). Heads are 64 wide, as in all of
    OpenAI's. Raises C2PError for a residual network, which the authors' files do not use.
    """
    if "proj" not in state or "class_embedding" not in state:
        raise C2PError("not a vision transformer of OpenAI's kind", "only these can be imported")
    return ClipConfig(name, state["proj"].shape[1], _vit_vision(state), quick_gelu=True)


def _vit_vision(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """open_clip's vision_cfg of a vision transformer, read off its weights (keys without prefix)."""
    width, _, patch, _ = state["conv1.weight"].shape
    grid = round((len(state["positional_embedding"]) - 1) ** 0.5)
    layers = sum(key.endswith(".attn.in_proj_weight") for key in state)
    return {"layers": layers, "width": width, "patch_size": patch, "image_size": patch * grid}


def _resnet_vision(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """The same of OpenAI's residual networks, which divide the picture by 32."""
    blocks = [
        {key.split(".")[1] for key in state if key.startswith(f"layer{stage}.")} for stage in range(1, 5)
    ]
    grid = round((len(state["attnpool.positional_embedding"]) - 1) ** 0.5)
    return {
        "layers": tuple(map(len, blocks)),
        "width": len(state["layer1.0.conv1.weight"]),
        "image_size": 32 * grid,
    }


def vit_encoder(state: Mapping[str, Tensor], name: str) -> ClipEncoder:
    """An encoder with the weights `state` (keys without prefix) of a vision transformer of OpenAI's kind."""
    config = vit_config(state, name)
    weights = {f"visual.{key}": value.float() for key, value in state.items()}
    return filled(lambda: ClipEncoder(config), weights).eval()


def read_clip_file(path: Path) -> dict[str, Tensor]:
    """The state dict of a CLIP file: saved as such, wrapped by a trainer, or a TorchScript archive.

    Nothing in it is run, in an archive (as OpenAI's own `ViT-B-32.pt` is) neither. Raises CheckpointError.
    """
    if is_torchscript(path):
        return read_torchscript(path)
    state = load_torch_file(path)
    state = state.get("state_dict", state)
    if not isinstance(state, Mapping) or not all(isinstance(key, str) for key in state):
        raise CheckpointError("holds no weights by name", "give a .pt or .pth of a model", path)
    return {key.removeprefix("module."): value for key, value in state.items()}


def below(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The weights whose names begin with `prefix`, named without it."""
    return {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}


def is_from_openai(state: Mapping[str, Tensor]) -> bool:
    """Whether a state dict is OpenAI's own: only theirs carries the input's resolution along."""
    return "input_resolution" in state


def _weights_only_of(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Without the three numbers that OpenAI stores among the weights."""
    return {k: v for k, v in state.items() if k not in ("input_resolution", "context_length", "vocab_size")}
