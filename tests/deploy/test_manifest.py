"""The manifest: what survives a file, and what a reader refuses and how."""

import base64
import copy
import json
import os
import shlex
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from c2p_deploy import DepthSpec, LabelSet, Manifest, ViewSet
from c2p_deploy import manifest as manifest_module
from c2p_deploy.errors import ManifestError
from c2p_deploy.files import sha256_of
from c2p_deploy.manifest import (
    MOST_CALL_BYTES,
    BatchProfile,
    EngineCost,
    EngineTarget,
    TextEncoderFiles,
    read_size_limits,
)
from c2p_deploy.rejection import Rejection
from overwrite import overwrite


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    """Of an engine file that lies in tmp_path."""
    engine = tmp_path / "tiny.onnx"
    engine.write_bytes(b"the bytes of an engine")
    labels = LabelSet(("chair", "bed"), np.random.default_rng(1).normal(size=(2, 8)))
    return Manifest(
        engines={engine.name: sha256_of(engine)},
        checkpoint_sha256="0" * 64,
        head="zeroshot",
        encoders=("ViT-B-32-quickgelu",),
        views=ViewSet.named("clip2point-6"),
        spec=DepthSpec(112, 0.03, 512),
        labels=labels,
        logit_scale=42.5,
        batch=BatchProfile(1, 4, 8),
        opset=18,
        target=EngineTarget("tensorrt", "10.3.0", ("8.7",), "Orin"),
        parity={"onnxruntime": {"cosine_min": 0.99999}},
        tools={"torch": "2.9"},
        created="2026-01-01T00:00:00+00:00",
        text_encoder=TextEncoderFiles("tiny.text.onnx", "1" * 64, "tiny.tokenizer.json", "2" * 64),
        cost=EngineCost(10**9, 10**7),
    )


def test_every_field_survives_a_file(manifest: Manifest, tmp_path: Path) -> None:
    manifest.save(tmp_path / "tiny.json")
    again = Manifest.load(tmp_path / "tiny.json")
    for name in set(Manifest.__dataclass_fields__) - {"labels"}:
        assert getattr(again, name) == getattr(manifest, name), name
    assert again.labels.names == manifest.labels.names
    np.testing.assert_allclose(again.labels.text_features, manifest.labels.text_features, atol=1e-3)


def test_a_rejection_and_size_limits_survive_a_file(manifest: Manifest, tmp_path: Path) -> None:
    rejection = Rejection(
        clutter=np.arange(9, dtype=np.float32),
        novelty=np.arange(12, dtype=np.float32) / 3,
        new_words=np.array([0.1, 2, 3, 4]),
        confidence=np.array([1.0, -2, 3, 4]),
        typical=np.array([0.2, 5, 0.9]),
    )
    limits = {"chair": (0.3, 1.8)}
    replace(manifest, rejection=rejection, size_limits=limits).save(tmp_path / "tiny.json")
    again = Manifest.load(tmp_path / "tiny.json")
    assert again.rejection is not None and again.rejection.to_dict() == rejection.to_dict()
    assert again.size_limits == limits
    with pytest.raises(ManifestError, match="rejection is for features of 7"):
        narrow = replace(rejection, clutter=rejection.clutter[1:], novelty=rejection.novelty[1:])
        replace(manifest, rejection=narrow)


def test_a_manifest_of_schema_1_1_has_neither(manifest: Manifest) -> None:
    values = manifest.to_dict()
    del values["rejection"], values["size_limits"]
    again = Manifest.from_dict(values | {"schema": "1.1"})
    assert again.rejection is None and again.size_limits is None


@pytest.mark.parametrize(
    "limits",
    [[], {"chair": [1]}, {"chair": [2, 1]}, {"chair": [-1, 1]}, {"chair": [0, 1e9]}, {"chair": "tall"}],
)
def test_size_limits_are_two_lengths(manifest: Manifest, limits: Any) -> None:
    with pytest.raises(ManifestError, match="size_limits"):
        Manifest.from_dict(manifest.to_dict() | {"size_limits": limits})


