"""The gate: which figures, and what they must keep to."""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from c2p_deploy import LabelSet, Manifest
from c2p_export.parity import (
    LIMITS,
    Parity,
    compare,
    parities,
    refusal_of,
    run_at_batches,
    why_refused,
    with_parity,
)
from engines import VIEWS, write_engine

LABELS = LabelSet(("x", "y"), np.eye(2))
GOOD = Parity(10, 0.99999, 1.0, 1e-6, 1e-6, 1.0, 0)


def test_figures_of_known_features() -> None:
    expected = np.array([[1, 0], [0, 1], [0.8, 0.6]], dtype=np.float32)
    got = np.array([[1, 0], [0.6, 0.8], [0.6, 0.8]], dtype=np.float32)
    parity = compare(expected, got, LABELS, logit_scale=10)
    assert parity.clouds == 3 and parity.nan_count == 0
    assert parity.cosine_min == pytest.approx(0.8)
    assert parity.cosine_mean == pytest.approx((1 + 0.8 + 0.96) / 3)
    assert parity.feature_max_abs == pytest.approx(0.6)
    assert parity.top1_agreement == pytest.approx(2 / 3)  # the third changed its answer
    softmax = np.exp(10 * expected[2]) / np.exp(10 * expected[2]).sum()
    assert parity.score_max_abs == pytest.approx(softmax[0] - softmax[1], abs=1e-5)


def test_a_cosine_does_not_depend_on_lengths() -> None:
    expected = np.array([[0.03, 0.04], [3, 4]], dtype=np.float32)
    parity = compare(expected, np.array([[0.04, 0.03], [8, 6]], dtype=np.float32), LABELS, 1)
    assert (parity.cosine_min, parity.cosine_mean) == (pytest.approx(0.96), pytest.approx(0.96))
    assert Parity(*asdict(parity).values()) == parity and Parity(1, 1, 1, 0, 0, 1).nan_count == 0


@pytest.mark.parametrize(
    ("precision", "remedy"),
    [("fp32", "please report"), ("fp16", "export with --fp32"), ("int8", "--calib"), ("fp8", "--calib")],
)
def test_what_to_do_depends_on_the_precision(tmp_path: Path, precision: str, remedy: str) -> None:
    manifest = replace(Manifest.for_engine(write_engine(tmp_path)), precision=precision)
    refusal = refusal_of(replace(manifest, parity={"tensorrt": asdict(replace(GOOD, cosine_min=0.1))}))
    assert refusal is not None and remedy in refusal.remedy


def test_labels_that_the_checkpoint_cannot_tell_apart_are_one_answer() -> None:
    expected = np.array([[0.5004, 0.5], [0.55, 0.5]], dtype=np.float32)
    got = expected[:, ::-1].copy()
    assert compare(expected, got, LABELS, logit_scale=1).top1_agreement == 0.5


def test_features_that_are_no_numbers_are_counted_and_refused() -> None:
    expected = np.array([[1, 0], [0, 1]], dtype=np.float32)
    got = np.array([[1, np.nan], [np.inf, 1]], dtype=np.float32)
    for infinity in (np.inf, -np.inf):
        got[1, 0] = infinity
        parity = compare(expected, got, LABELS, 10)
        assert parity.nan_count == 2
        assert (parity.cosine_min, parity.score_max_abs, parity.feature_max_abs) == (1, 0, 0)  # zero instead
    assert "2 features are not finite" in (why_refused(parity, "int8") or "")


@pytest.mark.parametrize("precision", LIMITS)
def test_what_agrees_is_let_through(precision: str) -> None:
    assert why_refused(GOOD, precision) is None


@pytest.mark.parametrize(
    ("precision", "worse", "complaint"),
    [
        ("fp32", {"cosine_min": 0.9998}, "smallest cosine 0.999800, at least 0.9999 wanted"),
        ("fp32", {"feature_max_abs": 2e-4}, "features differ by up to 0.0002"),
        ("fp16", {"cosine_min": 0.998}, "at least 0.999 wanted"),
        ("fp16", {"top1_agreement": 0.9}, "same answer on 90.0 % of 10 clouds, at least 100 % wanted"),
        ("int8", {"cosine_min": 0.96}, "at least 0.97 wanted"),
        ("fp8", {"top1_agreement": 0.8}, "at least 90 % wanted"),
        ("fp16", {"cosine_min": float("nan")}, "smallest cosine nan"),
    ],
)
def test_what_does_not_agree_is_refused_with_its_numbers(
    precision: str, worse: dict[str, float], complaint: str
) -> None:
    assert complaint in (why_refused(replace(GOOD, **worse), precision) or "")  # type: ignore[arg-type]


@given(count=st.integers(1, 40), most=st.integers(1, 12))
def test_every_cloud_is_run_once_and_the_largest_batch_is_among_them(count: int, most: int) -> None:
    depth = np.arange(count, dtype=np.float32).reshape(count, 1, 1, 1)
    sizes = []

    def run(maps: np.ndarray) -> np.ndarray:
        sizes.append(len(maps))
        return maps.reshape(-1, 1)

    features = run_at_batches(run, depth, most)
    np.testing.assert_array_equal(features[:, 0], np.arange(count))
    assert max(sizes) <= most
    if count > 10:
        assert {1, 2, 7, most} & set(range(1, most + 1)) == set(sizes)


