"""Which data sets are recognised, what is read from them, and what is refused or listed."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from c2p_deploy import DepthSpec, read_cloud
from c2p_deploy.errors import C2PError
from c2p_deploy.projection.prepare import prepare
from c2p_deploy.projection.spec import turn_up
from c2p_train.datasets.benchmark_sets import MODELNET40, SCANOBJECTNN
from c2p_train.datasets.cloud_files import paper_points
from c2p_train.datasets.cloud_sets import plain_name
from c2p_train.datasets.labelled_clouds import LabelledClouds, load_split
from heard import heard_lines

SPEC = DepthSpec(image_size=32, num_points=64)
OFF = "OFF\n4 4 0\n0 0 0\n{0} 0 0\n0 {0} 0\n0 0 3\n3 0 1 2\n3 0 1 3\n3 0 2 3\n3 1 2 3\n"


def points(seed: int, count: int = 100) -> np.ndarray:
    return (np.random.default_rng(seed).normal(size=(count, 3)) * (1, 2, 3)).astype(np.float32)


def write_folders(root: Path, pattern: str, classes: tuple[str, ...] = ("chair", "night_stand"), n: int = 3):
    """npy clouds at root / pattern, with {c}, {s} and {i} for class, split and number."""
    for c, name in enumerate(classes):
        for s, split in enumerate(("train", "test")):
            for i in range(n):
                path = root / pattern.format(c=name, s=split, i=i)
                path.parent.mkdir(parents=True, exist_ok=True)
                np.save(path, points(100 * c + 10 * s + i))
    return root


def write_ply(path: Path, cloud: np.ndarray) -> None:
    rows = "\n".join(" ".join(f"{v:.7g}" for v in row) for row in cloud)
    head = f"ply\nformat ascii 1.0\nelement vertex {len(cloud)}\n"
    head += "property float x\nproperty float y\nproperty float z\nend_header\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(head + rows + "\n")


def write_hdf5(path: Path, clouds: np.ndarray, label: np.ndarray, **more: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        for key, value in {"data": clouds, "label": label, **more}.items():
            file[key] = value


def write_scans(root: Path) -> Path:
    """Scans whose y coordinates tell the file they are from."""
    names = ("", "_augmented25_norot", "_augmented25rot", "_augmentedrot", "_augmentedrot_scale75")
    for f, folder in enumerate(("main_split", "main_split_nobg")):
        for n, name in enumerate(names):
            for s, split in enumerate(("training", "test")):
                clouds = np.stack([points(f * 100 + n * 10 + s * 5 + i, 80) for i in range(3)])
                label = np.array([0, 14, 7])
                write_hdf5(
                    root / folder / f"{split}_objectdataset{name}.h5", clouds, label, mask=clouds[:, :, 0]
                )
    return root


def write_modelnet40_hdf5(root: Path) -> Path:
    root.mkdir()
    (root / "shape_names.txt").write_text("\n".join(name.replace(" ", "_") for name in MODELNET40) + "\n")
    for split, parts in (("train", 2), ("test", 1)):
        for part in range(parts):
            clouds = np.stack([points(part * 10 + i) for i in range(2)])
            write_hdf5(root / f"ply_data_{split}{part}.h5", clouds, np.array([[part], [39]], dtype=np.uint8))
        lines = [f"data/modelnet40_ply_hdf5_2048/ply_data_{split}{part}.h5" for part in range(parts)]
        (root / f"{split}_files.txt").write_text("\n".join(lines) + "\n")
    return root


def load(path: Path, split: str = "test", **options) -> tuple[LabelledClouds, str]:
    with heard_lines() as lines:
        clouds = load_split(path, split, SPEC, **options)
    return clouds, "\n".join(lines)


@pytest.mark.parametrize("pattern", ["{c}/{s}/{i}.npy", "{s}/{c}/{i}.npy"])
def test_both_orders_of_folders_give_the_same_clouds(tmp_path: Path, pattern: str) -> None:
    clouds, screen = load(write_folders(tmp_path / "mine", pattern), "train")
    assert clouds.classes == ("chair", "night stand")
    assert clouds.label.tolist() == [0, 0, 0, 1, 1, 1] and clouds.label.dtype == np.int64
    assert "mine, train: 6 clouds of 2 classes" in screen and "z up" in screen
    for row, seed in enumerate((0, 1, 2, 100, 101, 102)):
        expected = turn_up(prepare(points(seed), SPEC, "robust").points, "z")
        np.testing.assert_array_equal(clouds.points[row], expected)


@pytest.mark.parametrize("called", ["train", "val", "Test"])
@pytest.mark.parametrize("pattern", ["{c}/{s}{i}.npy", "{c}/{s}/{i}.npy", "{s}/{c}/{i}.npy"])
def test_a_class_may_be_called_like_a_split(tmp_path: Path, pattern: str, called: str) -> None:
    """Trains are a class of many data sets, one of the bundled model's, too."""
    root = write_folders(tmp_path / "mine", pattern, ("chair", called, "vase"), n=5)
    train, _ = load(root, "train")
    test, _ = load(root, "test")
    assert train.classes == test.classes and sorted(test.classes) == sorted(("chair", called.lower(), "vase"))
    assert not set(train.files) & set(test.files) and len(train) + len(test) == 30
    for clouds in (train, test):
        for file, label in zip(clouds.files, clouds.label, strict=True):
            assert clouds.classes[label] in file.lower().split("/")
    assert set(np.bincount(train.label)) == ({8} if pattern == "{c}/{s}{i}.npy" else {5})


