"""The word bank: CLIP text features of some 1,600 names, inside the package: words without a text encoder.

They are OpenAI CLIP ViT-B/32's, as published with Detic; `tools/build_word_bank.py` made the two files,
NOTICE has the credits. An engine can be given any of these names, but that CLIP knows what a word means does
not tell that a depth encoder has ever been shown the thing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt

from c2p_deploy.errors import LabelError, reason_of
from c2p_deploy.json_file import parse_json, read_small
from c2p_deploy.labels.label_set import LabelSet
from c2p_deploy.labels.names import key_of, rows_of

_FOLDER = Path(__file__).parent
# Mean cosine of labels with the mean of the bank: 0.86 for words of the same CLIP, whatever their prompt,
# because all its text features have much in common; about 0 in any other space.
_SAME_SPACE = 0.5


@dataclass(frozen=True, eq=False)
class WordBank:
    """C names and their text features, float32 [C, D], rows of unit length.

    rows: the row of every name and of further words for the same things, by `key_of`; mean: [D], of unit
    length, what all of them have in common; template: the prompt.
    """

    names: tuple[str, ...]
    features: npt.NDArray[np.float32]
    rows: Mapping[str, int]
    mean: npt.NDArray[np.float32]
    template: str

    def fits(self, labels: LabelSet) -> bool:
        """Whether these labels' text features are of the same CLIP as the bank's, by whatever prompt."""
        return labels.dim == len(self.mean) and bool((labels.text_features @ self.mean).mean() >= _SAME_SPACE)


@lru_cache(maxsize=1)
def word_bank() -> WordBank:
    """The bank of the package; read when first asked for, in 10 ms. Raises LabelError when it is damaged."""
    file = _FOLDER / "words.json"
    try:
        about = parse_json(read_small(file))
        names = tuple(about["names"])
        file = _FOLDER / "words.npy"
        data = read_small(file)
        if sha256(data).hexdigest() != about["sha256"]:
            raise ValueError("its SHA-256 is not the recorded one")
        features = np.load(BytesIO(data), allow_pickle=False).astype(np.float32)
        rows = rows_of(names)
        rows.update({word: rows[key_of(name)] for word, name in about["aliases"].items()})
    except (OSError, ValueError, KeyError) as error:
        raise LabelError(
            f"the word bank cannot be read: {reason_of(error)}", "install c2p-deploy again", file
        ) from error
    features.setflags(write=False)
    mean = features.mean(axis=0)
    return WordBank(names, features, rows, mean / np.linalg.norm(mean), about["template"])
