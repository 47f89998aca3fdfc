"""Reading files of torch.save without ever running code out of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from c2p_deploy.errors import CheckpointError


def load_torch_file(path: Path) -> dict[str, Any]:
    """A dictionary saved by torch.save; never runs code from the file. Raises CheckpointError."""
    try:
        values = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise CheckpointError(f"{path}: no such file") from error
    except Exception as error:  # torch raises many kinds for damaged or foreign files
        reason = str(error).splitlines()[0].split(". ")[0] if str(error) else type(error).__name__
        raise CheckpointError(
            f"{path}: cannot be loaded as a checkpoint, it is damaged or another kind of file ({reason}); "
            "copy it again, or give a .pt of c2p-train or a .pth of the authors"
        ) from error
    if not isinstance(values, dict):
        raise CheckpointError(f"{path}: holds a {type(values).__name__}, not a checkpoint")
    return values
