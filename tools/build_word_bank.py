"""Writes c2p_deploy/labels/words.npy and words.json, the word bank, from text features published with Detic.

    python tools/build_word_bank.py DETIC/datasets/metadata [FOLDER]

The features are OpenAI CLIP ViT-B/32's of the prompt "a {name}", for the names of OpenImages, Objects365 and
LVIS (facebookresearch/Detic, Apache-2.0; NOTICE). Here they are scaled to unit length and rounded to float16,
and the names are put into plain words: lower case, spaces, each thing once, its synonyms beside it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from c2p_deploy.files import sha256_of, write_atomic
from c2p_deploy.labels.names import key_of, other_numbers
from c2p_train.model.detic_features import read_detic_features

OUT = Path(__file__).parents[1] / "c2p_deploy" / "labels"
SOURCE = "facebookresearch/Detic 436cda2, datasets/metadata, Apache-2.0"
# Prompts gone wrong, and the names that have the same thing right.
REPLACED = {
    "ballon": "balloon",
    "monitor (computer equipment) computer monitor": "computer monitor",
    "tong": "tongs",
    "trash bin can": "trash can",
}
RESPELT = {
    "speaker (stero equipment)": "speaker (stereo equipment)",
    "tape measure/ ruler": "tape measure/ruler",
    "billards": "billiards",
    "noddles": "noodles",
    "suv": "SUV",
    "cd": "CD",
}
BOTH_NUMBERS = frozenset({"jeans", "tongs"})  # the singular is another thing, or none
# Synonyms in LVIS that are another thing to a robot.
NOT_THE_SAME = frozenset({"pallet", "paper", "paper bag", "cutting", "spread", "baby", "child"})
# Words that robots are asked for, and the name under which CLIP's feature of the same thing is at hand.
SAME_THINGS = {
    "bedside table": "nightstand", "bike": "bicycle", "bin": "trash can", "cordless drill": "electric drill",
    "display": "computer monitor", "drill driver": "electric drill", "fridge": "refrigerator",
    "garbage bin": "trash can", "hand": "human hand", "head": "human head", "lorry": "truck",
    "monitor": "computer monitor", "motorbike": "motorcycle", "night stand": "nightstand",
    "notebook computer": "laptop", "plant": "houseplant", "power drill": "electric drill",
    "pylon": "traffic cone", "rubbish bin": "trash can", "safety cone": "traffic cone",
    "screen": "computer monitor", "smartphone": "mobile phone", "soda can": "tin can",
    "spaceship": "space shuttle", "spanner": "wrench", "tv": "television", "wardrobe": "armoire",
}  # fmt: skip
ALIKE = 0.91  # cosine from which a name with brackets and the plain one are one thing: "car (automobile)"


def main(metadata: Path, folder: Path = OUT) -> None:
    """Writes the two files."""
    features = read_detic_features(metadata)
    lvis = json.loads((metadata / "lvis_v1_train_cat_info.json").read_text(encoding="utf-8"))
    # A name that is spelled twice, as wine_glass and wine glass, has the feature of the later vocabulary.
    rows = {key_of(name): feature for name, feature in features.items()}
    for key in sorted(rows):
        if key in REPLACED or (key not in BOTH_NUMBERS and is_plural(key, rows)):
            del rows[key]
    words = synonyms(lvis, rows)
    for key in [key for key in rows if "/" in key]:
        parts = {part.strip() for part in key.split("/")}
        words.update(dict.fromkeys(parts - rows.keys() - words.keys() - NOT_THE_SAME, key))
    more = {**REPLACED, **SAME_THINGS}
    words.update({word: thing for word, thing in more.items() if word not in rows and thing in rows})
    write(rows, words, folder)


def is_plural(key: str, rows: Iterable[str]) -> bool:
    """Whether its singular is among `rows`."""
    return any(len(other) < len(key) and other in rows for other in other_numbers(key))


def synonyms(lvis: list[dict[str, Any]], rows: dict[str, np.ndarray]) -> dict[str, str]:
    """Further words for the names in `rows`, without those that stand there: WordNet's, which LVIS lists.

    A word of two things, or a name that has a feature only with what it is in brackets ("bow (weapon)"),
    goes to the thing that more of LVIS's pictures show.
    """
    found: dict[str, str] = {}
    by_pictures = sorted(lvis, key=lambda category: -category["image_count"])
    for words in (lambda category: [category["name"]], lambda category: category["synonyms"]):
        for category in by_pictures:
            own = key_of(category["name"])
            plain = own.partition(" (")[0]
            if own not in rows or (plain in rows and cosine(rows[own], rows[plain]) >= ALIKE):
                own = plain
            for word in words(category):
                for key in (key_of(word), key_of(word).partition(" (")[0]):
                    if key not in rows and own in rows and key not in NOT_THE_SAME:
                        found.setdefault(key, own)
    return found


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    """Of two text features."""
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


def write(rows: dict[str, np.ndarray], aliases: dict[str, str], folder: Path) -> None:
    """words.npy float16 [C, 512], rows of unit length; words.json: the names in that order, and the rest."""
    names = sorted(rows)
    features = np.stack([rows[name] for name in names]).astype(np.float32)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    np.save(folder / "words.npy", features.astype("<f2"))
    misspelt = {key: key for key, name in RESPELT.items() if key != key_of(name)}
    about = {
        "source": SOURCE,
        "encoder": "OpenAI CLIP ViT-B/32",
        "template": "a {}",
        "sha256": sha256_of(folder / "words.npy"),
        "names": [RESPELT.get(name, name) for name in names],
        "aliases": {word: RESPELT.get(key, key) for word, key in sorted({**aliases, **misspelt}.items())},
    }
    write_atomic(folder / "words.json", (json.dumps(about, indent=0, ensure_ascii=True) + "\n").encode())
    print(f"wrote {len(names)} names and {len(aliases)} further words for them to {folder}")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
