"""Files in, points out: `read_cloud` reads every cloud and mesh format a robot or a CAD system writes.

    from c2p_deploy.io import read_cloud
    points = read_cloud("chair.ply")        # (N, 3) float32, finite

`read_cloud2` does for the messages of a robot, `c2p_deploy.io.recording` for whole recordings of them.

The readers are our own because a robot must not crash on a file. General mesh libraries take
a header's word for the size of the data, accept some truncated files in silence, and cost more
start-up time than a whole classification; here every promise of a header is checked against
the size of the file before anything is allocated. trimesh and pypcd4 remain the oracles of the
tests (tests/deploy/io/test_read_oracles.py).

Importing this package costs numpy and nothing else; LZF and LAZ decoders are imported
by the readers that need them.
"""

from c2p_deploy.io.find import find_clouds
from c2p_deploy.io.pointcloud2 import read_cloud2
from c2p_deploy.io.read import CLOUD_SUFFIXES, read_cloud
from c2p_deploy.io.stream import read_stream

__all__ = ["CLOUD_SUFFIXES", "find_clouds", "read_cloud", "read_cloud2", "read_stream"]
