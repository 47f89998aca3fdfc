"""Folding is algebra: what comes out computes the same."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from c2p_export.graph.folding import ClassTokenBlock, PlainAttention, fold, fold_aggregator, fold_encoder
from c2p_train.model.clip2point import CLIP2Point
from c2p_train.model.clip_encoder import ClipConfig, ClipEncoder
from c2p_train.model.conv_encoder import ConvConfig, ConvEncoder
from c2p_train.model.encoders import Encoder
from c2p_train.model.heads import Aggregator, Ridge, build_head

EXACT = 1e-5
VIT = {"layers": 3, "width": 128, "head_width": 64, "patch_size": 8, "image_size": 32}


def lived_in(module: nn.Module, seed: int = 0) -> nn.Module:
    """Evaluation mode, with norms, scalars and biases that are not the initial ones."""
    generator = torch.Generator().manual_seed(seed)
    for name, value in module.state_dict().items():
        if "running_var" in name:
            value.copy_(torch.rand(value.shape, generator=generator) + 0.2)
        elif value.is_floating_point() and value.ndim <= 1 and name not in ("mean", "std"):
            value.add_(0.3 * torch.randn(value.shape, generator=generator))
    return module.eval()


def vit(**more: object) -> ClipEncoder:
    torch.manual_seed(0)
    return lived_in(ClipEncoder(ClipConfig("small", 24, {**VIT, **more}, quick_gelu=True)))  # type: ignore[return-value]


def conv(channels: int) -> ConvEncoder:
    torch.manual_seed(0)
    config = ConvConfig(channels=channels, stem=8, widths=(8, 16), blocks=(1, 2), embed_dim=24)
    return lived_in(ConvEncoder(config))  # type: ignore[return-value]


def depth_maps(*shape: int) -> torch.Tensor:
    """Values as depth maps have them: much white, the rest below 0.8."""
    maps = torch.rand(*shape, generator=torch.Generator().manual_seed(1))
    return torch.where(maps > 0.6, torch.ones(()), maps)


@pytest.mark.parametrize(
    ("encoder", "one_channel"),
    [
        (vit(), True),
        (vit(ls_init_value=0.1), True),
        (vit(pool_type="avg", final_ln_after_pool=True), True),
        (vit(no_ln_pre=True, head_width=32), True),
        (ClipEncoder(ClipConfig("exact GELU", 24, VIT, quick_gelu=False)).eval(), True),
        # A residual network pads its first convolution: zero is another grey in each channel.
        (vit(layers=[1, 1, 1, 1], width=16, patch_size=None), False),
        (conv(1), True),
        (conv(3), True),
    ],
    ids=["vit", "layer scale", "mean of tokens", "narrow heads", "gelu", "resnet", "conv 1", "conv 3"],
)
def test_a_folded_encoder_gives_the_same_features(encoder: Encoder, one_channel: bool) -> None:
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    folded = fold_encoder(encoder)
    maps = depth_maps(5, 1, 32, 32)
    with torch.inference_mode():
        difference = (folded(maps) - encoder(maps)).abs().max()
    assert difference <= EXACT
    first = next(module for module in folded.modules() if isinstance(module, nn.Conv2d))
    assert (first.in_channels == 1) == one_channel
    assert not any(isinstance(module, nn.BatchNorm2d) for module in fold_encoder(conv(3)).modules())
    assert all(torch.equal(value, before[name]) for name, value in encoder.state_dict().items())


def test_only_a_tower_that_reads_the_class_token_alone_is_cut_to_it() -> None:
    def cut(encoder: ClipEncoder) -> bool:
        return any(isinstance(module, ClassTokenBlock) for module in fold_encoder(encoder).modules())

    assert cut(vit()) and not cut(vit(pool_type="avg"))


@pytest.mark.parametrize("head", ["zeroshot", "ridge", "dpa", "gdpa"])
def test_a_folded_model_gives_the_same_features(head: str) -> None:
    model = CLIP2Point(vit(), conv(3), build_head(head, 6, 24, labels=5))
    lived_in(model.head)
    if isinstance(model.head, Ridge):  # it starts as zero-shot
        nn.init.normal_(model.head.correction.weight, std=0.1)
    maps = depth_maps(7, 6, 32, 32)
    with torch.inference_mode():
        expected, got = model.eval()(maps), fold(model, 6)(maps)
    assert (got - expected).abs().max() <= EXACT
    assert np.ptp(expected.numpy(), axis=0).max() > 0.01  # clouds differ, so that there is something to see


@pytest.mark.parametrize("file", ["fewshot_best_tiny.pth", "pretrain_best_val_tiny.pth"])
def test_the_authors_models_fold_exactly(golden_folder, file: str) -> None:  # type: ignore[no-untyped-def]
    from c2p_train.model.import_official import import_official

    model = import_official(golden_folder / "checkpoints" / file).model
    with np.load(golden_folder / "render" / "chair.npz") as render:
        maps = torch.from_numpy(render["depth01_v10_rot1"])[None]
    with torch.inference_mode():
        assert (fold(model, 10)(maps) - model(maps)).abs().max() <= EXACT


@settings(max_examples=25)
@given(views=st.integers(1, 12), dim=st.integers(1, 24), batch=st.integers(1, 5), seed=st.integers(0, 99))
def test_an_aggregator_of_any_shape_becomes_two_linears(views: int, dim: int, batch: int, seed: int) -> None:
    torch.manual_seed(seed)
    aggregator = lived_in(Aggregator(views, dim), seed)
    features = torch.randn(batch, views, dim)
    with torch.inference_mode():
        expected = aggregator(features)
        got = fold_aggregator(aggregator, 0.5)(features.flatten(1))  # type: ignore[arg-type]
    torch.testing.assert_close(2 * got, expected, atol=EXACT, rtol=EXACT)


@pytest.mark.parametrize("masked", [False, True])
def test_plain_attention_is_torchs_attention(masked: bool) -> None:
    attention = lived_in(nn.MultiheadAttention(48, 3, batch_first=True))
    tokens = torch.randn(2, 7, 48, generator=torch.Generator().manual_seed(0))
    mask = torch.full((7, 7), float("-inf")).triu(1) if masked else None
    with torch.inference_mode():
        expected, _ = attention(tokens, tokens, tokens, need_weights=False, attn_mask=mask)
        got, _ = PlainAttention(attention)(tokens, tokens, tokens, attn_mask=mask)  # type: ignore[arg-type]
    torch.testing.assert_close(got, expected, atol=1e-6, rtol=1e-5)
