"""`read_cloud2`: every layout that drivers publish against NumPy's structured types, and what is refused."""

from __future__ import annotations

import array
import copy
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from c2p_deploy import read_cloud2
from c2p_deploy.errors import C2PError, CloudError
from cloud2 import DATATYPE, LAYOUTS, PCL, VELODYNE, XYZ, message, random_points, ros_message, xyz_of


def assert_reads(msg: Any, expected: np.ndarray) -> np.ndarray:
    found = read_cloud2(msg)
    assert found.dtype == np.float32 and found.shape == expected.shape
    np.testing.assert_array_equal(found, expected)
    return found


@pytest.mark.parametrize("big_endian", [False, True])
@pytest.mark.parametrize("gap", [0, 5, 64])
@pytest.mark.parametrize("shape", [(7,), (3, 5), (1, 1)])
@pytest.mark.parametrize("name", LAYOUTS)
def test_layouts_of_drivers(name: str, shape: tuple[int, ...], gap: int, big_endian: bool) -> None:
    dtype = LAYOUTS[name].newbyteorder(">") if big_endian else LAYOUTS[name]
    points = random_points(dtype, shape)
    assert_reads(message(points, gap, big_endian), xyz_of(points))


@st.composite
def layouts(draw: st.DrawFn) -> tuple[np.dtype[Any], bool]:
    """Any structured type with x, y and z in it, and others, in any order, with gaps between."""
    big_endian = draw(st.booleans())
    names = draw(st.permutations(["x", "y", "z", *draw(st.sets(st.sampled_from("abc")))]))
    formats: list[Any] = []
    offsets, end = [], 0
    for _ in names:
        kind = (">" if big_endian else "<") + draw(st.sampled_from(list(DATATYPE)))
        count = draw(st.integers(1, 3))
        formats.append(kind if count == 1 else (kind, (count,)))
        end += draw(st.integers(0, 5))
        offsets.append(end)
        end += np.dtype(formats[-1]).itemsize
    itemsize = end + draw(st.integers(0, 9))
    return np.dtype(
        {"names": names, "formats": formats, "offsets": offsets, "itemsize": itemsize}
    ), big_endian


@settings(max_examples=300, derandomize=True, suppress_health_check=list(HealthCheck))
@given(layouts(), st.integers(1, 4), st.integers(1, 6), st.integers(0, 20), st.data())
def test_any_layout_equals_numpys(
    layout: tuple[np.dtype[Any], bool], height: int, width: int, gap: int, data: st.DataObject
) -> None:
    dtype, big_endian = layout
    size = height * width * dtype.itemsize
    raw = data.draw(st.binary(min_size=size, max_size=size))
    points = np.frombuffer(raw, dtype).reshape(height, width)
    with np.errstate(all="ignore"):
        expected = xyz_of(points)
    expected[(expected == 0).all(axis=1)] = np.nan
    assert_reads(message(points, gap, big_endian), expected)


def holders(content: bytes) -> dict[str, Any]:
    """Everything that may hold the bytes of a message."""
    spread = np.zeros(2 * len(content), np.uint8)
    spread[::2] = np.frombuffer(content, np.uint8)
    return {
        "bytes": content,
        "bytearray": bytearray(content),
        "memoryview": memoryview(content),
        "array": array.array("B", content),
        "signed array": array.array("b", content),
        "ndarray": np.frombuffer(content, np.uint8).copy(),
        "read-only": np.frombuffer(content, np.uint8),
        "two-dimensional": np.frombuffer(content, np.uint8).reshape(2, -1),
        "with gaps": spread[::2],
        "view with gaps": memoryview(spread)[::2],
        "list": list(content),
        "tuple": tuple(content),
    }


@pytest.mark.parametrize("kind", holders(bytes(32)))
@pytest.mark.parametrize("dtype", [XYZ, VELODYNE])
def test_whatever_holds_the_bytes(kind: str, dtype: np.dtype[Any]) -> None:
    points = random_points(dtype, (6,))
    assert_reads(message(points, data=holders(points.tobytes())[kind]), xyz_of(points))


