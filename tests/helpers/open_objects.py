"""Stand-ins for the open packs: a Debian package of furniture, a folder of named objects, text features of
all labels.
"""

from __future__ import annotations

import csv
import io
import json
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from c2p_recipes.vocabulary.table import all_labels

# A slab of 1 x 2 x 4 that lies along z; as the catalogue turns it, 4 wide, 2 high, 1 deep.
SLAB = "".join(f"v {x} {y} {z}\n" for x in (0, 1) for y in (0, 2) for z in (0, 4)) + "".join(
    f"f {face}\n" for face in ("1 2 4 3", "5 7 8 6", "1 5 6 2", "3 4 8 7", "1 3 7 5", "2 6 8 4")
)


def write_package(path: Path, models: Sequence[tuple[str, str]]) -> Path:
    """A .deb with one catalogue, Scopia; models: name and path of each, all of them the slab."""
    catalogue = ""
    for number, (name, model) in enumerate(models, start=1):
        catalogue += f"name#{number}={name}\nmodel#{number}=/{model}\ncreator#{number}=Zo\\u00eb\n"
        catalogue += f"modelRotation#{number}=0 0 1 0 1 0 -1 0 0\n"
        catalogue += f"width#{number}=80\ndepth#{number}=20\nheight#{number}=40\n\n"
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("PluginFurnitureCatalog.properties", catalogue.encode("latin-1"))
        for _, model in models:
            file.writestr(model, SLAB)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:xz") as tar:
        info = tarfile.TarInfo("./usr/share/sweethome3d/furniture/Scopia.sh3f")
        info.size = len(archive.getvalue())
        tar.addfile(info, io.BytesIO(archive.getvalue()))
    members = ((b"debian-binary", b"2.0\n"), (b"data.tar.xz", packed.getvalue()))
    data = b"!<arch>\n"
    for name, content in members:
        head = name.ljust(16) + b"0".ljust(12) + b"0".ljust(6) + b"0".ljust(6) + b"644".ljust(8)
        data += head + str(len(content)).encode().ljust(10) + b"`\n" + content + b"\n" * (len(content) % 2)
    path.write_bytes(data)
    return path


def write_objects(folder: Path, rows: Sequence[tuple[str, str, str]]) -> Path:
    """objects.tsv and objects.npz; rows: pack, name and path of each, clouds drawn in boxes of their own."""
    folder.mkdir()
    rng = np.random.default_rng(11)
    with (folder / "objects.tsv").open("w", newline="") as file:
        table = csv.writer(file, delimiter="\t")
        table.writerow(["index", "pack", "name", "category", "faces", "licence", "path"])
        for number, (pack, name, path) in enumerate(rows):
            table.writerow([number, pack, name, "", 12, "CC0", path])
    sizes = rng.uniform(0.2, 1.0, (len(rows), 1, 3))
    np.savez(folder / "objects.npz", points=(rng.uniform(-1, 1, (len(rows), 512, 3)) * sizes).astype("f2"))
    return folder


def write_all_text_features(folder: Path) -> Path:
    """The files of Detic with a random feature for every name that the table of labels asks for."""
    folder.mkdir()
    names = sorted({name for label in all_labels() for name in label.clip})
    rng = np.random.default_rng(5)
    (folder / "class_names_lvis_oid.json").write_text(json.dumps({"oid": names, "lvis_v1": []}))
    (folder / "lvis_v1_train_cat_info.json").write_text(json.dumps([{"name": "unused", "id": 1}]))
    (folder / "Objects365_names_fix.csv").write_text("1,Unused,Unused\n")
    for file, count in (
        ("oid_clip_a+cname", len(names)),
        ("lvis_v1_clip_a+cname", 1),
        ("o365_clip_a+cnamefix", 1),
    ):
        np.save(folder / f"{file}.npy", rng.normal(size=(count, 512)).astype(np.float16))
    return folder