@pytest.mark.parametrize(
    ("text", "says"),
    [("nothing", "not valid JSON"), ('{"a": [3, 1]}', "size_limits of 'a'"), (None, "cannot read")],
)
def test_size_limits_of_a_file_are_refused_by_its_name(tmp_path: Path, text: str | None, says: str) -> None:
    path = tmp_path / "sizes.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ManifestError, match=says) as caught:
        read_size_limits(path)
    assert str(caught.value).startswith(str(path))


def test_text_features_are_little_endian_float16(manifest: Manifest) -> None:
    stored = manifest.to_dict()["labels"]
    features = np.frombuffer(base64.b64decode(stored["text_features"]), "<f2").reshape(2, 8)
    np.testing.assert_allclose(features, manifest.labels.text_features, atol=1e-3)


def test_engine_and_manifest_find_each_other(manifest: Manifest, tmp_path: Path) -> None:
    manifest.save(tmp_path / "tiny.json")
    assert Manifest.for_engine(tmp_path / "tiny.onnx").logit_scale == 42.5


def test_a_changed_engine_is_refused(manifest: Manifest, tmp_path: Path) -> None:
    manifest.save(tmp_path / "tiny.json")
    (tmp_path / "tiny.onnx").write_bytes(b"the bytes of an Engine")
    with pytest.raises(ManifestError, match=r"tiny\.onnx: SHA-256 differs.*copy engine and manifest"):
        Manifest.for_engine(tmp_path / "tiny.onnx")


def test_missing_or_foreign_files_are_refused(manifest: Manifest, tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="no such engine file"):
        Manifest.for_engine(tmp_path / "gone.onnx")
    with pytest.raises(ManifestError, match=r"manifest tiny\.json is missing"):
        Manifest.for_engine(tmp_path / "tiny.onnx")
    manifest.save(tmp_path / "other.json")
    (tmp_path / "other.onnx").write_bytes(b"")
    with pytest.raises(ManifestError, match=r"other\.onnx: SHA-256 differs"):
        Manifest.for_engine(tmp_path / "other.onnx")
    (tmp_path / "other.plan").write_bytes(b"")
    with pytest.raises(ManifestError, match=r"describes other\.onnx, not this file; copy engine"):
        Manifest.for_engine(tmp_path / "other.plan")


def test_an_engine_may_be_renamed_together_with_its_manifest(manifest: Manifest, tmp_path: Path) -> None:
    (tmp_path / "my robot.plan").write_bytes(b"a plan")
    engines = {**manifest.engines, "tiny.plan": sha256_of(tmp_path / "my robot.plan")}
    text = TextEncoderFiles("tiny.text.onnx", "1" * 64, "tiny.tokenizer.json", "2" * 64)
    replace(manifest, engines=engines, text_encoder=text).save(tmp_path / "my robot.json")
    (tmp_path / "tiny.onnx").rename(tmp_path / "my robot.onnx")
    (tmp_path / "tiny.tokenizer.json").touch()
    for suffix in (".onnx", ".plan"):
        found = Manifest.for_engine(tmp_path / f"my robot{suffix}")
        assert list(found.engines) == ["my robot.onnx", "my robot.plan"]
        assert list(found.engines.values()) == list(engines.values()) and found.logit_scale == 42.5
        # What was not renamed is still found, and what was.
        assert found.text_encoder == replace(text, model="my robot.text.onnx")


def test_a_checkpoint_is_no_engine(manifest: Manifest, tmp_path: Path) -> None:
    manifest.save(tmp_path / "tiny.json")
    for name in ("tiny.pt", "my best.pth"):
        command = f"c2p-export --ckpt {shlex.quote(str(tmp_path / name))}"
        with pytest.raises(ManifestError) as caught:
            Manifest.for_engine(tmp_path / name)
        assert str(caught.value).endswith(
            f"{name}: is a checkpoint, not an engine; export it first: {command}"
        )


def test_where_only_the_onnx_file_lies_it_is_offered(manifest: Manifest, tmp_path: Path) -> None:
    manifest.save(tmp_path / "tiny.json")
    onnx = tmp_path / "tiny.onnx"
    with pytest.raises(ManifestError) as caught:
        Manifest.for_engine(tmp_path / "tiny.plan")
    assert str(caught.value) == (
        f"{tmp_path / 'tiny.plan'}: no such engine file, but tiny.onnx lies there; "
        f"run that (--engine {onnx}), or build the plan on this machine: c2p-export --onnx {onnx}"
    )


