"""What a user hands over as a cloud, for the GPU: an array of the host, or memory of the device."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from c2p_deploy.errors import CloudError, reason_of
from c2p_deploy.projection.prepare import NO_FINITE_POINT, as_floats, check_shape

_CUDA = (2, 13)  # of DLPack's devices: CUDA's memory, and its managed memory


class HostCloud(NamedTuple):
    """points: float32 or float64 [rows, 3]."""

    points: npt.NDArray[np.floating]
    rows: int


class DeviceCloud(NamedTuple):
    """float32 [rows, 3] without gaps at an address of the device.

    stream: handle of the CUDA stream that the points are complete on, None when ours waits for them or
    they are already. kept: what must live until they are copied.
    """

    address: int
    rows: int
    stream: int | None
    kept: Any = None


def as_input(cloud: Any, max_points: int, stream: int) -> HostCloud | DeviceCloud:
    """The cloud as one or the other. Raises CloudError for a wrong shape or dtype, or too many points.

    stream: handle of our CUDA stream, which is made to wait for memory that comes through DLPack.
    """
    found: HostCloud | DeviceCloud
    if type(cloud) is np.ndarray:
        found = _on_host(cloud)
    elif _is_dlpack(cloud):
        found = _through_dlpack(cloud, stream)
    elif (interface := getattr(cloud, "__cuda_array_interface__", None)) is not None:
        found = _through_interface(interface)
    else:
        found = _on_host(cloud)
    if found.rows == 0:
        raise CloudError(*NO_FINITE_POINT)
    if found.rows > max_points:
        raise CloudError(
            f"{found.rows} points, but the buffers on the GPU hold {max_points}",
            f"make the classifier with max_points={found.rows} or more, or thin the cloud",
        )
    return found


def _on_host(cloud: Any) -> HostCloud:
    points = as_floats(cloud)
    return HostCloud(points, len(points))


def _is_dlpack(cloud: Any) -> bool:
    """Whether it is memory of a CUDA device that can be had by DLPack, as torch's and CuPy's."""
    device = getattr(cloud, "__dlpack_device__", None)
    return device is not None and int(device()[0]) in _CUDA


def _through_dlpack(cloud: Any, stream: int) -> DeviceCloud:
    """The producer makes our stream wait for its own, whichever that is: its array interface hides it."""
    from cuda.core.utils import StridedMemoryView

    try:
        view = StridedMemoryView.from_dlpack(cloud, stream_ptr=stream)
    except Exception as error:  # torch's, for what needs a gradient, among others
        raise CloudError(
            f"points on the GPU cannot be read: {reason_of(error)}", "in torch: points.detach()"
        ) from error
    check_shape(view.shape)
    if view.dtype != np.float32 or view.shape[1] != 3 or view.strides not in (None, (3, 1)):
        raise _not_as_it_must_be(view.dtype, view.shape, view.strides, "elements")
    if view.device_id not in (0, -1):
        raise CloudError(
            f"points lie on GPU {view.device_id}, the engine runs on GPU 0", "in torch: points.to('cuda:0')"
        )
    return DeviceCloud(int(view.ptr), int(view.shape[0]), None, view)


def _through_interface(interface: dict[str, Any]) -> DeviceCloud:
    """From version 3 of the CUDA array interface, which says which stream the data is complete on."""
    shape, strides = tuple(interface["shape"]), interface.get("strides")
    check_shape(shape)
    packed = shape[1] == 3 and (strides is None or tuple(strides) == (12, 4))
    if interface["typestr"] != "<f4" or not packed:
        raise _not_as_it_must_be(interface["typestr"], shape, strides, "bytes")
    return DeviceCloud(int(interface["data"][0]), int(shape[0]), interface.get("stream"))


def _not_as_it_must_be(dtype: Any, shape: tuple[int, ...], strides: Any, unit: str) -> CloudError:
    return CloudError(
        f"points on the GPU must be float32 [N, 3] without gaps, got {dtype} {list(shape)} with strides "
        f"{strides} ({unit})",
        "convert them there (in torch: points[:, :3].float().contiguous())",
    )
