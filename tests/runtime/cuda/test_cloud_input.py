"""What is taken for a cloud on the way to the GPU."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from c2p_deploy.errors import CloudError
from c2p_deploy.projection import native
from c2p_runtime.cuda.cloud_input import DeviceCloud, HostCloud, as_input


def on_device(**interface: Any) -> SimpleNamespace:
    """An object as torch, CuPy and Numba hand them over."""
    usual = {"shape": (7, 3), "typestr": "<f4", "data": (4096, False), "version": 3, "strides": None}
    return SimpleNamespace(__cuda_array_interface__={**usual, **interface})


def test_memory_of_the_device_is_taken_as_it_lies() -> None:
    assert as_input(on_device(stream=2), 10, 7) == DeviceCloud(4096, 7, 2)
    assert as_input(on_device(strides=(12, 4)), 10, 7) == DeviceCloud(4096, 7, None)


@pytest.mark.parametrize(
    ("interface", "message"),
    [
        ({"typestr": "<f8"}, r"must be float32 \[N, 3\] without gaps, got <f8"),
        ({"strides": (16, 4)}, r"strides \(16, 4\)"),
        ({"shape": (7, 4)}, r"got <f4 \[7, 4\] .*points\[:, :3\]"),
        ({"shape": (7, 2)}, r"got shape \(7, 2\)"),
        ({"shape": (0, 3)}, "no finite point"),
        ({"shape": (11, 3)}, "11 points, but the buffers on the GPU hold 10; .*max_points=11"),
    ],
)
def test_memory_that_does_not_fit_is_refused(interface: dict[str, Any], message: str) -> None:
    with pytest.raises(CloudError, match=message):
        as_input(on_device(**interface), 10, 7)


def test_of_more_columns_the_first_three_count() -> None:
    cloud = as_input(np.arange(40, dtype=np.float32).reshape(8, 5), 10, 7)
    assert isinstance(cloud, HostCloud)
    np.testing.assert_array_equal(cloud.points, np.arange(40).reshape(8, 5)[:, :3])


def test_arrays_of_the_host_keep_their_precision() -> None:
    points = np.array([[np.nan, 0, 0], [5e6, 4e6, 100.25], [5e6 + 0.125, 4e6, 100]])
    cloud = as_input(points, 10, 7)
    assert isinstance(cloud, HostCloud)
    local = np.empty((3, 3), np.float32)
    native.run("to_local", cloud.points, 3, local)  # as they are staged
    np.testing.assert_array_equal(local[1:], [[0, 0, 0], [0.125, 0, -0.25]])
    assert np.isnan(local[0, 0])
    small = np.ones((2, 3), np.float32)
    assert as_input(small, 10, 7).points is small  # type: ignore[union-attr]
    np.testing.assert_array_equal(as_input([[1, 2, 3]], 10, 7).points, [[1.0, 2.0, 3.0]])  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (np.zeros((3, 2)), r"got shape \(3, 2\)"),
        (np.zeros((0, 3)), "no finite point"),
        (np.zeros((11, 3)), "11 points, but the buffers"),
        ([["a", "b", "c"]], "points must be numbers"),
    ],
)
def test_arrays_that_are_no_clouds_are_refused(points: Any, message: str) -> None:
    with pytest.raises(CloudError, match=message):
        as_input(points, 10, 7)
