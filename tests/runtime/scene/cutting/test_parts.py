"""Parts: joined in rounds as one after the other, parted at creases and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest

from c2p_runtime.scene.cutting.parts import join, join_reference, parts_of
from c2p_runtime.scene.cutting.voxels import voxels_of
from scenes import cuboid, cylinder, seen_from


def first_of_each(group: np.ndarray) -> np.ndarray:
    return np.array([np.flatnonzero(group == g)[0] for g in group])


@pytest.mark.parametrize("seed", range(60))
def test_joining_in_rounds_is_joining_one_after_the_other(seed: int) -> None:
    rng = np.random.default_rng(seed)
    number = int(rng.integers(2, 60))
    pairs = np.unique(np.sort(rng.integers(0, number, (4 * number, 2)), axis=1), axis=0)
    first, second = pairs[pairs[:, 0] != pairs[:, 1]].T
    length = rng.integers(1, 9, len(first)).astype(float)
    turn = length * rng.uniform(-0.6, 0.5, len(first))
    ours, theirs = (f(number, first, second, turn, length) for f in (join, join_reference))
    np.testing.assert_array_equal(first_of_each(ours), first_of_each(theirs))


def test_patches_that_are_all_alike_join_in_few_rounds() -> None:
    chain = np.arange(20000)
    group = join(len(chain), chain[:-1], chain[1:], np.zeros(len(chain) - 1), np.ones(len(chain) - 1))
    assert len(np.unique(group)) == 1


def parts(*things: np.ndarray, viewpoint: np.ndarray | None = None) -> list[tuple[np.ndarray, np.ndarray]]:
    """The parts of each thing's points, and how many points of it each part has."""
    voxels = voxels_of(np.concatenate(things).astype(np.float32), 0.006)
    up = np.array([0, 0, 1.0])
    part = parts_of(voxels.keys, voxels.centres, voxels.sizes, up, viewpoint)[voxels.voxel_of]
    cuts = np.cumsum([len(t) for t in things])[:-1]
    return [np.unique(p, return_counts=True) for p in np.split(part, cuts)]


def seen(*things: np.ndarray) -> list[np.ndarray]:
    """What is seen of things from ABOVE."""
    visible = seen_from(ABOVE, np.concatenate(things))
    cuts = np.cumsum([len(t) for t in things])[:-1]
    return [t[v] for t, v in zip(things, np.split(visible, cuts), strict=True)]


def same(a: tuple[np.ndarray, np.ndarray], b: tuple[np.ndarray, np.ndarray]) -> bool:
    return bool(a[0][a[1].argmax()] == b[0][b[1].argmax()])


ABOVE = np.array([0.3, -0.5, 1.0])
LOW = cuboid((0, 0, 0.05), (0.3, 0.2, 0.1))


@pytest.mark.parametrize("viewpoint", [ABOVE, None])
def test_a_box_is_one_part(viewpoint: np.ndarray | None) -> None:
    box = [LOW] if viewpoint is None else seen(LOW)
    ((_, counts),) = parts(*box, viewpoint=viewpoint)
    assert counts.max() > 0.98 * counts.sum()


@pytest.mark.parametrize(
    "other",
    [
        cuboid((0.02, 0.01, 0.13), (0.14, 0.1, 0.06), 0.4),
        cylinder((0, 0, 0.15), 0.04, 0.1),
        cuboid((0.2, 0.03, 0.11), (0.1, 0.1, 0.22), 0.0),
    ],
    ids=["a box on it", "a cylinder on it", "a higher box beside it"],
)
def test_what_stands_on_or_beside_a_box_is_a_part_of_its_own(other: np.ndarray) -> None:
    found = parts(*seen(LOW, other), viewpoint=ABOVE)
    assert not same(*found)
    assert all(counts.max() > 0.9 * counts.sum() for _, counts in found)


def test_the_inside_of_a_bowl_is_one_part() -> None:
    """It bends inward all over, but has no crease."""
    angle, height = (a.ravel() for a in np.meshgrid(np.arange(0, 6.28, 0.02), np.arange(0, 0.75, 0.02)))
    bowl = 0.1 * np.stack(
        [np.cos(angle) * np.sin(2 * height), np.sin(angle) * np.sin(2 * height), -np.cos(2 * height)], axis=1
    )
    ((_, counts),) = parts(bowl, viewpoint=np.array([0, 0, 1.0]))
    assert counts.max() > 0.98 * counts.sum()