def _text_encoder(model: str, digest: str) -> dict[str, Any]:
    """What a manifest says of a text encoder."""
    return {
        "model": {"file": model, "sha256": digest},
        "tokenizer": {"file": "t.json", "sha256": "2" * 64},
    }


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"schema": "2.0"}, "schema '2.0', this release reads 1.x"),
        ({"preparation": "clean"}, "preparation 'clean' is not one of paper, robust"),
        ({"preparation": ["robust"]}, "is not one of paper, robust"),
        ({"preparation": None}, "preparation None is not one of"),
        ({"schema": None}, "schema None"),
        ({"head": "mlp"}, "head 'mlp'"),
        ({"precision": "fp64"}, "precision 'fp64'"),
        ({"logit_scale": "NaN"}, "logit_scale"),
        ({"logit_scale": 0}, "logit_scale"),
        ({"logit_scale": 1.001e4}, "logit_scale must be a positive number, at most 10000"),
        ({"logit_scale": True}, "logit_scale"),
        ({"opset": 18.0}, "opset must be a whole number"),
        ({"batch": {"min": 1, "opt": True, "max": 2}}, "whole numbers"),
        ({"batch": {"min": 1, "opt": 1, "max": 4097}}, "at most 4096"),
        ({"batch": {"min": 1, "opt": 1, "max": 2, "best": 1}}, "batch has no 'best'"),
        ({"depth_spec": {"image_size": 112.0}}, "image_size must be a whole number"),
        ({"engines": {"../x.onnx": {"sha256": "0" * 64}}}, "plain file name"),
        ({"engines": {"x.onnx": {"sha256": "abc"}}}, "plain file name"),
        ({"engines": {"\udc00\ud800.onnx": {"sha256": "0" * 64}}}, "plain file name"),
        ({"engines": []}, "malformed"),
        ({"batch": {"min": 0, "opt": 1, "max": 2}}, "batch profile"),
        ({"depth_spec": {"image_size": -1}}, "malformed: image_size"),
        ({"depth_spec": {"size": 224}}, "malformed"),
        ({"view_set": {"name": "x", "rotations": [], "distances": []}}, "malformed"),
        ({"labels": {"names": ["a"]}}, "label set has no key"),
        ({"target": {"flavour": "tensorrt"}}, "no key"),
        (
            {"text_encoder": _text_encoder("../t.onnx", "1" * 64)},
            r"text encoder '\.\./t\.onnx': needs a plain",
        ),
        ({"text_encoder": _text_encoder("", "1" * 64)}, "text encoder '': needs a plain"),
        ({"text_encoder": _text_encoder("t.onnx", "1" * 63)}, "text encoder 't.onnx': needs a plain"),
        ({"text_encoder": {"model": {"file": "t.onnx", "sha256": "1" * 64}}}, "no key 'tokenizer'"),
        ({"text_encoder": ["t.onnx"]}, "malformed"),
    ],
)
def test_malformed_manifests_are_refused_by_name(
    manifest: Manifest, tmp_path: Path, change: dict[str, Any], complaint: str
) -> None:
    file = tmp_path / "tiny.json"
    file.write_text(json.dumps(manifest.to_dict() | change))
    with pytest.raises(ManifestError, match=complaint) as caught:
        Manifest.load(file)
    assert str(caught.value).startswith(f"{file}: ")


@pytest.mark.parametrize(
    "key",
    sorted(
        set(Manifest.__dataclass_fields__)
        - {"text_encoder", "cost", "preparation", "rejection", "size_limits"}
    ),
)
def test_no_key_may_be_missing(manifest: Manifest, key: str) -> None:
    stored_as = {"views": "view_set", "spec": "depth_spec", "input_name": "input", "output_name": "output"}
    values = manifest.to_dict()
    del values[stored_as.get(key, key)]
    with pytest.raises(ManifestError, match="no key"):
        Manifest.from_dict(values)


def test_a_manifest_from_before_there_were_text_encoders_is_read(manifest: Manifest) -> None:
    values = manifest.to_dict() | {"schema": "1.0"}
    del values["text_encoder"]
    again = Manifest.from_dict(values)
    assert again.text_encoder is None
    assert replace(again, labels=manifest.labels) == replace(manifest, text_encoder=None)


