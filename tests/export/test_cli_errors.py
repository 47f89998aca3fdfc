"""`c2p-export` refuses in one line, and leaves nothing of a failure."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from c2p_deploy import LabelSet, Manifest
from c2p_deploy.files import sha256_of
from c2p_export import report
from c2p_export import request as request_module
from c2p_export.parity import LIMITS, Limits
from c2p_runtime.backends.gpu import Gpu
from export_command import c2p_export, fail, files, succeed
from small_models import checkpoint as small_checkpoint

FEWSHOT, PRETRAINED, CLIP = "fewshot_best_tiny.pth", "pretrain_best_val_tiny.pth", "clip_tiny.pt"
pytestmark = pytest.mark.usefixtures("no_gpu")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], ["give either --ckpt FILE or --onnx FILE"]),
        (["--ckpt", "small.pt", "--fp16", "--fp32"], ["--fp32 and --fp16 exclude each other"]),
        (["--onnx", "small.onnx", "--int8", "--fp8"], ["--int8 and --fp8 exclude each other"]),
        (["--ckpt", "small.pt", "--onnx", "small.onnx"], ["give either --ckpt FILE or --onnx FILE"]),
        (["small.pt"], ["'small.pt' stands without an option", "--ckpt", "--onnx"]),
        (["--ckpt", "small.pt", "inspect", "small.onnx"], ["inspect exports nothing"]),
        (["--ckpt", "gone.pt"], ["'gone.pt' does not exist"]),
        (["--ckpt", "small.pt", "--target", "sm88"], ["'sm88'", "known are sm75", "sm87 (Jetson Orin)"]),
        (["--ckpt", "small.pt", "--fp8", "--calib", ".", "--target", "sm86"], ["SM89", "SM86", "--fp16"]),
        (["--ckpt", "small.pt", "--int8"], ["--int8 needs --calib DIR"]),
        (["--ckpt", "small.pt", "--max-batch", "0"], ["--max-batch", "1<=x<=1024"]),
        (["--ckpt", "small.pt", "--out", ""], ["--out needs a name"]),
        (["--onnx", "small.pt"], ["small.pt", "the .onnx that c2p-export wrote"]),
    ],
)
def test_wrong_usage_exits_with_2(
    exported: tuple[Path, str], monkeypatch: pytest.MonkeyPatch, arguments: list[str], words: list[str]
) -> None:
    monkeypatch.chdir(exported[0].parent)
    result = c2p_export(*arguments)
    assert result.exit_code == 2 and result.stderr.startswith("Usage: ")
    last = result.stderr.splitlines()[-1]
    assert last.startswith("Error: ")
    assert [word for word in words if word not in last] == []
    assert files(exported[0].parent) == ["small.json", "small.onnx", "small.pt"]


def test_a_backend_that_is_not_installed(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    line = fail("--ckpt", small, "--out", tmp_path / "new", "--backend", "tensorrt")
    assert "TensorRT is not installed" in line and "[tensorrt]'" in line
    assert files(tmp_path) == []


def damaged(small: Path, how: str) -> Any:
    if how == "truncated":
        return small.read_bytes()[:20000]
    if how == "random bytes":
        return np.random.default_rng(0).bytes(5000)
    if how == "empty":
        return b""
    if how == "foreign dict":
        return {"a": torch.ones(3)}
    if how == "list":
        return [1, 2]
    values = torch.load(small, weights_only=True)
    if how == "missing weights":
        del values["encoders"]
    else:
        state = values["encoders"]["depth"]["state"]
        next(value for value in state.values() if value.ndim > 1).view(-1)[0] = float(how)
    return values


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("truncated", "cannot be loaded as a checkpoint"),
        ("random bytes", "cannot be loaded as a checkpoint"),
        ("empty", "cannot be loaded as a checkpoint"),
        ("foreign dict", "neither a checkpoint of CLIP2Point nor a CLIP model (its first keys: a)"),
        ("list", "holds a list, not a checkpoint"),
        ("missing weights", "damaged checkpoint"),
        ("nan", "depth_encoder.stem.0.weight holds values that are not finite"),
        ("inf", "depth_encoder.stem.0.weight holds values that are not finite"),
    ],
)
def test_a_bad_checkpoint(small: Path, tmp_path: Path, how: str, words: str) -> None:
    path = tmp_path / "bad.pt"
    made = damaged(small, how)
    if isinstance(made, bytes):
        path.write_bytes(made)
    else:
        torch.save(made, path)
    line = fail("--ckpt", path)
    assert line.startswith(f"error: {path}: ") and words in line
    assert files(tmp_path) == ["bad.pt"]


def test_nan_in_a_file_of_the_authors(stand_in: Path, tmp_path: Path) -> None:
    state = torch.load(stand_in / "checkpoints" / PRETRAINED, weights_only=True)
    state["module.point_model.proj"][0, 0] = torch.nan
    torch.save(state, tmp_path / "bad.pth")
    line = fail("--ckpt", tmp_path / "bad.pth")
    assert line.startswith(f"error: {tmp_path / 'bad.pth'}: ")
    assert "depth_encoder.visual.proj holds values that are not finite" in line
    assert files(tmp_path) == ["bad.pth"]


def test_the_authors_file_without_labels(stand_in: Path, tmp_path: Path) -> None:
    path = stand_in / "checkpoints" / PRETRAINED
    line = fail("--ckpt", path, "--out", tmp_path / "new")
    assert line.startswith(f"error: {path}: has no labels yet; ")
    assert "--labels LABELS.json" in line and "--text-encoder" in line
    line = fail("--ckpt", path, "--out", tmp_path / "new", "--labels", "chair, sofa")
    assert "knows no words; add --text-encoder" in line
    assert files(tmp_path) == []


def test_labels_of_the_checkpoint_by_name(small: Path, traced: None, clouds: Path, tmp_path: Path) -> None:
    succeed("--ckpt", small, "--out", tmp_path / "new", "--labels", "c, a", "--verify", clouds)
    labels, known = Manifest.for_engine(tmp_path / "new.onnx").labels, small_checkpoint().labels
    assert known is not None and labels.names == ("c", "a")
    np.testing.assert_allclose(labels.text_features, known.text_features[[2, 0]], atol=1e-3)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ("a, z", ["'z'", "known: a, b, c", "--text-encoder"]),
        (" , ", ["holds no name"]),
        ("gone.json", ["gone.json: cannot read label set"]),
        ("gone.txt", ["gone.txt: cannot read labels"]),
        ("wide.json", ["wide.json: text features of 7 do not fit a model of 16"]),
    ],
)
def test_labels_that_do_not_fit(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, labels: str, words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    LabelSet(("x",), np.ones((1, 7))).save("wide.json")
    line = fail("--ckpt", small, "--out", "new", "--labels", labels)
    assert [word for word in words if word not in line] == []
    assert files(tmp_path) == ["wide.json"]


def test_a_label_set_is_not_overwritten_by_the_manifest(small: Path, tmp_path: Path) -> None:
    """`--ckpt chairs.pt --labels chairs.json` is what one types."""
    checkpoint, labels = tmp_path / "chairs.pt", tmp_path / "chairs.json"
    shutil.copy(small, checkpoint)
    LabelSet(("x",), np.ones((1, 16))).save(labels)
    before = labels.read_bytes()
    line = fail("--ckpt", checkpoint, "--labels", labels)
    assert line.startswith(f"error: {labels}: ") and "--out" in line
    assert labels.read_bytes() == before and files(tmp_path) == ["chairs.json", "chairs.pt"]


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ("nonsense", "neither a file nor MODEL:TAG"),
        ("ViT-B-32:", "neither a file nor MODEL:TAG"),
        ("no-model:openai", "open_clip has no model 'no-model'"),
        ("small.pt", "small.pt: not OpenAI's own file"),
    ],
)
def test_text_encoders_that_are_none(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str, words: str
) -> None:
    monkeypatch.chdir(small.parent)
    assert words in fail("--ckpt", small, "--out", tmp_path / "new", "--text-encoder", named)
    assert files(tmp_path) == []


def test_the_text_encoder_of_another_clip(stand_in: Path, small: Path, tmp_path: Path) -> None:
    clip = stand_in / "checkpoints" / CLIP
    line = fail("--ckpt", small, "--out", tmp_path / "new", "--text-encoder", clip)
    assert f"{clip}: gives features of 512, which do not fit a model of 16" in line
    line = fail(
        *("--ckpt", stand_in / "checkpoints" / PRETRAINED, "--out", tmp_path / "new"),
        *("--text-encoder", clip, "--labels", ","),
    )
    assert "--labels ',': holds no name" in line
    assert files(tmp_path) == []


def test_clouds_that_cannot_be_read(small: Path, clouds: Path, tmp_path: Path) -> None:
    folder = tmp_path / "clouds"
    shutil.copytree(clouds, folder)
    (folder / "3.ply").write_bytes(b"ply\nnot one")
    line = fail("--ckpt", small, "--out", tmp_path / "new", "--verify", folder)
    assert line.startswith(f"error: {folder / '3.ply'}: ")
    empty = tmp_path / "empty"
    empty.mkdir()
    line = fail("--ckpt", small, "--out", tmp_path / "new", "--int8", "--calib", empty)
    assert line.startswith(f"error: {empty}: ")
    assert files(tmp_path) == ["clouds", "empty"]


def test_a_folder_that_does_not_exist_is_told_at_once(small: Path, tmp_path: Path) -> None:
    result = c2p_export("--ckpt", small, "--out", tmp_path / "gone" / "new")
    assert result.exit_code == 1
    assert result.stderr == (
        f"error: {tmp_path / 'gone'}: this folder does not exist; make it, or choose another with --out\n"
    )
    assert files(tmp_path) == []


def limited(size: int, work: Callable[[], str]) -> str:
    """What `work` returns where the kernel refuses to write more than `size` bytes to a file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        return work()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_while_the_graph_is_written(small: Path, clouds: Path, tmp_path: Path) -> None:
    line = limited(8 << 10, lambda: fail("--ckpt", small, "--out", tmp_path / "new", "--verify", clouds))
    reason = os.strerror(errno.EFBIG)
    assert line == f"error: {tmp_path}: cannot write there: {reason}; make room or choose another folder"
    assert files(tmp_path) == []


