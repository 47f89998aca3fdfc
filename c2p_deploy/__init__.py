"""The contract that every stage of c2p-deploy shares: views, projection, files, labels, manifest."""

from c2p_deploy.depth import DepthSpec, project_depth_reference
from c2p_deploy.io import read_cloud
from c2p_deploy.labels import LabelSet
from c2p_deploy.manifest import Manifest
from c2p_deploy.prepare import prepare_points
from c2p_deploy.views import ViewSet

__all__ = [
    "DepthSpec",
    "LabelSet",
    "Manifest",
    "ViewSet",
    "prepare_points",
    "project_depth_reference",
    "read_cloud",
]
