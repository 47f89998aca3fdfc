"""Where a command computes."""

from __future__ import annotations

import torch

from c2p_deploy.errors import C2PError


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