@pytest.mark.parametrize("dtype", [XYZ, PCL], ids=["packed", "padded"])
def test_nothing_is_copied_where_the_layout_allows(dtype: np.dtype[Any]) -> None:
    data = np.frombuffer(random_points(dtype, (4, 5)).tobytes(), np.uint8).copy()
    points = read_cloud2(message(random_points(dtype, (4, 5)), data=data))
    assert np.shares_memory(points, data)
    assert not points.flags.writeable and points.flags.aligned
    assert data.flags.writeable  # the message's own is left as it was


@pytest.mark.parametrize("dtype", [VELODYNE, XYZ.newbyteorder(">"), LAYOUTS["doubles"]])
def test_else_they_are_copied_and_the_messages_stay(dtype: np.dtype[Any]) -> None:
    original = random_points(dtype, (50,))
    data = np.frombuffer(original.tobytes(), np.uint8).copy()
    points = read_cloud2(message(original, data=data, big_endian=dtype["x"].str[0] == ">"))
    assert not np.shares_memory(points, data) and points.flags.c_contiguous
    points += 1
    assert data.tobytes() == original.tobytes()


def test_unaligned_bytes_are_copied() -> None:
    points = random_points(XYZ, (5,))
    for shift in range(4):
        shifted = np.frombuffer(bytes(shift) + points.tobytes(), np.uint8)[shift:]
        assert assert_reads(message(points, data=shifted), xyz_of(points)).flags.aligned


def test_holes_are_nan_whatever_the_message_says() -> None:
    """Zeros as Ouster writes them, negative zeros, NaN; a point with one coordinate left is none."""
    points = random_points(LAYOUTS["ouster"], (2, 4))
    for name in "xyz":
        points[name][0, 1] = 0
        points[name][1, 2] = -0.0
        points[name][1, 3] = np.nan
    points["x"][0, 0] = points["y"][0, 0] = 0
    expected = xyz_of(points)
    expected[[1, 6]] = np.nan
    msg = message(points)
    before = msg.data
    found = assert_reads(msg, expected)
    assert np.isfinite(found).all(axis=1).tolist() == [True, False, True, True, True, True, False, False]
    assert msg.data is before == message(points).data


def test_whole_numbers_and_large_doubles() -> None:
    dtype = np.dtype([("x", "<i4"), ("y", "<u2"), ("z", "<f8")])
    points = np.array([(2**30 + 1, 65535, 1e300), (-5, 0, -1e-300)], dtype)
    assert_reads(message(points), np.array([[2**30, 65535, np.inf], [-5, 0, 0]], np.float32))


def test_empty_clouds() -> None:
    for changed in ({}, {"fields": []}, {"height": 0}, {"point_step": 0, "row_step": 0, "height": 480}):
        assert read_cloud2(message(np.empty(0, XYZ), **changed)).shape == (0, 3)


def test_steps_that_are_wrong_where_it_does_not_matter() -> None:
    points = random_points(PCL, (3, 4))
    for row_step in (0, 32, 128, 10**12):  # of rows without gaps
        assert_reads(message(points, row_step=row_step), xyz_of(points))
    for row_step in (0, 1, 10**12):
        assert_reads(message(points.reshape(-1), row_step=row_step), xyz_of(points))
    padded = message(points, gap=16)
    assert_reads(message(points, gap=16, data=padded.data[:-16]), xyz_of(points))


def with_field(which: str, **changed: Any) -> dict[str, Any]:
    fields = copy.deepcopy(message(np.empty(0, PCL)).fields)
    for field in fields:
        if field.name == which:
            vars(field).update(changed)
    return {"fields": fields}


