"""CLIP ViT-B/32 text features as published: the files of facebookresearch/Detic.

They hold OpenAI CLIP's features of the prompt "a {name}" for the vocabularies of OpenImages,
Objects365 and LVIS, so no text encoder is needed to train against real CLIP text space.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np

from c2p_deploy import LabelSet
from c2p_deploy.errors import LabelError, reason_of
from c2p_deploy.json_file import parse_json, read_small
from c2p_deploy.projection.spec import FloatArray
from c2p_train.numpy_files import load_array

_REMEDY = "copy the folder datasets/metadata of facebookresearch/Detic again"
# Label -> name in the feature files, where it is not the label itself: the nearest thing that they have
# (MODEL_CARD.md lists them).
LABEL_FEATURES = {
    "animal": "Animal",
    "chess piece": "chessboard",
    "computer": "Laptop",
    "hand": "Human hand",
    "head": "Human head",
    "monitor": "Computer monitor",
    "night stand": "Nightstand",
    "plant": "Houseplant",
    "sign": "Traffic sign",
    "spaceship": "space_shuttle",
    "sofa": "Couch",
    "tool": "hammer",
}


def read_detic_features(folder: Path) -> dict[str, FloatArray]:
    """Text feature [512] by lower-case name.

    LVIS keeps qualifiers in its prompts ("a car (automobile)"), so where several
    vocabularies have a name OpenImages wins, then Objects365. Raises LabelError when a file
    is missing or does not match its list of names.
    """
    found: dict[str, FloatArray] = {}
    try:
        names = parse_json(read_small(folder / "class_names_lvis_oid.json"))
        lvis = parse_json(read_small(folder / "lvis_v1_train_cat_info.json"))
        table = read_small(folder / "Objects365_names_fix.csv").decode("utf-8")
        o365 = [row[2] for row in csv.reader(io.StringIO(table, newline="")) if row]
        vocabularies = (
            ("lvis_v1_clip_a+cname.npy", [c["name"] for c in sorted(lvis, key=lambda c: c["id"])]),
            ("o365_clip_a+cnamefix.npy", o365),
            ("oid_clip_a+cname.npy", names["oid"]),
        )
        for file_name, vocabulary in vocabularies:  # later ones win
            features = load_array(folder / file_name).astype(np.float32)
            if features.shape != (len(vocabulary), 512):
                raise LabelError(
                    f"text features {features.shape}, expected {(len(vocabulary), 512)}",
                    _REMEDY,
                    folder / file_name,
                )
            found.update({name.lower(): row for name, row in zip(vocabulary, features, strict=True)})
    except (OSError, LookupError, ValueError, TypeError, AttributeError, csv.Error) as error:
        problem = f"not the CLIP text features of Detic: {reason_of(error)}"
        raise LabelError(problem, _REMEDY, folder) from error
    return found


def label_set_of(labels: tuple[str, ...], vocabulary: dict[str, FloatArray]) -> LabelSet:
    """The label set of our labels from a vocabulary's features.

    Raises LabelError for a label whose name, or stand-in, the vocabulary does not have.
    """
    rows = []
    for label in labels:
        name = LABEL_FEATURES.get(label, label).lower()
        if name not in vocabulary:
            raise LabelError(
                f"no CLIP text feature for label {label!r} (looked for {name!r})",
                "choose a name of OpenImages, Objects365 or LVIS",
            )
        rows.append(vocabulary[name])
    return LabelSet(labels, np.stack(rows), template="a {}")
