"""Text features that a text tower has made, kept on disk: a prompt is encoded once per tower.

Reading a tower of CLIP takes a second, and a prompt some tens of milliseconds. Features are found again by
the hashes of tower and tokenizer and by the prompt; whatever is wrong with the file, it counts as empty.
"""

from __future__ import annotations

import logging
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from c2p_deploy.errors import C2PError
from c2p_deploy.files import atomic_path, user_cache
from c2p_deploy.json_file import check_regular
from c2p_deploy.manifest import TextEncoderFiles
from c2p_deploy.projection.spec import FloatArray

_MOST_PROMPTS = 10_000  # of a tower: 20 MB at a width of 512
_MOST_BYTES = 256 << 20
_log = logging.getLogger("c2p_runtime")


def cache_file(files: TextEncoderFiles) -> Path:
    """Where the features of a tower are kept."""
    return user_cache() / "text" / f"{files.model_sha256[:32]}-{files.tokenizer_sha256[:32]}.npz"


def kept_features(files: TextEncoderFiles, dim: int) -> dict[str, FloatArray]:
    """Unit features float32 [D] by prompt, of this tower."""
    path = cache_file(files)
    try:
        check_regular(path, _MOST_BYTES)
        with np.load(path, allow_pickle=False) as arrays:
            prompts, features = arrays["prompts"], arrays["features"]
        lengths = np.linalg.norm(features, axis=1)
        sound = features.dtype == np.float32 and features.shape == (len(prompts), dim)
        if not sound or not (np.abs(lengths - 1) < 0.5).all():
            raise ValueError("holds no features")
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile, MemoryError) as error:
        _log.info("%s: not used: %s", path, error)
        return {}
    return dict(zip(map(str, prompts), features, strict=True))


def keep_features(
    files: TextEncoderFiles, made: Mapping[str, FloatArray], kept: Mapping[str, FloatArray]
) -> None:
    """Adds features to those that are kept; of too many, the newest stay. A full disk is no error."""
    together = {**{prompt: row for prompt, row in kept.items() if prompt not in made}, **made}
    prompts: Sequence[str] = list(together)[-_MOST_PROMPTS:]
    path = cache_file(files)
    with suppress(OSError, C2PError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            rows = np.stack([together[prompt] for prompt in prompts]).astype(np.float32)
            np.savez(file, prompts=np.array(prompts), features=rows)
