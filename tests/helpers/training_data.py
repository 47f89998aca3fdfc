"""A small stand-in for the training data: two shapes as clouds, and text features for their names."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np


def write_clouds(root: Path, per_class: int = 12, classes: tuple[str, ...] = ("table", "bed")) -> Path:
    """CLASS/FILE.npy below root: the first class flat plates, the second upright rods, then balls; z up."""
    rng = np.random.default_rng(7)
    extents = [(1.0, 1.0, 0.05), (0.05, 0.05, 1.0), (0.6, 0.6, 0.6)]
    for name, extent in zip(classes, extents, strict=False):
        (root / name).mkdir(parents=True)
        for number in range(per_class):
            points = rng.uniform(-1, 1, (300, 3)) * extent * rng.uniform(0.8, 1.2, 3)
            np.save(root / name / f"{number:03}.npy", points.astype(np.float32))
    return root


def write_text_features(folder: Path) -> Path:
    """The files of Detic with a few names of our own: OpenImages overrides LVIS where both have one."""
    folder.mkdir()
    rng = np.random.default_rng(3)
    oid = ["Table", "Bed", "Couch", "Chair"]
    lvis = [{"name": "table", "id": 2}, {"name": "dresser", "id": 1}]
    (folder / "class_names_lvis_oid.json").write_text(json.dumps({"oid": oid, "lvis_v1": []}))
    (folder / "lvis_v1_train_cat_info.json").write_text(json.dumps(lvis))
    with (folder / "Objects365_names_fix.csv").open("w", newline="") as file:
        csv.writer(file).writerow(["1", "Lamp", "Lamp"])
    for name, count in (("oid_clip_a+cname", 4), ("lvis_v1_clip_a+cname", 2), ("o365_clip_a+cnamefix", 1)):
        np.save(folder / f"{name}.npy", rng.normal(size=(count, 512)).astype(np.float16))
    return folder
