"""The contract that every stage of c2p-deploy shares: projection, files, labels, manifest, errors.

Importing this package costs nothing; NumPy and the rest are imported when a name of it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from c2p_deploy.io import read_cloud, read_cloud2
    from c2p_deploy.labels import LabelSet
    from c2p_deploy.manifest import Manifest
    from c2p_deploy.projection.compiled import project_depth
    from c2p_deploy.projection.prepare import prepare_points
    from c2p_deploy.projection.reference import project_depth_reference
    from c2p_deploy.projection.spec import DepthSpec
    from c2p_deploy.projection.views import ViewSet

_HOMES = {
    "DepthSpec": "c2p_deploy.projection.spec",
    "LabelSet": "c2p_deploy.labels",
    "Manifest": "c2p_deploy.manifest",
    "ViewSet": "c2p_deploy.projection.views",
    "prepare_points": "c2p_deploy.projection.prepare",
    "project_depth": "c2p_deploy.projection.compiled",
    "project_depth_reference": "c2p_deploy.projection.reference",
    "read_cloud": "c2p_deploy.io",
    "read_cloud2": "c2p_deploy.io",
}
_ROOMS = {"errors", "files", "io", "labels", "manifest", "projection"}  # after a bare `import c2p_deploy`
__all__ = [
    "DepthSpec",
    "LabelSet",
    "Manifest",
    "ViewSet",
    "prepare_points",
    "project_depth",
    "project_depth_reference",
    "read_cloud",
    "read_cloud2",
]


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return import_module(f"{__name__}.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return value