def named(*names: str) -> dict[str, Any]:
    return {
        "fields": [SimpleNamespace(name=n, offset=4 * i, datatype=7, count=1) for i, n in enumerate(names)]
    }


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "short": ({"data": bytes(383)}, "data has 383 bytes"),
    "none": ({"data": b""}, "data has 0 bytes"),
    "long": ({"data": bytes(385)}, "data has 385 bytes"),
    "width": ({"width": 5}, "row_step is 128, less than"),
    "huge": ({"width": 2**32 - 1, "height": 2**32 - 1}, "row_step"),
    "huge step": ({"point_step": 2**63}, "row_step is 128, less than"),
    "huge row step": ({"row_step": 2**64, "data": bytes(385)}, "data has"),
    "no width": ({"width": 0}, "data has 384 bytes, but width is 0"),
    "no height": ({"height": 0}, "data has 384 bytes, but height is 0"),
    "negative": ({"height": -3}, "height is -3"),
    "negative both": ({"height": -3, "width": -4}, "height is -3"),
    "text": ({"width": "4"}, "width is '4'"),
    "float": ({"point_step": 32.0}, "point_step is 32.0"),
    "bool": ({"height": True}, "height is True"),
    "nothing": ({"row_step": None}, "row_step is None"),
    "step": ({"point_step": 8, "data": bytes(96), "row_step": 32}, "field z: offset 8 and 1 of 4 bytes"),
    "no step": ({"point_step": 0}, "lie beyond point_step 0"),
    "endian": ({"is_bigendian": 2}, "is_bigendian is 2"),
    "endian text": ({"is_bigendian": "false"}, "is_bigendian is 'false'"),
    "no fields": ({"fields": []}, "no x, no y, no z"),
    "missing z": (named("x", "y", "rgb"), "no z, but x y rgb"),
    "capitals": (named("X", "Y", "Z"), "no x, no y, no z, but X Y Z"),
    "twice": (named("x", "y", "z", "x"), "two of the name x"),
    "fields none": ({"fields": None}, "fields is None"),
    "fields text": ({"fields": "xyz"}, "one of fields has no name"),
    "fields without end": ({"fields": named(*["a"] * 2000)["fields"]}, "2000 fields"),
    "beyond": (with_field("y", offset=30), "field y: offset 30"),
    "far beyond": (with_field("y", offset=2**32), "field y: offset 4294967296"),
    "negative offset": (with_field("y", offset=-4), "field y: offset is -4"),
    "float offset": (with_field("y", offset=4.0), "field y: offset is 4.0"),
    "count": (with_field("z", count=7), "field z: offset 8 and 7 of 4 bytes"),
    "negative count": (with_field("z", count=-1), "field z: count is -1"),
    "huge count": (with_field("z", count=2**32 - 1), "field z"),
    "overlap": (with_field("y", offset=2), "field y: offset is 2, where x still lies"),
    "same": (with_field("z", offset=4), "where y still lies"),
    "overlapping double": (with_field("x", datatype=8), "field y: offset is 4, where x still lies"),
    "datatype": (with_field("z", datatype=9), "field z: datatype is 9"),
    "datatype 0": (with_field("x", datatype=0), "field x: datatype is 0"),
    "datatype text": (with_field("x", datatype="f4"), "field x: datatype is 'f4'"),
    "base64": ({"data": "AAAA"}, "data is str, not bytes; decode it first"),
    "data none": ({"data": None}, "data is NoneType"),
    "floats": ({"data": array.array("f", [0.0] * 96)}, "data holds elements of type 'f'"),
    "array of floats": ({"data": np.zeros(96, np.float32)}, "data holds elements of type 'f'"),
    "dates": ({"data": np.zeros(48, "M8[s]")}, "data is not bytes"),
    "large numbers": ({"data": [256] * 384}, "data is not a list of bytes"),
    "words": ({"data": ["a"] * 384}, "data is not a list of bytes"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_named(case: str) -> None:
    changed, complaint = WRONG[case]
    with pytest.raises(CloudError) as raised:
        read_cloud2(message(random_points(PCL, (3, 4)), **changed))
    line = str(raised.value)
    assert complaint in line
    assert line.isprintable() and "; " in line and len(line) < 400


def test_other_fields_may_be_as_they_like() -> None:
    """Colours packed in one float, a field beyond the step, a count of 0, as PCL takes them."""
    points = random_points(PCL, (4,))
    for changed in (
        with_field("intensity", name="rgb", datatype=6),
        with_field("intensity", offset=2**40, datatype=77, count=None),
        with_field("intensity", name=None),
        with_field("x", count=0),
    ):
        assert_reads(message(points, **changed), xyz_of(points))


def test_other_messages() -> None:
    livox = SimpleNamespace(header=None, timebase=0, point_num=1, lidar_id=0, points=[])
    with pytest.raises(CloudError, match=r"Livox's CustomMsg.*xfer_format: 0"):
        read_cloud2(livox)
    for other in (None, 3, {}, np.zeros((4, 3)), SimpleNamespace(ranges=[1.0])):
        with pytest.raises(CloudError, match="not a PointCloud2"):
            read_cloud2(other)
    for name in vars(message(np.empty(0, XYZ))).keys() - {"header", "is_dense", "fields", "data"}:
        msg = message(random_points(XYZ, (2,)))
        delattr(msg, name)
        with pytest.raises(CloudError, match=f"no {name}"):
            read_cloud2(msg)


SMALL = st.integers(-2, 70)
ANY_NUMBER = st.one_of(SMALL, st.integers(), st.floats(), st.none(), st.booleans(), st.text(max_size=3))
ANY_FIELD = st.builds(
    SimpleNamespace,
    name=st.one_of(st.sampled_from("xyz"), st.none(), st.text(max_size=3)),
    offset=ANY_NUMBER | SMALL,
    datatype=ANY_NUMBER | st.integers(1, 8),
    count=ANY_NUMBER | st.just(1),
)
ANY_MESSAGE = st.builds(
    SimpleNamespace,
    height=ANY_NUMBER | st.just(1),
    width=ANY_NUMBER | SMALL,
    fields=st.one_of(st.lists(ANY_FIELD, max_size=5), st.just(message(np.empty(0, XYZ)).fields), st.none()),
    is_bigendian=st.booleans() | ANY_NUMBER,
    point_step=ANY_NUMBER | st.just(12),
    row_step=ANY_NUMBER,
    data=st.one_of(
        st.binary(max_size=200), st.lists(ANY_NUMBER, max_size=40), st.none(), st.text(max_size=3)
    ),
)


@settings(max_examples=500, derandomize=True, suppress_health_check=list(HealthCheck))
@given(ANY_MESSAGE)
@example(message(np.empty(0, XYZ), point_step=0, width=3))
def test_any_message_gives_points_or_one_line(msg: SimpleNamespace) -> None:
    try:
        points = read_cloud2(msg)
    except C2PError as error:
        assert str(error).isprintable() and len(str(error)) < 400
    else:
        assert points.dtype == np.float32 and points.shape == (msg.height * msg.width, 3)


@pytest.mark.parametrize("name", LAYOUTS)
def test_messages_as_rosbags_reads_them(name: str) -> None:
    typesys = pytest.importorskip("rosbags.typesys")
    points = random_points(LAYOUTS[name], (3, 5))
    two, one = (typesys.get_typestore(getattr(typesys.Stores, s)) for s in ("ROS2_HUMBLE", "ROS1_NOETIC"))
    kind = "sensor_msgs/msg/PointCloud2"
    for little in (True, False):
        raw = two.serialize_cdr(ros_message(two, points), kind, little_endian=little)
        assert_reads(two.deserialize_cdr(raw, kind), xyz_of(points))
    raw = one.serialize_ros1(ros_message(one, points), kind)
    assert_reads(one.deserialize_ros1(raw, kind), xyz_of(points))
