"""The classifier: the same numbers as the plain path, however it is called."""

import gc
import os
import subprocess
import sys
import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest

from c2p_deploy import LabelSet, Manifest, ViewSet, prepare_points, project_depth_reference, read_cloud
from c2p_deploy.errors import CloudError, CloudFileError, EngineError, LabelError, ManifestError, OptionError
from c2p_deploy.manifest import BatchProfile
from c2p_deploy.projection.prepare import prepare
from c2p_deploy.projection.spec import UP_AXES
from c2p_runtime import Classifier, Prediction, cpu_pipeline
from c2p_runtime import classifier as classifier_module
from c2p_runtime.backends.base import Tensor, check_tensors
from c2p_runtime.backends.choose import Choice
from c2p_runtime.classifier import DEFAULT_ENGINE
from c2p_runtime.cpu_pipeline import CpuPipeline
from c2p_runtime.prediction import check_features, check_scores
from engines import CPU_BACKEND, LABELS, SPEC, VIEWS, write_engine, write_manifest

RNG = np.random.default_rng(0)
CLOUDS = [RNG.normal(size=(count, 3)) * RNG.random(3) for count in (5, 64, 200, 3000, 70, 80, 90)]


@pytest.fixture(scope="module")
def bundled() -> Classifier:
    return Classifier()


def plain_answer(cloud: np.ndarray, up: str = "z") -> tuple[np.ndarray, np.ndarray]:
    """Features and scores of the tiny engine, computed step by step without the runtime."""
    prepared = prepare(cloud, SPEC, "robust").points
    depth = project_depth_reference(prepared, VIEWS, SPEC, up)  # type: ignore[arg-type]
    features = depth.mean(axis=(1, 2), dtype=np.float64) / 3
    exponent = np.exp(10.0 * features @ LABELS.text_features.T)
    return features, exponent / exponent.sum()


@pytest.mark.parametrize("up", UP_AXES)
def test_answers_are_those_of_the_plain_path(tmp_path: Path, up: str) -> None:
    clf = Classifier(write_engine(tmp_path), up=up)  # type: ignore[arg-type]
    for cloud in CLOUDS:
        prediction = clf(cloud)
        features, scores = plain_answer(cloud, up)
        np.testing.assert_allclose(prediction.features, features, atol=1e-6)
        np.testing.assert_allclose(prediction.scores, scores, atol=1e-3)  # float16 text features
        assert prediction.label == LABELS.names[scores.argmax()]
        assert prediction.score == pytest.approx(scores.max(), abs=1e-3)


def test_strays_are_counted_and_change_no_answer(bundled: Classifier, chair: np.ndarray) -> None:
    """But where the manifest lets every point count."""
    assert bundled.manifest.preparation == "robust"
    strays = np.float32([[9, 9, 9], [-80, 0, 4], [0, 7e5, 0]])
    clean, (found, again) = bundled(chair), bundled.batch([np.concatenate([strays, chair]), chair])
    assert (clean.strays, found.strays, again.strays) == (0, 3, 0)
    np.testing.assert_array_equal(found.features, clean.features)
    np.testing.assert_array_equal(
        bundled.depth_maps(np.concatenate([chair, strays])), bundled.depth_maps(chair)
    )


def test_where_the_manifest_says_so_every_point_counts(tmp_path: Path, chair: np.ndarray) -> None:
    cloud = np.concatenate([chair, np.float32([[9, 9, 9]])])
    with Classifier(write_engine(tmp_path, preparation="paper")) as clf:
        found = clf(cloud)
        depth = project_depth_reference(prepare_points(cloud, SPEC), VIEWS, SPEC)
        np.testing.assert_array_equal(clf.depth_maps(cloud), depth)
    np.testing.assert_allclose(found.features, depth.mean(axis=(1, 2), dtype=np.float64) / 3, atol=1e-6)
    assert found.strays == 0


