"""Where a command computes."""

from __future__ import annotations

import torch

from c2p_deploy.errors import C2PError

_BFLOAT16 = ("avx512_bf16", "amx_bf16", "bf16")  # of x86, of x86 and of ARM, as torch names them


def pick_device(name: str) -> torch.device:
    """The device of `auto`, `cpu`, `cuda` or `cuda:N`. `auto` is the first GPU, or else the CPU.

    Raises C2PError for any other name, and for a GPU that is not there.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise C2PError(f"no device {name!r}", "choose auto, cpu, cuda or cuda:N") from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise C2PError(
            f"device {name}: this machine has {torch.cuda.device_count()} GPUs that torch can use",
            "choose auto or cpu",
        )
    return device


def has_bfloat16(device: torch.device) -> bool:
    """Whether the device multiplies in bfloat16. Without, torch imitates it, slower than in float32."""
    if device.type == "cuda":
        with torch.cuda.device(device):
            return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if not hasattr(torch.cpu, "get_capabilities"):  # before torch 2.10
        return bool(torch.cpu._is_avx512_bf16_supported())
    able = torch.cpu.get_capabilities()
    return any(able.get(name, False) for name in _BFLOAT16)