def test_clouds_of_an_older_engine_are_prepared_as_they_were_when_it_was_exported(manifest: Manifest) -> None:
    values = replace(manifest, preparation="robust").to_dict() | {"schema": "1.1"}
    assert Manifest.from_dict(values).preparation == "robust"
    del values["preparation"]
    assert Manifest.from_dict(values).preparation == "paper"


def test_features_that_are_not_numbers_are_refused(manifest: Manifest) -> None:
    values = manifest.to_dict()
    spoiled = np.full((2, 8), np.nan, dtype="<f2").tobytes()
    values["labels"]["text_features"] = base64.b64encode(spoiled).decode()
    with pytest.raises(ManifestError, match="not finite"):
        Manifest.from_dict(values)


@pytest.mark.parametrize("content", [b"", b"null", b"[1]", b"\xff", b"{"])
def test_files_that_are_no_manifest_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(ManifestError, match=r"x\.json: "):
        Manifest.load(tmp_path / "x.json")


def test_a_minor_schema_is_accepted(manifest: Manifest) -> None:
    assert Manifest.from_dict(manifest.to_dict() | {"schema": "1.7"}).head == "zeroshot"


def test_a_failed_write_leaves_the_old_file(manifest: Manifest, tmp_path: Path) -> None:
    manifest.save(tmp_path / "tiny.json")
    before = (tmp_path / "tiny.json").read_bytes()
    with pytest.raises(TypeError):
        replace(manifest, parity={"x": object()}).save(tmp_path / "tiny.json")
    assert (tmp_path / "tiny.json").read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["tiny.json", "tiny.onnx"]


WRONG: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2, 3.0, -0.5, 1e-320, 1e39, 1e308, 10**40, 10**400, -(10**400)),
    *("", "3", "chair", "x" * 100_000, "\0", "\ud800", "../x", "..", "\n\x1b[2J"),
    *([], [[]], [1], ["a"], [None], [[1, 2], [3]], [["1"] * 3] * 3, [10**400], [True], [1e39] * 6),
    *({}, {"": 1}, {"sha256": 1}, {"a": {"b": None}}),
)


def paths_in(value: Any) -> Iterator[tuple[Any, ...]]:
    """Of every place in JSON values; of an array only the first and the last."""
    yield ()
    items = value.items() if isinstance(value, dict) else []
    if isinstance(value, list) and value:
        items = {0: value[0], len(value) - 1: value[-1]}.items()
    for key, part in items:
        yield from ((key, *rest) for rest in paths_in(part))


def changed(values: Any, path: tuple[Any, ...], wrong: Any) -> Any:
    if not path:
        return wrong
    whole = copy.deepcopy(values)
    inner = whole
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = wrong
    return whole


def test_a_wrong_value_anywhere_is_refused_or_harmless(manifest: Manifest, tmp_path: Path) -> None:
    values, file = manifest.to_dict(), tmp_path / "tiny.json"
    paths = list(paths_in(values))
    assert len(paths) > 60
    refused = 0
    for path in paths:
        for wrong in WRONG:
            overwrite(file, json.dumps(changed(values, path, wrong)).encode())
            try:
                read = Manifest.load(file)
            except ManifestError as error:
                refused += 1
                assert error.path == str(file) and len(str(error)) < 1000 + len(str(file)), path
            else:
                read.to_dict()
                assert read.call_bytes <= MOST_CALL_BYTES
    assert refused > 0.7 * len(paths) * len(WRONG)