def test_bundled_model_agrees_with_the_reference_projection(bundled: Classifier, chair: np.ndarray) -> None:
    manifest = bundled.manifest
    depth = project_depth_reference(prepare_points(chair, manifest.spec), manifest.views, manifest.spec)
    np.testing.assert_array_equal(bundled.depth_maps(chair), depth)
    session = ort.InferenceSession(str(bundled.engine), providers=["CPUExecutionProvider"])
    (features,) = session.run(None, {manifest.input_name: depth[None]})
    given = bundled(chair).features  # in the CPU's own 16 bits, where OpenVINO runs it
    assert given @ features[0] > 0.999 * np.linalg.norm(given) * np.linalg.norm(features[0])


def test_bundled_model_knows_a_chair_turned_any_way(bundled: Classifier, chair: np.ndarray) -> None:
    for degrees in range(0, 360, 45):
        c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
        turned = chair @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])
        assert bundled(turned).label == "chair", degrees


def test_bundled_model_is_small_and_complete(bundled: Classifier) -> None:
    files = [bundled.engine, bundled.engine.with_suffix(".json")]
    assert sum(file.stat().st_size for file in files) <= 16e6
    assert len(bundled.labels) >= 200
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
    clf.close()  # once more does no harm


def test_closing_frees_engine_and_buffers(tmp_path: Path) -> None:
    # OpenVINO's requests keep the maps they were given, as long as there is a backend.
    clf = Classifier(write_engine(tmp_path), device="cpu", backend="onnxruntime")
    clf(CLOUDS[0])
    pipeline = clf._pipeline
    assert isinstance(pipeline, CpuPipeline)
    depth, backend = weakref.ref(pipeline._buffers.depth), weakref.ref(pipeline._backend)
    pipeline.close()
    gc.collect()
    assert depth() is None
    pipeline = None
    clf.close()
    gc.collect()
    assert backend() is None
    clf = Classifier(write_engine(tmp_path), device="cpu", backend=CPU_BACKEND)
    clf(CLOUDS[0])
    pipeline = clf._pipeline
    assert isinstance(pipeline, CpuPipeline)
    depth, backend = weakref.ref(pipeline._buffers.depth), weakref.ref(pipeline._backend)
    del pipeline
    clf.close()
    gc.collect()
    assert depth() is None and backend() is None


def test_after_a_warmup_nothing_is_left_for_the_first_call(tmp_path: Path) -> None:
    clf = Classifier(write_engine(tmp_path), device="cpu")
    pipeline, seen = clf._pipeline, []
    assert isinstance(pipeline, CpuPipeline) and not hasattr(pipeline._buffers, "depth")
    run = pipeline._backend.run
    pipeline._backend.run = lambda depth: seen.append(depth.shape) or run(depth)  # type: ignore[method-assign]
    clf.warmup()
    assert seen == [(1, len(VIEWS), 16, 16)]  # the engine has run, at the size of the first call
    kept = pipeline._buffers.depth
    clf(CLOUDS[3])
    assert pipeline._buffers.depth is kept


