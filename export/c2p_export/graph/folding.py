"""Exact algebra before export: the same function from fewer and larger operations.

What training keeps apart, an engine need not compute apart:

- three equal channels with CLIP's mean and deviation become one channel and a bias,
- batch norms go into the convolution or the Linear before or after them,
- the weights of the views and the mean over the two paths go into Linears,
- queries, keys and values come from one product, the scale of attention is in its weights,
- the last block of a vision transformer computes the class token only, which alone is read.

Sums are formed in float64 and rounded once, so the result differs from the trained model by the
order of float32 sums (tests/export/graph/test_folding.py: at most 1e-5 on features).
"""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from c2p_train.model.clip2point import CLIP2Point
from c2p_train.model.clip_encoder import ClipEncoder
from c2p_train.model.conv_encoder import ConvEncoder
from c2p_train.model.encoders import Encoder
from c2p_train.model.heads import DPA, GDPA, Aggregator, Head, Ridge, ZeroShot

_SMALLEST_NORM = 1e-12  # as in F.normalize


def fold(model: CLIP2Point, num_views: int) -> nn.Module:
    """A copy of `model` for export: depth maps [B, V, S, S] -> features [B, D]; `model` stays as it is."""
    encoders = [fold_encoder(encoder) for encoder in model.used_encoders]
    return _Folded(encoders, _folded_head(model.head, num_views, model.depth_encoder.embed_dim)).eval()


def fold_encoder(encoder: Encoder) -> nn.Module:
    """A copy for depth maps only: [N, 1, S, S] -> [N, D]."""
    encoder = copy.deepcopy(encoder).eval()
    if isinstance(encoder, ConvEncoder):
        return _fold_conv_encoder(encoder)
    use_plain_attention(encoder.visual)
    _keep_class_token_only(encoder.visual)
    return _fold_normalisation(encoder)


class _Folded(nn.Module):
    """Depth maps of B clouds as one batch of B·V pictures through each encoder, then the head."""

    def __init__(self, encoders: list[nn.Module], head: nn.Module) -> None:
        super().__init__()
        self.encoders = nn.ModuleList(encoders)
        self.head = head

    def forward(self, depth: Tensor) -> Tensor:
        maps = depth.flatten(0, 1).unsqueeze(1)  # [B·V, 1, S, S]
        features: Tensor = self.head(*(encoder(maps) for encoder in self.encoders))
        return features


# --- heads --------------------------------------------------------------------------------


def _folded_head(head: Head, num_views: int, dim: int) -> nn.Module:
    if isinstance(head, ZeroShot):
        return _ZeroShot(num_views, dim)
    return _Ridge(head, num_views, dim) if isinstance(head, Ridge) else _DualPath(head)


class _ZeroShot(nn.Module):
    """`c2p_train.model.heads.ZeroShot` on features [B·V, D]."""

    def __init__(self, num_views: int, dim: int) -> None:
        super().__init__()
        self.num_views, self.dim = num_views, dim

    def forward(self, features: Tensor) -> Tensor:
        return unit(features).reshape(-1, self.num_views, self.dim).mean(dim=1)


class _Ridge(nn.Module):
    """`c2p_train.model.heads.Ridge` on features [B·V, D] of one or both encoders."""

    def __init__(self, head: Ridge, num_views: int, dim: int) -> None:
        super().__init__()
        self.num_views, self.dim = num_views, dim
        self.correction, self.back = copy.deepcopy(head.correction), copy.deepcopy(head.back)
        self.text_weight = float(head.text_weight)

    def forward(self, *paths: Tensor) -> Tensor:
        views = [unit(path).reshape(-1, self.num_views, self.dim) for path in paths]
        corrected = self.back(self.correction(torch.cat([path.flatten(1) for path in views], dim=1)))
        return unit(self.text_weight * views[0].mean(dim=1) + corrected)


