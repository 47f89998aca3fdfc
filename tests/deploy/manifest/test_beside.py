"""An engine and its manifest: how they find each other, and what is said where they do not."""

import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from c2p_deploy import Manifest
from c2p_deploy.errors import ManifestError
from c2p_deploy.files import sha256_of
from c2p_deploy.manifest import (
    TextEncoderFiles,
)


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
    with pytest.raises(ManifestError, match=r"other\.plan: no such engine file; give a \.onnx"):
        Manifest.for_engine(tmp_path / "other.plan")  # nor its .onnx


def test_an_engine_that_cannot_be_read_is_refused(
    manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest.save(tmp_path / "tiny.json")

    def shut(path: Path) -> str:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("c2p_deploy.manifest.manifest.sha256_of", shut)
    with pytest.raises(ManifestError, match=r"tiny\.onnx: cannot read engine: Permission denied; check"):
        Manifest.for_engine(tmp_path / "tiny.onnx")
