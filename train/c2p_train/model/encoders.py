"""What all encoders have in common, and how one is built from its description.

An encoder takes images [N, 1 or 3, S, S] in [0, 1] - depth maps have one channel - and gives
features [N, D] that are not normalised. What its weights expect (CLIP's mean and standard
deviation, an inverted picture) it does itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor, nn

from c2p_deploy import DepthSpec
from c2p_deploy.errors import C2PError
from c2p_train.model.clip_encoder import ClipConfig, ClipEncoder
from c2p_train.model.conv_encoder import ConvConfig, ConvEncoder
from c2p_train.model.descriptions import check_description

Encoder = ConvEncoder | ClipEncoder
EncoderConfig = ConvConfig | ClipConfig


def build_encoder(config: EncoderConfig) -> Encoder:
    """An encoder with fresh weights."""
    return ConvEncoder(config) if isinstance(config, ConvConfig) else ClipEncoder(config)


def encode_views(encoder: Encoder, depth: Tensor) -> Tensor:
    """Raw features float32 [B, V, D] of depth maps [B, V, S, S]."""
    b, v, s, _ = depth.shape
    features: Tensor = encoder(depth.reshape(b * v, 1, s, s))
    return features.float().reshape(b, v, -1)


def check_image_size(encoder: Encoder, spec: DepthSpec) -> None:
    """Raises C2PError when the encoder cannot take depth maps of this size."""
    if encoder.image_size not in (None, spec.image_size):
        raise C2PError(
            f"depth maps of {spec.image_size} px do not fit an encoder of {encoder.image_size} px",
            f"use image_size={encoder.image_size}",
        )


def weights_digest(module: nn.Module) -> str:
    """SHA-256, in hex, of names, shapes, types and values of all weights."""
    digest = hashlib.sha256()
    for name, value in module.state_dict().items():
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        # As bytes: NumPy has no bfloat16.
        digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def config_to_dict(config: EncoderConfig) -> dict[str, Any]:
    """Plain values that a checkpoint can hold."""
    return {"kind": "conv" if isinstance(config, ConvConfig) else "clip", **asdict(config)}


def config_from_dict(values: Mapping[str, Any]) -> EncoderConfig:
    """The inverse of `config_to_dict`. Raises ValueError, KeyError or TypeError when malformed."""
    check_description(values)
    fields = {name: value for name, value in values.items() if name != "kind"}
    if values["kind"] == "conv":
        for name in ("widths", "blocks"):
            fields[name] = tuple(fields[name])
        return ConvConfig(**fields)
    return ClipConfig(**fields)
