"""Label sets: what they refuse, how names are found, what survives a file."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from c2p_deploy import LabelSet
from c2p_deploy.errors import LabelError
from c2p_deploy.labels import choose_labels

NAMES = ("chair", "night stand", "sofa", "T-shirt")


@pytest.fixture
def labels() -> LabelSet:
    return LabelSet(NAMES, np.random.default_rng(0).normal(size=(4, 16)), "a photo of a {}")


def test_features_are_scaled_to_unit_length(labels: LabelSet) -> None:
    np.testing.assert_allclose(np.linalg.norm(labels.text_features, axis=1), 1, rtol=1e-6)
    assert (len(labels), labels.dim) == (4, 16)


@pytest.mark.parametrize(
    ("names", "features", "complaint"),
    [
        ((), np.ones((0, 4)), "at least one"),
        (("a", " "), np.ones((2, 4)), "no name may be empty"),
        (("a", "b", "a"), np.ones((3, 4)), "twice: a"),
        (("a", "b"), np.ones((3, 4)), r"\[2, D\]"),
        (("a",), np.zeros((1, 4)), "zero"),
        (("a",), np.array([[1, np.nan]]), "not finite"),
    ],
)
def test_what_does_not_fit_is_refused(names: tuple[str, ...], features: np.ndarray, complaint: str) -> None:
    with pytest.raises(LabelError, match=complaint):
        LabelSet(names, features)


def test_names_are_found_however_they_are_written(labels: LabelSet) -> None:
    chosen = labels.subset(["Night_Stand", "t shirt", "CHAIR"])
    assert chosen.names == ("Night_Stand", "t shirt", "CHAIR")
    np.testing.assert_allclose(chosen.text_features, labels.text_features[[1, 3, 0]], rtol=1e-6)


def test_an_unknown_name_is_refused_with_the_nearest(labels: LabelSet) -> None:
    with pytest.raises(LabelError, match=r"'zofa' \(near: sofa\); choose"):
        labels.subset(["chair", "zofa"])
    with pytest.raises(LabelError, match="known: chair, night stand, sofa, T-shirt"):
        labels.subset(["xylophone"])


@given(
    st.lists(st.text(min_size=1).filter(str.strip), min_size=1, max_size=8, unique=True), st.integers(1, 40)
)
def test_json_keeps_names_and_features(names: list[str], dim: int) -> None:
    labels = LabelSet(tuple(names), np.random.default_rng(dim).normal(size=(len(names), dim)))
    again = LabelSet.from_dict(json.loads(json.dumps(labels.to_dict())))
    assert again.names == labels.names and again.template == labels.template
    np.testing.assert_allclose(again.text_features, labels.text_features, atol=1e-3)  # float16


def test_saved_file_is_read_back(labels: LabelSet, tmp_path: Path) -> None:
    labels.save(tmp_path / "mine.json")
    assert LabelSet.load(tmp_path / "mine.json").template == "a photo of a {}"
    assert [path.name for path in tmp_path.iterdir()] == ["mine.json"]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"names": ["chair"]}, "need 32 bytes"),
        ({"text_features": "?"}, "not base64"),
        ({"text_features": 3}, "not base64"),
        ({"dim": 0}, "positive integer"),
        ({"dim": True}, "positive integer"),
        ({"names": "chair"}, "must be a list"),
        ({"names": [1, 2, 3, 4]}, "no name may be empty"),
        ({"template": None}, "template a string"),
        ({"names": None}, "must be a list"),
    ],
)
def test_damaged_files_are_refused_by_name(
    labels: LabelSet, tmp_path: Path, change: dict[str, object], complaint: str
) -> None:
    file = tmp_path / "mine.json"
    file.write_text(json.dumps(labels.to_dict() | change))
    with pytest.raises(LabelError, match=complaint) as caught:
        LabelSet.load(file)
    assert str(caught.value).startswith(str(file))


@pytest.mark.parametrize("content", ["", "[]", "{}", "names: chair"])
def test_files_that_are_no_label_set_are_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "mine.json"
    file.write_text(content)
    with pytest.raises(LabelError, match=r"mine\.json: "):
        LabelSet.load(file)


def test_labels_can_be_asked_for_in_many_ways(labels: LabelSet, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("sofa\n\n  chair \n")
    labels.subset(["sofa", "chair"]).save(tmp_path / "mine.json")
    for wanted in (
        ["sofa", "chair"], "sofa, chair", "sofa,chair,", tmp_path / "mine.txt", str(tmp_path / "mine.json"),
        labels.subset(["sofa", "chair"]),
    ):  # fmt: skip
        chosen = choose_labels(labels, wanted)
        assert chosen.names == ("sofa", "chair"), wanted
        np.testing.assert_allclose(chosen.text_features, labels.text_features[[2, 0]], atol=1e-3)
    assert choose_labels(labels, None) is labels


def test_a_long_list_of_names_is_not_taken_for_a_file() -> None:
    names = [f"a rather long name of a thing, number {i}".replace(",", "") for i in range(200)]
    many = LabelSet(tuple(names), np.random.default_rng(0).normal(size=(200, 4)))
    assert choose_labels(many, ", ".join(names)).names == tuple(names)


def test_features_of_another_width_are_refused(labels: LabelSet) -> None:
    with pytest.raises(LabelError, match="have 8 dimensions, the engine's features 16"):
        choose_labels(labels, LabelSet(("chair",), np.ones((1, 8))))


def test_errors_of_a_label_file_name_it(labels: LabelSet, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("chair\nzofa\n")
    with pytest.raises(LabelError, match=r"mine\.txt: no text feature"):
        choose_labels(labels, tmp_path / "mine.txt")
    with pytest.raises(LabelError, match=r"gone\.json: cannot read"):
        choose_labels(labels, tmp_path / "gone.json")
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(LabelError, match=r"binary\.txt: cannot read"):
        choose_labels(labels, tmp_path / "binary.txt")
