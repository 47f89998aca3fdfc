"""PointCloud2 messages out of structured arrays, as drivers lay them out."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

DATATYPE = {"i1": 1, "u1": 2, "i2": 3, "u2": 4, "i4": 5, "u4": 6, "f4": 7, "f8": 8}
XYZ = np.dtype([(name, "<f4") for name in "xyz"])
# As drivers lay points out: PCL's PointXYZI, Velodyne's, Ouster's, and one of doubles.
PCL = np.dtype({"names": ["x", "y", "z", "intensity"], "formats": ["<f4"] * 4, "offsets": [0, 4, 8, 16],
                "itemsize": 32})  # fmt: skip
VELODYNE = np.dtype({"names": ["x", "y", "z", "intensity", "ring", "time"],
                     "formats": ["<f4", "<f4", "<f4", "<f4", "<u2", "<f4"],
                     "offsets": [0, 4, 8, 12, 16, 18], "itemsize": 22})  # fmt: skip
OUSTER = np.dtype({"names": ["x", "y", "z", "intensity", "t", "reflectivity", "ring", "ambient", "range"],
                   "formats": ["<f4", "<f4", "<f4", "<f4", "<u4", "<u2", "<u2", "<u2", "<u4"],
                   "offsets": [0, 4, 8, 16, 20, 24, 26, 28, 32], "itemsize": 48})  # fmt: skip
DOUBLES = np.dtype([("t", "u1"), *((name, "<f8") for name in "xyz")])
LAYOUTS = {"xyz": XYZ, "pcl": PCL, "velodyne": VELODYNE, "ouster": OUSTER, "doubles": DOUBLES}


def fields_of(dtype: np.dtype[Any]) -> list[SimpleNamespace]:
    """The PointFields of a structured type; one of several elements has a count."""
    assert dtype.fields is not None
    fields = []
    for name, (kind, offset, *_) in dtype.fields.items():
        count = int(np.prod(kind.shape, initial=1))
        fields.append(
            SimpleNamespace(name=name, offset=offset, datatype=DATATYPE[kind.base.str[1:]], count=count)
        )
    return fields


def message(points: np.ndarray, gap: int = 0, big_endian: bool = False, **changed: Any) -> SimpleNamespace:
    """A message of points, structured [W] or [H, W], each row followed by a gap of so many bytes."""
    height, width = (1, *points.shape)[-2:]
    step = points.dtype.itemsize
    rows = points.reshape(height, width)
    data = b"".join(rows[i].tobytes() + b"\xff" * gap for i in range(height))
    values = {
        "header": SimpleNamespace(frame_id="lidar", stamp=SimpleNamespace(sec=1, nanosec=2)),
        "height": height,
        "width": width,
        "fields": fields_of(points.dtype),
        "is_bigendian": big_endian,
        "point_step": step,
        "row_step": width * step + gap,
        "data": data,
        "is_dense": True,
    }
    return SimpleNamespace(**values | changed)


def random_points(dtype: np.dtype[Any], shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Structured points with every field filled at random; no coordinate is zero."""
    rng = np.random.default_rng(seed)
    points = np.zeros(shape, dtype)
    assert dtype.names is not None
    for name in dtype.names:
        size = points[name].shape
        floats = dtype[name].base.kind == "f"
        points[name] = rng.normal(1, 0.1, size) if floats else rng.integers(1, 100, size)
    return points


def xyz_of(points: np.ndarray) -> np.ndarray:
    """The oracle: float32 [N, 3] of structured points."""
    flat = points.reshape(-1)
    columns = [flat[name] if flat[name].ndim == 1 else flat[name][:, 0] for name in "xyz"]
    return np.stack([column.astype(np.float32) for column in columns], axis=1)


def ros_message(store: Any, points: np.ndarray, stamp: int = 1_000_000_002, frame: str = "lidar") -> Any:
    """The same as a message of a rosbags type store, for its writers."""
    types = store.types
    bare = message(points)
    header = types["std_msgs/msg/Header"]
    time = types["builtin_interfaces/msg/Time"](stamp // 10**9, stamp % 10**9)
    sequence = {"seq": 0} if "seq" in header.__dataclass_fields__ else {}
    field = types["sensor_msgs/msg/PointField"]
    return types["sensor_msgs/msg/PointCloud2"](
        header(**sequence, stamp=time, frame_id=frame),
        bare.height,
        bare.width,
        [field(f.name, f.offset, f.datatype, f.count) for f in bare.fields],
        bare.is_bigendian,
        bare.point_step,
        bare.row_step,
        np.frombuffer(bare.data, np.uint8),
        bare.is_dense,
    )
