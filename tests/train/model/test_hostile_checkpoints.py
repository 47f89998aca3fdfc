"""What a checkpoint says of itself is checked: no network, nothing huge, no traceback."""

import copy
import math
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from c2p_deploy import DepthSpec, LabelSet, ViewSet
from c2p_deploy.errors import C2PError, CheckpointError
from c2p_deploy.memory import peak_memory
from c2p_train.model import checkpoint as checkpoint_module
from c2p_train.model.checkpoint import Checkpoint, checkpoint_of, load_checkpoint, save_checkpoint
from c2p_train.model.clip2point import CLIP2Point
from c2p_train.model.clip_encoder import (
    ClipConfig,
    ClipEncoder,
    clip_from_openai,
    import_open_clip,
    load_clip,
)
from c2p_train.model.conv_encoder import ConvConfig, ConvEncoder
from c2p_train.model.encoders import build_encoder, config_from_dict, config_to_dict
from c2p_train.model.filled import filled
from c2p_train.model.heads import build_head
from c2p_train.model.import_official import import_official
from c2p_train.model.torch_file import load_torch_file

VISION = {"layers": 1, "width": 16, "head_width": 8, "patch_size": 16, "image_size": 32}


def values_of(head: str) -> dict[str, Any]:
    """What the file of a small checkpoint holds: a residual tower beside a transformer."""
    torch.manual_seed(0)
    depth = ConvEncoder(ConvConfig(stem=8, widths=(8, 8), blocks=(1, 1), embed_dim=8))
    image = ClipEncoder(ClipConfig("small", 8, VISION, quick_gelu=True))
    checkpoint = Checkpoint(
        model=CLIP2Point(depth, image, build_head(head, 6, 8)).eval(),
        views=ViewSet.named("clip2point-6"),
        spec=DepthSpec(32, 0.1, 64),
        labels=LabelSet(("a", "b"), np.random.default_rng(0).normal(size=(2, 8))),
        logit_scale=12.5,
        training={"config": {"seed": 0}, "losses": [0.5, 0.25]},
    )
    return stored(checkpoint)


def stored(checkpoint: Checkpoint) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.pt"
        save_checkpoint(checkpoint, path)
        return load_torch_file(path)


@pytest.fixture(scope="module")
def valid() -> dict[str, Any]:
    return values_of("gdpa")


def changed(values: dict[str, Any], where: tuple[Any, ...], value: object) -> dict[str, Any]:
    """The same with another value there."""
    if not where:
        return value  # type: ignore[return-value]
    whole = list(values) if isinstance(values, (list, tuple)) else dict(values)
    whole[where[0]] = changed(values[where[0]], where[1:], value)
    return whole  # type: ignore[return-value]


