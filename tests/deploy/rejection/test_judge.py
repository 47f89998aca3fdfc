"""Judging: what depends on the labels follows them, what does not stays."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from c2p_deploy import LabelSet
from c2p_deploy.rejection import Judge, Rejection
from c2p_deploy.rejection import signals as signals_module
from c2p_deploy.rejection.judge import CLUTTER, NOVEL
from c2p_deploy.rejection.signals import SIGNALS, rivals_of, signals
from c2p_deploy.scores import label_scores

D, SCALE = 8, 20.0
OWN = LabelSet(("a", "b", "c"), np.eye(D)[:3])
# Clutter: along the last axis. Novel: a low cosine. Confidence: by the log odds.
REJECTION = Rejection(
    clutter=np.array([*np.eye(D)[-1], -0.5], dtype=np.float32),
    novelty=np.array([*np.zeros(D), -10, 0, 0, 4], dtype=np.float32),
    new_words=np.array([-10.0, 0, 0, 2]),
    confidence=np.array([0.0, 0.5, 0, 0]),
    typical=np.array([0.8, 3.0, 1.0]),
)


def judged(feature: list[float] | np.ndarray, labels: LabelSet = OWN) -> tuple[float, str | None]:
    features = np.array([feature], dtype=np.float32)
    judge = Judge(REJECTION, labels.text_features, OWN.text_features, SCALE)
    (one,) = judge(features, label_scores(features, labels.text_features, SCALE))
    return one.confidence, one.reason


def along(**axes: float) -> np.ndarray:
    feature = np.zeros(D)
    for name, value in axes.items():
        feature["abcdefgh".index(name)] = value
    return feature


def test_a_thing_like_a_label_is_named_and_others_get_their_reason() -> None:
    sure, reason = judged(along(a=1))
    assert reason is None and sure > 0.99
    assert judged(along(d=1, a=0.1))[1] == NOVEL
    assert judged(along(h=1, a=0.7))[1] == CLUTTER


def test_halfway_between_two_labels_is_a_coin_toss() -> None:
    assert judged(along(a=0.7, b=0.7))[0] == pytest.approx(0.5, abs=0.01)


def test_one_label_alone_has_the_others_as_rivals() -> None:
    """Its softmax is 1 whatever it is shown; its confidence is not."""
    only = OWN.subset(["a"])
    assert judged(along(a=0.7, b=0.7), only)[0] == pytest.approx(0.5, abs=0.01)
    assert judged(along(b=1, a=0.1), only)[0] < 0.01
    assert judged(along(a=1), only)[0] > 0.99


def test_one_label_without_rivals_takes_the_typical_odds() -> None:
    alone = LabelSet(("a",), np.eye(D)[:1])
    features = np.array([along(a=1)], dtype=np.float32)
    judge = Judge(REJECTION, alone.text_features, alone.text_features, SCALE)
    (one,) = judge(features, np.ones((1, 1), dtype=np.float32))
    assert one.confidence == pytest.approx(1 / (1 + np.exp(-0.5 * 3)), abs=1e-6)


def test_what_a_rival_is_nearer_to_is_none_of_the_labels() -> None:
    """However well the best label fits."""
    only = OWN.subset(["a"])
    assert judged(along(a=0.69, b=0.72), only)[1] == NOVEL
    assert judged(along(a=0.72, b=0.69), only)[1] is None
    assert judged(along(a=0.69, b=0.72))[1] is None  # it is a b


def test_scores_that_are_no_products_come_with_their_own_cosine() -> None:
    features = along(d=1)[None].astype(np.float32)
    judge = Judge(REJECTION, OWN.text_features, OWN.text_features, SCALE)
    scores = label_scores(features, OWN.text_features, SCALE)
    assert [judge(features, scores, np.float32([c]))[0].reason for c in (0.1, 0.9)] == [NOVEL, None]


def test_new_words_are_judged_without_what_strangers_were() -> None:
    """A stranger of the fit may be the very thing that is looked for."""
    word = LabelSet(("d", "e"), np.eye(D)[3:5])
    assert judged(along(d=0.3, f=0.9))[1] == NOVEL  # among its own labels
    assert judged(along(d=0.3, f=0.9), word)[1] is None
    assert judged(along(d=0.1, f=1), word)[1] == NOVEL


def test_names_that_mean_the_same_are_no_rivals() -> None:
    couch = LabelSet(("couch",), along(a=1, b=0.2)[None])  # cosine 0.98 with "a"
    rivals, has_new = rivals_of(couch.text_features, OWN.text_features)
    np.testing.assert_array_equal(rivals, OWN.text_features[1:])
    assert not has_new


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 9), st.booleans())
def test_rivals_and_new_words_are_those_of_all_pairs(
    offered: int, own: int, seed: int, in_parts: bool
) -> None:
    rng = np.random.default_rng(seed)
    labels = LabelSet(tuple(map(str, range(offered))), rng.normal(size=(offered, 3))).text_features
    known = LabelSet(tuple(map(str, range(own))), rng.normal(size=(own, 3))).text_features
    cosines = known.astype(np.float64) @ labels.T
    assume((np.abs(cosines - 0.95) > 1e-6).all())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(signals_module, "_AT_ONCE", 7 if in_parts else 4096)
        rivals, has_new = rivals_of(labels, known)
    np.testing.assert_array_equal(rivals, known[cosines.max(axis=1) < 0.95])
    assert has_new == (cosines.max(axis=0) < 0.95).any()


@given(arrays(np.float32, (2, D), elements=st.floats(-1, 1, width=32), fill=st.just(0.5)), st.integers(1, 3))
def test_any_feature_gets_a_probability(features: np.ndarray, offered: int) -> None:
    features[np.linalg.norm(features, axis=1) < 1e-3] = 1  # the runtime refuses features of no length
    labels = LabelSet(OWN.names[:offered], OWN.text_features[:offered])
    judge = Judge(REJECTION, labels.text_features, OWN.text_features, SCALE)
    for one in judge(features, label_scores(features, labels.text_features, SCALE)):
        assert 0 <= one.confidence <= 1 and one.reason in (None, CLUTTER, NOVEL)


@given(st.integers(1, 3))
def test_log_odds_are_those_of_the_softmax_over_labels_and_rivals(offered: int) -> None:
    features = np.random.default_rng(offered).normal(size=(20, D)).astype(np.float32) / 8
    labels, rivals = OWN.text_features[:offered], OWN.text_features[offered:]
    cosines, shares = features @ labels.T, label_scores(features, labels, SCALE)
    share = shares.max(axis=1) if offered > 1 else np.full(20, np.nan, np.float32)
    found = signals(features, cosines.max(axis=1), share, rivals, SCALE)
    everything = label_scores(features, OWN.text_features, SCALE)
    best = (features @ labels.T).argmax(axis=1)
    share = everything[np.arange(20), best].astype(np.float64)
    np.testing.assert_allclose(found[:, 1], np.log(share / (1 - share)), atol=2e-3)
    np.testing.assert_allclose(found[:, 0], (features @ labels.T).max(axis=1), atol=1e-6)
    assert found.shape == (20, len(SIGNALS))
