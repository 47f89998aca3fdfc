"""Reading, splitting and caching of training clouds."""

from pathlib import Path

import numpy as np
import pytest

from c2p_deploy import DepthSpec, prepare_points
from c2p_deploy.errors import C2PError
from c2p_deploy.projection.spec import turn_up
from c2p_recipes.clouds import load_clouds
from c2p_recipes.data import Source
from training_data import write_clouds

SPEC = DepthSpec(image_size=32, num_points=128)


@pytest.fixture
def source(tmp_path: Path) -> Source:
    return Source("mine", write_clouds(tmp_path / "data"), "z", samplings=2)


def test_clouds_are_prepared_like_the_robots(source: Source, tmp_path: Path) -> None:
    clouds, skipped = load_clouds([source], SPEC, tmp_path / "c.npz", val_fraction=0.25, seed=5)
    assert skipped == [] and clouds.labels == ("bed", "table")
    assert clouds.points.shape == (48, 128, 3) and clouds.points.dtype == np.float32
    index = int(np.flatnonzero(clouds.label == 1)[3])  # the fourth table
    raw = np.load(source.root / "table" / "003.npy")
    for sampling in range(2):
        expected = turn_up(prepare_points(raw, SPEC, seed=5 + sampling), "z")
        np.testing.assert_array_equal(clouds.points[clouds.first[index] + sampling], expected)


def test_every_class_is_split_and_a_file_keeps_its_side(source: Source, tmp_path: Path) -> None:
    before, _ = load_clouds([source], SPEC, tmp_path / "a.npz", val_fraction=0.25, seed=0)
    for label in (0, 1):
        assert before.validation[before.label == label].sum() == 3
    other, _ = load_clouds([source], SPEC, tmp_path / "b.npz", val_fraction=0.25, seed=1)
    assert not np.array_equal(before.validation, other.validation)
    chosen = np.flatnonzero(before.validation & (before.label == 1))
    (source.root / "table" / "zzz.npy").write_bytes(b"cannot be read")
    after, skipped = load_clouds([source], SPEC, tmp_path / "a.npz", val_fraction=0.25, seed=0)
    assert len(skipped) == 1 and "zzz.npy" in skipped[0]
    assert set(np.flatnonzero(after.validation & (after.label == 1))) <= set(chosen)


def test_the_cache_is_used_until_something_changes(source: Source, tmp_path: Path) -> None:
    cache = tmp_path / "c.npz"
    first, _ = load_clouds([source], SPEC, cache, val_fraction=0.25, seed=0)
    written = cache.stat().st_mtime_ns
    again, _ = load_clouds([source], SPEC, cache, val_fraction=0.25, seed=0)
    assert cache.stat().st_mtime_ns == written
    for name in ("points", "first", "count", "label", "source", "validation"):
        np.testing.assert_array_equal(getattr(again, name), getattr(first, name))
    assert (again.labels, again.sources) == (first.labels, first.sources)
    (source.root / "bed" / "000.npy").unlink()
    changed, _ = load_clouds([source], SPEC, cache, val_fraction=0.25, seed=0)
    assert len(changed.label) == 23


@pytest.mark.parametrize("content", [None, "other"])
def test_folders_without_known_classes_are_refused(tmp_path: Path, content: str | None) -> None:
    if content:
        (tmp_path / "data" / content).mkdir(parents=True)
    with pytest.raises(C2PError, match="CLASS/FILE"):
        load_clouds(
            [Source("mine", tmp_path / "data", "z", 1)], SPEC, tmp_path / "c", val_fraction=0.1, seed=0
        )
