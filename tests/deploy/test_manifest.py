"""The manifest: what survives a file, and what a reader refuses and how."""

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from c2p_deploy import DepthSpec, LabelSet, Manifest, ViewSet
from c2p_deploy.errors import ManifestError
from c2p_deploy.files import sha256_of
from c2p_deploy.manifest import BatchProfile, EngineTarget, TextEncoderFiles


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
    )


def test_every_field_survives_a_file(manifest: Manifest, tmp_path: Path) -> None:
    manifest.save(tmp_path / "tiny.json")
    again = Manifest.load(tmp_path / "tiny.json")
    for name in set(Manifest.__dataclass_fields__) - {"labels"}:
        assert getattr(again, name) == getattr(manifest, name), name
    assert again.labels.names == manifest.labels.names
    np.testing.assert_allclose(again.labels.text_features, manifest.labels.text_features, atol=1e-3)


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
    with pytest.raises(ManifestError, match=r"describes tiny\.onnx, not this file"):
        Manifest.for_engine(tmp_path / "other.onnx")


def _text_encoder(model: str, digest: str) -> dict[str, Any]:
    """What a manifest says of a text encoder."""
    return {
        "model": {"file": model, "sha256": digest},
        "tokenizer": {"file": "t.json", "sha256": "2" * 64},
    }


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"schema": "2.0"}, "schema 2.0, this release reads 1.x"),
        ({"schema": None}, "schema None"),
        ({"head": "mlp"}, "head 'mlp'"),
        ({"precision": "fp64"}, "precision 'fp64'"),
        ({"logit_scale": "NaN"}, "logit_scale"),
        ({"logit_scale": 0}, "logit_scale"),
        ({"engines": {"../x.onnx": {"sha256": "0" * 64}}}, "plain file name"),
        ({"engines": {"x.onnx": {"sha256": "abc"}}}, "plain file name"),
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


@pytest.mark.parametrize("key", sorted(set(Manifest.__dataclass_fields__) - {"text_encoder", "cost"}))
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
