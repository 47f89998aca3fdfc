"""On the robot: clouds in, predictions out.

    from c2p_runtime import Classifier, read_cloud
    print(Classifier()(read_cloud("chair.ply")).label)

Importing this package is cheap; NumPy and ONNX Runtime are imported when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from c2p_deploy.io import read_cloud, read_cloud2
    from c2p_runtime.classifier import Classifier
    from c2p_runtime.prediction import Prediction
    from c2p_runtime.robot.stream import Stream
    from c2p_runtime.scene.classifier import SceneClassifier
    from c2p_runtime.scene.segmentation import SceneOptions

_HOMES = {
    "Classifier": "c2p_runtime.classifier",
    "Prediction": "c2p_runtime.prediction",
    "SceneClassifier": "c2p_runtime.scene.classifier",
    "SceneOptions": "c2p_runtime.scene.segmentation",
    "Stream": "c2p_runtime.robot.stream",
    "read_cloud": "c2p_deploy.io",
    "read_cloud2": "c2p_deploy.io",
}
__all__ = [
    "Classifier",
    "Prediction",
    "SceneClassifier",
    "SceneOptions",
    "Stream",
    "read_cloud",
    "read_cloud2",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
