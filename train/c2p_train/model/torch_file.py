"""Reading files of torch.save without ever running code out of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from c2p_deploy.errors import CheckpointError

_REMEDY = "copy it again, or give a .pt of c2p-train or a .pth of the authors"


def load_torch_file(path: Path) -> dict[str, Any]:
    """A dictionary saved by torch.save; never runs code from the file. Raises CheckpointError."""
    try:
        values = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise CheckpointError("no such file", "check the path", path) from error
    except Exception as error:  # torch raises many kinds for damaged or foreign files
        # Without torch's own words: for a foreign file they advise to run the code that it holds.
        problem = "cannot be loaded as a checkpoint, it is damaged or another kind of file"
        raise CheckpointError(problem, _REMEDY, path) from error
    if not isinstance(values, dict):
        raise CheckpointError(f"holds a {type(values).__name__}, not a checkpoint", _REMEDY, path)
    return values
