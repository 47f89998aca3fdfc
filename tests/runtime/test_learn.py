"""Teaching and relabelling a classifier: what is found, what is not stolen, what is kept, what is refused."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from c2p_deploy import LabelSet, Manifest
from c2p_deploy.errors import CloudError, EngineError, LabelError, UnknownLabelError
from c2p_deploy.labels import TaughtLabels, label_groups, word_bank
from c2p_deploy.labels.names import key_of
from c2p_runtime import Classifier
from engines import LABELS, write_engine

RNG = np.random.default_rng(5)


def clouds_of(stretch: tuple[float, float, float], count: int, seed: int = 0) -> list[np.ndarray]:
    """Boxes of about these proportions, 300 points on each."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        points = rng.uniform(-1, 1, (300, 3))
        side = rng.integers(0, 3, 300)
        points[np.arange(300), side] = np.sign(points[np.arange(300), side])
        made.append((points * stretch * rng.uniform(0.95, 1.05, 3)).astype(np.float32))
    return made


ROD, SLAB, CUBE = (0.1, 0.1, 1.0), (1.0, 1.0, 0.1), (1.0, 1.0, 1.0)


@pytest.fixture(scope="module")
def bundled() -> Iterator[Classifier]:
    with Classifier(device="cpu") as classifier:
        yield classifier


@pytest.fixture
def engine(tmp_path: Path) -> Path:
    return write_engine(tmp_path)


def test_things_are_found_and_nothing_is_stolen(bundled: Classifier, chair: np.ndarray) -> None:
    before = bundled(chair)
    taught = bundled.learn({"my drill": clouds_of(ROD, 4), "my brick": clouds_of(CUBE, 2)})
    assert taught.labels.names == (*bundled.labels.names, "my drill", "my brick")
    for shape, name in ((ROD, "my drill"), (CUBE, "my brick")):
        found = [prediction.label for prediction in taught.batch(clouds_of(shape, 4, seed=1))]
        assert found == [name] * 4
    after = taught(chair)
    assert after.label == before.label == "chair" and after.score > before.score - 0.05
    assert after.scores.sum() == pytest.approx(1, abs=1e-5)
    np.testing.assert_array_equal(after.features, before.features)
    # The first one is as it was.
    assert bundled(chair).labels == before.labels == bundled.labels.names


def test_taught_names_alone_are_told_apart(bundled: Classifier) -> None:
    shapes = {"rod": ROD, "slab": SLAB, "cube": CUBE}
    taught = bundled.learn({name: clouds_of(shape, 3) for name, shape in shapes.items()})
    alone = taught.with_labels(["rod", "slab", "cube"])
    assert isinstance(alone.labels, TaughtLabels) and alone.labels.clouds().tolist() == [3, 3, 3]
    for name, shape in shapes.items():
        assert [p.label for p in alone.batch(clouds_of(shape, 3, seed=2))] == [name] * 3


def test_a_file_keeps_what_was_learnt(bundled: Classifier, tmp_path: Path) -> None:
    taught = bundled.learn({"my drill": clouds_of(ROD, 3)})
    taught.labels.save(tmp_path / "mine.json")
    cloud = clouds_of(ROD, 1, seed=3)[0]
    with Classifier(labels=tmp_path / "mine.json", device="cpu") as again:
        assert again.labels.names == taught.labels.names
        np.testing.assert_allclose(again(cloud).scores, taught(cloud).scores, atol=0.01)
        more = again.learn({"My_Drills": clouds_of(ROD, 2, seed=4)})  # another way to write it
        assert isinstance(more.labels, TaughtLabels) and more.labels.clouds()[-1] == 5
        assert more.labels.names == taught.labels.names
    with pytest.raises(LabelError, match="no key 'names'"):  # who knows no clouds must not use it
        LabelSet.load(tmp_path / "mine.json")


def test_labels_taught_with_another_engine_are_refused(bundled: Classifier, tmp_path: Path) -> None:
    labels = bundled.learn({"my drill": clouds_of(ROD, 1)}).labels
    assert isinstance(labels, TaughtLabels)
    replace(labels, encoder="0" * 64).save(tmp_path / "theirs.json")
    with pytest.raises(LabelError, match=r"theirs\.json: was taught with another engine"):
        Classifier(labels=tmp_path / "theirs.json", device="cpu")
    with pytest.raises(LabelError, match="another engine"):
        bundled.with_labels(tmp_path / "theirs.json")


def test_the_encoder_is_what_features_depend_on(engine: Path) -> None:
    manifest = Manifest.for_engine(engine)
    same = replace(manifest, precision="fp16", labels=LabelSet(("x",), np.ones((1, 6))), created="now")
    assert same.encoder_sha256 == manifest.encoder_sha256
    for change in (
        {"checkpoint_sha256": "1" * 64},
        {"head": "dpa"},
        {"spec": replace(manifest.spec, num_points=65)},
        {"views": replace(manifest.views, distances=manifest.views.distances * 2)},
    ):
        assert replace(manifest, **change).encoder_sha256 != manifest.encoder_sha256  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("examples", "complaint", "kind"),
    [
        ({"thing": []}, "no cloud is given for 'thing'", LabelError),
        ({"thing": [np.zeros((5, 3))]}, "'thing': ", CloudError),
        ({"": [np.eye(3)]}, "no name may be empty", LabelError),
        ({7: [np.eye(3)]}, "must be a text", LabelError),
    ],
)
def test_what_cannot_be_learnt(engine: Path, examples: dict, complaint: str, kind: type[Exception]) -> None:
    classifier = Classifier(engine)
    with pytest.raises(kind, match=complaint):
        classifier.learn(examples)
    assert classifier.labels.names == LABELS.names