@pytest.mark.parametrize("k", [-1, 1.5, True, "3", None, [2]])
def test_top_takes_a_number(tmp_path: Path, k: object) -> None:
    prediction = Classifier(write_engine(tmp_path))(CLOUDS[2])
    with pytest.raises(OptionError, match="top takes a number of names"):
        prediction.top(k)  # type: ignore[arg-type]
    assert len(prediction.top(np.int64(2))) == 2  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        *(
            ({"seed": wrong}, "seed must be a whole number, at least 0")
            for wrong in (-1, 1.5, True, "1", None)
        ),
        *(({"max_points": wrong}, "max_points must be a") for wrong in (0, -1, 1e6, True, (1 << 28) + 1)),
        *(({"engine": wrong}, "engine must be a path") for wrong in (3, b"x.onnx", ["x.onnx"])),
        ({"up": ["z"]}, "'z', 'y', 'x'"),
        ({"device": ["cpu"]}, "device"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(OptionError, match=complaint):
        Classifier(**options)


@pytest.mark.parametrize("seed", [0, 2**70, np.int64(3)])
def test_any_whole_seed_is_taken(tmp_path: Path, seed: int) -> None:
    assert Classifier(write_engine(tmp_path), seed=seed, max_points=1)(CLOUDS[3]).label


def features_of(length: float, head: str, width: int = 6) -> tuple[np.ndarray, Manifest]:
    """A feature of that length, in float32, and a manifest of the head."""
    features = np.zeros((2, width), np.float32)
    features[0, 0], features[1, 1] = 1, length
    manifest = Manifest.load(DEFAULT_ENGINE.with_suffix(".json"))
    return features, replace(manifest, head=head, labels=LABELS, rejection=None)


@pytest.mark.parametrize(
    ("length", "head", "possible"),
    [
        *((length, head, True) for length in (0.5, 1, 2) for head in ("zeroshot", "dpa", "gdpa")),
        *((length, head, False) for length in (0, 2.001, 1e20, 3e38) for head in ("zeroshot", "dpa", "gdpa")),
        *((0.499, head, head == "zeroshot") for head in ("zeroshot", "dpa", "gdpa")),
        (0.0011, "zeroshot", True),
        (0.0009, "zeroshot", False),
    ],
)
def test_features_that_no_head_gives_never_become_an_answer(length: float, head: str, possible: bool) -> None:
    features, manifest = features_of(length, head)
    if possible:
        check_features(features, 2, manifest, DEFAULT_ENGINE)
        return
    with pytest.raises(EngineError, match=rf"\.onnx: .*feature of length .*head {head}"):
        check_features(features, 2, manifest, DEFAULT_ENGINE)


@pytest.mark.parametrize(
    "features",
    [np.ones((1, 6), np.float32), np.ones((2, 5), np.float32), np.ones((2, 6)), np.ones(12, np.float32)],
)
def test_features_of_another_shape_or_type_are_refused(features: np.ndarray) -> None:
    with pytest.raises(EngineError, match=r"its manifest says float32 \[2, 6\]"):
        check_features(features, 2, features_of(1, "dpa")[1], DEFAULT_ENGINE)


@pytest.mark.parametrize("score", [np.nan, np.inf, -0.1, 1.1])
def test_scores_that_are_no_probabilities_are_refused(score: float) -> None:
    check_scores(np.array([[0, 1, 0.5]], np.float32), DEFAULT_ENGINE)
    with pytest.raises(EngineError, match="not probabilities"):
        check_scores(np.array([[0, score, 0.5]], np.float32), DEFAULT_ENGINE)


@pytest.mark.parametrize("divide_by", [1e-38, 1e-20, 1.0, 1e6])
def test_an_engine_of_huge_or_tiny_features_gives_no_answer(tmp_path: Path, divide_by: float) -> None:
    clf = Classifier(write_engine(tmp_path, divide_by=divide_by))
    with pytest.raises(EngineError, match=r"tiny\.onnx: .*(not finite|feature of length)"):
        clf(CLOUDS[0])


@pytest.mark.parametrize("backend", ["onnxruntime", *(["openvino"] if CPU_BACKEND == "openvino" else [])])
@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (
            {"spec": replace(SPEC, image_size=17)},
            r"has the input depth float32 \[\?, 6, 16, 16\], its manifest says .*\[\?, 6, 17, 17\]",
        ),
        ({"views": ViewSet.named("clip2point-10")}, r"manifest says depth float32 \[\?, 10, 16, 16\]"),
        (
            {"labels": LabelSet(("a",), np.ones((1, 7)))},
            r"has the output features float32 \[\?, 6\], its manifest says features float32 \[\?, 7\]",
        ),
        ({"output_name": "feature"}, r"outputs \['features'\], its manifest says depth and feature"),
    ],
)
def test_an_engine_that_is_not_its_manifests_is_refused_at_once(
    tmp_path: Path, change: dict[str, Any], complaint: str, backend: str
) -> None:
    engine = write_engine(tmp_path)
    replace(Manifest.for_engine(engine), **change).save(Manifest.path_for(engine))
    with pytest.raises(EngineError, match=complaint):
        Classifier(engine, device="cpu", backend=backend)


