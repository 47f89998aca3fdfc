"""The word bank: what it holds, what it is taken for, and what it is never taken for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from c2p_deploy import LabelSet
from c2p_deploy.errors import LabelError, UnknownLabelError
from c2p_deploy.labels import by_names, choose_labels, word_bank
from c2p_deploy.labels.names import near_names, row_of, rows_of
from paths import REPOSITORY

BANK = word_bank()
HOME = REPOSITORY / "c2p_deploy" / "labels"


def known(*names: str, template: str = "a {}") -> LabelSet:
    """An engine's label set in CLIP's space, whose features are not the bank's of these names."""
    return LabelSet(names, BANK.features[: len(names)], template)


def feature(name: str) -> np.ndarray:
    row = row_of(name, BANK.rows)
    assert row is not None, name
    return BANK.features[row]


def test_what_is_in_it() -> None:
    assert len(BANK.names) == len(set(BANK.names)) == len(BANK.features) > 1500
    np.testing.assert_allclose(np.linalg.norm(BANK.features, axis=1), 1, atol=1e-3)
    for name in ("bowl", "Cordless_Drill", "wrench", "traffic cones", "TV", "knives", "glasses", "pan"):
        feature(name)
    assert not np.array_equal(feature("glasses"), feature("glass"))
    assert np.array_equal(feature("power drill"), feature("electric drills"))
    assert row_of("flurbl", BANK.rows) is None


def test_features_mean_what_their_names_say() -> None:
    """Things of a kind lie nearer to each other than to a thing of another kind."""
    kinds = [("wrench", "screwdriver", "banana"), ("cat", "dog", "airplane"), ("sofa", "couch", "zebra")]
    for one, like, unlike in kinds:
        assert feature(one) @ feature(like) > feature(one) @ feature(unlike)


def test_every_published_name_is_found(shared: Path) -> None:
    from c2p_train.model.detic_features import read_detic_features

    published = read_detic_features(shared / "data" / "clip_text")
    missing = [name for name in published if row_of(name, BANK.rows) is None]
    assert not missing
    for name in ("aerosol_can", "Car", "hammer", "electric drill"):
        expected = published[name.lower()]
        cosine = feature(name) @ expected / np.linalg.norm(expected) / np.linalg.norm(feature(name))
        assert cosine > 0.9999


def test_the_script_makes_the_files_that_are_here(shared: Path, tmp_path: Path) -> None:
    script = REPOSITORY / "tools" / "build_word_bank.py"
    subprocess.run(
        [sys.executable, script, shared / "data" / "clip_text", tmp_path], check=True, capture_output=True
    )
    for name in ("words.npy", "words.json"):
        assert (tmp_path / name).read_bytes() == (HOME / name).read_bytes()


def test_the_engine_knows_better_than_the_bank() -> None:
    engine = known("bowl", "cup")
    chosen = by_names(engine, ["bowls", "wrench", "Cup"])
    assert chosen.names == ("bowls", "wrench", "Cup") and chosen.template == "a {}"
    np.testing.assert_allclose(chosen.text_features[[0, 2]], engine.text_features, atol=1e-6)
    np.testing.assert_allclose(chosen.text_features[1], feature("wrench"), atol=1e-3)


def test_another_prompt_is_mixed_only_where_it_must_be() -> None:
    engine = known("bowl", "flurbl", template="image of a {}")
    same = by_names(engine, ["bowl", "wrench"])
    np.testing.assert_allclose(same.text_features[0], feature("bowl"), atol=1e-3)
    assert same.template == "a {}"
    assert by_names(engine, ["flurbl", "wrench"]).template == "image of a {}, a {}"
    assert by_names(engine, ["bowl"]).template == "image of a {}"


def test_features_of_another_space_do_not_meet_the_bank() -> None:
    rng = np.random.default_rng(0)
    for dim in (512, 16):
        other = LabelSet(("bowl", "cup"), rng.normal(size=(2, dim)))
        with pytest.raises(UnknownLabelError, match="'wrench'"):
            by_names(other, ["bowl", "wrench"])
    with pytest.raises(UnknownLabelError, match="'wrench'"):
        choose_labels(known("bowl"), ["wrench"], bank=False)


def test_unknown_words_are_told_with_near_ones() -> None:
    with pytest.raises(UnknownLabelError) as caught:
        by_names(known("bowl"), ["my drill", "bowl", "hamer", "flurbl"])
    said = caught.value.problem
    assert "'my drill' (near: drill, electric drill)" in said
    assert "'hamer' (near: " in said and "hammer" in said and "'flurbl'" in said
    assert caught.value.names == ("my drill", "bowl", "hamer", "flurbl")
    with pytest.raises(
        UnknownLabelError, match=r"'flurbl' \(known: bowl and 1,\d{3} words of the word bank\)"
    ):
        by_names(known("bowl"), ["flurbl"])


def test_numbers_of_words() -> None:
    rows = rows_of(["knife", "box", "glass", "cherry", "shelves", "bus"])
    for asked, row in (("Knives", 0), ("boxes", 1), ("cherries", 3), ("shelf", 4), ("buses", 5)):
        assert row_of(asked, rows) == row
    assert row_of("glasses", rows) is None and row_of("", rows) is None and row_of("s", rows) is None
    assert near_names("", ["a"]) == []


def test_comments_in_label_files(tmp_path: Path) -> None:
    file = tmp_path / "mine.txt"
    file.write_text("# kitchen\nbowl  # the blue one\n\n  #\nwrench\nC#\n", encoding="utf-8")
    assert choose_labels(known("bowl", "C#"), file).names == ("bowl", "wrench", "C#")


def test_a_damaged_bank_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = sys.modules["c2p_deploy.labels.word_bank"]  # its name is its function's, too
    for name in ("words.npy", "words.json"):
        (tmp_path / name).write_bytes((HOME / name).read_bytes())
    with (tmp_path / "words.npy").open("r+b") as file:
        file.seek(5000)
        file.write(b"\0\1\2\3")
    monkeypatch.setattr(module, "_FOLDER", tmp_path)
    module.word_bank.cache_clear()
    try:
        with pytest.raises(LabelError, match=r"words\.npy: the word bank cannot be read: its SHA-256"):
            module.word_bank()
    finally:
        module.word_bank.cache_clear()


def test_nothing_reads_the_bank_before_it_is_needed() -> None:
    code = (
        "import c2p_runtime, sys; from c2p_deploy.labels import choose_labels, word_bank, LabelSet; "
        "import numpy as np; known = LabelSet(('bowl', 'cup'), np.eye(2, 512)); "
        "choose_labels(known, 'cup'); print(word_bank.cache_info().misses)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"0\n"
