"""Modules with weights out of a file, made only once these are known to be theirs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import torch
from torch import Tensor, nn

_Module = TypeVar("_Module", bound=nn.Module)
# What values of other types and sizes than those of a model raise, here and in open_clip and timm.
NOT_A_MODEL = (
    *(ArithmeticError, AssertionError, AttributeError, LookupError),
    *(RuntimeError, StopIteration, TypeError, ValueError),
)
_BESIDE = 64 << 20  # bytes of masks, tables and the like that a module makes for itself


def filled(make: Callable[[], _Module], state: Mapping[str, Tensor]) -> _Module:
    """What `make` gives, with the weights `state`.

    A file may describe a module a million times its own size. So it is made without memory first, on
    PyTorch's device `meta`, and made in truth only where each of its weights is in `state`, in its shape.
    Raises ValueError otherwise, and what `make` raises.
    """
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise ValueError("weights are not tensors by name")
    with torch.device("meta"):
        planned = make()
    expected = planned.state_dict()
    missing = [name for name in expected if name not in state and not name.endswith("num_batches_tracked")]
    foreign = [name for name in state if name not in expected]
    if missing or foreign:
        first = f"there is no {missing[0]}" if missing else f"{foreign[0]} belongs to nothing"
        raise ValueError(f"weights are not those of the encoder or head described: {first}")
    for name, value in state.items():
        if value.shape != expected[name].shape:
            shapes = f"{list(value.shape)} instead of {list(expected[name].shape)}"
            raise ValueError(f"weights are not those of the encoder or head described: {name} is {shapes}")
    needed = sum(map(_bytes, [*planned.parameters(), *planned.buffers()]))
    if needed > 8 * sum(map(_bytes, state.values())) + _BESIDE:
        raise ValueError(f"describes an encoder of {needed >> 20} MiB, which its weights do not account for")
    module = make()
    module.load_state_dict(state)
    return module


def _bytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()