def test_a_full_disk_while_the_plan_is_written(
    small: Path, traced: None, clouds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trt: Any
) -> None:
    """And the former export stays; the folder is told as the user gave it."""
    monkeypatch.chdir(tmp_path)
    succeed("--ckpt", small, "--out", "new", "--verify", clouds)
    before = {name: sha256_of(tmp_path / name) for name in files(tmp_path)}
    arguments = ["--ckpt", small, "--out", "new", "--verify", clouds, "--target", "sm86"]
    line = limited(1 << 20, lambda: fail(*arguments))
    assert line.startswith("error: new.plan: cannot write ") and "make room there" in line
    assert {name: sha256_of(tmp_path / name) for name in files(tmp_path)} == before


def test_a_disk_that_fills_up_at_the_very_end(
    small: Path, traced: None, clouds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Manifest, "save", full)
    line = fail("--ckpt", small, "--out", tmp_path / "new", "--verify", clouds)
    assert line.startswith(f"error: {tmp_path}: cannot write there: No space left on device; make room")
    assert files(tmp_path) == []


def test_a_changed_onnx_file_is_not_built_from(copied: Path) -> None:
    copied.write_bytes(copied.read_bytes() + b"\0")
    line = fail("--onnx", copied, "--target", "sm86")
    assert line.startswith(f"error: {copied}: SHA-256 differs") and "copy engine and manifest" in line
    assert files(copied.parent) == ["small.json", "small.onnx"]


