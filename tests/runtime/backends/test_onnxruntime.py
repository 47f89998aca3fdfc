"""ONNX Runtime: its settings, what becomes of its errors, and a stand-in for it on a GPU."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest

from c2p_deploy import Manifest
from c2p_deploy.errors import EngineError
from c2p_runtime.backends import onnxruntime as module
from c2p_runtime.backends.base import from_host
from c2p_runtime.backends.onnxruntime import OnnxRuntimeBackend, OnnxRuntimeCudaBackend, open_session
from engines import VIEWS, write_engine

MAPS = np.random.default_rng(0).random((3, len(VIEWS), 16, 16), dtype=np.float32)


@pytest.fixture
def engine(tmp_path: Path) -> Path:
    return write_engine(tmp_path)


def test_features_are_those_of_the_graph(engine: Path) -> None:
    backend = OnnxRuntimeBackend(engine, Manifest.for_engine(engine))
    found = backend.run(MAPS)
    np.testing.assert_allclose(found, MAPS.mean(axis=(2, 3)) / 3, rtol=1e-5)
    assert backend.name == "onnxruntime" and found.dtype == np.float32


def test_what_it_cannot_run_is_an_error_of_the_engine(engine: Path) -> None:
    backend = OnnxRuntimeBackend(engine, Manifest.for_engine(engine))
    with pytest.raises(EngineError, match=r"tiny\.onnx: .*[Ii]nvalid") as caught:
        backend.run(MAPS[:, :2])
    assert caught.value.path == str(engine) and "\n" not in str(caught.value)


def settings_of(monkeypatch: pytest.MonkeyPatch, engine: Path, *arguments: Any) -> SimpleNamespace:
    """What a session would be made with."""
    found = SimpleNamespace()

    def keep(path: str, options: ort.SessionOptions, providers: list[Any]) -> Any:
        vars(found).update(path=path, options=options, providers=providers)
        return "a session"

    monkeypatch.setattr(ort, "InferenceSession", keep)
    assert open_session(engine, *arguments) == "a session"
    assert found.path == str(engine)
    return found


@pytest.mark.parametrize(("allowed", "threads"), [(4, 0), (3, 3), (1, 1)])
def test_threads_are_those_this_process_was_given_and_sleep(
    engine: Path, monkeypatch: pytest.MonkeyPatch, allowed: int, threads: int
) -> None:
    """0: ONNX Runtime's own choice, where all cores are ours."""
    monkeypatch.setattr(module, "cores", lambda: allowed)
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    options = settings_of(monkeypatch, engine).options
    assert options.intra_op_num_threads == threads
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"
    assert options.log_severity_level == 3


def test_a_machine_that_does_not_count_its_cores(engine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "cores", lambda: 1)
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert settings_of(monkeypatch, engine).options.intra_op_num_threads == 0


