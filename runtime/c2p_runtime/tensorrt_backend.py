"""Running a `.plan` engine with TensorRT or TensorRT-RTX on the GPU.

Not run on hardware yet. Written to be plain: every call allocates and copies.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np

from c2p_deploy import Manifest
from c2p_deploy.depth import FloatArray
from c2p_deploy.errors import EngineError, MissingDependencyError
from c2p_runtime.gpu import find_gpus
from c2p_runtime.tensorrt_install import (
    TITLES,
    import_tensorrt,
    installed_version,
    logger_of,
    why_not_here,
)


class TensorRTBackend:
    """A loaded plan: depth maps in, features out. Calls from several threads take turns."""

    def __init__(self, engine: Path, manifest: Manifest) -> None:
        """Raises EngineError when the plan does not fit this machine or its manifest."""
        target = manifest.target
        if target is None:
            raise EngineError(f"{engine}: its manifest does not say what it was built for; export it again")
        onnx_name = engine.with_suffix(".onnx").name
        reason = why_not_here(target, find_gpus(), installed_version(target.flavour), onnx_name)
        if reason is not None:
            raise EngineError(f"{engine}: {reason}")
        self.name = target.flavour
        self._trt = import_tensorrt(target.flavour)
        self._cuda = import_cuda()
        self._stream = self._cuda.stream()  # makes the context that TensorRT then shares
        self._logger = logger_of(target.flavour)
        self._logger.forget()
        self._runtime = self._trt.Runtime(self._logger)  # must outlive its engine
        self._loaded = self._runtime.deserialize_cuda_engine(engine.read_bytes())
        if self._loaded is None:
            title = f"{TITLES[target.flavour]} {target.version}"
            raise EngineError(
                f"{engine}: {title} cannot load it: {self._logger.told()}; export it again on this machine"
            )
        check_signature(self._trt, self._loaded, engine, manifest)
        self._context = self._loaded.create_execution_context()
        if self._context is None:
            raise EngineError(
                f"{engine}: no memory on the GPU to run it: {self._logger.told()}; close other programs, or "
                "export it again with a smaller --max-batch"
            )
        self._input, self._output = manifest.input_name, manifest.output_name
        self._width = manifest.labels.text_features.shape[1]
        self._engine = engine
        self._lock = threading.Lock()  # an execution context serves one call at a time

    def run(self, depth: FloatArray) -> FloatArray:
        """Features float32 [B, D] of depth maps float32 [B, V, S, S]. Raises EngineError."""
        with self._lock:
            self._logger.forget()
            try:
                features = self._execute(np.ascontiguousarray(depth, dtype=np.float32))
            except Exception as error:  # numba's CUDA errors have no common base class
                raise EngineError(f"{self._engine}: the GPU cannot run it: {error}") from error
        if features is None:
            raise EngineError(
                f"{self._engine}: {TITLES[self.name]} cannot run it on depth maps {list(depth.shape)}: "
                f"{self._logger.told()}"
            )
        return features

    def _execute(self, depth: FloatArray) -> FloatArray | None:
        """Copy, run, copy back. None when TensorRT refuses; its log says why."""
        cuda, context, stream = self._cuda, self._context, self._stream
        source = cuda.to_device(depth, stream=stream)
        features = cuda.device_array((len(depth), self._width), np.float32, stream=stream)
        started = (
            context.set_input_shape(self._input, depth.shape)
            and context.set_tensor_address(self._input, _address(source))
            and context.set_tensor_address(self._output, _address(features))
            and context.execute_async_v3(int(stream))
        )
        if not started:
            return None
        result = features.copy_to_host(stream=stream)
        stream.synchronize()
        return np.asarray(result)


def check_signature(trt: Any, loaded: Any, engine: Path, manifest: Manifest) -> None:
    """Raises EngineError when a deserialised engine has other inputs or outputs than its manifest says.

    trt: the module of the engine's flavour. loaded: an ICudaEngine.
    """
    found = [
        (
            name,
            loaded.get_tensor_mode(name) == trt.TensorIOMode.INPUT,
            tuple(loaded.get_tensor_shape(name))[1:],  # the batch comes below, from the profile
            loaded.get_tensor_dtype(name) == trt.float32,
        )
        for name in (loaded.get_tensor_name(i) for i in range(loaded.num_io_tensors))
    ]
    size, width = manifest.spec.image_size, manifest.labels.text_features.shape[1]
    expected = [
        (manifest.input_name, True, (len(manifest.views), size, size), True),
        (manifest.output_name, False, (width,), True),
    ]
    if sorted(found) != sorted(expected):
        raise EngineError(
            f"{engine}: has {_signature(found)}; its manifest says {_signature(expected)}; export it again"
        )
    batch = manifest.batch
    least, _, most = (next(iter(shape)) for shape in loaded.get_tensor_profile_shape(manifest.input_name, 0))
    if (least, most) != (batch.min, batch.max):
        raise EngineError(
            f"{engine}: takes {least} to {most} clouds a call, its manifest says {batch.min} to {batch.max}; "
            "export it again"
        )


def _signature(tensors: list[tuple[str, bool, tuple[int, ...], bool]]) -> str:
    return ", ".join(
        f"{'input' if is_input else 'output'} {name} {'float32' if is_float32 else 'of another type'} "
        f"[B, {', '.join(map(str, shape))}]"
        for name, is_input, shape, is_float32 in tensors
    )


def _address(array: Any) -> int:
    address: int = array.__cuda_array_interface__["data"][0]
    return address


def import_cuda() -> Any:
    """numba's `cuda`, for memory and streams. Raises MissingDependencyError."""
    cuda: Any
    try:
        from numba import cuda
    except ImportError as error:
        raise MissingDependencyError(
            "running a plan needs numba-cuda; pip install 'c2p-deploy[cuda]'"
        ) from error
    if not cuda.is_available():
        raise MissingDependencyError(
            "numba finds no CUDA toolkit that fits this driver; pip install 'c2p-deploy[cuda]'"
        )
    return cuda
