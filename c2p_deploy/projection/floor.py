"""Whether a cloud has a piece of the floor in it that its thing stands on.

To a model the floor is part of the thing. Taking it away by itself would take away what looks alike, so
`c2p-run` only says so; a scene's segmentation, which sees more of the floor, removes it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from c2p_deploy.projection.spec import UpAxis, up_vector

# Of 499 held-out clouds of single things none is this flat and this wide at its foot. With a square of floor
# of a third as many points all are where it is three radii wide, and six of ten where it is two.
LEAST_SHARE = 0.15  # of all points in the layer at the foot
LEAST_WIDTH = 1.3  # of that layer, to the rest, along both horizontal axes
_LAYER = 0.02  # its height, in half extents of the cloud
_MOST_POINTS = 4096  # looked at
_BOUNDS = (0.01, 0.99)  # what lies beyond may be strays


def has_floor(points: npt.NDArray[np.floating], up: UpAxis) -> bool:
    """Whether the lowest layer of points [N, 3] holds a good share of them and reaches beyond the rest."""
    cloud = points[:: max(1, -(-len(points) // _MOST_POINTS)), :3].astype(np.float64)
    cloud = cloud[np.isfinite(cloud).all(axis=1)]
    if len(cloud) == 0:
        return False
    low, high = np.quantile(cloud, _BOUNDS, axis=0)
    direction = up_vector(up)
    axis = int(np.abs(direction).argmax())
    bottom = low[axis] if direction[axis] > 0 else high[axis]
    layer = np.abs(cloud[:, axis] - bottom) <= _LAYER * (high - low).max() / 2
    if layer.all() or layer.mean() < LEAST_SHARE:
        return False
    across = [other for other in range(3) if other != axis]
    foot, rest = (
        np.ptp(np.quantile(part[:, across], _BOUNDS, axis=0), axis=0)
        for part in (cloud[layer], cloud[~layer])
    )
    return bool((foot >= LEAST_WIDTH * rest).all())