def test_splits_may_lie_beside_other_folders_and_hold_loose_files(tmp_path: Path) -> None:
    root = write_folders(tmp_path / "mine", "{s}/{c}/{i}.npy")
    np.save(root / "train" / "stray.npy", points(1))
    assert load(root, "train")[0].classes == ("chair", "night stand")
    (root / "train" / "stray.npy").unlink()
    (root / "pictures").mkdir()
    np.save(root / "pictures" / "mean.npy", points(1))
    clouds, _ = load(root, "train")
    assert clouds.classes == ("chair", "night stand") and len(clouds) == 6


def test_splits_without_classes_are_refused(tmp_path: Path) -> None:
    for split in ("train", "test"):
        (tmp_path / split).mkdir()
        np.save(tmp_path / split / "a.npy", points(1))
    with pytest.raises(C2PError, match=r"no class folders; put the clouds into train/CLASS/FILE"):
        load(tmp_path, "train")


def test_modelnet_meshes_are_sampled_and_turned(tmp_path: Path) -> None:
    for name in ("bathtub", "tv_stand"):
        for split in ("train", "test"):
            (tmp_path / name / split).mkdir(parents=True)
            (tmp_path / name / split / f"{name}_0001.off").write_text(OFF.format(1 if split == "test" else 2))
    clouds, _ = load(tmp_path, seed=4)
    expected = prepare(
        read_cloud(tmp_path / "bathtub/test/bathtub_0001.off", seed=4), SPEC, "robust", seed=4
    ).points
    np.testing.assert_array_equal(clouds.points[0], turn_up(expected, "z"))
    assert clouds.classes == ("bathtub", "tv stand")
    assert clouds.files == ("bathtub/test/bathtub_0001.off", "tv_stand/test/tv_stand_0001.off")
    as_they_are, _ = load(tmp_path, seed=4, up="y")
    np.testing.assert_array_equal(as_they_are.points[0], expected)


def test_a_folder_without_splits_is_split_by_name_for_good(tmp_path: Path) -> None:
    root = write_folders(tmp_path / "mine", "{c}/{s}{i}.npy", n=5)
    train, _ = load(root, "train")
    test, screen = load(root, "test")
    assert "hash of the name" in screen
    assert not set(train.files) & set(test.files) and len(train) + len(test) == 20
    assert np.bincount(test.label).tolist() == [2, 2]
    np.save(root / "chair" / "zzz.npy", points(7))
    again, _ = load(root, "test", seed=5)
    assert set(test.files) <= set(again.files)


@pytest.mark.parametrize(("name", "whole"), [("test", False), ("clouds", True)])
def test_a_folder_called_test_or_given_as_a_whole_is_taken_whole(
    tmp_path: Path, name: str, whole: bool
) -> None:
    for label in ("bed", "sofa"):
        (tmp_path / name / label).mkdir(parents=True)
        for number in range(10):
            points = np.random.default_rng(number).normal(size=(50, 3))
            np.save(tmp_path / name / label / f"{number}.npy", points)
    clouds = load_split(tmp_path / name, "test", SPEC, whole=whole)
    assert np.bincount(clouds.label).tolist() == [10, 10]


