"""Which meshes a folder holds: ShapeNetCore.v2 as it is distributed, or any CLASS/... folder."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from c2p_deploy.errors import C2PError, OptionError
from c2p_deploy.json_file import parse_json, read_small

MESH_SUFFIXES = (".glb", ".gltf", ".obj", ".off", ".ply", ".stl")

# The 55 classes of ShapeNetCore, for folders that came without their taxonomy.json.
SYNSETS = {
    "02691156": "airplane", "02747177": "trash bin", "02773838": "bag", "02801938": "basket",
    "02808440": "bathtub", "02818832": "bed", "02828884": "bench", "02843684": "birdhouse",
    "02871439": "bookshelf", "02876657": "bottle", "02880940": "bowl", "02924116": "bus",
    "02933112": "cabinet", "02942699": "camera", "02946921": "can", "02954340": "cap",
    "02958343": "car", "02992529": "cellphone", "03001627": "chair", "03046257": "clock",
    "03085013": "keyboard", "03207941": "dishwasher", "03211117": "display", "03261776": "earphone",
    "03325088": "faucet", "03337140": "file cabinet", "03467517": "guitar", "03513137": "helmet",
    "03593526": "jar", "03624134": "knife", "03636649": "lamp", "03642806": "laptop",
    "03691459": "loudspeaker", "03710193": "mailbox", "03759954": "microphone",
    "03761084": "microwave", "03790512": "motorbike", "03797390": "mug", "03928116": "piano",
    "03938244": "pillow", "03948459": "pistol", "03991062": "flowerpot", "04004475": "printer",
    "04074963": "remote control", "04090263": "rifle", "04099429": "rocket", "04225987": "skateboard",
    "04256520": "sofa", "04330267": "stove", "04379243": "table", "04401088": "telephone",
    "04460130": "tower", "04468005": "train", "04530566": "watercraft", "04554684": "washer",
}  # fmt: skip

# What may stand in the name of a sample: WebDataset takes everything from the first dot on for the suffix.
_KEY = re.compile(r"[A-Za-z0-9_-]{1,80}/[A-Za-z0-9_-]{1,80}")


@dataclass(frozen=True)
class MeshFile:
    """One mesh to render.

    path: of the file; class_name: plain words; key: "CLASS/ID", unique, of letters, digits, _ and -,
    each half of at most 80 (names the sample in the shards; its first half need not be the class name).
    """

    path: Path
    class_name: str
    key: str

    def __post_init__(self) -> None:
        if not _KEY.fullmatch(self.key):
            raise OptionError(f"key must be CLASS/ID of letters, digits, _ and -, got {self.key!r}")


def find_meshes(root: Path) -> list[MeshFile]:
    """All meshes below `root`, sorted by class and name.

    A folder CLASS that is a WordNet synset (eight digits) is read as ShapeNetCore.v2 has it:
    CLASS/MODEL/models/model_normalized.obj, one mesh per MODEL folder whether the file is there or
    not (rendering lists those that are missing). Its name is taken from ROOT/taxonomy.json, else
    from the table above. Any other folder gives its name and every OBJ, PLY, OFF, STL, GLB and GLTF
    file at any depth in it. Raises C2PError when there is no such folder or no mesh in it.
    """
    names = _synset_names(root)
    found: list[MeshFile] = []
    taken: set[str] = set()
    for folder in class_folders(root):
        if re.fullmatch(r"\d{8}", folder.name):
            models = sorted(path for path in folder.iterdir() if path.is_dir())
            paths = [(model.name, model / "models" / "model_normalized.obj") for model in models]
        else:
            paths = [
                (str(path.relative_to(folder).with_suffix("")), path)
                for path in sorted(folder.rglob("*"))
                if path.suffix.lower() in MESH_SUFFIXES and path.is_file()
            ]
        class_name = names.get(folder.name, folder.name)
        for identity, path in paths:
            key = _free_key(f"{_slug(folder.name)}/{_slug(identity)}", taken)
            found.append(MeshFile(path, class_name, key))
    if not found:
        raise C2PError(
            "holds no mesh",
            f"give a folder with one folder per class, CLASS/FILE ({' '.join(MESH_SUFFIXES)}), or "
            "ShapeNetCore.v2",
            root,
        )
    return found


def class_folders(root: Path) -> list[Path]:
    """The folders of `root` that stand for classes, sorted. Raises C2PError if `root` is no folder."""
    if not root.is_dir():
        raise C2PError("no such folder", "give the folder that holds one folder per class", root)
    return sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))


def _synset_names(root: Path) -> dict[str, str]:
    """Name of each synset: the first of the names in taxonomy.json, where there is such a file."""
    taxonomy = root / "taxonomy.json"
    if not taxonomy.is_file():
        return SYNSETS
    try:
        entries = parse_json(read_small(taxonomy))
        listed = {str(entry["synsetId"]): str(entry["name"]).split(",")[0].strip() for entry in entries}
    except (ValueError, TypeError, KeyError) as error:
        raise C2PError(
            f"is not ShapeNet's list of synsets ({error!r})", "fetch it again or move it away", taxonomy
        ) from error
    return {**SYNSETS, **listed}


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "_", name)[:80]


def _free_key(key: str, taken: set[str]) -> str:
    """`key`, or with a number behind it when another mesh bears it already; added to `taken`."""
    candidate, number = key, 2
    while candidate in taken:
        ending = f"-{number}"
        candidate = key[: len(key.split("/")[0]) + 81 - len(ending)] + ending
        number += 1
    taken.add(candidate)
    return candidate
