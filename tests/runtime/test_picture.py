"""The picture of `--save-views`: read back with Pillow and compared with what went in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from c2p_deploy.errors import C2PError
from c2p_deploy.projection.spec import FloatArray
from c2p_runtime.picture import grid_shape, save_views
from c2p_runtime.prediction import Prediction

LABELS = ("chair", "night stand", "sofa", "musical instrument", "table", "bed")
SCORES = (0.8, 0.1, 0.05, 0.03, 0.015, 0.005)


def make_prediction(labels: tuple[str, ...] = LABELS, scores: tuple[float, ...] = SCORES) -> Prediction:
    return Prediction(
        labels,
        np.array(scores, np.float32),
        np.zeros(4, np.float32),
        {},
        np.zeros((len(labels), 4), np.float32),
    )


def random_depth(views: int, size: int) -> FloatArray:
    """Depth maps that no other part of the picture could be mistaken for: noise [V, S, S]."""
    return np.random.default_rng(views * size).random((views, size, size), dtype=np.float32)


def cells_of(picture: Image.Image, maps: list[npt.NDArray[np.uint8]]) -> list[tuple[int, int]]:
    """Where each map (uint8 [C, C]) stands in the picture, (x, y), found by its own pixels."""
    page = np.asarray(picture.convert("L"))
    places = []
    for cell in maps:
        height, width = cell.shape
        rows = np.lib.stride_tricks.sliding_window_view(page, width, axis=1)  # [H, W - C + 1, C]
        candidates = np.argwhere((rows[:, :, ::16] == cell[0, ::16]).all(axis=2))
        hits = [(x, y) for y, x in candidates if np.array_equal(page[y : y + height, x : x + width], cell)]
        assert len(hits) == 1
        places += hits
    return places


def magnified(depth: FloatArray, factor: int) -> list[npt.NDArray[np.uint8]]:
    gray = np.rint(depth * 255).astype(np.uint8)
    return list(gray.repeat(factor, axis=1).repeat(factor, axis=2))


@pytest.mark.parametrize(
    ("views", "rows", "columns"), [(1, 1, 1), (4, 1, 4), (6, 2, 3), (10, 2, 5), (12, 3, 4)]
)
def test_every_map_appears_pixel_by_pixel_in_reading_order(
    tmp_path: Path, views: int, rows: int, columns: int
) -> None:
    depth = random_depth(views, 64)
    save_views(depth, make_prediction(), tmp_path / "out.png", title="chair.ply", up="z")
    with Image.open(tmp_path / "out.png") as picture:
        assert picture.format == "PNG"
        places = cells_of(picture, magnified(depth, 3))
    assert places == sorted(places, key=lambda place: (place[1], place[0]))
    assert len({y for _, y in places}) == rows
    assert len({x for x, _ in places}) == columns
    steps = np.diff(sorted({x for x, _ in places}))
    assert (steps >= 3 * 64).all() and len(set(steps)) <= 1  # evenly spaced, never overlapping


@pytest.mark.parametrize(("size", "factor"), [(32, 6), (112, 2), (224, 1)])
def test_maps_are_magnified_by_a_whole_number_to_about_200_pixels(
    tmp_path: Path, size: int, factor: int
) -> None:
    depth = random_depth(2, size)
    save_views(depth, make_prediction(), tmp_path / "out.png", title="t", up="z")
    with Image.open(tmp_path / "out.png") as picture:
        assert len(cells_of(picture, magnified(depth, factor))) == 2


def test_large_maps_are_reduced(tmp_path: Path) -> None:
    depth = np.ones((10, 896, 896), np.float32)
    depth[:, 256:640, 256:640] = 0
    save_views(depth, make_prediction(), tmp_path / "out.png", title="t", up="z")
    with Image.open(tmp_path / "out.png") as picture:
        assert picture.width < 1300
        black = (np.asarray(picture.convert("L"))[250:] == 0).sum()
    assert black == 10 * 96 * 96


def test_size_for_the_ten_views_of_the_default_model(tmp_path: Path) -> None:
    save_views(np.ones((10, 112, 112), np.float32), make_prediction(), tmp_path / "a.png", title="t", up="z")
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.size == (5 * 224 + 4 * 14 + 2 * 32, 218 + 2 * (224 + 30) + 16)


def test_bars_are_as_long_as_the_scores(tmp_path: Path) -> None:
    depth = np.ones((10, 112, 112), np.float32)
    save_views(depth, make_prediction(), tmp_path / "a.png", title="t", up="z")
    with Image.open(tmp_path / "a.png") as picture:
        page = np.asarray(picture.convert("RGB")).astype(int)
    right_half = page[:218, page.shape[1] // 2 :]

    def longest_run(colour: tuple[int, int, int]) -> list[int]:
        same = (np.abs(right_half - colour).max(axis=2) <= 2).sum(axis=1)
        return [int(n) for n in same if n > 1]

    track = 210
    assert max(longest_run((0x09, 0x69, 0xDA))) == pytest.approx(0.8 * track, abs=1)
    assert max(longest_run((0xA8, 0xBD, 0xD4))) == pytest.approx(0.1 * track, abs=1)


def test_the_up_axis_is_in_the_picture(tmp_path: Path) -> None:
    depth = np.ones((1, 112, 112), np.float32)
    for up in ("z", "y"):
        save_views(depth, make_prediction(), tmp_path / f"{up}.png", title="t", up=up)
    assert (tmp_path / "z.png").read_bytes() != (tmp_path / "y.png").read_bytes()


@pytest.mark.parametrize(
    "name",
    ["x" * 5000, "Küchenstuhl 椅子 стул", "two\nlines\tand\0nul", "caf\udce9.ply", "", "🪑" * 200],
    ids=["long", "utf-8", "control", "undecodable", "empty", "emoji"],
)
def test_any_name_can_be_drawn_and_stays_left_of_the_bars(tmp_path: Path, name: str) -> None:
    depth = random_depth(6, 64)
    prediction = make_prediction((name, "", name, "d", "e", "f"))
    save_views(depth, prediction, tmp_path / "named.png", title=name, up="y")
    with Image.open(tmp_path / "named.png") as picture:
        assert picture.size == (1000, 218 + 2 * (192 + 30) + 16)
        page = np.asarray(picture.convert("L"))
        assert len(cells_of(picture, magnified(depth, 3))) == 6
    between = page[:126, 1000 - 32 - 470 - 20 : 1000 - 32 - 470 - 5]  # title and label, then the bars' names
    assert (between == 255).all()
    assert (page[:214, -28:] == 255).all()


@pytest.mark.parametrize("count", [1, 2, 5])
def test_fewer_labels_than_bars(tmp_path: Path, count: int) -> None:
    prediction = make_prediction(LABELS[:count], (1.0,) + (0.0,) * (count - 1))
    save_views(np.ones((10, 32, 32), np.float32), prediction, tmp_path / "a.png", title="t", up="z")
    with Image.open(tmp_path / "a.png") as picture:
        picture.verify()


def test_png_whatever_the_suffix_and_nothing_else_left(tmp_path: Path) -> None:
    path = tmp_path / "views.out"
    path.write_bytes(b"an older file")
    save_views(np.ones((1, 32, 32), np.float32), make_prediction(), path, title="t", up="z")
    assert path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert list(tmp_path.iterdir()) == [path]


def test_same_input_same_bytes(tmp_path: Path) -> None:
    depth = random_depth(3, 32)
    for name in "ab":
        save_views(depth, make_prediction(), tmp_path / name, title="t", up="z")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_values_outside_the_unit_range_are_clipped(tmp_path: Path) -> None:
    depth = np.full((1, 32, 32), 1.5, np.float32)
    depth[:, :16] = -0.5
    save_views(depth, make_prediction(), tmp_path / "a.png", title="t", up="z")
    with Image.open(tmp_path / "a.png") as picture:
        assert len(cells_of(picture, magnified(depth.clip(0, 1), 6))) == 1


def test_an_unwritable_path_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    depth = np.ones((1, 32, 32), np.float32)
    with pytest.raises(OSError):
        save_views(depth, make_prediction(), tmp_path / "no" / "such" / "a.png", title="t", up="z")
    (tmp_path / "directory").mkdir()
    with pytest.raises(C2PError, match="is a folder"):
        save_views(depth, make_prediction(), tmp_path / "directory", title="t", up="z")
    assert [p.name for p in tmp_path.rglob("*")] == ["directory"]


@pytest.mark.parametrize("views", range(1, 31))
def test_the_grid_holds_all_views_and_no_empty_row(views: int) -> None:
    rows, columns = grid_shape(views)
    assert columns <= 5 and rows * columns >= views > (rows - 1) * columns
