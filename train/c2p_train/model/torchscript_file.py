"""The weights in an archive of TorchScript, as OpenAI's own CLIP files are, without TorchScript.

PyTorch regards such an archive as a program, and opening one may run it. Here it is a tree of modules with
tensors. Which of these are parameters and buffers stands in the text of the program, as two lists at the
head of each class; that text is searched for them and for nothing else.
"""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

from torch import Tensor

from c2p_deploy.errors import CheckpointError
from c2p_deploy.json_file import check_regular
from c2p_train.model.torch_archive import Archive, Malformed, Module

_LARGEST_CLASS = 4 << 20  # bytes of the program in one record; some ten thousand in OpenAI's
_LARGEST_PROGRAM = 64 << 20
_MOST_MODULES = 100_000
_CLASS = re.compile(
    r"^class (\w+)\(Module\):\n  __parameters__ = \[(.*)\]\n  __buffers__ = \[(.*)\]$", re.MULTILINE
)
_NAME = re.compile(r'"([^"\\]+)"')


def is_torchscript(path: Path) -> bool:
    """Whether a file is an archive of TorchScript, as OpenAI's own are."""
    try:
        check_regular(path)
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith("/constants.pkl") for name in archive.namelist())
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile):
        return False


def read_torchscript(path: Path) -> dict[str, Tensor]:
    """The state dict of an archive, on the CPU: what `torch.jit.load(path).state_dict()` gives.

    Nothing in the file is run, and no more memory taken than its size accounts for. Raises CheckpointError.
    """
    with Archive(path) as archive:
        try:
            root = archive.contents()
            if not isinstance(root, Module):
                raise Malformed("holds no module")
            return _Weights(archive).of(root)
        except Malformed as error:
            raise CheckpointError(
                f"damaged TorchScript archive: it {error}", "copy it again", path
            ) from error
        except Exception as error:  # a damaged zip or pickle raises many kinds
            raise CheckpointError("damaged TorchScript archive", "copy it again", path) from error


class _Weights:
    """The weights of modules by their names, in TorchScript's order."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._classes: dict[
            str, dict[str, list[str]]
        ] = {}  # record of the program -> class -> names of weights
        self._read = self._modules = 0

    def of(self, module: Module, prefix: str = "") -> dict[str, Tensor]:
        self._modules += 1
        if self._modules > _MOST_MODULES or len(prefix) > 1000:
            raise Malformed("has more modules than any model")
        found = {}
        for name in self._names(module.qualified_name):
            value = module.attributes.get(name)
            if isinstance(value, Tensor):
                found[prefix + name] = value
            elif value is not None:  # None: an optional weight that is not there
                raise Malformed(f"has a weight {prefix}{name} that is no tensor")
        for name, value in module.attributes.items():
            if isinstance(value, Module):
                found.update(self.of(value, f"{prefix}{name}."))
        return found

    def _names(self, qualified: str) -> list[str]:
        """Parameters, then buffers, of a class; that of `__torch__.a.B` stands in `code/__torch__/a.py`."""
        space, _, name = qualified.rpartition(".")
        record = f"code/{space.replace('.', '/')}.py"
        if record not in self._classes:
            self._read += self._archive.length(record)
            if self._read > _LARGEST_PROGRAM:
                raise Malformed("has a longer program than any model")
            text = self._archive.read(record, _LARGEST_CLASS).decode()
            self._classes[record] = {
                found: _NAME.findall(parameters) + _NAME.findall(buffers)
                for found, parameters, buffers in _CLASS.findall(text)
            }
        if name not in self._classes[record]:
            raise Malformed(f"does not say which weights {qualified} has")
        return self._classes[record][name]
