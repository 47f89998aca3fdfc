"""Makes every excerpt in this folder from the full goldens: `python make_excerpts.py GOLDEN OUT`.

README.md beside it says what the excerpts are. Only NumPy is needed.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np

# Cloud -> the settings kept, and whether the raw z-buffers are kept beside the depth maps.
RENDER = {
    "chair": (("v10_rot1", "v6_rot0"), True),
    "rod": (("v10_rot0", "v6_rot1"), True),
    "n2": (("v6_rot0", "v6_rot1", "v10_rot0", "v10_rot1"), True),
    "n1_direct": (("v6_rot0", "v6_rot1", "v10_rot0", "v10_rot1"), True),
    "n1_norm": (("v10_rot1",), True),
    "sphere": (("v6_rot0",), False),
    "box": (("v6_rot0",), False),
    "plane": (("v6_rot0",), False),
    "n128": (("v10_rot1",), False),
    "n2048": (("v6_rot0",), False),
    "offset_dup": (("v10_rot1",), False),
    "all_same": (("v10_rot1",), False),
}
JITTERED = [5, 6, 7]  # the rows of aug.npz that are kept
FEATURES = ["chair", "rod", "n2"]  # the clouds whose features before the head are kept


def main(golden: Path, out: Path) -> None:
    """Read the folder `golden` of the full goldens, write the excerpts to the folder `out`."""
    for cloud, (settings, raw) in RENDER.items():
        maps = [f"{kind}_{s}" for s in settings for kind in (("zbuf", "depth01") if raw else ("depth01",))]
        excerpt(golden / "render" / f"{cloud}.npz", out / f"{cloud}.npz", ["points_raw", "points", *maps])
    jittered = ["points", "aug_dist", "zbuf", "depth01", "R", "T"]
    excerpt(golden / "render/aug.npz", out / "aug.npz", jittered, rows=JITTERED)
    for source in ("render/cameras.npz", "loss/ntxent.npz", "models/keys_tiny.json"):
        shutil.copyfile(golden / source, out / Path(source).name)
    models(golden / "models/tiny.npz", out / "models.npz")
    training(golden / "loss", out / "training.npz")


def excerpt(source: Path, out: Path, names: Iterable[str], rows: list[int] | None = None) -> None:
    with np.load(source) as golden:
        arrays = {name: golden[name] for name in names}
    np.savez_compressed(out, **{name: a if rows is None else a[rows] for name, a in arrays.items()})


def models(source: Path, out: Path) -> None:
    """Words, tokens, text features, every logit; features before the heads for a few clouds."""
    with np.load(source) as golden:
        arrays = {
            name: values
            for name, values in golden.items()
            if not name.endswith(("_feat_raw", "_logits_view")) and name != "text_raw"
        }
        rows = [golden["clouds"].tolist().index(cloud) for cloud in FEATURES]
        for name in golden.files:
            if name.startswith("zs_") and name.endswith(("_feat_raw", "_logits_view")):
                arrays[name] = golden[name][rows]
    np.savez_compressed(out, feature_rows=np.array(rows), **arrays)


def training(folder: Path, out: Path) -> None:
    """The authors' losses, and what they follow from without any weights of an encoder or adapter."""
    kept = {
        "pretrain": (
            *("depth_feat_raw", "image_feat_raw", "loss", "image_loss", "depth_loss"),
            *("weights", "grad_weights", "lamb_after3_weights"),
        ),
        "fewshot": ("labels", "loss", "logits_step0"),
    }
    arrays = {}
    for kind, names in kept.items():
        with np.load(folder / f"{kind}_tiny.npz") as golden:
            arrays.update({f"{kind}_{name}": golden[name] for name in names})
    np.savez_compressed(out, **arrays)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
