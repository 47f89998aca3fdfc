"""Files in, points out: `read_cloud` reads every cloud and mesh format a robot or a CAD system writes.

    from c2p_deploy.io import read_cloud
    points = read_cloud("chair.ply")        # (N, 3) float32, finite

Importing this package costs numpy and nothing else; LZF and LAZ decoders are imported
by the readers that need them.
"""

from c2p_deploy.io.read import CLOUD_SUFFIXES, read_cloud

__all__ = ["CLOUD_SUFFIXES", "read_cloud"]
