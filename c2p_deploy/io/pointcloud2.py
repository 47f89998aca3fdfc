"""`read_cloud2`: the points of a sensor_msgs/PointCloud2, wherever the message comes from.

    points = read_cloud2(msg)        # (N, 3) float32

The message may be rclpy's, rospy's, rosbags', one of DDS or Zenoh, or an object of one's own: only its
attributes count, and no ROS is needed. They say how `height` rows of `width` points lie in `data`, and what
drivers write there is not always what the definition says
(https://docs.ros.org/en/noetic/api/sensor_msgs/html/msg/PointCloud2.html), so nothing is believed before it
has been compared with the bytes that are there.
"""

from __future__ import annotations

import operator
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from c2p_deploy.errors import CloudError, reason_of
from c2p_deploy.io.common import quoted

DATATYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 8: "f8"}
"""Of a sensor_msgs/PointField, as NumPy calls them, without their byte order."""
MOST_FIELDS = 1000  # drivers have up to twenty
_DRIVER = "the driver that publishes it is at fault"
_FLOAT32 = np.dtype(np.float32)


class Coordinate(NamedTuple):
    """Where x, y or z lies in a point."""

    name: str
    offset: int  # bytes
    type: np.dtype[Any]

    @property
    def end(self) -> int:
        return self.offset + self.type.itemsize


def read_cloud2(msg: Any) -> NDArray[np.float32]:
    """The x, y and z of a PointCloud2 message: float32 [N, 3], N = height * width.

    msg: any object with the attributes of sensor_msgs/PointCloud2: height, width, fields (each with name,
    offset, datatype and count), is_bigendian, point_step, row_step and data, which may be bytes, a bytearray,
    a memoryview, an array.array, an array of uint8 or a list of numbers.

    Row i is point i of the message, so that further fields and pixels can be found by it. **Holes are NaN**:
    drivers write NaN there, or zeros although they say `is_dense`; a point at exactly (0, 0, 0), in the
    sensor itself, is taken for one. Whatever looks at points here leaves NaN out. Values are neither scaled
    nor turned; doubles and integers are rounded to float32, beyond which they become infinite.

    Nothing is copied where x, y and z are float32 at equal distances, aligned, rows have no gaps and there is
    no zero hole: the result is then a read-only view into `data` (with strides, where a point has more
    fields), which must not be written to while it is used. Else they are copied once.

    Raises CloudError, which names the field that is wrong.
    """
    _check_kind(msg)
    height, width, step = (_whole(msg, name) for name in ("height", "width", "point_step"))
    data = _bytes_of(_attribute(msg, "data"))
    if height == 0 or width == 0:
        if len(data):
            none = "width" if height else "height"
            raise CloudError(f"data has {len(data)} bytes, but {none} is 0", _DRIVER)
        return np.empty((0, 3), np.float32)  # some drivers leave out the fields, too
    row = _row_length(height, width, step, _whole(msg, "row_step"), len(data))
    xyz = _coordinates(_attribute(msg, "fields"), step, _is_big_endian(msg))
    points = _view(data, xyz, height * width, step) if row == width * step else None
    if points is None:
        points = _copy(data, xyz, height, width, step, row)
    return _with_holes(points)


def _view(
    data: NDArray[np.uint8], xyz: list[Coordinate], points: int, step: int
) -> NDArray[np.float32] | None:
    """The coordinates where they lie, read-only [points, 3]; None where no float32 array can lie so."""
    x, y, z = xyz
    apart = y.offset - x.offset
    if any(each.type != _FLOAT32 for each in xyz) or apart < 0 or z.offset - y.offset != apart:
        return None
    view: NDArray[np.float32] = np.ndarray((points, 3), _FLOAT32, data, x.offset, (step, apart))
    if not view.flags.aligned:
        return None
    view.flags.writeable = False
    return view


def _copy(
    data: NDArray[np.uint8], xyz: list[Coordinate], height: int, width: int, step: int, row: int
) -> NDArray[np.float32]:
    """The coordinates of height rows, each `row` bytes after the one before: [height * width, 3]."""
    points = np.empty((height, width, 3), np.float32)
    with np.errstate(over="ignore", invalid="ignore"):  # doubles beyond float32, signalling NaN
        for axis, each in enumerate(xyz):
            points[:, :, axis] = np.ndarray((height, width), each.type, data, each.offset, (row, step))
    return points.reshape(-1, 3)


