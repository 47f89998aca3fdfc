"""The picture of the times, measured in pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from c2p_runtime.bench.histogram import bin_edges, save_histogram


def page_of(path: Path) -> npt.NDArray[np.int64]:
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        return np.asarray(picture.convert("RGB")).astype(np.int64)


def bars_of(page: npt.NDArray[np.int64], panel: int = 0) -> list[int]:
    """Heights in pixels of the bars of a panel, read from the middle of each."""
    top = panel * (116 + 220 + 44) + 116
    bars = page[top : top + 220, 32 + 3 : 32 + 800 : 10]
    return [int(n) for n in (np.abs(bars - (0xA8, 0xBD, 0xD4)).max(axis=2) <= 3).sum(axis=0)]


def test_bars_are_as_high_as_the_counts(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    values = list(rng.gamma(4, 2, size=400) + 10)
    save_histogram({"a": values}, tmp_path / "a.png", subtitle="s")
    counts, _ = np.histogram(np.minimum(values, bin_edges([values])[-1]), bin_edges([values]))
    expected = 212 * counts / counts.max()
    found = np.array(bars_of(page_of(tmp_path / "a.png")))
    # Where a line marks a percentile it covers part of a bar's width, but hardly its third pixel.
    assert (np.abs(found - expected) <= 1.5).sum() >= 78


def test_the_marks_stand_at_the_percentiles(tmp_path: Path) -> None:
    values = list(np.linspace(10, 20, 1001))  # p50 15, p90 19, p99 19.9
    save_histogram({"a": values}, tmp_path / "a.png", subtitle="s")
    page = page_of(tmp_path / "a.png")
    # The track above the bars' middle row: a row of the panel through which only lines and bars run.
    accent = (np.abs(page[116 + 100] - (0x09, 0x69, 0xDA)).max(axis=1) <= 3).nonzero()[0]
    expected = [32 + 800 * (value - 10) / 10 for value in (15, 19, 19.9)]
    for x in expected:
        assert np.abs(accent - x).min() <= 1.5
    assert len(accent) <= 9


def test_two_engines_share_one_axis(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    fast, slow = list(rng.normal(10, 0.1, 200)), list(rng.normal(20, 0.1, 200))
    save_histogram({"fast": fast, "slow": slow}, tmp_path / "a.png", subtitle="s")
    page = page_of(tmp_path / "a.png")
    left, right = (np.nonzero(bars_of(page, panel))[0] for panel in (0, 1))
    assert left.size and right.size and left.max() < 5 and right.min() > 70
    save_histogram({"fast": slow, "slow": fast}, tmp_path / "b.png", subtitle="s")
    assert (tmp_path / "a.png").read_bytes() != (tmp_path / "b.png").read_bytes()


def test_one_slow_call_does_not_squeeze_the_rest(tmp_path: Path) -> None:
    values = [*np.random.default_rng(2).normal(10, 1, 500), 5000.0]
    edges = bin_edges([values])
    assert edges[-1] < 20 and edges[0] == min(values)
    save_histogram({"a": values}, tmp_path / "a.png", subtitle="s")
    assert sum(height > 0 for height in bars_of(page_of(tmp_path / "a.png"))) > 30


@pytest.mark.parametrize("values", [[5.0], [5.0, 5.0, 5.0], [0.001, 0.001]])
def test_equal_times_can_be_drawn(tmp_path: Path, values: list[float]) -> None:
    save_histogram({"a": values}, tmp_path / "a.png", subtitle="s")
    assert max(bars_of(page_of(tmp_path / "a.png"))) > 200


def test_an_unwritable_picture_is_an_oserror(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        save_histogram({"a": [1.0]}, tmp_path / "no" / "a.png", subtitle="s")
    assert not list(tmp_path.iterdir())
