"""What a user hands over as a cloud, for the GPU: an array of the host, or memory of the device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from c2p_deploy.errors import CloudError
from c2p_deploy.projection.prepare import NO_FINITE_POINT, as_floats, check_shape


@dataclass(frozen=True)
class HostCloud:
    """points: float32 or float64 [N, 3]. offset: [3], to be taken off before float32 has to do."""

    points: npt.NDArray[np.floating]
    offset: npt.NDArray[np.floating]


@dataclass(frozen=True)
class DeviceCloud:
    """float32 [count, 3] without gaps at an address of the device.

    stream: handle of the CUDA stream that the points are complete on, None when they are already.
    """

    address: int
    count: int
    stream: int | None


def as_input(cloud: Any, max_points: int) -> HostCloud | DeviceCloud:
    """The cloud as one or the other. Raises CloudError for a wrong shape or dtype, or too many points."""
    interface = getattr(cloud, "__cuda_array_interface__", None)
    found = _host(cloud) if interface is None else _device(interface)
    count = len(found.points) if isinstance(found, HostCloud) else found.count
    if count == 0:
        raise CloudError(*NO_FINITE_POINT)
    if count > max_points:
        raise CloudError(
            f"{count} points, but the buffers on the GPU hold {max_points}",
            f"make the classifier with max_points={count} or more, or thin the cloud",
        )
    return found


def _host(cloud: Any) -> HostCloud:
    points = as_floats(cloud)
    # Map coordinates are large: in float32 they would leave no digits for the shape. float32 points
    # have lost those already, and are taken as they are.
    offset = np.zeros(3, points.dtype)
    if points.dtype == np.float64:
        finite = np.isfinite(points).all(axis=1)
        if finite.any():
            offset = points[finite.argmax()]
    return HostCloud(points, offset)


def _device(interface: dict[str, Any]) -> DeviceCloud:
    """From version 3 of the CUDA array interface, which says which stream the data is complete on."""
    shape, strides = tuple(interface["shape"]), interface.get("strides")
    check_shape(shape)
    packed = shape[1] == 3 and (strides is None or tuple(strides) == (12, 4))
    if interface["typestr"] != "<f4" or not packed:
        raise CloudError(
            f"points on the GPU must be float32 [N, 3] without gaps, got {interface['typestr']} "
            f"{list(shape)} with strides {strides}",
            "convert them there (in torch: points[:, :3].float().contiguous())",
        )
    return DeviceCloud(int(interface["data"][0]), int(shape[0]), interface.get("stream"))