@pytest.mark.parametrize(
    ("batch", "shape", "fits"),
    [
        (BatchProfile(1, 1, 4), (None, 6, 16, 16), True),
        (BatchProfile(1, 1, 4), None, True),
        (BatchProfile(1, 1, 4), (None, None, None, None), True),
        (BatchProfile(1, 1, 4), (1, 6, 16, 16), False),
        (BatchProfile(1, 1, 4), (4, 6, 16, 16), False),
        (BatchProfile(4, 4, 4), (4, 6, 16, 16), True),
        (BatchProfile(4, 4, 4), (3, 6, 16, 16), False),
        (BatchProfile(1, 1, 4), (None, 6, 16), False),
        (BatchProfile(1, 1, 4), (None, 6, 16, 16, 1), False),
        (BatchProfile(1, 1, 4), (), False),
        (BatchProfile(1, 1, 4), (None, 5, 16, 16), False),
    ],
)
def test_sizes_that_an_engine_leaves_open_fit(
    tmp_path: Path, batch: BatchProfile, shape: tuple[int | None, ...] | None, fits: bool
) -> None:
    engine = write_engine(tmp_path)
    manifest = replace(Manifest.for_engine(engine), batch=batch)
    found = [Tensor("depth", True, shape)], [Tensor("features", True, (None, 6))]
    if fits:
        check_tensors(engine, manifest, *found)
        return
    with pytest.raises(EngineError, match=r"tiny\.onnx: has the input depth"):
        check_tensors(engine, manifest, *found)


def test_an_engine_of_unknown_sizes_fits_and_one_of_fixed_sizes_is_told_its_batches(tmp_path: Path) -> None:
    engine = write_engine(tmp_path)
    manifest, features = Manifest.for_engine(engine), [Tensor("features", True, None)]
    check_tensors(engine, manifest, [Tensor("depth", True, None)], features)
    for shape, told in (((2, 6, 16, 16), True), ((None, 6, 16, 17), False), ((), False)):
        with pytest.raises(EngineError) as caught:
            check_tensors(engine, manifest, [Tensor("depth", True, shape)], features)
        assert caught.value.problem.endswith(" with 1 to 4 clouds a call") == told


