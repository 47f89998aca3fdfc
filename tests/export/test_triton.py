"""`c2p-export --triton`: a real server answers what `Classifier` does, bit for bit; and what is written for it."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from c2p_deploy import Manifest
from c2p_deploy.errors import EngineError, ManifestError, OptionError
from c2p_deploy.manifest import EngineTarget
from c2p_export.triton.repository import check_repository, write_repository
from c2p_runtime.bundled import engine_path
from engines import write_engine, write_plan
from export_command import c2p_export, fail, files, succeed
from triton_server import Answer, Group, Triton, expected, serving, triton

TARGET = EngineTarget("tensorrt", "10.3.0", ("8.7",))
RNG = np.random.default_rng(0)
SIZES = (50, 200, 1024, 1025, 3000, 9000, 64, 777)
WORDS = ["chair", "mug", "table"]
KEYS = ("label", "guess", "reason", "confidence", "scores", "names")


# What a server answers


@dataclass
class Served:
    """A server with the bundled model, some clouds, and what is expected of them."""

    client: Any
    clouds: list[np.ndarray]
    alone: list[Answer]  # each cloud in a call of its own
    together: list[set[bytes]]  # the bits of every answer that a cloud may get in company
    three: list[Answer]  # the first three in one call
    words: list[Answer]  # each cloud in a call of its own, with WORDS


def bits(answer: Answer) -> bytes:
    """All of an answer."""
    return b"|".join(
        np.asarray(answer[key]).tobytes()
        if key in ("confidence", "scores")
        else repr(np.asarray(answer[key]).tolist()).encode()
        for key in KEYS
    )


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    pytest.importorskip("tritonclient.http", reason="needs tritonclient: pip install 'tritonclient[http]'")
    server: Triton = triton()
    work = tmp_path_factory.mktemp("triton")
    for suffix in (".onnx", ".json"):
        shutil.copy(engine_path("default").with_suffix(suffix), work)
    engine = work / "default.onnx"
    with np.load(Path(__file__).parents[1] / "data" / "golden" / "chair.npz") as golden:
        clouds = [golden["points_raw"].astype(np.float32)]
    clouds += [(RNG.normal(size=(size, 3)) * (1, 2, 0.3)).astype(np.float32) for size in SIZES]
    every = range(len(clouds))
    groups: list[Group] = [(None, [0, 1, 2])]
    groups += [(None, [each]) for each in every]
    groups += [(WORDS, [each]) for each in every]
    first = len(groups)
    # Alone, and in calls of every size, each cloud at every place.
    groups += [
        (None, [(start + i) % len(clouds) for i in range(size)]) for size in every[1:] for start in every
    ]
    groups += [(None, list(every))]
    found = expected(server, engine, clouds, groups, work)
    three, rest = found[0], [answers[0] for answers in found[1:first]]
    together = [{bits(rest[each])} for each in every]
    for (_, group), answers in zip(groups[first:], found[first:], strict=True):
        for each, answer in zip(group, answers, strict=True):
            together[each].add(bits(answer))
    succeed("--onnx", engine, "--triton", work / "models")
    (work / "server").mkdir()
    with serving(server, work / "models", "default", work / "server") as client:
        yield Served(client, clouds, rest[: len(clouds)], together, three, rest[len(clouds) :])


def tensors(points: np.ndarray, labels: list[str] | None = None) -> list[Any]:
    """The inputs of a request: points [B, N, 3]."""
    from tritonclient.http import InferInput

    made = [InferInput("points", list(points.shape), "FP32")]
    made[0].set_data_from_numpy(np.ascontiguousarray(points, np.float32))
    if labels is not None:
        names = np.array([labels] * len(points), dtype=object)
        made.append(InferInput("labels", list(names.shape), "BYTES"))
        made[1].set_data_from_numpy(names)
    return made


def answers_of(result: Any) -> list[Answer]:
    """One a cloud."""
    outputs = {key: result.as_numpy(key) for key in KEYS}
    text = {key: outputs[key].astype("S").astype("U") for key in ("label", "guess", "reason", "names")}
    outputs |= text
    return [
        {
            key: values[place] if key in ("scores", "names") else values[place, 0]
            for key, values in outputs.items()
        }
        for place in range(len(outputs["label"]))
    ]


def ask(served: Served, points: np.ndarray, labels: list[str] | None = None) -> list[Answer]:
    return answers_of(served.client.infer("default", tensors(points, labels)))


def refused(served: Served, points: np.ndarray, labels: list[str] | None = None) -> str:
    from tritonclient.utils import InferenceServerException

    with pytest.raises(InferenceServerException) as caught:
        served.client.infer("default", tensors(points, labels))
    return str(caught.value)


def counts(served: Served) -> tuple[int, int]:
    """Executions, and clouds in them."""
    (stats,) = served.client.get_inference_statistics("default")["model_stats"]
    return int(stats.get("execution_count", 0)), int(stats.get("inference_count", 0))


def test_a_cloud_of_any_size_gets_the_classifiers_answer(served: Served) -> None:
    for cloud, wanted in zip(served.clouds, served.alone, strict=True):
        (answer,) = ask(served, cloud[None])
        assert bits(answer) == bits(wanted)
    assert served.alone[0]["label"] == "chair" and len(served.alone[0]["names"]) > 200


def test_what_is_unknown_has_no_label(served: Served) -> None:
    (answer,) = ask(served, served.clouds[1][None])
    assert answer["label"] == "" and answer["reason"] == "clutter"
    assert answer["guess"] in answer["names"]


def test_clouds_of_one_request_are_one_call(served: Served) -> None:
    """Rows that are not numbers do not count, so that clouds of different sizes fit into one tensor."""
    padded = np.full((3, max(map(len, served.clouds[:3])), 3), np.nan, np.float32)
    for place, cloud in enumerate(served.clouds[:3]):
        padded[place, : len(cloud)] = cloud
    before = counts(served)
    got = ask(served, padded)
    assert [bits(answer) for answer in got] == [bits(answer) for answer in served.three]
    after = counts(served)
    assert (after[0] - before[0], after[1] - before[1]) == (1, 3)


def test_requests_at_the_same_time_share_calls(served: Served) -> None:
    """And each gets what `Classifier.batch` says of its cloud in some call."""
    before = counts(served)
    order = [each % len(served.clouds) for each in range(27)]
    pending = [served.client.async_infer("default", tensors(served.clouds[each][None])) for each in order]
    for each, request in zip(order, pending, strict=True):
        (answer,) = answers_of(request.get_result())
        assert bits(answer) in served.together[each]
        np.testing.assert_allclose(answer["scores"], served.alone[each]["scores"], atol=1e-5)
        assert answer["label"] == served.alone[each]["label"]
    after = counts(served)
    assert after[1] - before[1] == len(order)
    assert after[0] - before[0] < len(order)


def test_a_bad_cloud_is_an_error_of_its_own(served: Served) -> None:
    from tritonclient.utils import InferenceServerException

    bad = {
        2: (np.ones((20, 3), np.float32), "all 20 points coincide; a cloud needs some extent"),
        5: (np.full((20, 3), np.nan, np.float32), "no finite point in the cloud; check the sensor"),
        7: (np.full((20, 3), 1e20, np.float32), "coordinates beyond 1e18"),
    }
    clouds = [bad[each][0] if each in bad else cloud for each, cloud in enumerate(served.clouds)]
    pending = [served.client.async_infer("default", tensors(cloud[None])) for cloud in clouds]
    for each, request in enumerate(pending):
        if each in bad:
            with pytest.raises(InferenceServerException) as caught:
                request.get_result()
            assert bad[each][1] in str(caught.value) and "cloud 0" not in str(caught.value)
        else:
            assert bits(answers_of(request.get_result())[0]) in served.together[each]


def test_a_bad_cloud_among_those_of_a_request_is_named(served: Served) -> None:
    clouds = RNG.normal(size=(3, 40, 3))
    clouds[1] = 2.0
    assert "cloud 1: all 40 points coincide" in refused(served, clouds)
    assert "no finite point" in refused(served, np.empty((1, 0, 3)))


def test_a_request_may_bring_its_labels(served: Served) -> None:
    for cloud, wanted in zip(served.clouds[:3], served.words, strict=False):
        (answer,) = ask(served, cloud[None], WORDS)
        assert bits(answer) == bits(wanted) and list(answer["names"]) == WORDS
    assert "'qwertzuiop'" in refused(served, served.clouds[0][None], ["chair", "qwertzuiop"])
    (answer,) = ask(served, served.clouds[0][None])
    assert bits(answer) == bits(served.alone[0])


# What is written


def model_config(path: Path) -> Any:
    """A config as Triton's own definition of it reads it."""
    text_format = pytest.importorskip("google.protobuf.text_format")
    package = importlib.util.find_spec("tritonclient")
    if package is None:
        pytest.skip("needs tritonclient: pip install 'tritonclient[http]'")
    # Not imported by its name: its package wants grpc.
    (folder,) = package.submodule_search_locations or ()
    spec = importlib.util.spec_from_file_location(
        "model_config_pb2", Path(folder) / "grpc" / "model_config_pb2.py"
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return text_format.Parse(path.read_text(), module.ModelConfig())


def shapes(tensors: Any) -> dict[str, list[int]]:
    return {tensor.name: list(tensor.dims) for tensor in tensors}


def test_the_files_and_their_configs(tmp_path: Path) -> None:
    engine = write_engine(tmp_path, input_name='the "depth"')
    said = succeed("--onnx", engine, "--triton", tmp_path / "models")
    models = tmp_path / "models"
    assert files(models) == ["tiny", "tiny-engine"]
    assert files(models / "tiny") == files(models / "tiny-engine") == ["1", "config.pbtxt"]
    assert files(models / "tiny" / "1") == ["model.py", "tiny.json", "tiny.onnx"]
    assert files(models / "tiny-engine" / "1") == ["model.onnx"]
    assert (models / "tiny-engine" / "1" / "model.onnx").read_bytes() == engine.read_bytes()
    assert Manifest.for_engine(models / "tiny" / "1" / "tiny.onnx").batch.max == 4
    assert f"wrote {models / 'tiny'}" in said and "--load-model tiny" in said
    clouds, bare = (model_config(models / name / "config.pbtxt") for name in ("tiny", "tiny-engine"))
    assert (clouds.name, clouds.backend, clouds.max_batch_size) == ("tiny", "python", 4)
    assert clouds.HasField("dynamic_batching") and clouds.input[0].allow_ragged_batch
    assert clouds.parameters["engine"].string_value == "tiny.onnx"
    assert (bare.name, bare.backend, bare.default_model_filename) == (
        "tiny-engine",
        "onnxruntime",
        "model.onnx",
    )
    assert shapes(bare.input) == {'the "depth"': [6, 16, 16]} and shapes(bare.output) == {"features": [6]}


@pytest.mark.parametrize(
    ("flavour", "served_file"), [("tensorrt", "model.plan"), ("tensorrt-rtx", "model.onnx")]
)
def test_a_plan_is_served_where_there_is_one(tmp_path: Path, flavour: str, served_file: str) -> None:
    engine = write_engine(tmp_path)
    models = tmp_path / "models"
    write_repository(models, engine)
    plan = write_plan(engine, EngineTarget(flavour, "10.3.0", ("8.7",)), b"a plan")
    clouds, bare = write_repository(models, engine)
    assert files(clouds / "1") == ["model.py", "tiny.json", "tiny.plan"]
    assert files(bare / "1") == [served_file]
    assert model_config(bare / "config.pbtxt").backend == (
        "tensorrt" if served_file.endswith("plan") else "onnxruntime"
    )
    assert model_config(clouds / "config.pbtxt").parameters["engine"].string_value == "tiny.plan"
    plan.unlink()  # as on another machine
    assert files(write_repository(models, engine)[0] / "1") == ["model.py", "tiny.json", "tiny.onnx"]


def test_a_checkpoint_is_exported_and_served(
    small: Path, exported: tuple[Path, str], traced: None, no_gpu: None, tmp_path: Path
) -> None:
    said = succeed("--ckpt", small, "--out", tmp_path / "new", "--triton", tmp_path / "models")
    assert files(tmp_path) == ["models", "new.json", "new.onnx"]
    assert files(tmp_path / "models" / "new" / "1") == ["model.py", "new.json", "new.onnx"]
    assert f"wrote {tmp_path / 'models' / 'new-engine'}" in said


def test_a_damaged_engine_is_refused(tmp_path: Path) -> None:
    engine = write_engine(tmp_path)
    engine.write_bytes(engine.read_bytes() + b" ")
    assert "SHA-256 differs" in fail("--onnx", engine, "--triton", tmp_path / "models")
    assert not (tmp_path / "models").exists()
    plan = write_plan(write_engine(tmp_path), TARGET, b"a plan")
    plan.write_bytes(b"another")
    with pytest.raises(ManifestError, match="SHA-256 differs"):
        write_repository(tmp_path / "models", plan.with_suffix(".onnx"))
    assert not (tmp_path / "models").exists()


def test_models_of_others_are_left_alone(tmp_path: Path) -> None:
    engine = write_engine(tmp_path)
    foreign = tmp_path / "models" / "tiny-engine" / "config.pbtxt"
    foreign.parent.mkdir(parents=True)
    foreign.write_text('name: "tiny-engine"\n')
    assert "was not written by c2p-export" in fail("--onnx", engine, "--triton", tmp_path / "models")
    assert foreign.read_text() == 'name: "tiny-engine"\n' and files(tmp_path / "models") == ["tiny-engine"]


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("no folder")
    with pytest.raises(EngineError, match="cannot write there"):
        write_repository(tmp_path / "models", write_engine(tmp_path))


@pytest.mark.parametrize("name", ["ein Stuhl", "stühle", 'a"b', "-x"])
def test_names_that_no_model_can_have(tmp_path: Path, name: str) -> None:
    with pytest.raises(OptionError, match="letters, digits"):
        check_repository(tmp_path, tmp_path / f"{name}.onnx")


@pytest.mark.parametrize(
    "option",
    [
        ("--target", "sm86"),
        ("--max-batch", 4),
        ("--workspace", 64),
        ("--backend", "tensorrt"),
        ("--keep-failed",),
    ],
)
def test_an_engine_that_is_there_is_served_as_it_is(tmp_path: Path, option: tuple[object, ...]) -> None:
    engine = write_engine(tmp_path)
    result = c2p_export("--onnx", engine, "--triton", tmp_path / "models", *option)
    assert result.exit_code == 2 and f"{option[0]} is about making an engine" in result.stderr
    assert files(tmp_path) == ["tiny.json", "tiny.onnx"]