@pytest.mark.parametrize(
    "path",
    [
        ("batch", "min"), ("batch", "opt"), ("batch", "max"), ("opset",), ("depth_spec", "image_size"),
        ("depth_spec", "num_points"), ("labels", "dim"), ("cost", "flops_per_cloud"),
        ("cost", "weight_bytes"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("wrong", [True, 3.0, "3", [3], 10**400, -1])
def test_whole_numbers_are_nothing_else(manifest: Manifest, path: tuple[str, ...], wrong: object) -> None:
    with pytest.raises(ManifestError):
        Manifest.from_dict(changed(manifest.to_dict(), path, wrong))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[" * 50_000 + "]" * 50_000, "nested too deeply"),
        ('{"a":' * 50_000 + "1" + "}" * 50_000, "nested too deeply"),
        ("[" + "[]," * 100_000 + "1]", "more parts"),
        ("[" + "1," * 4_000_001 + "1]", "more parts"),
        ('{"schema": NaN}', "holds NaN"),
        ('{"schema": -Infinity}', "holds -Infinity"),
        ('{"schema": 1e999}', "holds '1e999'"),
        ('{"schema": "1.1", "schema": "1.1"}', "the key 'schema' twice"),
        ('{"schema": ' + "9" * 5000 + "}", "not valid JSON"),
    ],
)
def test_json_that_would_hurt_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(ManifestError, match=complaint) as caught:
        Manifest.load(tmp_path / "x.json")
    assert caught.value.path == str(tmp_path / "x.json") and len(caught.value.problem) < 300


def test_what_is_no_regular_file_is_refused_at_once(manifest: Manifest, tmp_path: Path) -> None:
    file = tmp_path / "tiny.json"
    os.mkfifo(file)
    for load in (lambda: Manifest.load(file), lambda: Manifest.for_engine(tmp_path / "tiny.onnx")):
        with pytest.raises(ManifestError, match=r"cannot read manifest: it is a pipe"):
            load()
    os.mkfifo(tmp_path / "pipe.onnx")
    with pytest.raises(ManifestError, match="no such engine file"):
        Manifest.for_engine(tmp_path / "pipe.onnx")
    for path, complaint in (
        ("/dev/zero", "it is a pipe, a device"),
        (tmp_path, "it is a folder"),
        (tmp_path / "gone.json", "No such file"),
        ("a\0b", "no file can have this name"),
        ("x" * 5000, "File name too long"),
    ):
        with pytest.raises(ManifestError, match=complaint):
            Manifest.load(path)
    with pytest.raises(ManifestError, match="no such engine file"):
        Manifest.for_engine("x" * 5000)


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "x.json").open("wb") as file:
        file.truncate((64 << 20) + 1)
    tracemalloc.start()
    with pytest.raises(ManifestError, match="larger than 64 MiB"):
        Manifest.load(tmp_path / "x.json")
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


def test_an_engine_that_cannot_be_read_is_refused(
    manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest.save(tmp_path / "tiny.json")

    def shut(path: Path) -> str:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(manifest_module, "sha256_of", shut)
    with pytest.raises(ManifestError, match=r"tiny\.onnx: cannot read engine: Permission denied; check"):
        Manifest.for_engine(tmp_path / "tiny.onnx")


def test_one_call_has_a_sane_size(manifest: Manifest) -> None:
    spec = replace(manifest.spec, image_size=4096)
    one = replace(manifest, spec=spec, batch=BatchProfile(1, 1, 1))
    assert one.call_bytes == 4 * (6 * 4096 * 4096 + 8 + 2)
    most = MOST_CALL_BYTES // one.call_bytes
    assert replace(one, batch=BatchProfile(1, 1, most)).batch.max == most
    with pytest.raises(ManifestError, match=r"would take 8\..* GiB, more than 8 GiB; .*--max-batch"):
        replace(one, batch=BatchProfile(1, 1, most + 1))


@pytest.mark.parametrize("scale", [1e-6, 1, 100.0, 1e4])
def test_sane_logit_scales_are_taken(manifest: Manifest, scale: float) -> None:
    assert replace(manifest, logit_scale=scale).logit_scale == scale


@pytest.mark.parametrize("sizes", [(1, 1, 1), (1, 1, 4096), (4096, 4096, 4096), (2, 3, 4)])
def test_profiles_that_rise_are_taken(sizes: tuple[int, int, int]) -> None:
    assert BatchProfile(*sizes).max == sizes[2]
    assert BatchProfile(max=2) == BatchProfile(1, 1, 2)


@pytest.mark.parametrize("sizes", [(0, 1, 1), (2, 1, 2), (1, 3, 2), (1, 1, 4097)])
def test_profiles_that_do_not_rise_are_refused(sizes: tuple[int, int, int]) -> None:
    with pytest.raises(ManifestError, match="batch profile"):
        BatchProfile(*sizes)