def _with_holes(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Points [N, 3] with NaN for those that are all zero; copied only if there are any."""
    zero = points[:, 0] == 0
    if not zero.any():
        return points
    zero &= points[:, 1] == 0
    zero &= points[:, 2] == 0
    if not zero.any():
        return points
    points = points if points.flags.writeable else points.copy()
    points[zero] = np.nan
    return points


def _check_kind(msg: Any) -> None:
    """Refuses other messages that a topic of points may carry."""
    if hasattr(msg, "fields") and hasattr(msg, "data"):
        return
    if hasattr(msg, "points") and (hasattr(msg, "point_num") or hasattr(msg, "lidar_id")):
        raise CloudError(
            "is Livox's CustomMsg, not a PointCloud2", "set xfer_format: 0 in the launch file of the driver"
        )
    raise CloudError(
        f"is {quoted(type(msg).__name__)}, not a PointCloud2: it has no fields and data",
        "pass a sensor_msgs/PointCloud2",
    )


def _attribute(msg: Any, name: str, of: str = "the message") -> Any:
    try:
        return getattr(msg, name)
    except AttributeError:
        raise CloudError(f"{of} has no {name}", "pass a sensor_msgs/PointCloud2") from None


def _whole(owner: Any, name: str, of: str = "") -> int:
    """The attribute as a whole number from 0 on."""
    value = _attribute(owner, name, of or "the message")
    prefix = f"{of}: " if of else ""
    try:
        number = operator.index(value)
    except TypeError:
        raise CloudError(f"{prefix}{name} is {quoted(repr(value))}, not a whole number", _DRIVER) from None
    if isinstance(value, (bool, np.bool_)) or number < 0:
        raise CloudError(f"{prefix}{name} is {quoted(value)}, not a count", _DRIVER)
    return number


def _is_big_endian(msg: Any) -> bool:
    value = _attribute(msg, "is_bigendian")
    if isinstance(value, (bool, np.bool_, int, np.integer)) and value in (0, 1):
        return bool(value)
    raise CloudError(f"is_bigendian is {quoted(repr(value))}, not true or false", _DRIVER)


def _bytes_of(data: Any) -> NDArray[np.uint8]:
    """What `data` holds, as one row of bytes; copied only if it is a list, or has gaps."""
    if isinstance(data, (list, tuple)):
        try:
            data = bytes(data)
        except (TypeError, ValueError, OverflowError) as error:
            raise CloudError(f"data is not a list of bytes ({quoted(reason_of(error))})", _DRIVER) from None
    try:
        buffer = memoryview(data)
    except TypeError:
        remedy = "decode it first: base64.b64decode" if isinstance(data, str) else "pass bytes or uint8"
        raise CloudError(f"data is {quoted(type(data).__name__)}, not bytes", remedy) from None
    except (ValueError, BufferError) as error:  # an array of dates or objects, among others
        raise CloudError(f"data is not bytes ({quoted(reason_of(error))})", "pass bytes or uint8") from None
    if buffer.itemsize != 1 or buffer.format not in ("B", "b", "c"):
        raise CloudError(f"data holds elements of type {buffer.format!r}, not bytes", "pass bytes or uint8")
    if not buffer.c_contiguous:
        buffer = memoryview(buffer.tobytes())
    return np.frombuffer(buffer, np.uint8) if buffer.nbytes else np.empty(0, np.uint8)


def _row_length(height: int, width: int, step: int, row_step: int, there: int) -> int:
    """How many bytes a row begins after the one before it; what there is has to be what is promised."""
    packed = width * step
    if height == 1 or there == height * packed:
        row = packed  # many leave a wrong row_step where it does not matter
    elif row_step < packed:
        raise CloudError(f"row_step is {row_step}, less than width × point_step ({width} × {step})", _DRIVER)
    else:
        row = row_step
    # The gap after the last row may be left out.
    if not (height - 1) * row + packed <= there <= max(height * row, row_step if height == 1 else 0):
        promise = f"height × width × point_step ({height} × {width} × {step}"
        promise += f", row_step {row_step})" if row != packed else ")"
        raise CloudError(f"data has {there} bytes, which is not {promise}", _DRIVER)
    return row


def _coordinates(fields: Any, step: int, big_endian: bool) -> list[Coordinate]:
    """Where x, y and z lie, within `step` and without overlapping each other."""
    found: dict[str, Coordinate] = {}
    names = []
    try:
        rows = list(fields) if len(fields) <= MOST_FIELDS else None
    except TypeError:
        raise CloudError(f"fields is {quoted(repr(fields))}, not a list of fields", _DRIVER) from None
    if rows is None:
        raise CloudError(f"fields holds {len(fields)} fields, as no cloud does", _DRIVER)
    for field in rows:
        name = _attribute(field, "name", "one of fields")
        names.append(str(name))
        if not (isinstance(name, str) and name in ("x", "y", "z")):
            continue
        if name in found:
            raise CloudError(f"fields has two of the name {name}", _DRIVER)
        found[name] = _coordinate(field, name, step, ">" if big_endian else "<")
    if missing := [name for name in "xyz" if name not in found]:
        raise CloudError(
            f"fields has no {', no '.join(missing)}, but {quoted(' '.join(names)) or 'none at all'}",
            "choose a topic whose clouds have x, y and z",
        )
    in_order = sorted(found.values(), key=lambda each: each.offset)
    for before, after in pairwise(in_order):
        if after.offset < before.end:
            raise CloudError(
                f"field {after.name}: offset is {after.offset}, where {before.name} still lies", _DRIVER
            )
    return [found[name] for name in "xyz"]


def _coordinate(field: Any, name: str, step: int, order: str) -> Coordinate:
    offset, datatype, count = (_whole(field, key, f"field {name}") for key in ("offset", "datatype", "count"))
    if datatype not in DATATYPES:
        raise CloudError(f"field {name}: datatype is {datatype}, not one of 1 to 8", _DRIVER)
    type = np.dtype(order + DATATYPES[datatype])
    # Of several values in one field the first is the coordinate; a count of 0 stands for 1, as in PCL.
    if offset + max(count, 1) * type.itemsize > step:
        raise CloudError(
            f"field {name}: offset {offset} and {max(count, 1)} of {type.itemsize} bytes"
            f" lie beyond point_step {step}",
            _DRIVER,
        )
    return Coordinate(name, offset, type)