def test_modelnet40_hdf5_is_y_up_and_whole(tmp_path: Path) -> None:
    root = write_modelnet40_hdf5(tmp_path / "modelnet40_ply_hdf5_2048")
    train, screen = load(root, "train")
    assert "y up" in screen and train.classes == MODELNET40
    assert train.label.tolist() == [0, 39, 1, 39] and train.files[2] == "ply_data_train1.h5[0]"
    np.testing.assert_array_equal(train.points[3], prepare(points(11), SPEC, "robust").points)
    (root / "ply_data_train1.h5").unlink()
    with pytest.raises(C2PError, match=r"lacks ply_data_train1\.h5; unpack"):
        load(root, "train")
    assert len(load(root, "test")[0]) == 2
    (root / "shape_names.txt").unlink()
    with pytest.raises(C2PError, match=r"shape_names\.txt: missing"):
        load(root, "test")


@pytest.mark.parametrize(
    ("inside", "variant", "seed"),
    [
        (".", None, 5),  # main_split, as the authors measure
        (".", "obj_only", 105),
        (".", "pb_t25", 15),
        (".", "pb_t25_r", 25),
        (".", "pb_t50_r", 35),
        (".", "pb_t50_rs", 45),
        ("main_split", None, 5),
        ("main_split_nobg", None, 105),
    ],
)
def test_every_variant_of_scanobjectnn_is_its_file(
    tmp_path: Path, inside: str, variant: str | None, seed: int
) -> None:
    root = write_scans(tmp_path / "h5_files")
    clouds, _ = load(root / inside, "test", variant=variant)
    assert clouds.classes == SCANOBJECTNN and clouds.label.tolist() == [0, 14, 7]
    np.testing.assert_array_equal(clouds.points[1], prepare(points(seed + 1, 80), SPEC, "robust").points)
    if inside == "." and variant is None:  # the folder above h5_files does as well
        assert load(tmp_path, "test")[0].digest == clouds.digest


def test_the_authors_preparation_normalises_before_it_samples(tmp_path: Path) -> None:
    clouds, _ = load(write_scans(tmp_path), preparation="paper")
    raw = points(5, 80).astype(np.float64)
    sphere = raw - raw.mean(axis=0)
    sphere /= np.linalg.norm(sphere, axis=1).max()
    chosen, distance = [0], np.full(80, np.inf)
    distance[(sphere**2).sum(axis=1) <= 1e-3] = 0
    while len(chosen) < 64:
        distance = np.minimum(distance, ((sphere - sphere[chosen[-1]]) ** 2).sum(axis=1))
        chosen.append(int(distance.argmax()))
    expected = {tuple(np.round(row, 5)) for row in sphere[chosen].astype(np.float32)}
    assert {tuple(np.round(row, 5)) for row in clouds.points[0]} == expected
    few = paper_points(np.eye(3), SPEC)
    np.testing.assert_allclose(np.linalg.norm(few, axis=1), 1, rtol=1e-6)


def test_numbered_files_are_the_authors_test_clouds(tmp_path: Path) -> None:
    write_ply(tmp_path / "39_a.ply", points(1, 64))
    write_ply(tmp_path / "0_b.ply", points(2, 64))
    write_ply(tmp_path / "40_c.ply", points(3, 64))
    (tmp_path / "notes.md").write_text("x")
    clouds, _ = load(tmp_path)
    assert clouds.label.tolist() == [0, 39] and clouds.classes == MODELNET40
    assert len(clouds.skipped) == 2 and "no class 40" in " ".join(clouds.skipped)
    with pytest.raises(C2PError, match="no train split"):
        load(tmp_path, "train")


def test_bad_and_foreign_files_are_listed_and_counted(tmp_path: Path) -> None:
    root = write_folders(tmp_path / "mine", "{c}/{s}/{i}.npy")
    (root / "chair/test/7.npy").write_bytes(b"no cloud")
    np.save(root / "chair/test/8.npy", np.ones((9, 3)))  # one point, nine times
    (root / "chair/test/0.npy.bak").write_text("x")
    (root / "chair/test/labels.txt").write_text("1 2 3\n")
    (root / "chair/test/.hidden").write_text("x")
    clouds, screen = load(root)
    assert len(clouds) == 6 and len(clouds.skipped) == 4 and "4 left out" in screen
    for name in ("7.npy", "8.npy", "0.npy.bak", "labels.txt"):
        assert sum(name in line for line in clouds.skipped) == 1 and name in screen


