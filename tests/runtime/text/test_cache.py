"""Text features kept on disk: found again by tower and prompt, never trusted when damaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from c2p_deploy.manifest import TextEncoderFiles
from c2p_runtime.text import cache
from c2p_runtime.text.cache import cache_file, keep_features, kept_features

TOWER = TextEncoderFiles("a.text.onnx", "1" * 64, "a.tokenizer.json", "2" * 64)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def unit(*prompts: str) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(len(prompts))
    rows = rng.normal(size=(len(prompts), 8))
    return dict(zip(prompts, (rows / np.linalg.norm(rows, axis=1)[:, None]).astype(np.float32), strict=True))


def test_what_is_kept_is_found_for_this_tower_alone() -> None:
    assert kept_features(TOWER, 8) == {}
    first, more = unit("a cup"), unit("a mug", "ein Krug ü")
    keep_features(TOWER, first, {})
    keep_features(TOWER, more, kept_features(TOWER, 8))
    found = kept_features(TOWER, 8)
    assert list(found) == ["a cup", "a mug", "ein Krug ü"]
    for prompt, row in {**first, **more}.items():
        np.testing.assert_array_equal(found[prompt], row)
    assert kept_features(TextEncoderFiles("a", "3" * 64, "b", "2" * 64), 8) == {}
    assert kept_features(TOWER, 16) == {}


@pytest.mark.parametrize("damage", ["cut", "zeros", "text", "nan", "pickle"])
def test_a_damaged_file_counts_as_empty(damage: str) -> None:
    keep_features(TOWER, unit("a cup", "a mug"), {})
    path = cache_file(TOWER)
    data = path.read_bytes()
    if damage == "cut":
        path.write_bytes(data[: len(data) // 2])
    elif damage == "zeros":
        path.write_bytes(bytes(len(data)))
    elif damage == "text":
        path.write_text("not a cache")
    elif damage == "nan":
        np.savez(path, prompts=np.array(["a cup"]), features=np.full((1, 8), np.nan, np.float32))
    else:
        np.savez(path, prompts=np.array([object()]), features=np.ones((1, 8), np.float32))
    assert kept_features(TOWER, 8) == {}
    keep_features(TOWER, unit("a cup"), {})
    assert list(kept_features(TOWER, 8)) == ["a cup"]


def test_it_stays_bounded_and_never_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "_MOST_PROMPTS", 3)
    keep_features(TOWER, unit("a", "b"), unit("c", "d", "e"))
    assert list(kept_features(TOWER, 8)) == ["e", "a", "b"]
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    keep_features(TOWER, unit("a"), {})
    assert kept_features(TOWER, 8) == {}
