"""What a classifier with a rejection answers, and c2p-run with it; and what without one stays as it was."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from c2p_deploy import LabelSet, Manifest
from c2p_deploy.errors import OptionError
from c2p_deploy.labels.taught import taught
from c2p_deploy.rejection import Judgement, Rejection
from c2p_deploy.scores import softmax
from c2p_deploy.taught_scores import TaughtScores
from c2p_runtime import Classifier, Prediction
from c2p_runtime.answers import answer_line
from c2p_runtime.cli import main
from c2p_runtime.rejection import SizeCheck, judge_for, largest_extent
from engines import LABELS, VIEWS, write_engine

D = len(VIEWS)
CLOUD = np.random.default_rng(0).normal(size=(200, 3)) * (1, 0.5, 0.2)


def rejection(clutter: float = -1, novel: float = -1, confidence: float = 1.0) -> Rejection:
    """One that says the same of every cloud: clutter or novel where that is above 0."""
    return Rejection(
        clutter=np.array([*np.zeros(D), clutter], dtype=np.float32),
        novelty=np.array([*np.zeros(D + 3), novel], dtype=np.float32),
        new_words=np.array([0, 0, 0, novel], dtype=np.float64),
        confidence=np.array([0, 0, 0, confidence], dtype=np.float64),
        typical=np.zeros(3),
    )


def engine_with(folder: Path, **more: object) -> Path:
    engine = write_engine(folder)
    manifest = Manifest.for_engine(engine)
    replace(manifest, **more).save(Manifest.path_for(engine))  # type: ignore[arg-type]
    return engine


def test_without_a_rejection_every_cloud_has_its_label(tmp_path: Path) -> None:
    found = Classifier(write_engine(tmp_path))(CLOUD)
    assert found.label == found.guess == found.top(1)[0][0]
    assert found.confidence == found.score and found.reason is None


@pytest.mark.parametrize(
    ("clutter", "novel", "reason"), [(-1, -1, None), (1, -1, "clutter"), (-1, 1, "novel"), (1, 1, "clutter")]
)
def test_a_rejected_cloud_has_a_guess_and_a_reason(
    tmp_path: Path, clutter: float, novel: float, reason: str | None
) -> None:
    engine = engine_with(tmp_path, rejection=rejection(clutter, novel))
    found = Classifier(engine)(CLOUD)
    assert found.reason == reason and found.guess in LABELS.names
    assert found.label == (found.guess if reason is None else None)
    assert found.confidence == pytest.approx(1 / (1 + np.exp(-1)))
    answered = Classifier(engine, always_answer=True)(CLOUD)
    assert answered.label == answered.guess == found.guess and answered.reason is None
    assert answered.confidence == found.confidence and answered.score == found.score


def test_one_label_is_as_sure_as_it_is_calibrated(tmp_path: Path) -> None:
    found = Classifier(engine_with(tmp_path, rejection=rejection()), labels=["cup"])(CLOUD)
    assert found.score == 1 and found.confidence == pytest.approx(0.731, abs=1e-3)


def test_judging_is_part_of_the_time_that_is_told(tmp_path: Path) -> None:
    timing = Classifier(engine_with(tmp_path, rejection=rejection()))(CLOUD).timing_ms
    assert timing["total"] == pytest.approx(sum(timing.values()) - timing["total"])


def test_names_impossible_at_the_size_give_way_to_the_next(tmp_path: Path) -> None:
    best, second, _ = (name for name, _ in Classifier(write_engine(tmp_path))(CLOUD).top(3))
    engine = engine_with(tmp_path, size_limits={best.upper(): (100.0, 200.0)})
    found = Classifier(engine, unit="m")(CLOUD)
    assert found.label == second and [name for name, score in found.top(3) if score > 0] != [best]
    assert dict(found.top(3))[best] == 0 and sum(score for _, score in found.top(3)) == pytest.approx(1)
    assert Classifier(engine)(CLOUD).label == best  # the unit is not known
    assert Classifier(engine, unit="m")(CLOUD * 30).label == best  # about 140 m long


def test_where_no_name_is_possible_or_the_next_is_rejected_there_is_none(tmp_path: Path) -> None:
    everything = dict.fromkeys(LABELS.names, (100.0, 200.0))
    found = Classifier(engine_with(tmp_path, size_limits=everything), unit="m")(CLOUD)
    assert (found.label, found.reason, found.confidence) == (None, "impossible size", 0)
    assert found.guess in LABELS.names
    best = {found.guess: (100.0, 200.0)}
    engine = engine_with(tmp_path, size_limits=best, rejection=rejection(novel=1))
    found = Classifier(engine, unit="m")(CLOUD)
    assert found.label is None and found.reason == "impossible size" and found.guess not in best
    assert Classifier(engine, unit="m", always_answer=True)(CLOUD).label == found.guess


def test_names_below_the_bar_are_not_given(tmp_path: Path) -> None:
    engine = engine_with(tmp_path, rejection=rejection(confidence=1.0))  # sure to 73 %
    best, second, _ = (name for name, _ in Classifier(engine)(CLOUD).top(3))
    for least, reason in (
        (0.7, None), (0.75, "unsure"), (np.float32(0.75), "unsure"),
        ({best: 0.75}, "unsure"), ({second: 0.75}, None), ({best.upper() + "s": 0.75}, "unsure"),
        ({"*": 0.75}, "unsure"), ({"*": 0.75, best: 0.7}, None), ({}, None),
    ):  # fmt: skip
        found = Classifier(engine, min_confidence=least)(CLOUD)  # type: ignore[arg-type]
        assert (found.reason, found.guess, found.label) == (reason, best, None if reason else best)
        assert found.confidence == pytest.approx(0.731, abs=1e-3)
    with Classifier(engine, min_confidence={best: 0.75}, always_answer=True) as clf:
        assert clf(CLOUD).reason == "unsure"
        others = clf.with_labels([second])
        assert others(CLOUD).label == second and others.with_labels([best])(CLOUD).reason == "unsure"
    clutter = engine_with(tmp_path, rejection=rejection(clutter=1))
    assert Classifier(clutter, min_confidence=1)(CLOUD).reason == "clutter"
    assert Classifier(write_engine(tmp_path), min_confidence=1)(CLOUD).reason == "unsure"


@pytest.mark.parametrize(
    "least", [-0.1, 1.1, np.nan, np.inf, True, "0.5", None, {"cup": "0.5"}, {3: 0.5}, {"no label": 0.5}]
)
def test_a_bar_that_is_none_is_refused(tmp_path: Path, least: object) -> None:
    with pytest.raises(OptionError, match="min_confidence"):
        Classifier(write_engine(tmp_path), min_confidence=least)  # type: ignore[arg-type]


def test_the_command_has_bars(tmp_path: Path) -> None:
    engine = engine_with(tmp_path, rejection=rejection(confidence=1.0))
    np.save(tmp_path / "cloud.npy", CLOUD)
    best = Classifier(engine)(CLOUD).guess

    def said(bars: str) -> tuple[int, str]:
        arguments = ["--engine", str(engine), "--min-confidence", bars, "--json", str(tmp_path / "cloud.npy")]
        done = CliRunner().invoke(main, arguments)
        return done.exit_code, json.loads(done.output)["reason"] if done.exit_code == 0 else done.output

    assert said("0.75") == (0, "unsure") and said(f"0.75, {best} = 0.7") == (0, None)
    for bars, problem in (("high", "takes numbers"), ("cup=", "takes numbers"), ("hat=0.5", "no label here")):
        code, told = said(bars)
        assert code == 2 and problem in told


def test_a_unit_that_cannot_help_is_refused(tmp_path: Path) -> None:
    engine = write_engine(tmp_path)
    with pytest.raises(OptionError, match="no size limits for these labels"):
        Classifier(engine, unit="m")
    with pytest.raises(OptionError, match='unit must be "m" or None'):
        Classifier(engine, unit="mm")  # type: ignore[arg-type]


def test_an_extent_is_the_longest_side_without_strays() -> None:
    box = np.random.default_rng(1).uniform(-1, 1, (50_000, 3)) * (0.5, 2, 1)
    assert largest_extent(box) == pytest.approx(4, rel=0.05)
    box[::200] = 1000, 0, 0  # half a percent
    assert largest_extent(box) == pytest.approx(4, rel=0.05)
    assert largest_extent(np.array([[0, 0, 0], [0, np.nan, 0], [0, 3, 0]])) == pytest.approx(3, rel=0.05)


def test_size_check_takes_labels_without_a_limit_as_possible() -> None:
    limits = {"cup": (0.05, 0.2)}
    labels = LabelSet(("cup", "rod"), np.eye(2))
    manifest = type("M", (), {"size_limits": limits, "logit_scale": 1.0})()
    check = SizeCheck(manifest, labels, None)
    some = np.array([0.9, 0.1], np.float32)
    given = Prediction(labels.names, some, some, {}, labels.text_features)
    assert check(given, CLOUD / 30).label == "cup" and check(given, CLOUD * 20).label == "rod"


def test_lines_for_people_and_json(tmp_path: Path) -> None:
    np.save(tmp_path / "cloud.npy", CLOUD)
    engine = engine_with(tmp_path, rejection=rejection(novel=1))
    run = ["--engine", str(engine), str(tmp_path / "cloud.npy")]
    said = CliRunner().invoke(main, run)
    guess = Classifier(engine)(CLOUD).guess
    assert said.exit_code == 0 and said.output.strip().endswith(f"cloud.npy: unknown ({guess}?), novel")
    record = json.loads(CliRunner().invoke(main, ["--json", *run]).output)
    assert record["label"] is None and record["guess"] == guess and record["reason"] == "novel"
    assert record["confidence"] == pytest.approx(0.731, abs=1e-3) and 0 < record["score"] <= 1
    always = CliRunner().invoke(main, ["--always-answer", *run])
    assert f"cloud.npy: {guess} 73.1 %" in always.output
    refused = CliRunner().invoke(main, ["--metric", *run])
    assert refused.exit_code == 2 and "size limits" in refused.output


def test_the_line_of_one_label_has_no_runners_up() -> None:
    one = np.ones((1, 2), np.float32)
    given = Prediction(("cup",), one[:, 0], one[0], {}, one, judgement=Judgement(0.4))
    assert answer_line(Path("x.ply"), given, 3) == "x.ply: cup 40.0 %"


def test_what_was_taught_is_judged_by_the_clouds_that_were_shown(tmp_path: Path) -> None:
    """Neither clutter nor new where a cloud is like them, and not that thing where it is not."""
    manifest = Manifest.for_engine(engine_with(tmp_path, rejection=rejection(clutter=1, novel=1)))
    axes = np.eye(D, dtype=np.float32)
    shots = axes[0] + np.random.default_rng(3).normal(0, 0.05, (4, D)).astype(np.float32)
    labels = taught(LABELS, {"my thing": shots}, "engine")
    for some, other in ((labels, "clutter"), (labels.subset(["my thing"]), "novel")):
        scores = TaughtScores(some, manifest.logit_scale)  # type: ignore[arg-type]
        features = np.stack((shots.mean(axis=0), axes[3]))
        raw = scores(features)
        given = features, softmax(manifest.logit_scale * raw), raw.max(axis=1)
        like, unlike = judge_for(manifest, some, scores, always_answer=False)(*given)  # type: ignore[misc]
        assert like.reason is None and 0.8 < like.confidence < 1
        assert unlike.reason == other and unlike.confidence < like.confidence
        always = judge_for(manifest, some, scores, always_answer=True)(*given)  # type: ignore[misc]
        assert [one.reason for one in always] == [None, None]


def test_labels_that_change_take_their_rejection_along(tmp_path: Path) -> None:
    engine = engine_with(tmp_path, rejection=rejection(novel=1), size_limits={"cup": (1.0, 2.0)})
    one = Classifier(engine, unit="m").with_labels(["cup"])
    assert one(CLOUD * 50).reason == "impossible size" and one(CLOUD / 3).reason == "novel"