def test_what_cannot_be_evaluated_is_refused(tmp_path: Path) -> None:
    with pytest.raises(C2PError, match="no such folder"):
        load(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(C2PError, match="no data set found; expected CLASS"):
        load(tmp_path / "empty")
    half = write_folders(tmp_path / "half", "train/{c}/{s}{i}.npy")
    with pytest.raises(C2PError, match="no folder 'test'; there is train"):
        load(half, "test")
    hollow = write_folders(tmp_path / "hollow", "{c}/{s}/{i}.npy")
    (hollow / "sofa").mkdir()
    with pytest.raises(C2PError, match="no cloud of the test split for sofa"):
        load(hollow)
    broken = write_folders(tmp_path / "broken", "{c}/{s}/{i}.npy")
    for file in (broken / "chair/test").iterdir():
        file.write_bytes(b"no cloud")
    with pytest.raises(C2PError, match=r"no cloud of chair can be read; for instance .*0\.npy"):
        load(broken)
    twice = write_folders(tmp_path / "twice", "{c}/{s}/{i}.npy", ("night_stand", "NightStand"))
    with pytest.raises(C2PError, match="several folders stand for night stand"):
        load(twice)
    few = write_folders(tmp_path / "few", "{c}/{s}{i}.npy", n=1)
    with pytest.raises(C2PError, match="too few clouds"):
        load(few)
    with pytest.raises(C2PError, match="not ScanObjectNN"):
        load(half, "train", variant="obj_bg")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"points": np.ones((2, 80, 3))}, "has no data and no label"),
        ({"data": np.ones((2, 80, 4)), "label": np.zeros(2, int)}, "are not clouds"),
        ({"data": np.ones((2, 80, 3)), "label": np.zeros(3, int)}, "are not clouds"),
        ({"data": np.ones((2, 80, 3)), "label": np.array([0, 15])}, r"whole numbers in 0 \.\.\. 14"),
        ({"data": np.ones((2, 80, 3)), "label": np.array([0.5, 1])}, r"whole numbers in 0 \.\.\. 14"),
        ({"data": np.full((2, 80, 3), np.nan), "label": np.array([0, 1])}, "none of 2 clouds could be read"),
        (None, "not a readable HDF5 file"),
    ],
)
def test_hdf5_files_that_are_not_what_they_should_be(
    tmp_path: Path, content: dict | None, message: str
) -> None:
    file = tmp_path / "main_split" / "test_objectdataset.h5"
    file.parent.mkdir()
    if content is None:
        file.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(50))
    else:
        with h5py.File(file, "w") as stored:
            for key, value in content.items():
                stored[key] = value
    with pytest.raises(C2PError, match=message):
        load(tmp_path)


def test_scans_that_are_missing_are_named(tmp_path: Path) -> None:
    root = write_scans(tmp_path)
    with pytest.raises(C2PError, match="no variant 'hard'"):
        load(root, variant="hard")
    (root / "main_split/training_objectdataset.h5").unlink()
    with pytest.raises(C2PError, match=r"training_objectdataset\.h5: missing"):
        load(root, "train")
    with pytest.raises(C2PError, match="the one above it"):
        load(root / "main_split", variant="obj_only")


def test_the_cache_is_used_until_a_file_changes(tmp_path: Path) -> None:
    root, cache = write_folders(tmp_path / "mine", "{c}/{s}/{i}.npy"), tmp_path / "cache"
    (root / "chair/test/7.npy").write_bytes(b"no cloud")
    first, _ = load(root, cache=cache)
    (stored,) = cache.iterdir()
    written = stored.stat().st_mtime_ns
    again, _ = load(root, cache=cache)
    assert stored.stat().st_mtime_ns == written
    assert (again.digest, again.files, again.skipped) == (first.digest, first.files, first.skipped)
    assert load(root, cache=cache, seed=1)[0].digest != first.digest or len(list(cache.iterdir())) == 2
    stored.write_bytes(stored.read_bytes()[:500])  # damaged: made again
    assert load(root, cache=cache)[0].digest == first.digest
    np.save(root / "chair/test/7.npy", points(9))
    assert len(load(root, cache=cache)[0]) == 7


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("night_stand", "night stand"),
        ("NonWheelChair", "non wheel chair"),
        ("tv-stand", "tv stand"),
        ("TV", "tv"),
    ],
)
def test_class_names_become_plain_words(folder: str, name: str) -> None:
    assert plain_name(folder) == name
