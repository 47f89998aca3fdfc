"""The classifier: the same numbers as the plain path, however it is called."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from c2p_deploy import LabelSet, prepare_points, project_depth_reference
from c2p_deploy.errors import CloudError, EngineError, LabelError, ManifestError, OptionError
from c2p_runtime import Classifier, Prediction
from engines import CPU_BACKEND, LABELS, SPEC, VIEWS, write_engine, write_manifest

RNG = np.random.default_rng(0)
CLOUDS = [RNG.normal(size=(count, 3)) * RNG.random(3) for count in (5, 64, 200, 3000, 70, 80, 90)]


@pytest.fixture(scope="module")
def bundled() -> Classifier:
    return Classifier()


def plain_answer(cloud: np.ndarray, up: str = "z") -> tuple[np.ndarray, np.ndarray]:
    """Features and scores of the tiny engine, computed step by step without the runtime."""
    depth = project_depth_reference(prepare_points(cloud, SPEC), VIEWS, SPEC, up)  # type: ignore[arg-type]
    features = depth.mean(axis=(1, 2), dtype=np.float64)
    exponent = np.exp(10.0 * features @ LABELS.text_features.T)
    return features, exponent / exponent.sum()


@pytest.mark.parametrize("up", ["z", "y"])
def test_answers_are_those_of_the_plain_path(tmp_path: Path, up: str) -> None:
    clf = Classifier(write_engine(tmp_path), up=up)  # type: ignore[arg-type]
    for cloud in CLOUDS:
        prediction = clf(cloud)
        features, scores = plain_answer(cloud, up)
        np.testing.assert_allclose(prediction.features, features, atol=1e-6)
        np.testing.assert_allclose(prediction.scores, scores, atol=1e-3)  # float16 text features
        assert prediction.label == LABELS.names[scores.argmax()]
        assert prediction.score == pytest.approx(scores.max(), abs=1e-3)


def test_bundled_model_agrees_with_the_reference_projection(bundled: Classifier, chair: np.ndarray) -> None:
    manifest = bundled.manifest
    depth = project_depth_reference(prepare_points(chair, manifest.spec), manifest.views, manifest.spec)
    np.testing.assert_array_equal(bundled.depth_maps(chair), depth)
    session = ort.InferenceSession(str(bundled.engine), providers=["CPUExecutionProvider"])
    (features,) = session.run(None, {manifest.input_name: depth[None]})
    np.testing.assert_allclose(bundled(chair).features, features[0], atol=1e-6)


def test_bundled_model_knows_a_chair_turned_any_way(bundled: Classifier, chair: np.ndarray) -> None:
    for degrees in range(0, 360, 45):
        c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
        turned = chair @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])
        assert bundled(turned).label == "chair", degrees


def test_bundled_model_is_small_and_complete(bundled: Classifier) -> None:
    files = [bundled.engine, bundled.engine.with_suffix(".json")]
    assert sum(file.stat().st_size for file in files) <= 16e6
    assert 45 <= len(bundled.labels) <= 60
    modelnet10 = "bathtub, bed, chair, desk, dresser, monitor, night_stand, sofa, table, toilet"
    assert len(Classifier(labels=modelnet10).labels) == 10


@pytest.mark.parametrize("size", [0, 1, 4, 5, 7])
def test_batch_equals_one_by_one(tmp_path: Path, size: int) -> None:
    clf = Classifier(write_engine(tmp_path, max_batch=4))
    predictions = clf.batch(CLOUDS[:size])
    assert len(predictions) == size
    for cloud, prediction in zip(CLOUDS, predictions, strict=False):
        np.testing.assert_allclose(prediction.features, clf(cloud).features, atol=1e-6)


def test_threads_share_a_classifier(tmp_path: Path) -> None:
    clf = Classifier(write_engine(tmp_path))
    expected = [clf(cloud).features for cloud in CLOUDS]
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda cloud: clf(cloud).features, CLOUDS * 20))
    for i, features in enumerate(got):
        np.testing.assert_array_equal(features, expected[i % len(CLOUDS)])


def test_buffers_are_kept_and_answers_do_not_share_them(tmp_path: Path) -> None:
    clf = Classifier(write_engine(tmp_path))
    first = clf(CLOUDS[0])
    kept = clf._pipeline._depth_buffer(1)
    before = first.features.copy()
    clf(CLOUDS[1])
    assert np.shares_memory(clf._pipeline._depth_buffer(1), kept)
    np.testing.assert_array_equal(first.features, before)


def test_labels_change_without_the_engine(tmp_path: Path) -> None:
    engine = write_engine(tmp_path)
    everything = Classifier(engine)(CLOUDS[2])
    two = Classifier(engine, labels=["rod", "cup"])(CLOUDS[2])
    assert two.labels == ("rod", "cup")
    np.testing.assert_array_equal(two.features, everything.features)
    expected = everything.scores[[2, 0]] / everything.scores[[2, 0]].sum()
    np.testing.assert_allclose(two.scores, expected, rtol=1e-4)
    own = LabelSet(("vase",), np.ones((1, len(VIEWS))))
    assert Classifier(engine, labels=own)(CLOUDS[2]).label == "vase"
    with pytest.raises(LabelError, match="3 dimensions"):
        Classifier(engine, labels=LabelSet(("vase",), np.ones((1, 3))))


def test_top_gives_the_best_first(tmp_path: Path) -> None:
    prediction = Classifier(write_engine(tmp_path))(CLOUDS[2])
    top = prediction.top(2)
    assert top[0] == (prediction.label, prediction.score) and top[0][1] >= top[1][1]
    assert len(prediction.top(99)) == 3 and prediction.top(0) == []
    assert sum(score for _, score in prediction.top(3)) == pytest.approx(1, abs=1e-6)


def test_timing_names_every_stage_and_adds_up(tmp_path: Path) -> None:
    timing = Classifier(write_engine(tmp_path))(CLOUDS[2]).timing_ms
    assert list(timing) == ["prepare", "project", "encode", "score", "total"]
    assert timing["total"] == pytest.approx(sum(timing.values()) - timing["total"])
    assert all(ms > 0 for ms in timing.values())


def test_same_seed_same_answer(tmp_path: Path) -> None:
    engine, cloud = write_engine(tmp_path), CLOUDS[3]
    a, b, c = (Classifier(engine, seed=seed)(cloud).features for seed in (1, 1, 2))
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)


def test_a_closed_classifier_says_so(tmp_path: Path) -> None:
    with Classifier(write_engine(tmp_path)) as clf:
        clf.warmup()
        assert isinstance(clf(CLOUDS[0]), Prediction)
    with pytest.raises(EngineError, match="closed"):
        clf(CLOUDS[0])


def test_unusable_clouds_are_named(tmp_path: Path) -> None:
    clf = Classifier(write_engine(tmp_path))
    with pytest.raises(CloudError, match=r"^all 9 points coincide"):
        clf(np.ones((9, 3)))
    with pytest.raises(CloudError, match=r"^cloud 5: no finite point"):
        clf.batch([*CLOUDS[:5], np.full((2, 3), np.nan)])


def test_features_that_are_not_finite_never_become_an_answer(tmp_path: Path) -> None:
    clf = Classifier(write_engine(tmp_path, divide_by=0.0))
    with pytest.raises(EngineError, match=r"tiny\.onnx: .*not finite"):
        clf(CLOUDS[0])


def test_engines_that_cannot_run_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="no such engine"):
        Classifier(tmp_path / "gone.onnx")
    with pytest.raises(OptionError, match="device 'tpu' is not one of auto, cpu, cuda"):
        Classifier(write_engine(tmp_path), device="tpu")  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="'z' or 'y'"):
        Classifier(write_engine(tmp_path), up="x")  # type: ignore[arg-type]
    with pytest.raises(EngineError, match=r"odd\.onnx: has inputs \['picture'\]"):
        Classifier(write_engine(tmp_path, name="odd", input_name="picture"))
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"not an ONNX file")
    write_manifest(broken)
    titles = {"openvino": "OpenVINO", "onnxruntime": "ONNX Runtime"}
    with pytest.raises(EngineError, match=rf"broken\.onnx: {titles[CPU_BACKEND]} cannot load it"):
        Classifier(broken, device="cpu")


def run_python(code: str, **environment: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env={**os.environ, **environment},
    ).stdout


def test_the_robot_needs_no_torch_and_importing_is_cheap() -> None:
    out = run_python(
        "import sys, c2p_runtime, c2p_deploy\n"
        "print([m for m in ('numba', 'onnxruntime', 'trimesh', 'torch') if m in sys.modules])\n"
        "import numpy as np; from c2p_runtime import Classifier\n"
        "Classifier()(np.random.default_rng(0).normal(size=(2000, 3)))\n"
        "print('torch' in sys.modules)"
    )
    assert out.split("\n")[:2] == ["[]", "False"]


def test_an_answer_on_the_cpu_needs_no_numba_and_writes_nothing(tmp_path: Path) -> None:
    """No cache that a power loss could damage, or that could hold somebody else's code."""
    out = run_python(
        "import sys, numpy as np; from c2p_runtime import Classifier\n"
        "Classifier()(np.random.default_rng(0).normal(size=(2000, 3)))\n"
        "print('numba' in sys.modules)",
        HOME=str(tmp_path),
        XDG_CACHE_HOME=str(tmp_path / "cache"),
        PYTHONDONTWRITEBYTECODE="1",
    )
    assert out.split() == ["False"]
    assert not list(tmp_path.iterdir())
