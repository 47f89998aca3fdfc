"""Fitting a rejection: what it learns from features whose truth is known, and what it carries over."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.linear_model import LogisticRegression

from c2p_deploy import LabelSet
from c2p_deploy.errors import C2PError
from c2p_deploy.rejection import Judge, Rejection, fit_rejection
from c2p_deploy.rejection.fit import logistic_regression
from c2p_deploy.rejection.judge import CLUTTER, NOVEL
from c2p_deploy.scores import label_scores

D, SCALE = 24, 20.0
LABELS = LabelSet(("a", "b", "c", "d", "e"), np.random.default_rng(0).normal(size=(5, D)))
Floats = npt.NDArray[np.float32]


@dataclass
class Made:
    """Features of things near the text features, of strangers near none, of clutter on one side of space."""

    known: Floats
    label: npt.NDArray[np.int64]
    strangers: Floats
    clutter: Floats


def made(seed: int, count: int = 200, noise: float = 0.12) -> Made:
    rng = np.random.default_rng(seed)
    label = rng.integers(0, len(LABELS), count)
    known = LABELS.text_features[label] + rng.normal(0, noise, (count, D))
    strangers = np.random.default_rng(7).normal(size=(6, D))[rng.integers(0, 6, count)]
    strangers = strangers / np.linalg.norm(strangers, axis=1, keepdims=True) + rng.normal(
        0, noise, (count, D)
    )
    clutter = np.random.default_rng(9).normal(size=D) / 5 + rng.normal(0, 0.2, (count, D))

    def unit(x: npt.NDArray[np.float64]) -> Floats:
        return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)

    return Made(unit(known), label, unit(strangers), unit(clutter))


def fitted(seed: int = 1, **more: object) -> Rejection:
    data = made(seed)
    given = {"strangers": data.strangers, **more}
    return fit_rejection(data.known, data.label, LABELS, SCALE, clutter=data.clutter, **given)  # type: ignore[arg-type]


def reasons(judge: Judge, features: Floats, labels: LabelSet = LABELS) -> list[str | None]:
    return [one.reason for one in judge(features, label_scores(features, labels.text_features, SCALE))]


def own_judge(rejection: Rejection) -> Judge:
    return Judge(rejection, LABELS.text_features, LABELS.text_features, SCALE)


def test_it_tells_known_things_strangers_and_clutter_apart() -> None:
    fresh, judge = made(2), own_judge(fitted())
    known = reasons(judge, fresh.known)
    assert 0.9 <= np.mean([reason is None for reason in known]) <= 0.99  # 95 % were asked for
    assert np.mean([reason == CLUTTER for reason in reasons(judge, fresh.clutter)]) > 0.9
    strangers = reasons(judge, fresh.strangers)
    assert np.mean([reason is not None for reason in strangers]) > 0.9
    assert strangers.count(NOVEL) > strangers.count(CLUTTER)


@pytest.mark.parametrize("recall", [0.8, 0.99])
def test_the_recall_that_was_asked_for_is_met_on_fresh_things(recall: float) -> None:
    judge = own_judge(fitted(recall=recall))
    kept = np.mean([reason is None for reason in reasons(judge, made(3, 1000).known)])
    assert kept == pytest.approx(recall, abs=0.05)


def test_without_strangers_the_things_themselves_teach_what_a_missing_label_looks_like() -> None:
    rejection, fresh = fitted(strangers=None), made(2)
    assert not rejection.novelty[:D].any()  # which directions strangers lie in, nobody has told it
    np.testing.assert_allclose(rejection.novelty[D:], rejection.new_words, rtol=1e-6)
    assert np.mean([r is not None for r in reasons(own_judge(rejection), fresh.strangers)]) > 0.8


def test_confidence_is_the_share_of_right_answers() -> None:
    data, fresh = made(1, 600, noise=0.35), made(2, 2000, noise=0.35)
    rejection = fit_rejection(data.known, data.label, LABELS, SCALE, clutter=data.clutter)
    scores = label_scores(fresh.known, LABELS.text_features, SCALE)
    confidence, _, _ = own_judge(rejection).measure(fresh.known, scores)
    right = scores.argmax(axis=1) == fresh.label
    assert 0.5 < right.mean() < 0.95
    for low, high in ((0, 0.6), (0.6, 0.9), (0.9, 1)):
        mine = (confidence >= low) & (confidence <= high)
        assert mine.sum() > 50 and abs(confidence[mine].mean() - right[mine].mean()) < 0.08


def test_views_of_one_object_are_never_on_both_sides_of_a_split() -> None:
    """Each thing twice over: limits set on the twins of what the weights have seen would be too tight."""
    data = made(1, 60)
    twice = (np.tile(data.known, (2, 1)), np.tile(data.label, 2))
    group = np.tile(np.arange(60), 2)
    by_group, by_row = (
        fit_rejection(*twice, LABELS, SCALE, clutter=data.clutter, group=g) for g in (group, None)
    )
    assert by_group.clutter[-1] < by_row.clutter[-1]


def test_few_shots_stay_near_what_they_start_from() -> None:
    start, few = fitted(), made(5, 12)
    near, far = (
        fit_rejection(few.known, few.label, LABELS, SCALE, clutter=few.clutter, start=s)
        for s in (start, None)
    )
    # One right answer beside another says nothing of when it is wrong: that is carried over.
    assert np.abs(near.confidence - start.confidence).sum() < np.abs(far.confidence - start.confidence).sum()
    assert np.mean([r is None for r in reasons(own_judge(near), made(6).known)]) > 0.7


def test_without_clutter_that_of_the_start_is_kept() -> None:
    start, few = fitted(), made(5, 20)
    found = fit_rejection(few.known, few.label, LABELS, SCALE, clutter=None, start=start)
    np.testing.assert_array_equal(found.clutter[:-1], start.clutter[:-1])
    judge = own_judge(found)
    assert np.mean([reason == CLUTTER for reason in reasons(judge, made(6).clutter)]) > 0.7


def test_labels_made_of_the_shots_are_judged_by_those_made_without_each() -> None:
    """Class means, which know their own shots by heart: scored as they are, everything else looks strange."""
    few, fresh, start = made(3, 25, noise=0.25), made(4, 300, noise=0.25), fitted()
    indicator = np.eye(len(LABELS))[few.label]
    sums, counts = indicator.T @ few.known, indicator.sum(axis=0)
    means = LabelSet(LABELS.names, sums / counts[:, None])
    cosines = few.known @ means.text_features.T
    without = sums[few.label] - few.known
    without /= np.linalg.norm(without, axis=1, keepdims=True)
    left_out = cosines.copy()
    left_out[np.arange(25), few.label] = (few.known * without).sum(axis=1)
    kept = []
    for given in (left_out.astype(np.float32), None):
        found = fit_rejection(
            few.known, few.label, means, SCALE, clutter=few.clutter, left_out=given, start=start
        )
        judge = Judge(found, means.text_features, means.text_features, SCALE)
        kept.append(np.mean([reason is None for reason in reasons(judge, fresh.known, means)]))
    assert kept[0] > 0.8 and kept[0] > kept[1] + 0.03


def test_what_cannot_be_fitted_is_refused() -> None:
    data, few = made(1, 20), made(1, 4)
    with pytest.raises(C2PError, match="4 things and 4 pieces"):
        fit_rejection(few.known, few.label, LABELS, SCALE, clutter=few.clutter)
    with pytest.raises(C2PError, match="without clutter"):
        fit_rejection(data.known, data.label, LABELS, SCALE, clutter=None)
    wide = Rejection(np.zeros(9, np.float32), np.zeros(12, np.float32), np.zeros(4), np.zeros(4), np.zeros(3))
    with pytest.raises(C2PError, match=f"features of 8, these have {D}"):
        fit_rejection(data.known, data.label, LABELS, SCALE, clutter=None, start=wide)


def test_one_label_alone_can_be_fitted() -> None:
    data = made(1, 50)
    only, mine = LABELS.subset(["a"]), made(1, 300)
    known = mine.known[mine.label == 0]
    label = np.zeros(len(known), dtype=np.int64)
    rejection = fit_rejection(known, label, only, SCALE, clutter=data.clutter, strangers=data.strangers)
    judge = Judge(rejection, only.text_features, only.text_features, SCALE)
    strangers = reasons(judge, made(2).strangers, only)
    assert np.mean([reason is not None for reason in strangers]) > 0.8


@pytest.mark.parametrize("ridge", [0.5, 10.0])
def test_logistic_regression_is_that_of_sklearn(ridge: float) -> None:
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(120, 4)) * (1, 5, 0.1, 1) + (0, 3, 0, -2)
    positive = rows @ (1, 0.3, -4, 0.5) + rng.normal(0, 1, 120) > 0
    scaled = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    theirs = LogisticRegression(C=1 / ridge, tol=1e-8, max_iter=1000).fit(scaled, positive)
    ours = logistic_regression(rows, positive, ridge)
    np.testing.assert_allclose(ours[:-1] * rows.std(axis=0), theirs.coef_[0], atol=2e-3)
    np.testing.assert_allclose(rows @ ours[:-1] + ours[-1], theirs.decision_function(scaled), atol=1e-2)


def test_a_column_that_never_changes_gets_no_weight() -> None:
    rows = np.column_stack((np.linspace(-1, 1, 50), np.full(50, 3.0)))
    weights = logistic_regression(rows, rows[:, 0] > 0, 1.0)
    assert weights[1] == 0 and weights[0] > 0 and np.isfinite(weights).all()
