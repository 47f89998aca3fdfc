"""What the tests of the export share: small checkpoints and engines of them, and machines."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from c2p_deploy.progress import listening
from c2p_export.graph import engine as engine_module
from c2p_train.model.checkpoint import save_checkpoint
from export_command import files, succeed
from small_models import checkpoint as small_checkpoint


@dataclass
class HeardTask:
    """A piece of work as it was told."""

    what: str
    total: int | None
    done: int
    closed: bool = False

    def advance(self, steps: int = 1) -> None:
        self.done += steps

    def update(self, *, done: int | None = None, total: int | None = None, what: str | None = None) -> None:
        self.done = self.done if done is None else done
        self.total = self.total if total is None else total
        self.what = self.what if what is None else what

    def close(self) -> None:
        self.closed = True


class Heard:
    """Keeps all that is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.tasks: list[HeardTask] = []

    def say(self, line: str) -> None:
        self.lines.append(line)

    def begin(self, what: str, total: int | None, done: int) -> HeardTask:
        self.tasks.append(HeardTask(what, total, done))
        return self.tasks[-1]


@pytest.fixture
def heard() -> Iterator[Heard]:
    """The lines and tasks that are told during the test."""
    listener = Heard()
    with listening(listener):
        yield listener


def _without_gpu(patch: pytest.MonkeyPatch) -> None:
    for module in ("request", "plan.add", "plan.build", "inspect_engine"):
        patch.setattr(f"c2p_export.{module}.find_gpus", lambda: ())


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a GPU."""
    _without_gpu(monkeypatch)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of ours; labels a, b and c."""
    path = tmp_path_factory.mktemp("export") / "small.pt"
    save_checkpoint(small_checkpoint(), path)
    return path


@pytest.fixture(scope="session")
def clouds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, rng = tmp_path_factory.mktemp("clouds"), np.random.default_rng(0)
    for number in range(5):
        np.save(folder / f"{number}.npy", rng.normal(size=(100, 3)) * (1, 2, number + 1))
    return folder


@pytest.fixture(scope="session")
def exported(small: Path) -> tuple[Path, str]:
    """The .onnx of a plain `c2p-export --ckpt small.pt`, and what the command said."""
    with pytest.MonkeyPatch.context() as patch:
        _without_gpu(patch)
        said = succeed("--ckpt", small)
    assert files(small.parent) == ["small.json", "small.onnx", "small.pt"]
    return small.with_suffix(".onnx"), said


@pytest.fixture
def traced(exported: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The graph of the small checkpoint is taken from `exported`: tracing it again takes seconds."""

    def write(checkpoint: Any, path: Path, precision: str, calibration: Any) -> None:
        path.write_bytes(exported[0].read_bytes())

    monkeypatch.setattr(engine_module, "write_engine", write)


@pytest.fixture
def wrong(exported: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The graph that is written is that of another model."""

    def write(checkpoint: Any, path: Path, precision: str, calibration: Any) -> None:
        graph = onnx.load(exported[0])
        bias = next(tensor for tensor in graph.graph.initializer if list(tensor.dims) == [16])
        values = onnx.numpy_helper.to_array(bias)
        bias.CopyFrom(onnx.numpy_helper.from_array((values + 0.5).astype(values.dtype), bias.name))
        path.write_bytes(graph.SerializeToString())

    monkeypatch.setattr(engine_module, "write_engine", write)


@pytest.fixture
def copied(exported: tuple[Path, str], tmp_path: Path) -> Path:
    """The engine with its manifest, alone in a folder."""
    for suffix in (".onnx", ".json"):
        shutil.copy(exported[0].with_suffix(suffix), tmp_path)
    return tmp_path / "small.onnx"


@pytest.fixture
def trt() -> Any:
    """The module of TensorRT-RTX."""
    return pytest.importorskip("tensorrt_rtx", reason="needs TensorRT-RTX: pip install tensorrt-rtx")
