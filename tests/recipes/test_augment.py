"""Random changes keep clouds valid, follow the seed, and do what they say."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from c2p_recipes.augment import Augmentation, about, augment, random_rotation, seen_from_one_side

NOTHING = Augmentation(0, 0, 0, 0, 0, 0, 0, 0, 0)
CLOUD = np.random.default_rng(0).normal(size=(500, 3)).astype(np.float32)
CLOUD = (CLOUD - CLOUD.mean(axis=0)) / np.linalg.norm(CLOUD - CLOUD.mean(axis=0), axis=1).max()


@settings(max_examples=50)
@given(seed=st.integers(0, 2**32), any_pose=st.booleans(), may_tip=st.booleans())
def test_result_is_a_prepared_cloud_and_follows_the_seed(seed: int, any_pose: bool, may_tip: bool) -> None:
    def changed() -> np.ndarray:
        rng = np.random.default_rng(seed)
        return augment(CLOUD, rng, Augmentation(), any_pose=any_pose, may_tip=may_tip)

    cloud = changed()
    np.testing.assert_array_equal(cloud, changed())
    assert cloud.dtype == np.float32 and 2 <= len(cloud) <= len(CLOUD)
    assert 0.9 < np.linalg.norm(cloud, axis=1).max() <= 1.000001
    np.testing.assert_allclose(cloud.mean(axis=0), 0, atol=1e-5)


def test_with_everything_off_only_mirroring_is_left() -> None:
    for seed in range(4):
        cloud = augment(CLOUD, np.random.default_rng(seed), NOTHING, any_pose=False, may_tip=False)
        np.testing.assert_allclose(np.abs(cloud[:, 0]), np.abs(CLOUD[:, 0]), atol=1e-6)
        np.testing.assert_allclose(cloud[:, 1:], CLOUD[:, 1:], atol=1e-6)


def test_yaw_keeps_the_up_axis() -> None:
    yaw = replace(NOTHING, free_yaw=1.0)
    cloud = augment(CLOUD, np.random.default_rng(1), yaw, any_pose=False, may_tip=False)
    np.testing.assert_allclose(cloud[:, 1], CLOUD[:, 1], atol=1e-6)
    assert np.abs(np.abs(cloud[:, 0]) - np.abs(CLOUD[:, 0])).max() > 0.1


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_rotations_are_rotations(axis: int) -> None:
    quarter = about(axis, 90)
    np.testing.assert_allclose(np.linalg.matrix_power(quarter, 4), np.eye(3), atol=1e-12)
    assert quarter[axis, axis] == 1
    rotation = random_rotation(np.random.default_rng(axis))
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1)


def test_one_camera_sees_about_half_of_a_ball() -> None:
    rng = np.random.default_rng(0)
    ball = rng.normal(size=(4000, 3))
    ball /= np.linalg.norm(ball, axis=1, keepdims=True)
    seen = seen_from_one_side(ball, rng)
    assert 0.4 < seen.mean() < 0.75
    assert np.linalg.norm(ball[seen].mean(axis=0)) > 0.2  # and the half is on one side