class _DualPath(nn.Module):
    """`DPA` or `GDPA` on features [B·V, D] of both encoders: two Linears per path, and the gate."""

    def __init__(self, head: DPA) -> None:
        super().__init__()
        self.gate = copy.deepcopy(head.gate) if isinstance(head, GDPA) else None
        share = 0.5 if self.gate is None else 1.0  # the mean of the paths, where no gate weighs them
        self.depth_path = fold_aggregator(head.depth_path, share)
        self.image_path = fold_aggregator(head.image_path, share)
        self.wide = head.depth_path.squeeze.in_features  # V·D

    def forward(self, depth_features: Tensor, image_features: Tensor) -> Tensor:
        depth = self.depth_path(depth_features.reshape(-1, self.wide))
        image = self.image_path(image_features.reshape(-1, self.wide))
        if self.gate is None:
            return unit(depth + image)
        g = torch.sigmoid(self.gate(torch.cat([depth, image], dim=-1)))
        return unit(g * depth + (1 - g) * image)


def fold_aggregator(aggregator: Aggregator, share: float = 1.0) -> nn.Sequential:
    """Linear(V·D, D), ReLU, Linear(D, D): `share` times the aggregator of one path, on features [B, V·D].

    With a = γ/σ and b = β - μ·a of a batch norm, W(a·w·x + b) + c = (W·a·w)x + (Wb + c).
    """
    views = aggregator.view_weight.detach().double()
    scale, shift = _affine(aggregator.view_norm)  # [D] each
    weight = aggregator.squeeze.weight.detach().double()  # [D, V·D]
    bias = aggregator.squeeze.bias.detach().double() + weight @ shift.repeat(len(views))
    weight = weight * (views[:, None] * scale).reshape(-1)
    scale, shift = _affine(aggregator.norm)
    squeeze = _linear(scale[:, None] * weight, scale * bias + shift)
    out = aggregator.out
    return nn.Sequential(
        squeeze,
        nn.ReLU(),
        _linear(share * out.weight.detach().double(), share * out.bias.detach().double()),
    )


def _affine(norm: nn.BatchNorm1d) -> tuple[Tensor, Tensor]:
    """A batch norm in evaluation as x -> scale·x + shift, float64 [D] each."""
    assert norm.running_mean is not None and norm.running_var is not None
    scale = norm.weight.detach().double() / torch.sqrt(norm.running_var.double() + norm.eps)
    return scale, norm.bias.detach().double() - norm.running_mean.double() * scale


def _linear(weight: Tensor, bias: Tensor) -> nn.Linear:
    linear = nn.Linear(weight.shape[1], weight.shape[0])
    linear.weight, linear.bias = nn.Parameter(weight.float()), nn.Parameter(bias.float())
    return linear


def unit(x: Tensor) -> Tensor:
    """F.normalize over the last dimension, in three operations, which `fp16.to_fp16` keeps in float32."""
    scaled: Tensor = x / x.norm(dim=-1, keepdim=True).clamp_min(_SMALLEST_NORM)
    return scaled


# --- encoders -----------------------------------------------------------------------------


def _fold_conv_encoder(encoder: ConvEncoder) -> nn.Module:
    """Batch norms into the convolutions; a first convolution over three equal channels becomes one."""
    for part in [module for module in encoder.modules() if isinstance(module, nn.Sequential)]:
        for i in range(len(part) - 1):
            convolution, norm = part[i], part[i + 1]
            if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                part[i], part[i + 1] = fuse_conv_bn_eval(convolution, norm), nn.Identity()
    first = encoder.stem[0]
    assert isinstance(first, nn.Conv2d)
    if first.in_channels == 3:
        # Padding is zero after the inversion of the picture, in every channel alike: this stays exact.
        encoder.stem[0] = _one_channel(first, first.weight.detach().double(), first.bias)
        # The tower is told so, or it would repeat the channel.
        encoder.config = replace(encoder.config, channels=1)
    return encoder


def _fold_normalisation(encoder: ClipEncoder) -> nn.Module:
    """The tower of CLIP behind a first convolution that takes depth maps as they are.

    Σ_c w_c·(x - m_c)/s_c = (Σ_c w_c/s_c)·x - Σ_c w_c·m_c/s_c. Where the convolution pads, the border
    would not be the same: such a tower (CLIP's residual networks) keeps its normalisation.
    """
    name, first = next(
        (name, module) for name, module in encoder.visual.named_modules() if isinstance(module, nn.Conv2d)
    )
    if first.in_channels != 3 or first.groups != 1 or any(_padding(first)):
        return encoder
    weight = first.weight.detach().double() / encoder.std.double()  # [W, 3, P, P]
    shift = -(weight * encoder.mean.double()).sum(dim=(1, 2, 3))
    bias = shift if first.bias is None else first.bias.detach().double() + shift
    parent, _, last = name.rpartition(".")
    setattr(encoder.visual.get_submodule(parent), last, _one_channel(first, weight, bias))
    visual: nn.Module = encoder.visual
    return visual