@pytest.mark.parametrize(
    ("count", "most", "expected"),
    [
        (1, 1, [1]),
        (3, 1, [1, 1, 1]),
        (3, 2, [1, 2]),
        (4, 2, [1, 2, 2]),  # the last one filled up
        (10, 7, [1, 2, 7]),
        (10, 8, [1, 2, 7]),
        (9, 8, [1, 2, 8]),  # six are left, too few for seven
        (11, 8, [1, 2, 7, 8]),
        (2, 8, [1, 8]),
        (26, 8, [1, 2, 7, 8, 8]),
        (27, 8, [1, 2, 7, 8, 8, 8]),
    ],
)
def test_batches_are_of_these_sizes(count: int, most: int, expected: list[int]) -> None:
    sizes = []

    def run(maps: np.ndarray) -> np.ndarray:
        sizes.append(len(maps))
        return maps.reshape(-1, 1)

    depth = np.arange(count, dtype=np.float32).reshape(count, 1, 1, 1)
    np.testing.assert_array_equal(run_at_batches(run, depth, most)[:, 0], np.arange(count))
    assert sizes == expected


@pytest.mark.parametrize(
    ("precision", "cosine", "agreement", "difference"),
    [("fp32", 0.9999, 1, 1e-4), ("fp16", 0.999, 1, 9), ("int8", 0.97, 0.9, 9), ("fp8", 0.97, 0.9, 9)],
)
def test_a_limit_itself_is_kept_and_what_is_beyond_is_not(
    precision: str, cosine: float, agreement: float, difference: float
) -> None:
    at = replace(GOOD, cosine_min=cosine, top1_agreement=agreement, feature_max_abs=difference)
    assert why_refused(at, precision) is None
    complaint = why_refused(replace(at, cosine_min=cosine - 1e-6), precision) or ""
    assert complaint == f"smallest cosine {cosine - 1e-6:.6f}, at least {cosine} wanted"
    complaint = why_refused(replace(at, top1_agreement=agreement - 1e-3), precision) or ""
    assert f"on {100 * agreement - 0.1:.1f} % of 10 clouds, at least {100 * agreement:.0f} %" in complaint
    assert why_refused(replace(at, nan_count=1), precision) == "1 features are not finite"
    beyond = why_refused(replace(at, feature_max_abs=difference * 1.01), precision)
    assert (beyond is None) == (precision != "fp32")


def test_a_tie_is_a_hundredth() -> None:
    """Scores a little less and a little more than that apart; the engine turns them round."""
    for gap, agrees in ((0.0099, True), (0.0101, False)):
        ahead = np.float32(np.log((0.5 + gap / 2) / (0.5 - gap / 2)))
        expected = np.array([[ahead, 0]], np.float32)
        found = compare(expected, expected[:, ::-1].copy(), LABELS, logit_scale=1).top1_agreement
        assert found == float(agrees), gap


def test_figures_go_into_the_manifest_under_the_name_of_what_ran_it(tmp_path: Path) -> None:
    manifest = replace(Manifest.for_engine(write_engine(tmp_path)), parity={"tensorrt": asdict(GOOD)})
    features = np.random.default_rng(0).random((9, len(VIEWS)), dtype=np.float32)
    figures = parities(with_parity(manifest, "onnxruntime", features, features.copy()))
    assert figures["tensorrt"] == GOOD and list(figures) == ["tensorrt", "onnxruntime"]
    assert figures["onnxruntime"].clouds == 9 and figures["onnxruntime"].feature_max_abs == 0


def test_complaints_name_the_engine(tmp_path: Path) -> None:
    manifest = Manifest.for_engine(write_engine(tmp_path))
    assert refusal_of(manifest) is None
    bad = replace(GOOD, cosine_min=0.1)
    manifest = replace(manifest, parity={"onnxruntime": asdict(GOOD), "tensorrt": asdict(bad)})
    refusal = refusal_of(manifest)
    assert refusal is not None and refusal.problem.startswith("tensorrt: smallest cosine 0.1")
    assert parities(manifest) == {"onnxruntime": GOOD, "tensorrt": bad}


def test_figures_of_another_release_are_left_out(tmp_path: Path) -> None:
    manifest = Manifest.for_engine(write_engine(tmp_path))
    manifest = replace(manifest, parity={"onnxruntime": asdict(GOOD), "old": {"cos": 1}, "odd": 3})
    for wrong in ("9", None, [1], {}, True):  # of another kind, as in a damaged manifest
        manifest.parity["tensorrt"] = asdict(GOOD) | {"cosine_min": wrong}  # type: ignore[index]
        assert list(parities(manifest)) == ["onnxruntime"]
    del manifest.parity["tensorrt"]  # type: ignore[attr-defined]
    assert parities(manifest) == {"onnxruntime": GOOD} and refusal_of(manifest) is None
