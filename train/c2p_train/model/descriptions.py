"""What a file may say of an encoder: which keys, of which types, within which bounds.

A description comes out of a checkpoint and is handed to open_clip and timm, which would fetch weights over
the network if it told them to, or try to make a transformer of a thousand million layers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

_Check = Callable[[object], bool]


def _whole(low: int, high: int) -> _Check:
    return lambda value: type(value) is int and low <= value <= high


def is_number(value: object, low: float, high: float) -> bool:
    """Whether it is a number in low ... high; NaN is not."""
    return type(value) in (int, float) and low <= value <= high  # type: ignore[operator]


def _number(low: float, high: float) -> _Check:
    return lambda value: is_number(value, low, high)


def _one_of(*words: object) -> _Check:
    return lambda value: value is None or (isinstance(value, (str, bool)) and value in words)


def _several(each: _Check, least: int, most: int) -> _Check:
    return lambda value: (
        isinstance(value, (list, tuple)) and least <= len(value) <= most and all(map(each, value))
    )


def _or_none(check: _Check) -> _Check:
    return lambda value: value is None or check(value)


def _flag(value: object) -> bool:
    return type(value) is bool


def _text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= 1000


def _timm_name(value: object) -> bool:
    """A tower of timm itself; `hf-hub:` and `local-dir:` would be fetched, or read from anywhere."""
    if not isinstance(value, str) or not re.fullmatch(r"[\w.]+", value):
        return False
    import timm

    return bool(timm.is_model(value))


_WIDTH = _whole(1, 1 << 16)
_SHARE = _number(0, 0.99)
_FLAGS = (
    *("no_ln_pre", "final_ln_after_pool", "output_tokens", "qk_norm", "scaled_cosine_attn", "scale_heads"),
    *("scale_attn_inner", "scale_attn", "scale_fc", "timm_model_pretrained", "timm_proj_bias"),
)
# open_clip's vision_cfg, without what no model of open_clip sets (`act_kwargs`, `norm_kwargs`) and without
# positions by sine, which are computed in memory even for a module without any.
_VISION: dict[str, _Check] = {
    "layers": _or_none(lambda value: _whole(1, 512)(value) or _several(_whole(1, 64), 4, 4)(value)),
    "width": _or_none(_WIDTH),
    "head_width": _WIDTH,
    "mlp_ratio": _number(0.001, 1000),
    "patch_size": _or_none(_whole(1, 4096)),  # None, as above, where timm's name says it
    "image_size": _whole(1, 4096),
    "ls_init_value": _or_none(_number(-1000, 1000)),
    "patch_dropout": _SHARE,
    "attentional_pool": _one_of(True, False, "parallel", "cascade"),
    "attn_pooler_queries": _WIDTH,
    "attn_pooler_heads": _WIDTH,
    "pos_embed_type": _one_of("learnable"),
    "pool_type": _one_of("tok", "avg", "none"),
    "block_type": _one_of("default", "custom"),
    "timm_model_name": _timm_name,
    "timm_pool": _one_of("", "avg", "abs_attn", "rot_attn", "token", "map", "max", "avgmax"),
    "timm_proj": _one_of("", "linear", "mlp", "none"),
    "timm_drop": _SHARE,
    "timm_drop_path": _or_none(_SHARE),
    **dict.fromkeys(_FLAGS, _flag),
}
_CLIP: dict[str, _Check] = {
    "name": _text,
    "embed_dim": _WIDTH,
    "vision": lambda value: isinstance(value, Mapping) and "image_size" in value,
    "quick_gelu": _flag,
    "mean": _several(_number(-1000, 1000), 3, 3),
    "std": _several(_number(1e-6, 1000), 3, 3),
}
_CONV: dict[str, _Check] = {
    "channels": lambda value: type(value) is int and value in (1, 3),
    "stem": _WIDTH,
    "widths": _several(_whole(8, 1 << 16), 1, 8),
    "blocks": _several(_whole(1, 64), 1, 8),
    "dropout": _SHARE,
    "embed_dim": _WIDTH,
}


def check_description(values: Mapping[str, Any]) -> None:
    """Raises ValueError for a description of an encoder that none of ours has, KeyError without a kind."""
    kind = values["kind"]
    if kind not in ("conv", "clip"):
        raise ValueError(f"unknown kind of encoder {str(kind)[:50]!r}")
    fields = {name: value for name, value in values.items() if name != "kind"}
    _check(fields, _CONV if kind == "conv" else _CLIP, "an encoder")
    if kind == "clip":
        _check(fields["vision"], _VISION, "an image encoder of open_clip")


def fewest_tensors(values: Mapping[str, Any]) -> int:
    """How many weights an encoder of this description (checked) has at the least.

    Counting the blocks takes no time; making thousands of them, even without memory, takes seconds.
    """
    vision = {} if values["kind"] == "conv" else values["vision"]
    if vision.get("timm_model_name"):
        return 0  # its name says it
    layers = vision.get("layers", values.get("blocks"))
    if isinstance(layers, (list, tuple)):  # residual blocks: two convolutions with their norms, or more
        return 4 * sum(layers)
    return 8 * (layers or 0)  # of a transformer: two norms, attention, two products


def check_plain(values: object, depth: int = 0) -> None:
    """Raises ValueError unless it is made of words, finite numbers, lists, and dictionaries by words."""
    if isinstance(values, float) and not math.isfinite(values):
        raise ValueError(f"holds a number that is {values}")
    if isinstance(values, Mapping):
        if not all(isinstance(key, str) for key in values):
            raise ValueError("has keys that are not words")
        values = list(values.values())
    if isinstance(values, Sequence) and not isinstance(values, str):
        if depth > 20:
            raise ValueError("is nested too deeply")
        for value in values:
            check_plain(value, depth + 1)
    elif not (values is None or isinstance(values, (bool, int, float, str))):
        raise ValueError(f"holds a {type(values).__name__}, which is no plain value")


def _check(values: Mapping[Any, Any], known: Mapping[str, _Check], what: str) -> None:
    for name, value in values.items():
        if not isinstance(name, str) or name not in known:
            raise ValueError(f"{what} has no {str(name)[:50]!r}")
        if not known[name](value):
            raise ValueError(f"{name} of {what} cannot be {str(value)[:50]!r}")
