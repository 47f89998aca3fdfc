"""The data that recipes learn from: which files there are, what they show, which are for validation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from c2p_deploy import LabelSet
from c2p_deploy.errors import C2PError
from c2p_deploy.projection.spec import UpAxis
from c2p_train.datasets.cloud_files import hashed_fraction
from c2p_train.model.detic_features import label_set_of, read_detic_features

VAL_FRACTION = 0.1  # of every class: the validation files, never trained on
SEED = 0  # of the run that made the bundled model

# Folder of ModelNet10 or of the Princeton/SHREC meshes -> label; what is the same thing has one label.
FOLDER_LABELS = {
    # ModelNet10
    "bathtub": "bathtub", "bed": "bed", "chair": "chair", "desk": "desk", "dresser": "dresser",
    "monitor": "monitor", "night_stand": "night stand", "sofa": "sofa", "table": "table",
    "toilet": "toilet",
    # meshes, upright
    "AircraftBuoyant": "balloon", "Apartment": "building", "AquaticAnimal": "fish", "Bed": "bed",
    "Bicycle": "bicycle", "Biplane": "airplane", "Bird": "bird", "Bottle": "bottle",
    "BuildingNonResidential": "building", "Car": "car", "Chess": "chess piece", "City": "building",
    "Computer": "computer", "Cup": "cup", "DeskLamp": "lamp", "Door": "door", "FloorLamp": "lamp",
    "Gun": "gun", "Hand": "hand", "Hat": "hat", "Helicopter": "helicopter", "House": "house",
    "HumanHead": "head", "Humanoid": "person", "Insect": "insect", "Jet": "airplane",
    "Knife": "knife", "Motorcycle": "motorcycle", "Mug": "mug", "MultiSeat": "sofa",
    "Musical_Instrument": "musical instrument", "NonWheelChair": "chair", "PlantIndoors": "plant",
    "PlantWildNonTree": "plant", "Quadruped": "animal", "RectangleTable": "table",
    "RoundTable": "table", "Shelf": "shelf", "Ship": "ship", "Sign": "sign",
    "Starship": "spaceship", "Sword": "sword", "Tool": "tool", "Train": "train", "Tree": "tree",
    "Truck": "truck", "Vase": "vase", "Wheel": "wheel",
    # meshes in arbitrary orientation, where the folder is not among the upright ones
    "Bookset": "book", "Bus": "bus", "Cellphone": "mobile phone", "ClassicPiano": "musical instrument",
    "ComputerKeyboard": "computer keyboard", "DeskPhone": "telephone", "Drum": "musical instrument",
    "Fish": "fish", "Glasses": "glasses", "Guitar": "musical instrument", "MilitaryVehicle": "tank",
    "Monitor": "monitor", "Monoplane": "airplane", "PianoBoard": "musical instrument",
    "Rocket": "rocket", "Skyscraper": "building", "Spoon": "spoon", "SubmachineGun": "gun",
    "TruckNonContainer": "truck", "Violin": "musical instrument", "WheelChair": "wheelchair",
}  # fmt: skip

# Only ever seen in arbitrary orientation: they help the encoder, but nothing upright has
# shown how well they are recognised, so the bundled label set leaves them out.
TRAINING_ONLY_LABELS = frozenset(
    {"book", "bus", "computer keyboard", "glasses", "mobile phone", "rocket", "spoon", "tank",
     "telephone", "wheelchair"}
)  # fmt: skip


@dataclass(frozen=True)
class Source:
    """One data set on disk, laid out CLASS/FILE."""

    name: str
    root: Path
    up: UpAxis
    samplings: int  # how often each file is sampled: more than once only helps meshes
    any_pose: bool = False  # objects lie in arbitrary orientation
    weight: float = 1.0  # of the source in training


def sources_of(
    modelnet10: Path | None, meshes: Path | None, posed_meshes: Path | None = None
) -> list[Source]:
    """The data sets for research use that were given, in the order of the model cards."""
    sets = (
        (modelnet10, Source("ModelNet10", Path(), "z", samplings=1)),
        (meshes, Source("meshes", Path(), "y", samplings=4)),
        (posed_meshes, Source("posed meshes", Path(), "y", samplings=3, any_pose=True, weight=0.5)),
    )
    return [replace(source, root=root) for root, source in sets if root is not None]


@dataclass(frozen=True)
class RecipeData:
    """Folders CLASS/FILE of clouds and meshes, and the folder of CLIP's text features."""

    modelnet10: Path
    meshes: Path
    posed_meshes: Path
    text: Path

    @property
    def sources(self) -> list[Source]:
        """The three data sets."""
        return sources_of(self.modelnet10, self.meshes, self.posed_meshes)

    def label_set(self, names: tuple[str, ...]) -> LabelSet:
        """These labels with CLIP's text features. Raises LabelError for one that has none."""
        return label_set_of(names, read_detic_features(self.text))

    @staticmethod
    def offered(labels: LabelSet) -> LabelSet:
        """Those that a model is offered with: the others were only seen in arbitrary orientation."""
        return labels.subset(name for name in labels.names if name not in TRAINING_ONLY_LABELS)


def class_files(source: Source) -> list[Path]:
    """The files of all known classes below the source's root, in a fixed order. Raises C2PError."""
    if not source.root.is_dir():
        raise C2PError("no such folder", f"give the {source.name} data as CLASS/FILE", source.root)
    files = [
        path
        for folder in sorted(source.root.iterdir())
        if folder.name in FOLDER_LABELS
        for path in sorted(folder.iterdir())
        if path.is_file()
    ]
    if not files:
        raise C2PError("no class folder known to c2p_recipes.data", "give CLASS/FILE", source.root)
    return files


def validation_files(source: Source, val_fraction: float, seed: int) -> list[Path]:
    """`val_fraction` of every class of the source, by a hash of the name: these are never trained on."""
    by_class: dict[str, list[Path]] = {}
    for path in class_files(source):
        by_class.setdefault(path.parent.name, []).append(path)
    return hashed_fraction(by_class, val_fraction, f"{seed}/{source.name}")
