"""Taught labels: what fits together, what survives a file, what adds up; and the scores that follow."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from c2p_deploy import LabelSet
from c2p_deploy.errors import LabelError
from c2p_deploy.labels import TaughtLabels, choose_labels, load_labels
from c2p_deploy.labels.taught import extended, merged, taught
from c2p_deploy.taught_scores import TaughtScores

DIM, ENCODER, SCALE = 32, "e" * 64, 30.0
RNG = np.random.default_rng(11)
WORDS = LabelSet(("chair", "cup", "lamp"), RNG.normal(size=(3, DIM)))
# Where the features of things lie: as in CLIP, nearer to each other than to any text feature.
PLACES = {name: RNG.normal(size=DIM) for name in ("drill", "vase", "clock")}


def looks(name: str, count: int, noise: float = 0.2, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng([seed, *name.encode()])
    features = PLACES[name] + noise * rng.normal(size=(count, DIM))
    return (features / np.linalg.norm(features, axis=1)[:, None]).astype(np.float32)


def known_things(count: int = 50) -> tuple[np.ndarray, np.ndarray]:
    """Features of things that have a word only, near their text features; and their labels."""
    rng = np.random.default_rng(3)
    label = rng.integers(0, 3, count)
    noise = rng.normal(size=(count, DIM)) / np.sqrt(DIM)
    features = 0.4 * WORDS.text_features[label] + noise
    return (features / np.linalg.norm(features, axis=1)[:, None]).astype(np.float32), label


def mine(**counts: int) -> TaughtLabels:
    return taught(WORDS, {name: looks(name, count) for name, count in counts.items()}, ENCODER)


def test_a_new_thing_is_found_and_takes_nothing_from_the_others() -> None:
    features, label = known_things()
    before = (features @ WORDS.text_features.T).argmax(axis=1) == label
    for shown in ({"drill": 1}, {"drill": 4}, {"drill": 4, "vase": 4, "clock": 2}):
        labels = mine(**shown)
        scores = TaughtScores(labels, SCALE)
        after = scores(features).argmax(axis=1) == label
        assert (before & ~after).mean() <= 0.02
        for name in shown:
            found = scores(looks(name, 20, seed=1)).argmax(axis=1)
            assert (found == labels.names.index(name)).all()


def test_a_regression_alone_would_call_everything_by_the_new_name() -> None:
    """Why there are two questions: this is what the first one is for."""
    from c2p_deploy.fewshot import fit_weights

    features, label = known_things()
    text = np.concatenate([WORDS.text_features, np.full((1, DIM), np.nan)])
    weights = fit_weights(text, looks("drill", 4), np.full(4, 3), SCALE)
    assert ((features @ weights.T).argmax(axis=1) == label).mean() < 0.2


def test_clouds_of_a_label_that_has_a_word_can_only_help_it() -> None:
    """The second cup that looks otherwise: found by its clouds, the first still by its word."""
    labels = taught(WORDS, {"cup": looks("drill", 3)}, ENCODER)
    assert labels.names == WORDS.names and labels.worded.all()
    scores = TaughtScores(labels, SCALE)
    assert (scores(looks("drill", 20, seed=2)).argmax(axis=1) == 1).all()
    features, _ = known_things()
    assert (scores(features)[:, 1] >= (features @ WORDS.text_features.T)[:, 1] - 1e-6).all()


def test_labels_without_a_word_at_all() -> None:
    labels = mine(drill=2, vase=2, clock=2).subset(["drill", "vase", "clock"])
    assert isinstance(labels, TaughtLabels) and not labels.worded.any()
    scores = TaughtScores(labels, SCALE)
    for row, name in enumerate(labels.names):
        assert (scores(looks(name, 10, seed=4)).argmax(axis=1) == row).all()
    one = labels.subset(["vase"])
    assert isinstance(one, TaughtLabels) and TaughtScores(one, SCALE)(looks("vase", 2)).shape == (2, 1)


@given(st.permutations(["chair", "cup", "lamp", "drill", "vase"]), st.integers(1, 5))
def test_scores_follow_their_names_in_any_order(order: list[str], count: int) -> None:
    labels, wanted = mine(drill=2, vase=3), tuple(order[:count])
    some = labels.subset(wanted)
    assert some.names == wanted
    for row, name in enumerate(wanted):
        old = labels.names.index(name)
        np.testing.assert_array_equal(some.text_features[row], labels.text_features[old])
        if isinstance(some, TaughtLabels):
            np.testing.assert_array_equal(some.shots[some.of == row], labels.shots[labels.of == old])


def test_a_file_keeps_all_of_it(tmp_path: Path) -> None:
    labels = mine(drill=3, vase=1)
    labels.save(tmp_path / "mine.json")
    found = load_labels(tmp_path / "mine.json")
    assert isinstance(found, TaughtLabels) and isinstance(
        choose_labels(WORDS, tmp_path / "mine.json"), TaughtLabels
    )
    assert (found.names, found.template, found.encoder) == (labels.names, labels.template, ENCODER)
    np.testing.assert_array_equal(found.of, labels.of)
    np.testing.assert_array_equal(found.worded, labels.worded)
    np.testing.assert_allclose(found.shots, labels.shots, rtol=2e-3, atol=1e-4)
    found.save(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "mine.json").read_bytes()
    WORDS.save(tmp_path / "plain.json")
    assert type(load_labels(tmp_path / "plain.json")) is LabelSet


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"taught": 2}, "version 2, this release reads 1"),
        ({"taught": "x"}, "version 'x'"),
        ({"encoder_sha256": None}, "a text"),
        ({"labels": {}}, "no key 'names'"),
        ({"labels": 7}, "not a label set"),
        ({"worded": [1, 1, 1, 1]}, "neither a text feature nor a cloud|do not fit"),
        ({"worded": [1, 1, 0, 0, 0]}, "'lamp' has neither a text feature nor a cloud"),
        ({"worded": [1, 1, 1, 2, 0]}, "0 and 1"),
        ({"cloud_of": [3, 3, 3, 9]}, "do not fit together"),
        ({"cloud_of": [3, 3, 3, 10**30]}, "malformed"),
        ({"cloud_of": [3, 3, 3, 4.0]}, "whole numbers"),
        ({"cloud_of": [3, 3, 3]}, "malformed"),
        ({"cloud_of": []}, "malformed|clouds"),
        ({"cloud_features": "!"}, "malformed"),
        ({"cloud_features": None}, "malformed"),
        ({"cloud_features": "AAAA"}, "malformed"),
    ],
)
def test_malformed_files_are_refused(tmp_path: Path, change: dict, complaint: str) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({**mine(drill=3, vase=1).to_dict(), **change}))
    with pytest.raises(LabelError, match=complaint) as caught:
        load_labels(path)
    assert caught.value.path == str(path) and caught.value.remedy


def test_adding_forgetting_and_merging() -> None:
    labels = mine(drill=2)
    more = taught(labels, {"Drill": looks("drill", 1, seed=8), "vase": looks("vase", 1)}, ENCODER)
    assert more.names == ("chair", "cup", "lamp", "drill", "vase") and more.clouds().tolist() == [
        0,
        0,
        0,
        3,
        1,
    ]
    assert more.forget(["vase", "cups"]).names == ("chair", "lamp", "drill")
    assert type(more.forget(["vase", "drill"])) is LabelSet
    kept = more.forget(["vase", "chair", "vase"])  # twice is no mistake
    assert isinstance(kept, TaughtLabels) and kept.names == ("cup", "lamp", "drill")
    np.testing.assert_array_equal(kept.shots, more.shots[more.of == 3])
    assert kept.of.tolist() == [2, 2, 2] and kept.worded.tolist() == [True, True, False]
    with pytest.raises(LabelError, match="no name would be left"):
        more.forget(more.names)

    other = taught(
        extended(WORDS, ["saw"], np.ones((1, DIM), np.float32)), {"clock": looks("clock", 2)}, ENCODER
    )
    both = merged(more, other)
    assert both.names == (*more.names, "saw", "clock") and both.clouds().tolist() == [0, 0, 0, 3, 1, 0, 2]
    assert both.worded.tolist() == [True, True, True, False, False, True, False]
    assert merged(both, other).clouds().tolist() == both.clouds().tolist()  # a cloud counts once
    assert merged(WORDS, other).names == (*WORDS.names, "saw", "clock")
    with pytest.raises(LabelError, match="another engine"):
        merged(more, taught(WORDS, {"clock": looks("clock", 1)}, "f" * 64))
    with pytest.raises(LabelError, match="another engine"):
        taught(more, {"clock": looks("clock", 1)}, "f" * 64)


@pytest.mark.parametrize(
    "features",
    [np.ones((0, DIM)), np.ones((1, DIM + 1)), np.ones(DIM), np.zeros((1, DIM)), np.full((1, DIM), np.nan)],
)
def test_features_that_are_none_are_refused(features: np.ndarray) -> None:
    with pytest.raises(LabelError):
        taught(WORDS, {"drill": features}, ENCODER)
