"""The benchmarks' HDF5 releases, and the class names of the benchmarks.

ModelNet40 as 2,048 points per object (modelnet40_ply_hdf5_2048, made for PointNet) and
ScanObjectNN (Uy et al., ICCV 2019). Both are **y up**, unlike the ModelNet meshes: who trains
on the former turns clouds about y to vary their heading.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from c2p_deploy.errors import C2PError, MissingDependencyError, reason_of
from c2p_deploy.extras import install
from c2p_train.datasets.cloud_sets import CloudSet, Item, Split, plain_name

MODELNET10_LABELS = (
    "bathtub", "bed", "chair", "desk", "dresser", "monitor", "night stand", "sofa", "table", "toilet",
)  # fmt: skip
MODELNET40 = (
    "airplane", "bathtub", "bed", "bench", "bookshelf", "bottle", "bowl", "car", "chair", "cone", "cup",
    "curtain", "desk", "door", "dresser", "flower pot", "glass box", "guitar", "keyboard", "lamp",
    "laptop", "mantel", "monitor", "night stand", "person", "piano", "plant", "radio", "range hood",
    "sink", "sofa", "stairs", "stool", "table", "tent", "toilet", "tv stand", "vase", "wardrobe", "xbox",
)  # fmt: skip
SCANOBJECTNN = (
    "bag", "bin", "box", "cabinet", "chair", "desk", "display", "door", "shelf", "table", "bed",
    "pillow", "sink", "sofa", "toilet",
)  # fmt: skip

# Variant of ScanObjectNN, as its paper calls them -> folder, end of the file's name. The first is
# what the authors of CLIP2Point measure on.
VARIANTS = {
    "obj_bg": ("main_split", ""),
    "obj_only": ("main_split_nobg", ""),
    "pb_t25": ("main_split", "_augmented25_norot"),
    "pb_t25_r": ("main_split", "_augmented25rot"),
    "pb_t50_r": ("main_split", "_augmentedrot"),
    "pb_t50_rs": ("main_split", "_augmentedrot_scale75"),
}
_REMEDY = "download it again"
_SCAN_SPLIT = {"train": "training", "test": "test"}


def find_modelnet40_hdf5(path: Path, split: Split) -> CloudSet | None:
    """The clouds of a folder with ply_data_*.h5, or None if it is none. Raises C2PError if it lacks parts."""
    if not any(path.glob("ply_data_*.h5")):
        return None
    files = sorted(path.glob(f"ply_data_{split}*.h5"))
    listing = path / f"{split}_files.txt"
    wanted = _lines(listing) if listing.exists() else []
    missing = sorted({Path(line).name for line in wanted} - {file.name for file in files})
    if missing or not files:
        raise C2PError(
            f"lacks {', '.join(missing) or f'ply_data_{split}*.h5'}",
            "unpack modelnet40_ply_hdf5_2048.zip again",
            path,
        )
    names = path / "shape_names.txt"
    if not names.exists():
        raise C2PError("missing, so labels have no names", "unpack modelnet40_ply_hdf5_2048.zip again", names)
    classes = tuple(plain_name(line) for line in _lines(names))
    return CloudSet(
        name="ModelNet40 (2,048 points, HDF5)",
        layout=f"ply_data_{split}*.h5",
        up="y",
        classes=classes,
        files=(names, *files),
        items=lambda: [item for file in files for item in _read_hdf5(file, classes)],
    )


def find_scanobjectnn(path: Path, split: Split, variant: str | None) -> CloudSet | None:
    """A variant of ScanObjectNN, or None if `path` is none of its folders.

    path: the folder that holds main_split and main_split_nobg, or one of these two. Raises
    C2PError when the variant's file is missing.
    """
    roots = (path, path / "h5_files")
    root = next((r for r in roots if (r / "main_split").is_dir() or (r / "main_split_nobg").is_dir()), None)
    if root is None and not any(path.glob("*_objectdataset*.h5")):
        return None
    without_background = root is None and path.resolve().name == "main_split_nobg"
    variant = variant or ("obj_only" if without_background else "obj_bg")
    if variant not in VARIANTS:
        raise C2PError(f"no variant {variant!r} of ScanObjectNN", f"there are {', '.join(VARIANTS)}")
    if without_background != (variant == "obj_only") and root is None:
        raise C2PError(f"{variant} is not in this folder", "give the one above it", path)
    folder, ending = VARIANTS[variant]
    inside = path if root is None else root / folder
    file = inside / f"{_SCAN_SPLIT[split]}_objectdataset{ending}.h5"
    if not file.exists():
        raise C2PError(
            "missing", "unpack h5_files.zip of ScanObjectNN again or choose another --variant", file
        )
    return CloudSet(
        name=f"ScanObjectNN {variant.upper()}",
        layout=f"{inside.name}/{file.name}",
        up="y",
        classes=SCANOBJECTNN,
        files=(file,),
        items=lambda: _read_hdf5(file, SCANOBJECTNN),
    )


def _read_hdf5(file: Path, classes: Sequence[str]) -> list[Item]:
    """The clouds of one file: `data` [N, P, 3] and `label` [N] or [N, 1]. Raises C2PError."""
    try:
        import h5py
    except ImportError as error:
        raise MissingDependencyError("reading HDF5 needs h5py", install("train"), file) from error
    try:
        with h5py.File(file, "r") as stored:
            missing = [key for key in ("data", "label") if key not in stored]
            if missing:
                found = ", ".join(stored) or "nothing"
                raise C2PError(f"has no {' and no '.join(missing)} (but {found})", _REMEDY, file)
            data: npt.NDArray[Any] = stored["data"][()]
            label: npt.NDArray[Any] = stored["label"][()]
    except (OSError, RuntimeError, TypeError, AttributeError) as error:
        raise C2PError(f"not a readable HDF5 file ({reason_of(error)})", _REMEDY, file) from error
    label = label.reshape(-1) if label.shape[1:] in ((), (1,)) else label
    if data.ndim != 3 or data.shape[2] != 3 or data.dtype.kind != "f" or label.shape != data.shape[:1]:
        raise C2PError(
            f"data {data.dtype} {data.shape} and label {label.shape} are not clouds [N, P, 3] with one label "
            "each",
            _REMEDY,
            file,
        )
    if label.dtype.kind not in "iu" or not ((label >= 0) & (label < len(classes))).all():
        raise C2PError(
            f"labels must be whole numbers in 0 ... {len(classes) - 1}, one for each class",
            "this is another data set",
            file,
        )
    return [
        Item(f"{file.name}[{row}]", int(which), points)
        for row, (which, points) in enumerate(zip(label, np.asarray(data, dtype=np.float32), strict=True))
    ]


def _lines(path: Path) -> list[str]:
    return [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
