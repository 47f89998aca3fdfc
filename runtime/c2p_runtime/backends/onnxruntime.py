"""Running an `.onnx` engine with ONNX Runtime: on the CPU, or by its CUDA provider."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Sequence
from contextlib import redirect_stdout
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from c2p_deploy import Manifest
from c2p_deploy.cores import cores
from c2p_deploy.errors import EngineError, MissingDependencyError, reason_of
from c2p_deploy.extras import install
from c2p_deploy.projection.spec import FloatArray
from c2p_runtime.backends.base import Tensor, check_tensors
from c2p_runtime.backends.cuda_versions import onnxruntime_cuda
from c2p_runtime.backends.onnx_file import check_self_contained
from c2p_runtime.cuda.errors import is_out_of_memory, out_of_memory


class OnnxRuntimeBackend:
    """A loaded engine: depth maps in, features out. Safe to call from several threads at once."""

    name = "onnxruntime"

    def __init__(self, engine: Path, manifest: Manifest) -> None:
        """Raises EngineError when the file cannot be loaded or does not fit its manifest."""
        self._session = open_session(engine, manifest.precision)
        check_session(self._session, engine, manifest)
        self._input, self._outputs = manifest.input_name, [manifest.output_name]
        self._engine = engine

    def run(self, depth: FloatArray) -> FloatArray:
        """Features float32 [B, D] of depth maps float32 [B, V, S, S]. Raises EngineError."""
        try:
            (features,) = self._session.run(self._outputs, {self._input: depth})
        except Exception as error:
            raise EngineError(reason_of(error), path=self._engine) from error
        return np.asarray(features)


class OnnxRuntimeCudaBackend:
    """A loaded engine on the GPU, on memory and a stream of ours."""

    name = "onnxruntime"
    capturable = False  # it allocates and chooses algorithms as it goes

    def __init__(self, engine: Path, manifest: Manifest, stream: int) -> None:
        """stream: handle of the CUDA stream all runs go to. Raises EngineError."""
        import onnxruntime as ort

        missing = preload_libraries()
        options = {
            "user_compute_stream": str(stream),
            "do_copy_in_default_stream": "0",
            # What the parity gate has seen is float32. TF32 moves features by up to 1e-3.
            "use_tf32": "0",
        }
        self._session = open_session(
            engine, manifest.precision, [("CUDAExecutionProvider", options), "CPUExecutionProvider"]
        )
        # ONNX Runtime goes on without a provider that it cannot load, with a line in its log.
        if self._session.get_providers()[0] != "CUDAExecutionProvider":
            why = missing or "its CUDA or cuDNN libraries are missing or do not fit the driver"
            major = onnxruntime_cuda()
            extra = install(f"cuda{major}") if major else "install onnxruntime-gpu[cuda,cudnn]"
            raise EngineError(
                f"ONNX Runtime cannot use CUDA here: {why}", f"{extra}, or use device='cpu'", engine
            )
        check_session(self._session, engine, manifest)
        self._engine = engine
        self._input, self._output = manifest.input_name, manifest.output_name
        self._maps, self._width = manifest.maps_shape, manifest.labels.dim
        self._binding = self._session.io_binding()
        self._options = ort.RunOptions()
        # Left alone it waits for the GPU after every run.
        self._options.add_run_config_entry("disable_synchronize_execution_providers", "1")

    def bind(self, depth: int, features: int, batch: int) -> None:
        """Addresses on the device of float32 [batch, V, S, S] and float32 [batch, D]."""
        maps, rows = (batch, *self._maps), (batch, self._width)
        self._binding.bind_input(self._input, "cuda", 0, np.float32, maps, depth)
        self._binding.bind_output(self._output, "cuda", 0, np.float32, rows, features)

    def enqueue(self, stream: int) -> None:
        """One run on the stream that the session was made with. Raises EngineError."""
        try:
            self._session.run_with_iobinding(self._binding, self._options)
        except Exception as error:  # ONNX Runtime has no common base class for its errors
            if is_out_of_memory(error):
                raise self._full(error) from error
            raise EngineError(reason_of(error), path=self._engine) from error

    def keep_compiled(self) -> None:
        """ONNX Runtime keeps nothing."""

    def _full(self, error: Exception) -> EngineError:
        from c2p_runtime.cuda.device import memory

        wanted = re.search(r"requested buffer of size (\d+)", str(error))
        return out_of_memory(int(wanted[1]) if wanted else reason_of(error), *memory()).at(self._engine)


@cache
def preload_libraries() -> str:
    """Loads CUDA and cuDNN out of NVIDIA's wheels, which ONNX Runtime does not find by itself.

    Once a process, before the first session with CUDA. Returns what it says could not be loaded.
    """
    import onnxruntime as ort

    if not hasattr(ort, "preload_dlls"):  # before 1.21: they must be where the system looks for libraries
        return ""
    said = io.StringIO()
    with redirect_stdout(said):  # it prints what is missing, where only answers belong
        ort.preload_dlls()
    return "; ".join(line.strip() for line in said.getvalue().splitlines() if line.startswith("Failed"))


def open_session(
    model: Path, precision: str = "fp32", providers: Sequence[Any] = ("CPUExecutionProvider",)
) -> Any:
    """The `onnxruntime.InferenceSession` of a file. Raises EngineError, MissingDependencyError.

    precision: of the engine, as its manifest has it; providers: as ONNX Runtime takes them.
    """
    try:
        import onnxruntime as ort
    except ImportError as error:
        raise MissingDependencyError(
            "ONNX Runtime is not installed", 'pip install "onnxruntime" (or onnxruntime-gpu)'
        ) from error
    check_self_contained(model, "ONNX Runtime")
    options = ort.SessionOptions()
    # Waiting threads sleep. Spinning, as is the default, costs a 10 Hz loop more than the engine itself
    # (about 50 ms of every core after each call) and gains nothing: benchmarks/cpu.py.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    allowed = cores()
    if allowed < (os.cpu_count() or 1):
        # Left alone it takes a thread for every core of the machine and ties it there, whatever this process
        # was given (taskset, a container's cpuset).
        options.intra_op_num_threads = allowed
    if list(providers) == ["CPUExecutionProvider"]:
        # Left alone it plans a run's memory as one block for each size of batch. With eight threads and
        # batches of 1 to 8 of the bundled model that grew for minutes, to 706 MB; without, it soon stays
        # (benchmarks/memory_over_time.py), as fast.
        options.enable_mem_pattern = False
    options.log_severity_level = 3  # errors only: they come back as exceptions anyway
    if precision == "fp8":
        # Beyond this level ONNX Runtime 1.31 takes products in float8 for such in int8, and fails.
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    try:
        return ort.InferenceSession(str(model), options, providers=list(providers))
    except Exception as error:  # ONNX Runtime has no common base class for its errors
        problem = f"ONNX Runtime cannot load it: {reason_of(error)}"
        raise EngineError(problem, "export it again", model) from error


def check_session(session: Any, engine: Path, manifest: Manifest) -> None:
    """Raises EngineError when an engine has other inputs and outputs than its manifest says."""
    found = (session.get_inputs(), session.get_outputs())
    check_tensors(engine, manifest, *([_tensor(argument) for argument in some] for some in found))


def _tensor(argument: Any) -> Tensor:
    """Of a `NodeArg`, whose open sizes are names or None, and whose unknown rank is no size at all."""
    shape = tuple(size if isinstance(size, int) else None for size in argument.shape)
    return Tensor(argument.name, argument.type == "tensor(float)", shape or None)
