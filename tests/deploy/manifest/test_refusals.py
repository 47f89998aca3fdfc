"""What a reader of manifests refuses, and how."""

import base64
import copy
import json
import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from c2p_deploy import Manifest
from c2p_deploy.errors import ManifestError
from c2p_deploy.manifest import (
    MOST_CALL_BYTES,
)
from overwrite import overwrite


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
        with pytest.raises(ManifestError, match=r"cannot read manifest: it is a pipe") as caught:
            load()
        assert caught.value.path == str(file) and "permissions" in caught.value.remedy
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