def test_times_are_milliseconds_of_each_cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a clock that goes on by 1, 2, 4 ... seconds whenever it is looked at."""
    seconds = accumulate(2**n for n in range(100))
    monkeypatch.setattr(cpu_pipeline, "perf_counter", lambda: next(seconds))
    first, second = Classifier(write_engine(tmp_path)).batch(CLOUDS[:2])
    for found, (prepared, projected) in ((first, (2, 4)), (second, (16, 32))):
        encode, score = 128 / 2, 256 / 2  # of both together
        expected = {"prepare": prepared, "project": projected, "encode": encode, "score": score}
        assert found.timing_ms == {
            **{stage: 1000 * value for stage, value in expected.items()},
            "total": 1000 * (prepared + projected + encode + score),
        }


def test_scores_that_are_no_probabilities_never_become_an_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cpu_pipeline, "softmax", lambda logits: logits * np.nan)
    with pytest.raises(EngineError, match=r"tiny\.onnx: its features gave scores that are not probabilities"):
        Classifier(write_engine(tmp_path))(CLOUDS[0])


def test_an_engine_of_another_type_is_refused(tmp_path: Path) -> None:
    engine = write_engine(tmp_path)
    depth = Tensor("depth", True, (None, 6, 16, 16))
    with pytest.raises(EngineError, match=r"features of another type \[\?, 6\]"):
        check_tensors(engine, Manifest.for_engine(engine), [depth], [Tensor("features", False, (None, 6))])


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
    with pytest.raises(OptionError, match="'z', 'y', 'x'"):
        Classifier(write_engine(tmp_path), up="w")  # type: ignore[arg-type]
    with pytest.raises(EngineError, match=r"odd\.onnx: has inputs \['picture'\]"):
        Classifier(write_engine(tmp_path, name="odd", input_name="picture"))
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"not an ONNX file")
    write_manifest(broken)
    titles = {"openvino": "OpenVINO", "onnxruntime": "ONNX Runtime"}
    with pytest.raises(EngineError, match=rf"broken\.onnx: {titles[CPU_BACKEND]} cannot load it"):
        Classifier(broken, device="cpu")


def test_a_notice_cannot_command_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(
        classifier_module, "choose", lambda *given: Choice("cpu", CPU_BACKEND, "could be faster")
    )
    Classifier(write_engine(tmp_path, name="a\x1b[31m\nb")).close()
    assert [record.getMessage() for record in caplog.records] == [
        f"{tmp_path}/a?[31m b.onnx: could be faster"
    ]


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


def test_a_file_is_read_where_points_could_be_given(tmp_path: Path) -> None:
    clf = Classifier(write_engine(tmp_path), seed=5)
    np.save(tmp_path / "a.npy", CLOUDS[0])
    (tmp_path / "mesh.off").write_text("OFF\n4 2 0\n0 0 0\n1 0 0\n0 1 0\n0 0 3\n3 0 1 2\n3 0 1 3\n")
    for path in (tmp_path / "a.npy", str(tmp_path / "mesh.off")):
        points = read_cloud(path, seed=5)
        np.testing.assert_array_equal(clf(path).features, clf(points).features)
        np.testing.assert_array_equal(clf.depth_maps(path), clf.depth_maps(points))
    labels = [prediction.label for prediction in clf.batch([tmp_path / "a.npy", CLOUDS[1]])]
    assert labels == [clf(CLOUDS[0]).label, clf(CLOUDS[1]).label]
    with pytest.raises(CloudFileError, match=r"gone\.ply: no such file"):
        clf("gone.ply")


def test_of_more_columns_the_first_three_are_meant(tmp_path: Path) -> None:
    clf = Classifier(write_engine(tmp_path))
    wide = np.hstack([CLOUDS[0], np.full((len(CLOUDS[0]), 2), np.nan)])
    np.testing.assert_array_equal(clf(wide).features, clf(CLOUDS[0]).features)


def test_cosines_do_not_depend_on_the_other_names(tmp_path: Path) -> None:
    engine = write_engine(tmp_path)
    clf = Classifier(engine)
    found = clf(CLOUDS[0])
    text, features = clf.labels.text_features, found.features
    expected = text @ features / np.linalg.norm(features)
    np.testing.assert_allclose(found.cosines, expected, rtol=1e-6)
    assert found.cosine == pytest.approx(expected.max()) and np.linalg.norm(features) < 0.99
    alone = Classifier(engine, labels=["box"])(CLOUDS[0])
    assert alone.cosine == pytest.approx(expected[LABELS.names.index("box")])


def test_what_is_printed_of_things_is_short(tmp_path: Path) -> None:
    engine = write_engine(tmp_path)
    clf = Classifier(engine, device="cpu", backend="onnxruntime")
    prediction = clf(CLOUDS[0])
    (first, share), *_ = prediction.top(1)
    assert repr(clf) == "Classifier('tiny.onnx', 3 labels, onnxruntime on cpu)"
    clf.close()
    assert repr(clf) == "Classifier('tiny.onnx', 3 labels, closed)"
    assert repr(prediction).startswith(f"Prediction({first} {100 * share:.1f} %, ")
    assert repr(LABELS) == "LabelSet(3 names: 'cup', 'box', 'rod'; features of 6)"
    many = LabelSet([f"thing {i}" for i in range(99)], np.eye(99))
    assert repr(many) == "LabelSet(99 names: 'thing 0', 'thing 1', 'thing 2', ...; features of 99)"
    scores = np.full(99, 1 / 99, np.float32)
    of_many = Prediction(many.names, scores, np.ones(99, np.float32), {}, many.text_features)
    assert repr(of_many) == "Prediction(thing 0 1.0 %, thing 1 1.0 %, thing 2 1.0 %, and 96 more)"
    assert repr(clf.manifest) == "Manifest(tiny.onnx: zeroshot in fp32, 6 views of 16 px, 3 labels)"
    assert repr(clf.manifest.views) == "ViewSet('clip2point-6', 6 views)"
    assert repr(clf.manifest.spec) == "DepthSpec(image_size=16, point_radius=0.2, num_points=64)"