def places(values: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The ways to every value within: by keys, and to the first of a list."""
    keys: list[Any] = []
    if isinstance(values, dict):
        keys = list(values)
        if at and at[-1] == "state":  # one weight stands for all
            keys = keys[:1]
    elif isinstance(values, list):
        keys = [0]
    for key in keys:
        yield (*at, key)
        yield from places(values[key], (*at, key))


ODD: list[Any] = [
    *(None, True, -1, 1 << 40, 1 << 2000, math.nan, 1e300, "text", "9" * 5000),
    *([], [1, [2]], (), {}, {1: 2}, [math.nan] * 6, torch.zeros(2)),
]


def test_no_value_of_another_kind_ends_in_a_traceback(
    valid: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    ways = list(places(valid))
    make = checkpoint_module._encoder
    made = {id(stored): make(stored) for stored in valid["encoders"].values()}

    def encoder(stored: Any) -> Any:
        """Made already, unless it is what was changed: making the same ones each time takes minutes."""
        return made[id(stored)] if id(stored) in made else make(stored)

    monkeypatch.setattr(checkpoint_module, "_encoder", encoder)
    assert len(ways) > 40 and ("encoders", "image", "config", "vision", "width") in ways
    refused = 0
    for where in ways:
        for odd in ODD:
            try:
                checkpoint_of(changed(valid, where, odd), Path("model.pt"))
            except CheckpointError as error:
                refused += 1
                assert error.path == "model.pt" and len(str(error)) < 1000
    assert refused > 0.9 * len(ways) * len(ODD) - 40


def test_no_missing_key_ends_in_a_traceback(valid: dict[str, Any]) -> None:
    for where in places(valid):
        if where[0] in ("format", "training") or where[-1] == 0:
            continue
        values = copy.deepcopy(valid)
        at = values
        for key in where[:-1]:
            at = at[key]
        del at[where[-1]]
        try:
            checkpoint_of(values, Path("model.pt"))
        except CheckpointError:
            continue
        # open_clip and the depth spec have defaults, and a model may come without its image encoder, mean ...
        assert where[-1] in ("head_width", "patch_size", "stem", "dropout", "channels", "mean", "std") or (
            where[0] == "depth_spec"
        ), where


@pytest.mark.parametrize(
    ("where", "value"),
    [
        *((("logit_scale",), value) for value in (math.nan, math.inf, -1.0, 0, 1e9, True, "12", None)),
        *((("training",), value) for value in ({"loss": math.nan}, {"a": [{"b": math.inf}]}, {1: 2}, [])),
        *((("depth_spec", "point_radius"), value) for value in (math.nan, math.inf, 0.0, -0.1, 1e9)),
        *((("depth_spec", "image_size"), value) for value in (math.nan, 32.5, 1 << 40, True)),
        *((("depth_spec", "num_points"), value) for value in (64.5, math.inf, 1 << 40)),
        *((("views", "distances"), [value] * 6) for value in (math.nan, math.inf, -1.0, 0.0, 1e30, 1e300)),
        *((("views", "rotations", 0, 0, 0), value) for value in (math.nan, math.inf, 1e300)),
        (("encoders", "image", "config", "std"), (0.0, 1.0, 1.0)),
        (("encoders", "image", "config", "mean"), (math.nan, 1.0, 1.0)),
    ],
)
def test_numbers_that_make_no_sense_are_refused(
    valid: dict[str, Any], where: tuple[Any, ...], value: object
) -> None:
    with pytest.raises(CheckpointError, match=r"^model\.pt: damaged checkpoint"):
        checkpoint_of(changed(valid, where, value), Path("model.pt"))


def test_a_dictionary_without_end_is_refused(valid: dict[str, Any]) -> None:
    endless: dict[str, Any] = {}
    endless["again"] = endless
    with pytest.raises(CheckpointError, match="nested too deeply"):
        checkpoint_of(changed(valid, ("training",), endless), Path("model.pt"))


HUGE = {
    "width": {"vision": {**VISION, "width": 65536, "layers": 100}},
    "embed_dim": {"embed_dim": 65536, "vision": {**VISION, "width": 65536}},
    "positions": {"vision": {**VISION, "image_size": 4096, "patch_size": 1, "width": 65536}},
    "residual": {"vision": {"layers": (64, 64, 64, 64), "width": 16384, "image_size": 224}},
    "timm": {"vision": {"timm_model_name": "vit_7b_patch16_dinov3", "timm_pool": "", "image_size": 256}},
    "pooler": {"vision": {**VISION, "attentional_pool": True, "attn_pooler_queries": 65536}},
}


@pytest.mark.parametrize("what", HUGE)
def test_a_small_file_takes_no_memory_whatever_it_describes(
    valid: dict[str, Any], tmp_path: Path, what: str
) -> None:
    config = {**valid["encoders"]["image"]["config"], **HUGE[what]}
    torch.save(changed(valid, ("encoders", "image", "config"), config), tmp_path / "model.pt")
    assert (tmp_path / "model.pt").stat().st_size < 200_000
    started = time.monotonic()
    with pytest.raises(CheckpointError, match="weights are not those"):
        load_checkpoint(tmp_path / "model.pt")
    assert time.monotonic() - started < 20  # 0.1 to 3 s on an idle machine


@pytest.mark.parametrize(
    ("role", "change"),
    [
        ("image", HUGE["residual"]),
        ("image", {"vision": {**VISION, "layers": 512}}),
        ("depth", {"widths": (64,) * 8, "blocks": (64,) * 8}),
    ],
)
def test_blocks_without_weights_are_counted_not_made(
    valid: dict[str, Any], monkeypatch: pytest.MonkeyPatch, role: str, change: dict[str, Any]
) -> None:
    made: list[str] = []
    monkeypatch.setattr(checkpoint_module, "build_encoder", lambda config: made.append(config.name))
    encoders = {role: valid["encoders"][role]}
    encoders[role] = {**encoders[role], "config": {**encoders[role]["config"], **change}}
    with pytest.raises(CheckpointError, match="there are too few"):
        checkpoint_of({**valid, "encoders": {**encoders, "depth": encoders[role]}}, Path("model.pt"))
    assert not made


def test_refusing_takes_little_memory(valid: dict[str, Any], tmp_path: Path) -> None:
    config = {role: stored["config"] for role, stored in valid["encoders"].items()}
    small = {"stem": 65536, "widths": (65536,) * 8, "blocks": (1,) * 8}
    changes = [("image", change) for what, change in HUGE.items() if what != "timm"]  # its modules take some
    for number, (role, change) in enumerate([*changes, ("depth", small)]):
        torch.save(
            changed(valid, ("encoders", role, "config"), {**config[role], **change}),
            tmp_path / f"{number}.pt",
        )
    torch.save(valid, tmp_path / "valid.pt")
    load_checkpoint(tmp_path / "valid.pt")
    forget_peak()
    before = peak_memory() or 0
    for number in range(len(changes) + 1):
        with pytest.raises(CheckpointError, match="weights are not those"):
            load_checkpoint(tmp_path / f"{number}.pt")
    assert (peak_memory() or 0) - before < 300 << 20


def forget_peak() -> None:
    """From now on `peak_memory` says what is held from now on."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError as error:
        pytest.skip(f"needs Linux's clear_refs: {error}")


def test_masks_that_a_module_makes_for_itself_are_counted() -> None:
    class Masked(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(2))
            self.register_buffer("mask", torch.empty(1 << 16, 1 << 16), persistent=False)

    with pytest.raises(ValueError, match="16384 MiB, which its weights do not account for"):
        filled(Masked, {"weight": torch.zeros(2)})


def test_a_published_file_of_odd_shapes_takes_no_memory(tmp_path: Path) -> None:
    shapes = {"conv1.weight": (1 << 16, 1, 1, 1), "positional_embedding": (5, 1), "proj": (1, 1 << 16)}
    shapes |= {"class_embedding": (1,)} | {f"t.{k}.attn.in_proj_weight": (1,) for k in range(100)}
    torch.save({f"point_model.{key}": torch.zeros(n) for key, n in shapes.items()}, tmp_path / "p.pth")
    with pytest.raises(CheckpointError, match=r"p\.pth: cannot be imported: weights are not those"):
        import_official(tmp_path / "p.pth")
    state = {f"visual.{key}": torch.zeros(n) for key, n in shapes.items()}
    text = {"ln_final.weight": (64,), "positional_embedding": (1 << 20, 1), "token_embedding.weight": (9, 1)}
    text["transformer.0.in_proj_weight"] = (1,)
    state |= {key: torch.zeros(n) for key, n in text.items()} | {"text_projection": torch.zeros(1, 1 << 16)}
    with pytest.raises(C2PError, match="not a CLIP model in OpenAI's layout: weights are not those"):
        clip_from_openai(state)


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("went over the network")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


TIMM = {"timm_model_name": "convnext_atto", "timm_pool": "", "timm_proj": "linear", "image_size": 32}


def test_weights_of_timm_are_never_fetched(valid: dict[str, Any], no_network: None) -> None:
    import timm

    tower = ClipEncoder(ClipConfig("atto", 8, {**TIMM, "timm_model_pretrained": True}, quick_gelu=False))
    assert tower.config.vision["timm_model_pretrained"]
    encoder = {"config": config_to_dict(tower.config), "state": tower.state_dict()}
    checkpoint = checkpoint_of(changed(valid, ("encoders", "image"), encoder), Path("model.pt"))
    again = checkpoint.encoders["image"]
    assert all(torch.equal(value, again.state_dict()[key]) for key, value in tower.state_dict().items())
    assert timm.is_model_pretrained("convnext_atto.d2_in1k")  # there would have been some


@pytest.mark.parametrize(
    "change",
    [
        {"timm_model_name": "hf-hub:someone/something"},
        {"timm_model_name": "hf_hub:someone/something"},
        {"timm_model_name": "local-dir:/etc"},
        {"timm_model_name": "someone/something"},
        {"timm_model_name": "no_such_tower"},
        {"timm_model_name": ["convnext_atto"]},
        {"hf_model_name": "roberta-base"},
        {"hf_model_pretrained": True},
        {"act_kwargs": {"inplace": True}},
        {"norm_kwargs": {"eps": 1.0}},
        {"pos_embed_type": "sin_cos_2d"},
        {"image_size": (32, 32)},
        {5: 6},
    ],
    ids=str,
)
def test_descriptions_of_other_towers_are_refused(
    valid: dict[str, Any], no_network: None, change: dict[Any, Any]
) -> None:
    where = ("encoders", "image", "config", "vision")
    with pytest.raises(CheckpointError, match="an image encoder of open_clip"):
        checkpoint_of(changed(valid, where, {**TIMM, **change}), Path("model.pt"))


@pytest.mark.parametrize("name", ["hf-hub:someone/something", "local-dir:/etc", "hf-hub:ViT-B-32"])
def test_names_that_open_clip_would_look_up_elsewhere_are_refused(no_network: None, name: str) -> None:
    with pytest.raises(C2PError, match="open_clip has no model"):
        load_clip(name, "openai")


def test_every_tower_of_open_clip_may_be_described() -> None:
    open_clip = import_open_clip()
    for name in open_clip.list_models():
        settings = open_clip.get_model_config(name)
        config = ClipConfig(
            name, settings["embed_dim"], settings["vision_cfg"], settings.get("quick_gelu", False)
        )
        assert config_from_dict(config_to_dict(config)) == config


@pytest.mark.parametrize("name", ["ViT-B-32-quickgelu", "RN50"])
def test_towers_of_open_clip_are_made_without_memory_first(name: str) -> None:
    settings = import_open_clip().get_model_config(name)
    config = ClipConfig(
        name, settings["embed_dim"], settings["vision_cfg"], settings.get("quick_gelu", False)
    )
    made: list[str] = []

    def make() -> torch.nn.Module:
        encoder = build_encoder(config)
        made.append(next(encoder.parameters()).device.type)
        return encoder

    with torch.device("meta"):
        shapes = {key: value.shape for key, value in build_encoder(config).state_dict().items()}
    state = {key: torch.zeros(()).expand(shape) for key, shape in shapes.items()}
    assert len(filled(make, state).state_dict()) == len(shapes)
    assert made == ["meta", "cpu"]
