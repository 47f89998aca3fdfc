"""Label sets: what they refuse, how names are found, what survives a file."""

import itertools
import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from c2p_deploy import LabelSet
from c2p_deploy.errors import LabelError
from c2p_deploy.labels import PAPER_TEMPLATE, choose_labels
from c2p_deploy.labels import label_set as labels_module
from c2p_deploy.labels.label_set import is_template, templates_of

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
        (("a",), np.array([[1, 1e39]]), "not finite"),
        (("a",), np.full((1, 4), 1e-31), "zero"),
        (("a",), [["1", "2"]], "array of numbers"),
        (("a",), [[True, False]], "array of numbers"),
        (("a",), [[1j, 2]], "array of numbers"),
        (("a", "b"), [[1, 2], [3]], "array of numbers"),
        (("a",), None, "array of numbers"),
        (("a",), [[10**400]], "array of numbers"),
        (("a",), np.ones((1, 65_537)), "65536"),
        (("a",), np.ones((1, 0)), "D of 1"),
        ("a", np.ones((1, 4)), "list of names"),
        (b"a", np.ones((1, 4)), "list of names"),
        (7, np.ones((1, 4)), "list of names"),
        ((b"a",), np.ones((1, 4)), "must be a text"),
        ((None,), np.ones((1, 4)), "must be a text"),
        (("a\udcff",), np.ones((1, 4)), "cannot be printed"),
    ],
)
def test_what_does_not_fit_is_refused(names: tuple[str, ...], features: np.ndarray, complaint: str) -> None:
    with pytest.raises(LabelError, match=complaint):
        LabelSet(names, features)


@pytest.mark.parametrize("scale", [1e-15, 1.0, 3e38])
def test_features_of_any_length_become_unit_features(scale: float) -> None:
    """Squares of the first vanish in float32, those of the last overflow."""
    features = np.array([[0.6, -0.8], [-0.28, 0.96]], np.float32)
    found = LabelSet(("a", "b"), features * np.float32(scale)).text_features
    np.testing.assert_allclose(found, features, rtol=1e-6)
    assert found.dtype == np.float32


def test_the_largest_names_and_features_are_taken() -> None:
    labels = LabelSet(("x" * 1000,), np.ones((1, 65_536)))
    assert labels.dim == 65_536 and LabelSet.from_dict(labels.to_dict()).names == labels.names


def test_features_given_stay_as_they_are() -> None:
    given = np.full((1, 4), 2, np.float32)
    labels = LabelSet(("a",), given)
    assert given[0, 0] == 2 and not labels.text_features.flags.writeable


@pytest.mark.parametrize("wanted", [[1], b"chair", 7, [], (), [None], "", " , ", [["chair"]], ["\ud800"]])
def test_what_are_no_names_is_refused(labels: LabelSet, wanted: object) -> None:
    with pytest.raises(LabelError):
        choose_labels(labels, wanted)  # type: ignore[arg-type]


def test_a_source_that_never_ends_is_left(labels: LabelSet, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LabelError, match="at most 1000000 names"):
        labels.subset(map(str, itertools.count()))
    monkeypatch.setattr(labels_module, "MOST_LABELS", 4)
    assert len(labels.subset(NAMES)) == 4
    with pytest.raises(LabelError, match="at most 4 names"):
        labels.subset([*NAMES, "chair"])


def test_errors_do_not_list_thousands_of_names() -> None:
    names = tuple(f"thing {number:05}" for number in range(20_000))
    many = LabelSet(names, np.ones((20_000, 1)))
    with pytest.raises(LabelError) as caught:
        many.subset(["qqqqqqqqqqqq"])
    assert len(str(caught.value)) < 2000 and "thing 00099, ...)" in str(caught.value)
    with pytest.raises(LabelError, match=r"occur twice: .*\.\.\.$") as caught:
        LabelSet(names * 2, np.ones((40_000, 1)))
    assert len(str(caught.value)) < 2000
    few = LabelSet(names[:100], np.ones((100, 1)))
    with pytest.raises(LabelError, match=r"thing 00099\)"):
        few.subset(["qqqqqqqqqqqq"])


class BytesPath:
    def __fspath__(self) -> bytes:
        return b"mine.txt"


def test_label_files_that_would_hurt_are_refused(labels: LabelSet, tmp_path: Path) -> None:
    for suffix in (".txt", ".json"):
        pipe, folder, huge = (tmp_path / f"{name}{suffix}" for name in ("pipe", "folder", "huge"))
        os.mkfifo(pipe)
        folder.mkdir()
        with huge.open("wb") as file:
            file.truncate((64 << 20) + 1)
        for path, complaint in ((pipe, "a pipe"), (folder, "a folder"), (huge, "larger than 64 MiB")):
            for wanted in (path, str(path)):
                with pytest.raises(LabelError, match=complaint) as caught:
                    choose_labels(labels, wanted)
                assert caught.value.path == str(path)
    with pytest.raises(LabelError, match="no file can have this name"):
        choose_labels(labels, "a\0.txt")
    with pytest.raises(LabelError, match="path of a label file must be a text"):
        choose_labels(labels, BytesPath())  # type: ignore[arg-type]
    (tmp_path / "lines.txt").write_bytes(b"\n" * 2_000_001)
    with pytest.raises(LabelError, match=r"lines\.txt: cannot read labels: it has more than 1000000 names"):
        choose_labels(labels, tmp_path / "lines.txt")
    (tmp_path / "sparse.txt").write_bytes(b"\n" * 1_999_998 + b"sofa\r\n")
    assert choose_labels(labels, tmp_path / "sparse.txt").names == ("sofa",)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("[" * 50_000 + "]" * 50_000, "nested too deeply"),
        ('{"dim": NaN}', "holds NaN"),
        ('{"dim": 1, "dim": 2}', "twice"),
    ],
)
def test_json_that_would_hurt_is_refused(tmp_path: Path, content: str, complaint: str) -> None:
    (tmp_path / "mine.json").write_text(content)
    with pytest.raises(LabelError, match=complaint) as caught:
        LabelSet.load(tmp_path / "mine.json")
    assert caught.value.path == str(tmp_path / "mine.json")


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
        ({"names": [1, 2, 3, 4]}, "a name must be a text, got 1"),
        ({"names": ["a", "b", "c", " "]}, "no name may be empty"),
        ({"names": ["a", "b", "c", "\ud800"]}, "cannot be printed"),
        ({"names": ["a", "b", "c", "d" * 1001]}, "more than 1000 letters"),
        ({"template": "\ud800 {}"}, "the template of a label set must be a text"),
        ({"dim": 10**400}, "dim must be at most 65536"),
        ({"dim": 65537}, "dim must be at most 65536"),
        ({"dim": 16.0}, "positive integer"),
        ({"text_features": ["AAAA"]}, "not base64"),
        ({"text_features": "\u00e9" * 4}, "not base64"),
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


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("a {}", True),
        ("{}", True),
        ("a", False),
        ("{} {}", False),
        ("{{}}", False),
        ("{} }", False),
        ("{0}", False),
    ],
)
def test_a_template_has_one_place_for_the_name(text: str, is_one: bool) -> None:
    assert is_template(text) == is_one
    expected = (text, "b {}") if is_one else (PAPER_TEMPLATE,)
    assert templates_of(LabelSet(("a",), np.ones((1, 1)), f"{text} | b {{}}")) == expected


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