def test_memory_is_not_planned_by_size_of_batch_on_a_cpu(
    engine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = settings_of(monkeypatch, engine)
    assert not found.options.enable_mem_pattern and found.providers == ["CPUExecutionProvider"]
    found = settings_of(monkeypatch, engine, "fp32", ["CUDAExecutionProvider", "CPUExecutionProvider"])
    assert found.options.enable_mem_pattern


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8", "fp8"])
def test_only_float8_is_optimised_less(engine: Path, monkeypatch: pytest.MonkeyPatch, precision: str) -> None:
    level = settings_of(monkeypatch, engine, precision).options.graph_optimization_level
    basic, most = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC, ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    assert level == (basic if precision == "fp8" else most)


class Session:
    """ONNX Runtime on a GPU, as far as the backend asks it: writes down what it is told."""

    providers = ("CUDAExecutionProvider", "CPUExecutionProvider")
    fails = False

    def __init__(self, path: str, options: Any, providers: list[Any]) -> None:
        self.asked, self.told = providers, list[Any]()

    def get_providers(self) -> list[str]:
        return list(self.providers)

    def get_inputs(self) -> list[Any]:
        return [SimpleNamespace(name="depth", type="tensor(float)", shape=["batch", 6, 16, 16])]

    def get_outputs(self) -> list[Any]:
        return [SimpleNamespace(name="features", type="tensor(float)", shape=["batch", 6])]

    def io_binding(self) -> Any:
        def note(what: str) -> Any:
            return lambda *given: self.told.append((what, *given))

        return SimpleNamespace(bind_input=note("in"), bind_output=note("out"))

    def run_with_iobinding(self, binding: Any, options: ort.RunOptions) -> None:
        if self.fails:
            raise RuntimeError("CUDA failure 700: an illegal memory access\nand more")
        key = "disable_synchronize_execution_providers"
        self.told.append(("run", options.get_run_config_entry(key)))


def test_on_a_gpu_it_works_on_our_memory_and_stream(engine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ort, "InferenceSession", Session)
    monkeypatch.setattr(module, "preload_libraries", lambda: "")
    backend = OnnxRuntimeCudaBackend(engine, Manifest.for_engine(engine), stream=4321)
    ((provider, options), rest) = backend._session.asked
    assert (provider, rest) == ("CUDAExecutionProvider", "CPUExecutionProvider")
    assert options == {"user_compute_stream": "4321", "do_copy_in_default_stream": "0", "use_tf32": "0"}
    assert backend.name == "onnxruntime" and not backend.capturable
    backend.bind(1000, 2000, 3)
    backend.enqueue(4321)
    backend.keep_compiled()
    assert backend._session.told == [
        ("in", "depth", "cuda", 0, np.float32, (3, 6, 16, 16), 1000),
        ("out", "features", "cuda", 0, np.float32, (3, 6), 2000),
        ("run", "1"),
    ]
    backend._session.fails = True
    with pytest.raises(EngineError, match=r"tiny\.onnx: CUDA failure 700: an illegal memory access$"):
        backend.enqueue(4321)


def test_a_provider_that_was_dropped_silently_is_an_error(
    engine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ort, "InferenceSession", Session)
    monkeypatch.setattr(module, "preload_libraries", lambda: "Failed to load libcurand.so.10")
    monkeypatch.setattr(module, "onnxruntime_cuda", lambda: 13)
    manifest = Manifest.for_engine(engine)
    with pytest.raises(EngineError, match=r"tiny\.onnx: has inputs \['depth'\]"):
        OnnxRuntimeCudaBackend(engine, replace(manifest, input_name="x"), stream=1)
    monkeypatch.setattr(Session, "providers", ("CPUExecutionProvider",))
    with pytest.raises(EngineError, match=r"cannot use CUDA here: .*libcurand.*; pip install .*\[cuda13\]"):
        OnnxRuntimeCudaBackend(engine, manifest, stream=1)


def test_from_the_host_copies_run_and_wait_in_one_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a GPU: what is asked of it, and in which order."""
    pytest.importorskip("numba_cuda")
    from c2p_runtime.cuda import device

    done: list[Any] = []

    class Array:
        def __init__(self, array: np.ndarray, place: int) -> None:
            self.array, self.__cuda_array_interface__ = array, {"data": (place, False)}
            assert array.dtype == np.float32

        def copy_to_host(self, stream: Any) -> np.ndarray:
            done.append(("copy back", int(stream)))
            return self.array

    class Stream(int):
        def synchronize(self) -> None:
            done.append("waited")

    class Device:
        stream, handle = Stream(77), 77

        def put(self, array: np.ndarray) -> Array:
            return Array(array, 1000)

        def empty(self, shape: tuple[int, ...], kind: type) -> Array:
            return Array(np.full(shape, 7, kind), 2000)

    def open_backend(stream: int) -> Any:
        done.append(("made for", stream))
        return SimpleNamespace(
            bind=lambda *given: done.append(("bind", *given)),
            enqueue=lambda stream: done.append(("run", stream)),
        )

    monkeypatch.setattr(device, "Device", Device)
    run = from_host(open_backend, 5)
    for _ in range(2):
        found = run(MAPS[:, ::-1].astype(np.float64))  # type: ignore[arg-type]
        assert (found == 7).all() and found.shape == (3, 5)
    one_run = [("bind", 1000, 2000, 3), ("run", 77), ("copy back", 77), "waited"]
    assert done == [("made for", 77), *one_run, *one_run]


def test_libraries_are_loaded_before_and_what_is_missing_is_heard(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def preload() -> None:
        print("Failed to load libcudnn.so.9: no such file")
        print("Please follow https://example.org to install CUDA.")

    monkeypatch.setattr(ort, "preload_dlls", preload, raising=False)
    module.preload_libraries.cache_clear()
    assert module.preload_libraries() == "Failed to load libcudnn.so.9: no such file"
    monkeypatch.delattr(ort, "preload_dlls")  # as before 1.21
    module.preload_libraries.cache_clear()
    assert module.preload_libraries() == ""
    module.preload_libraries.cache_clear()
    assert capsys.readouterr().out == ""