def test_one_cloud_need_not_be_a_list(engine: Path) -> None:
    taught = Classifier(engine).learn({"thing": clouds_of(CUBE, 1)[0]})
    assert isinstance(taught.labels, TaughtLabels) and taught.labels.clouds().tolist() == [0, 0, 0, 1]
    np.save(engine.with_name("thing.npy"), clouds_of(CUBE, 1)[0])
    again = Classifier(engine).learn({"thing": engine.with_name("thing.npy")})
    assert isinstance(again.labels, TaughtLabels)
    np.testing.assert_allclose(again.labels.shots, taught.labels.shots, atol=1e-6)


def test_with_labels_is_what_a_new_classifier_would_be(engine: Path) -> None:
    classifier, cloud = Classifier(engine), clouds_of(SLAB, 1)[0]
    derived, fresh = classifier.with_labels(["rod", "cup"]), Classifier(engine, ["rod", "cup"])
    assert derived(cloud).labels == ("rod", "cup")
    np.testing.assert_allclose(derived(cloud).scores, fresh(cloud).scores, rtol=1e-5)
    assert classifier(cloud).labels == LABELS.names
    assert derived.with_labels(None).labels is classifier.manifest.labels
    timing = derived(cloud).timing_ms
    assert timing["total"] == pytest.approx(sum(ms for stage, ms in timing.items() if stage != "total"))
    with pytest.raises(LabelError, match="near: cup"):
        classifier.with_labels(["cupp"])


def test_the_engine_lives_as_long_as_one_needs_it(engine: Path) -> None:
    classifier, cloud = Classifier(engine), clouds_of(SLAB, 1)[0]
    derived = classifier.with_labels("cup")
    closed: list[bool] = []
    pipeline = classifier._open_pipeline()
    pipeline.close = lambda: closed.append(True)  # type: ignore[method-assign]
    classifier.close()
    classifier.close()
    assert derived(cloud).label == "cup" and not closed
    with pytest.raises(EngineError, match="closed"):
        classifier.with_labels("cup")
    derived.close()
    assert closed == [True]


def test_labels_change_beside_running_threads(engine: Path) -> None:
    classifier, cloud = Classifier(engine), clouds_of(SLAB, 1)[0]
    expected, wrong, done = classifier(cloud).scores, [], threading.Event()

    def run() -> None:
        while not done.is_set():
            found = classifier(cloud)
            if found.labels != LABELS.names or not np.array_equal(found.scores, expected):
                wrong.append(found)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        assert classifier.with_labels("cup")(cloud).label == "cup"
    done.set()
    for thread in threads:
        thread.join()
    assert not wrong


def test_words_nobody_has_tried_are_told_once(bundled: Classifier, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "c2p_runtime"):
        with Classifier("research", "bowls, couch, chair", device="cpu") as classifier:
            assert classifier.untried_labels == ("bowls",)  # a couch has the text feature of our sofa
        assert len(caplog.records) == 1 and "not made with: bowls." in caplog.text
        assert bundled.learn({"bowl": clouds_of(SLAB, 1)}).untried_labels == ()
        words = [name for name in word_bank().names if name not in label_groups()]
        many = bundled.with_labels(words[:1000])
        assert len(many.labels) == 1000 and len(many.untried_labels) > 700
        spelt = key_of.cache_info().misses
        assert bundled.with_labels(words[:1000]).labels.names == many.labels.names
        assert key_of.cache_info().misses == spelt  # names are not taken apart again
    assert len(caplog.records) == 1


def test_relabelling_keeps_what_was_taught(bundled: Classifier) -> None:
    taught = bundled.learn({"my drill": clouds_of(ROD, 2), "wrench": clouds_of(SLAB, 1)})
    mixed = taught.with_labels("cup, My_Drill, screwdriver, wrench")
    assert mixed.labels.names == ("cup", "My_Drill", "screwdriver", "wrench")
    assert isinstance(mixed.labels, TaughtLabels)
    assert mixed.labels.clouds().tolist() == [0, 2, 0, 1]
    assert mixed.labels.worded.tolist() == [True, False, True, True]
    assert mixed(clouds_of(ROD, 1, seed=9)[0]).label == "My_Drill"
    assert not isinstance(taught.with_labels("cup").labels, TaughtLabels)
    with pytest.raises(UnknownLabelError):
        mixed.labels.forget(["flurbl"])
    forgotten = mixed.labels.forget(["my drill"])
    assert forgotten.names == ("cup", "screwdriver", "wrench")
    assert json.dumps(forgotten.to_dict())
