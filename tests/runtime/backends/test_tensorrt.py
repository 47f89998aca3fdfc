"""What the TensorRT backend checks before it needs a GPU. And what it asks of TensorRT for a run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from c2p_deploy import Manifest
from c2p_deploy.errors import EngineError
from c2p_deploy.manifest import EngineTarget
from c2p_runtime.backends import tensorrt, tensorrt_install
from c2p_runtime.backends.gpu import Gpu
from c2p_runtime.backends.tensorrt import TensorRTBackend, check_signature
from engines import SPEC, VIEWS, write_engine

FLOAT, HALF = "float32", "float16"
TRT = SimpleNamespace(TensorIOMode=SimpleNamespace(INPUT="in"), float32=FLOAT)
DEPTH = ("depth", "in", (-1, len(VIEWS), SPEC.image_size, SPEC.image_size), FLOAT)
FEATURES = ("features", "out", (-1, 6), FLOAT)


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    return Manifest.for_engine(write_engine(tmp_path))


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.plan"
    path.write_bytes(b"never read")
    return path


def test_a_manifest_without_a_target(plan: Path, manifest: Manifest) -> None:
    with pytest.raises(EngineError, match=r"tiny\.plan: its manifest does not say what it was built for"):
        TensorRTBackend(plan, manifest, 0)


@pytest.mark.parametrize(
    ("target", "version", "gpus", "message"),
    [
        (EngineTarget("tensorrt", "10.3.0", ("8.7",), "Orin"), None, (), "SM87 .*cannot be imported here"),
        (
            EngineTarget("tensorrt", "10.3.0", ("8.7",), "Orin"),
            "10.16.2",
            (),
            r"10\.3\.0, this machine has 10\.16\.2; .*c2p-export --onnx tiny\.onnx",
        ),
        (
            EngineTarget("tensorrt-rtx", "1.7.1", ("8.6",)),
            "1.7.1",
            (),
            "SM86, and this machine has no NVIDIA",
        ),
        (
            EngineTarget("tensorrt-rtx", "1.7.1", ("8.6",)),
            "1.7.1",
            (Gpu("NVIDIA L4", "8.9", 24 << 30),),
            r"SM86, this machine's GPU is NVIDIA L4, SM89; .*c2p-export --onnx tiny\.onnx",
        ),
    ],
)
def test_a_plan_for_another_machine_is_refused_before_it_is_read(
    plan: Path,
    manifest: Manifest,
    monkeypatch: pytest.MonkeyPatch,
    target: EngineTarget,
    version: str | None,
    gpus: tuple[Gpu, ...],
    message: str,
) -> None:
    monkeypatch.setattr(tensorrt_install, "installed_version", lambda flavour: version)
    monkeypatch.setattr(tensorrt_install, "find_gpus", lambda: gpus)
    plan.unlink()
    with pytest.raises(EngineError, match=rf"tiny\.plan: .*{message}"):
        TensorRTBackend(plan, replace(manifest, target=target), 0)


def test_this_machine_as_it_is(plan: Path, manifest: Manifest) -> None:
    target = EngineTarget("tensorrt", "9.9.9", ("5.0",))  # of no machine that exists
    with pytest.raises(EngineError, match=r"tiny\.plan: .* TensorRT 9\.9\.9"):
        TensorRTBackend(plan, replace(manifest, target=target), 0)


class Loaded:
    """An ICudaEngine with these tensors: name, mode, shape, type. None can be made without a GPU."""

    def __init__(self, *tensors: tuple[str, str, tuple[int, ...], str], batch: tuple[int, ...]) -> None:
        self.tensors, self.batch, self.num_io_tensors = tensors, batch, len(tensors)

    def get_tensor_name(self, place: int) -> str:
        return self.tensors[place][0]

    def _of(self, name: str) -> tuple[Any, ...]:
        return next(tensor for tensor in self.tensors if tensor[0] == name)

    def get_tensor_mode(self, name: str) -> Any:
        return self._of(name)[1]

    def get_tensor_shape(self, name: str) -> Any:
        return self._of(name)[2]

    def get_tensor_dtype(self, name: str) -> Any:
        return self._of(name)[3]

    def get_tensor_profile_shape(self, name: str, profile: int) -> Any:
        assert profile == 0
        return [(size, *self._of(name)[2][1:]) for size in self.batch]


@pytest.mark.parametrize("tensors", [(DEPTH, FEATURES), (FEATURES, DEPTH)])
def test_an_engine_that_is_what_its_manifest_says(plan: Path, manifest: Manifest, tensors: Any) -> None:
    check_signature(TRT, Loaded(*tensors, batch=(1, 1, 4)), plan, manifest)


@pytest.mark.parametrize(
    ("tensors", "batch", "message"),
    [
        ((("image", *DEPTH[1:]), FEATURES), (1, 1, 4), r"input image .* says input depth"),
        ((DEPTH, ("features", "out", (-1, 7), FLOAT)), (1, 1, 4), r"features float32 \[B, 7\].*\[B, 6\]"),
        ((("depth", "in", (-1, 10, 16, 16), FLOAT), FEATURES), (1, 1, 4), r"\[B, 10, 16, 16\]"),
        (((*DEPTH[:3], HALF), FEATURES), (1, 1, 4), "depth of another type"),
        ((DEPTH, FEATURES, ("more", "out", (-1, 6), FLOAT)), (1, 1, 4), "output more"),
        ((DEPTH, FEATURES), (1, 1, 8), "takes 1 to 8 clouds a call, its manifest says 1 to 4"),
        ((DEPTH, FEATURES), (2, 2, 4), "takes 2 to 4 clouds a call"),
    ],
)
def test_an_engine_that_is_not(
    plan: Path, manifest: Manifest, tensors: Any, batch: tuple[int, ...], message: str
) -> None:
    with pytest.raises(EngineError, match=rf"tiny\.plan: .*{message}"):
        check_signature(TRT, Loaded(*tensors, batch=batch), plan, manifest)


class Context:
    """An IExecutionContext that notes what is asked of it."""

    def __init__(self, strategy: object) -> None:
        self.strategy, self.calls, self.capturable = strategy, [], True  # type: ignore[var-annotated]

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any) -> bool:
            self.calls.append((name, *arguments))
            return True

        return call

    def is_stream_capturable(self, stream: int) -> bool:
        assert stream == 7
        return self.capturable


def test_every_batch_size_has_a_context_of_its_own_in_memory_that_they_share(
    plan: Path, manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    contexts: list[Context] = []

    def create(strategy: object) -> Context:
        contexts.append(Context(strategy))
        return contexts[-1]

    loaded = SimpleNamespace(device_memory_size_v2=4096, create_execution_context=create)
    runtime = SimpleNamespace(deserialize_cuda_engine=lambda plan: loaded)
    strategy = SimpleNamespace(USER_MANAGED="ours")
    module = SimpleNamespace(Runtime=lambda logger: runtime, ExecutionContextAllocationStrategy=strategy)
    for name, value in {
        "check_fits": lambda *_: None,
        "import_tensorrt": lambda flavour: module,
        "logger_of": lambda flavour: SimpleNamespace(forget=lambda: None, told=lambda: ""),
        "check_signature": lambda *_: None,
    }.items():
        monkeypatch.setattr(tensorrt, name, value)
    interface = {"data": (512, False)}
    memory = SimpleNamespace(__cuda_array_interface__=interface, size=4096)
    monkeypatch.setattr(TensorRTBackend, "_scratch", lambda self: memory)
    target = EngineTarget("tensorrt", "10.3.0", ("8.7",), "Orin")
    backend = TensorRTBackend(plan, replace(manifest, target=target), 7)
    for batch in (1, 3, 1):
        backend.bind(1000, 2000, batch)
        backend.enqueue(7)
    maps = manifest.maps_shape
    assert [context.strategy for context in contexts] == ["ours", "ours"]
    for context, batch, times in zip(contexts, (1, 3), (2, 1), strict=True):
        one_run = [
            ("set_input_shape", "depth", (batch, *maps)),
            ("set_tensor_address", "depth", 1000),
            ("set_tensor_address", "features", 2000),
            ("execute_async_v3", 7),
        ]
        assert context.calls == [("set_device_memory", 512, 4096), *one_run * times]
    assert backend.capturable
    contexts[0].capturable = False  # the one bound last
    assert not backend.capturable
