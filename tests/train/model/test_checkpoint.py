"""Checkpoints: what survives, what is refused, and that loading runs no code."""

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from c2p_deploy import DepthSpec, LabelSet, ViewSet
from c2p_deploy.errors import C2PError, CheckpointError
from c2p_train.model.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from c2p_train.model.clip2point import CLIP2Point
from c2p_train.model.conv_encoder import ConvConfig, ConvEncoder
from c2p_train.model.heads import build_head


def make(head: str, *, labels: bool = True) -> Checkpoint:
    """A small model with both encoders, its norms having seen data."""
    torch.manual_seed(0)
    tower = ConvConfig(stem=8, widths=(8, 16), blocks=(1, 1), embed_dim=16)
    model = CLIP2Point(ConvEncoder(tower), ConvEncoder(tower), build_head(head, 6, 16)).train()
    model(torch.rand(5, 6, 32, 32))
    return Checkpoint(
        model=model.eval(),
        views=ViewSet.named("clip2point-6"),
        spec=DepthSpec(32, 0.1, 64),
        labels=LabelSet(("a", "b"), np.random.default_rng(0).normal(size=(2, 16))) if labels else None,
        logit_scale=12.5,
        training={"config": {"seed": 0}, "validation": {"mine": 0.5}},
    )


@pytest.fixture
def checkpoint() -> Checkpoint:
    return make("zeroshot")


@pytest.mark.parametrize("head", ["zeroshot", "dpa", "gdpa"])
def test_a_checkpoint_describes_itself(head: str, tmp_path: Path) -> None:
    checkpoint = make(head)
    save_checkpoint(checkpoint, tmp_path / "model.pt")
    again = load_checkpoint(tmp_path / "model.pt")
    depth = torch.rand(2, 6, 32, 32)
    with torch.inference_mode():
        assert torch.equal(again.model(depth), checkpoint.model(depth))
    for name in ("views", "spec", "logit_scale", "training", "head"):
        assert getattr(again, name) == getattr(checkpoint, name)
    assert again.head == head and set(again.encoders) == {"depth", "image"}
    assert again.labels is not None and again.labels.names == ("a", "b")
    assert [path.name for path in tmp_path.iterdir()] == ["model.pt"]


def test_half_the_bytes_give_nearly_the_same(tmp_path: Path) -> None:
    checkpoint = make("gdpa")
    save_checkpoint(checkpoint, tmp_path / "whole.pt")
    save_checkpoint(checkpoint, tmp_path / "half.pt", fp16=True)
    assert (tmp_path / "half.pt").stat().st_size < 0.7 * (tmp_path / "whole.pt").stat().st_size
    again = load_checkpoint(tmp_path / "half.pt").model
    assert all(value.dtype != torch.float16 for value in again.state_dict().values())
    depth = torch.rand(2, 6, 32, 32)
    with torch.inference_mode():
        torch.testing.assert_close(again(depth), checkpoint.model(depth), atol=5e-3, rtol=0)
        assert not torch.equal(again(depth), checkpoint.model(depth))


def test_a_checkpoint_may_wait_for_its_labels(tmp_path: Path) -> None:
    save_checkpoint(make("zeroshot", labels=False), tmp_path / "model.pt")
    assert load_checkpoint(tmp_path / "model.pt").labels is None


def test_labels_of_another_clip_are_refused(checkpoint: Checkpoint) -> None:
    with pytest.raises(C2PError, match="text features of 3 do not fit a model of 16"):
        replace(checkpoint, labels=LabelSet(("a", "b"), np.eye(2, 3)))


class Harmful:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("harm-was-done"),))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "cannot be loaded"),
        (b"not a checkpoint at all", "cannot be loaded"),
        (pickle.dumps(Harmful()), "cannot be loaded"),
    ],
)
def test_foreign_files_are_refused_and_never_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, complaint: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("model.pt").write_bytes(content)
    with pytest.raises(CheckpointError, match=rf"^model\.pt: {complaint}") as caught:
        load_checkpoint(Path("model.pt"))
    assert caught.value.path == "model.pt" and caught.value.remedy
    assert "weights_only" not in str(caught.value)  # nobody is told how to run the file's code
    assert not Path("harm-was-done").exists()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"format": "other"}, "not a c2p checkpoint"),
        ({"version": 99}, "version 99, this release reads 2"),
        ({"encoders": {"depth": {"config": {"kind": "conv", "layers": 3}, "state": {}}}}, "damaged"),
        ({"head": {"name": "voting", "state": {}}}, "no head 'voting'"),
        ({"labels": {"names": []}}, "no key"),
        ({"depth_spec": None}, "damaged"),
    ],
)
def test_damaged_checkpoints_are_refused(
    checkpoint: Checkpoint, tmp_path: Path, change: dict[str, Any], complaint: str
) -> None:
    save_checkpoint(checkpoint, tmp_path / "model.pt")
    values = torch.load(tmp_path / "model.pt", weights_only=True)
    torch.save(values | change, tmp_path / "model.pt")
    with pytest.raises(CheckpointError, match=complaint) as caught:
        load_checkpoint(tmp_path / "model.pt")
    assert str(caught.value).startswith(str(tmp_path / "model.pt"))


def test_weights_that_are_not_finite_are_refused(checkpoint: Checkpoint, tmp_path: Path) -> None:
    with torch.no_grad():
        checkpoint.model.depth_encoder.proj.weight[0, 0] = torch.nan
    save_checkpoint(checkpoint, tmp_path / "model.pt")
    with pytest.raises(CheckpointError, match="not finite"):
        load_checkpoint(tmp_path / "model.pt")


def test_a_truncated_file_and_a_missing_one(checkpoint: Checkpoint, tmp_path: Path) -> None:
    save_checkpoint(checkpoint, tmp_path / "model.pt")
    whole = (tmp_path / "model.pt").read_bytes()
    (tmp_path / "model.pt").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointError, match="cannot be loaded"):
        load_checkpoint(tmp_path / "model.pt")
    with pytest.raises(CheckpointError, match="no such file"):
        load_checkpoint(tmp_path / "gone.pt")