def _one_channel(convolution: nn.Conv2d, weight: Tensor, bias: Tensor | None) -> nn.Conv2d:
    """The convolution for one channel that stands for several equal ones."""
    one = nn.Conv2d(
        1,
        convolution.out_channels,
        convolution.kernel_size,  # type: ignore[arg-type]
        convolution.stride,  # type: ignore[arg-type]
        convolution.padding,  # type: ignore[arg-type]
        bias=bias is not None,
    )
    one.weight = nn.Parameter(weight.sum(dim=1, keepdim=True).float())
    if bias is not None:
        one.bias = nn.Parameter(bias.detach().float())
    return one


def _padding(convolution: nn.Conv2d) -> tuple[int, ...]:
    padding = convolution.padding
    return (padding != "valid",) if isinstance(padding, str) else padding


# --- attention ----------------------------------------------------------------------------


def use_plain_attention(tower: nn.Module) -> None:
    """Replaces torch's attention, which exports as forty operations, by `PlainAttention`."""
    for parent in list(tower.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.MultiheadAttention) and _is_plain(child):
                setattr(parent, name, PlainAttention(child))


class PlainAttention(nn.Module):
    """Self-attention with the weights of torch's, in the operations that engines know how to fuse."""

    def __init__(self, attention: nn.MultiheadAttention) -> None:
        super().__init__()
        self.heads, self.head_dim = attention.num_heads, attention.head_dim
        width = attention.embed_dim
        weight = attention.in_proj_weight.detach().double().clone()
        bias = attention.in_proj_bias.detach().double().clone()
        weight[:width] *= self.head_dim**-0.5
        bias[:width] *= self.head_dim**-0.5
        self.query = _linear(weight[:width], bias[:width])
        self.key_value = _linear(weight[width:], bias[width:])
        self.out = copy.deepcopy(attention.out_proj)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        need_weights: bool = False,
        attn_mask: Tensor | None = None,
    ) -> tuple[Tensor, None]:
        """[N, Q, W], twice [N, L, W] (the same) -> [N, Q, W]; attn_mask: added before the softmax."""
        q = self.query(query).unflatten(-1, (self.heads, -1)).transpose(1, 2)  # [N, H, Q, W/H]
        k, v = self.key_value(key).chunk(2, dim=-1)
        k = k.unflatten(-1, (self.heads, -1)).permute(0, 2, 3, 1)  # [N, H, W/H, L]
        v = v.unflatten(-1, (self.heads, -1)).transpose(1, 2)  # [N, H, L, W/H]
        scores = q @ k
        if attn_mask is not None:
            scores = scores + attn_mask
        mixed = (F.softmax(scores, dim=-1) @ v).transpose(1, 2)  # [N, Q, H, W/H]
        return self.out(mixed.flatten(2)), None


def _is_plain(attention: nn.MultiheadAttention) -> bool:
    return (
        attention.batch_first
        and attention.in_proj_weight is not None
        and attention.in_proj_bias is not None
        and attention.bias_k is None
        and not attention.add_zero_attn
    )


def _keep_class_token_only(tower: nn.Module) -> None:
    """Where only the class token is read after the last block, that block computes nothing else."""
    blocks = getattr(getattr(tower, "transformer", None), "resblocks", None)
    if blocks is None or tower.attn_pool is not None or tower.pool_type != "tok":
        return
    last = blocks[-1]
    if isinstance(getattr(last, "attn", None), PlainAttention) and not hasattr(last, "ln_1_kv"):
        blocks[-1] = ClassTokenBlock(last)


class ClassTokenBlock(nn.Module):
    """The last block of a vision transformer: all tokens [N, L, W] in, the class token [N, 1, W] out."""

    def __init__(self, block: Any) -> None:
        super().__init__()
        self.block = block

    def forward(self, x: Tensor, attn_mask: Tensor | None = None) -> Tensor:
        block: Any = self.block
        tokens = block.ln_1(x)
        attended, _ = block.attn(tokens[:, :1], tokens, tokens)
        y = x[:, :1] + block.ls_1(attended)
        last: Tensor = y + block.ls_2(block.mlp(block.ln_2(y)))
        return last
