"""Reading files of torch.save without ever running code out of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from c2p_deploy.errors import CheckpointError
from c2p_train.model.torch_archive import Archive, Malformed

_REMEDY = "copy it again, or give a .pt of c2p-train or a .pth of the authors"


def load_torch_file(path: Path) -> dict[str, Any]:
    """A dictionary saved by torch.save, with its tensors on the CPU. Raises CheckpointError.

    Nothing in the file is run, and no more memory taken than its size accounts for.
    """
    with Archive(path) as archive:
        try:
            values = archive.contents()
        except Malformed as error:
            raise CheckpointError(f"cannot be loaded as a checkpoint: it {error}", _REMEDY, path) from error
        except Exception as error:  # a damaged zip or pickle raises many kinds
            raise CheckpointError("cannot be loaded as a checkpoint: it is damaged", _REMEDY, path) from error
    if not isinstance(values, dict):
        raise CheckpointError(f"holds a {type(values).__name__}, not a checkpoint", _REMEDY, path)
    return values
