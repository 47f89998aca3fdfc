"""Class weights from few clouds: against the regression written out, and what they promise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from c2p_deploy import fewshot
from c2p_deploy.errors import C2PError
from c2p_deploy.fewshot import fit_ridge, fit_weights, folds

DIM, CLASSES = 32, 5


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def world(shots: int, noise: float, seed: int = 0, *, count: int = CLASSES) -> tuple[np.ndarray, ...]:
    """Text features, features of clouds about them, labels: words that fit, as far as the noise lets them."""
    rng = np.random.default_rng((7, count))
    common = 2 * rng.normal(size=DIM)  # all CLIP text features have much in common
    text = unit(common + rng.normal(size=(count, DIM)))
    away = rng.normal(size=(count, DIM)) / np.sqrt(DIM)  # of what things look like from what they are called
    label = np.repeat(np.arange(count), shots)
    draw = np.random.default_rng((seed, 1))
    clouds = text[label] + 0.5 * away[label] + noise * draw.normal(size=(len(label), DIM)) / np.sqrt(DIM)
    return text, clouds, label


def top1(weights: np.ndarray, features: np.ndarray, label: np.ndarray) -> float:
    return float(((features @ weights.T).argmax(axis=1) == label).mean())


# --- the regression -----------------------------------------------------------------------


@pytest.mark.parametrize("wordless", [(), (2,)])
@pytest.mark.parametrize(("penalty", "kappa"), [(0.3, 0.0), (3.0, 2.5)])
def test_clouds_left_out_get_the_scores_of_a_fit_without_them(
    wordless: tuple[int, ...], penalty: float, kappa: float
) -> None:
    text, clouds, label = world(3, 0.5)
    text[list(wordless)] = np.nan
    shots = unit(clouds)
    problem = fewshot._Ridge(text, shots, label)
    from_target, from_text = problem.left_out(penalty, folds(label))
    for rows in folds(label):
        rest = np.setdiff1d(np.arange(len(label)), rows)
        for c in range(CLASSES):
            lam = min(penalty, 0.3) if c in wordless else penalty
            target, words = (label[rest] == c) - 1 / CLASSES, problem.text[c]
            system = shots[rest].T @ shots[rest] + lam * np.eye(DIM)
            moved = np.linalg.solve(system, shots[rest].T @ (target - kappa * shots[rest] @ words))
            expected = shots[rows] @ (kappa * words + moved)
            np.testing.assert_allclose((from_target + kappa * from_text)[rows, c], expected, atol=1e-9)


@pytest.mark.parametrize("shots", [2, 20])  # fewer clouds than dimensions, and more
def test_weights_solve_the_regression(shots: int) -> None:
    text, clouds, label = world(shots, 0.5)
    clouds = unit(clouds)
    problem = fewshot._Ridge(text, clouds, label)
    found = problem.weights(0.1, 1.5)
    target = np.eye(CLASSES)[label] - 1 / CLASSES
    words = 1.5 * problem.text
    system = clouds.T @ clouds + 0.1 * np.eye(DIM)
    expected = words + np.linalg.solve(system, clouds.T @ (target - clouds @ words.T)).T
    np.testing.assert_allclose(found, expected, atol=1e-7)


def test_a_fold_has_one_cloud_of_every_class() -> None:
    label = np.array([0, 1, 0, 1, 0, 2])
    assert [rows.tolist() for rows in folds(label)] == [[0, 1, 5], [2, 3], [4]]
    many = folds(np.repeat([0, 1], 40))
    assert len(many) == 8 and sorted(np.concatenate(many)) == list(range(80))


# --- what is promised ---------------------------------------------------------------------


@pytest.mark.parametrize("shots", [1, 2, 4, 16])
def test_no_worse_than_words_or_class_means(shots: int) -> None:
    """Mean over draws, of words that fit well and clouds that scatter, and the other way round."""
    for noise in (0.4, 1.5):
        found = []
        for seed in range(6):
            text, clouds, label = world(shots, noise, seed)
            _, test, truth = world(60, noise, seed + 100)
            means = unit(np.stack([unit(clouds)[label == c].mean(axis=0) for c in range(CLASSES)]))
            methods = (fit_weights(text, clouds, label, 30.0), text, means)
            found.append([top1(weights, test, truth) for weights in methods])
        ours, words, by_means = np.mean(found, axis=0)
        # One cloud of each class leaves none out to choose by.
        assert ours >= max(words, by_means) - (0.03 if shots > 1 else 0.05)


def test_words_that_mean_nothing_do_no_harm() -> None:
    found = []
    for seed in range(8):
        text, clouds, label = world(4, 0.5, seed)
        _, test, truth = world(60, 0.5, seed + 100)
        noise = unit(np.random.default_rng(seed).normal(size=text.shape))
        fit = fit_ridge(noise, clouds, label)
        found.append([top1(fit.weights, test, truth), top1(noise, test, truth)])
    ours, words = np.mean(found, axis=0)
    assert words < 0.4 and ours > 0.9


@pytest.mark.parametrize("shots", [1, 4])
def test_a_label_without_a_word_is_found_and_takes_nothing_from_the_others(shots: int) -> None:
    text, clouds, label = world(shots, 0.4)
    _, test, truth = world(60, 0.4, 100)
    before = fit_weights(text, clouds, label, 30.0)
    text[1] = np.nan
    after = fit_weights(text, clouds, label, 30.0)
    for weights in (before, after):
        assert top1(weights, test[truth == 1], truth[truth == 1]) > 0.8
    others = truth != 1
    assert top1(after, test[others], truth[others]) > top1(before, test[others], truth[others]) - 0.05


def test_the_softmax_is_as_sure_as_it_is_right() -> None:
    text, clouds, label = world(8, 2.0)
    _, test, truth = world(200, 2.0, 100)
    weights = fit_weights(text, clouds, label, 100.0)
    logits = 100.0 * test @ weights.T
    share = np.exp(logits - logits.max(axis=1, keepdims=True))
    sure = (share / share.sum(axis=1, keepdims=True)).max(axis=1).mean()
    assert sure == pytest.approx(top1(weights, test, truth), abs=0.12)


@settings(max_examples=25)
@given(st.integers(2, 24), st.floats(0.1, 100), st.integers(0, 1000))
def test_unit_rows_rank_as_the_weights_do(count: int, length: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    weights, towards = rng.normal(size=(count, DIM)), rng.normal(size=DIM)
    rows = fewshot._unit_rows(weights, towards, length)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)
    features = rng.normal(size=(50, DIM))
    one, other = features @ weights.T, (features @ rows.T).astype(np.float64)
    one, other = (scores - scores.mean(axis=1, keepdims=True) for scores in (one, other))
    factor = (one * other).sum() / (other * other).sum()
    assert factor > 0
    np.testing.assert_allclose(factor * other, one, atol=1e-3 * np.abs(one).max())


def test_a_label_without_clouds_keeps_to_its_word() -> None:
    text, clouds, label = world(4, 0.4)
    _, test, truth = world(60, 0.4, 100)
    some = label != 3
    weights = fit_weights(text, clouds[some], label[some], 30.0)
    assert top1(weights, test[truth == 3], truth[truth == 3]) > 0.5


def test_one_label_alone() -> None:
    text, clouds, label = world(2, 0.4, count=1)
    weights = fit_weights(text, clouds, label, 30.0)
    assert weights.shape == (1, DIM) and np.isfinite(weights).all()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t, f, y: (t, f[:, 1:], y), "do not fit"),
        (lambda t, f, y: (t, f, y[1:]), "do not fit"),
        (lambda t, f, y: (t, f, y + CLASSES), "rows of 5 text features"),
        (lambda t, f, y: (t, f[:0], y[:0]), "there must be some"),
        (lambda t, f, y: (t, 0 * f, y), "zero or a value that is not finite"),
        (lambda t, f, y: (t, f * np.nan, y), "zero or a value that is not finite"),
        (lambda t, f, y: (t * np.inf, f, y), "zero or a value that is not finite"),
        (lambda t, f, y: (t * [[np.nan]] * 1, f[y > 0], y[y > 0]), "neither a text feature nor a cloud"),
    ],
)
def test_what_makes_no_weights_is_refused(change: object, says: str) -> None:
    with pytest.raises(C2PError, match=says):
        fit_weights(*change(*world(2, 0.4)), 30.0)  # type: ignore[operator]
