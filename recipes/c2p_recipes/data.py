"""The data that the recipes learn from: which sources there are, and what their things are called."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from c2p_deploy import LabelSet
from c2p_recipes.classes import TRAINING_ONLY_LABELS
from c2p_recipes.clouds import Source
from c2p_train.model.detic_features import label_set_of, read_detic_features

VAL_FRACTION = 0.1  # of every class, never trained on
SEED = 0  # of the run that made the bundled model


@dataclass(frozen=True)
class RecipeData:
    """Folders CLASS/FILE of clouds and meshes, and the folder of CLIP's text features."""

    modelnet10: Path
    meshes: Path
    posed_meshes: Path
    text: Path

    @property
    def sources(self) -> list[Source]:
        """The data sets of the bundled model, in the order of its model card."""
        return [
            Source("ModelNet10", self.modelnet10, "z", samplings=1),
            Source("meshes", self.meshes, "y", samplings=4),
            Source("posed meshes", self.posed_meshes, "y", samplings=3, any_pose=True, weight=0.5),
        ]

    def label_set(self, names: tuple[str, ...]) -> LabelSet:
        """These labels with CLIP's text features. Raises LabelError for one that has none."""
        return label_set_of(names, read_detic_features(self.text))

    @staticmethod
    def offered(labels: LabelSet) -> LabelSet:
        """Those that a model is offered with: the others were only seen in arbitrary orientation."""
        return labels.subset(name for name in labels.names if name not in TRAINING_ONLY_LABELS)
