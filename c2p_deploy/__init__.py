"""The contract that every stage of c2p-deploy shares: projection, files, labels, manifest, errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from c2p_deploy.io import read_cloud
from c2p_deploy.labels import LabelSet
from c2p_deploy.manifest import Manifest
from c2p_deploy.projection.prepare import prepare_points
from c2p_deploy.projection.reference import project_depth_reference
from c2p_deploy.projection.spec import DepthSpec
from c2p_deploy.projection.views import ViewSet

if TYPE_CHECKING:
    from c2p_deploy.projection.compiled import project_depth

__all__ = [
    "DepthSpec",
    "LabelSet",
    "Manifest",
    "ViewSet",
    "prepare_points",
    "project_depth",
    "project_depth_reference",
    "read_cloud",
]


def __getattr__(name: str) -> Any:
    if name != "project_depth":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from c2p_deploy.projection.compiled import project_depth  # Numba takes a third of a second to import

    return project_depth