def test_an_onnx_file_without_its_manifest(copied: Path) -> None:
    copied.with_suffix(".json").unlink()
    line = fail("--onnx", copied, "--target", "sm86")
    assert line.startswith(f"error: {copied}: its manifest small.json is missing")


def test_an_engine_that_does_not_agree_is_not_written(
    small: Path, wrong: None, clouds: Path, tmp_path: Path
) -> None:
    line = fail("--ckpt", small, "--out", tmp_path / "new", "--verify", clouds)
    assert line.startswith(f"error: {tmp_path / 'new.onnx'}: onnxruntime: smallest cosine ")
    assert "at least 0.999 wanted" in line and line.endswith("nothing was written; export with --fp32")
    assert files(tmp_path) == []


def test_an_engine_that_does_not_agree_can_be_kept(
    small: Path, wrong: None, clouds: Path, tmp_path: Path
) -> None:
    line = fail("--ckpt", small, "--out", tmp_path / "new", "--verify", clouds, "--keep-failed")
    assert "written all the same (--keep-failed), do not rely on it" in line
    assert files(tmp_path) == ["new.json", "new.onnx"]
    manifest = Manifest.for_engine(tmp_path / "new.onnx")
    assert manifest.parity["onnxruntime"]["cosine_min"] < 0.999
    said = c2p_export("inspect", tmp_path / "new.onnx").stdout
    assert "FAILED: smallest cosine" in " ".join(said.split())
    # The robot refuses to build on it as well.
    line = fail("--onnx", tmp_path / "new.onnx", "--target", "sm86", "--verify", clouds)
    assert "onnxruntime: smallest cosine" in line and "nothing was written" in line
    assert files(tmp_path) == ["new.json", "new.onnx"]


def test_a_good_former_export_survives_a_failed_one(
    small: Path, wrong: None, copied: Path, clouds: Path
) -> None:
    before = {name: sha256_of(copied.parent / name) for name in files(copied.parent)}
    fail("--ckpt", small, "--out", copied, "--verify", clouds)
    assert {name: sha256_of(copied.parent / name) for name in files(copied.parent)} == before


def test_limits_are_those_of_the_precision(
    small: Path, traced: None, clouds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unreachable = {**LIMITS, "fp16": Limits(cosine_min=1.1, top1_agreement=1.0)}
    monkeypatch.setattr("c2p_export.parity.LIMITS", unreachable)
    monkeypatch.setattr(report, "LIMITS", unreachable)
    assert "at least 1.1 wanted" in fail("--ckpt", small, "--out", tmp_path / "new", "--verify", clouds)
    assert files(tmp_path) == []


def test_a_machine_with_a_gpu_that_knows_no_fp8(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plan of an fp8 engine for an Orin is refused with advice, not by TensorRT after minutes."""
    path = copied.with_suffix(".json")
    replace(Manifest.load(path), precision="fp8").save(path)
    monkeypatch.setattr(request_module, "find_gpus", lambda: (Gpu("RTX 3060", "8.6", 12 << 30),))
    line = fail("--onnx", copied)
    assert line.startswith(f"error: {copied}: fp8 needs a GPU of SM89 or later") and "SM86 is not" in line
