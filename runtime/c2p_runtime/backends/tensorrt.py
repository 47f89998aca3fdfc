"""Running a `.plan` engine with TensorRT or TensorRT-RTX on the GPU."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from c2p_deploy import Manifest
from c2p_deploy.errors import C2PError, EngineError
from c2p_deploy.files import write_atomic
from c2p_runtime.backends.base import address
from c2p_runtime.backends.tensorrt_install import TITLES, check_fits, import_tensorrt, logger_of, target_of


class TensorRTBackend:
    """A loaded plan, in the CUDA context of the calling thread. One call at a time.

    Every batch size has an execution context of its own, because a captured graph keeps to the state of
    the context it came from. All of them work in one block of memory, which they use in turns.
    """

    def __init__(self, engine: Path, manifest: Manifest, stream: int) -> None:
        """stream: handle of the CUDA stream that runs go to.

        Raises EngineError when the plan does not fit this machine or its manifest.
        """
        target = target_of(engine, manifest)
        check_fits(engine, target)
        self.name = target.flavour
        self._trt = import_tensorrt(target.flavour)
        self._logger = logger_of(target.flavour)
        self._logger.forget()
        self._runtime = self._trt.Runtime(self._logger)  # must outlive its engine
        self._loaded = self._runtime.deserialize_cuda_engine(engine.read_bytes())
        if self._loaded is None:
            title = f"{TITLES[target.flavour]} {target.version}"
            problem = f"{title} cannot load it: {self._logger.told()}"
            raise EngineError(problem, "export it again on this machine", engine)
        check_signature(self._trt, self._loaded, engine, manifest)
        self._maps = manifest.maps_shape
        self._input, self._output = manifest.input_name, manifest.output_name
        self._engine, self._stream = engine, stream
        self._runtime_cache: Any = None
        self._config = self._runtime_config() if self.name == "tensorrt-rtx" else None
        self._memory = self._scratch()
        self._contexts: dict[int, Any] = {}  # by batch size
        self._context: Any = None  # the one bound last

    @property
    def capturable(self) -> bool:
        """What the context bound last says of itself; TensorRT before 11, which says nothing, always is."""
        says = getattr(self._context, "is_stream_capturable", None)
        return says is None or bool(says(self._stream))

    def bind(self, depth: int, features: int, batch: int) -> None:
        """Addresses on the device of float32 [batch, V, S, S] and float32 [batch, D]. Raises EngineError."""
        self._logger.forget()
        context = self._contexts.get(batch)
        if context is None:
            context = self._contexts[batch] = self._new_context()
        done = (
            context.set_input_shape(self._input, (batch, *self._maps))
            and context.set_tensor_address(self._input, depth)
            and context.set_tensor_address(self._output, features)
        )
        self._check(done, f"cannot take {batch} clouds")
        self._context = context

    def enqueue(self, stream: int) -> None:
        """Puts one run on the CUDA stream with this handle. Raises EngineError."""
        self._check(self._context.execute_async_v3(stream), "cannot run it")

    def keep_compiled(self) -> None:
        """Keeps what TensorRT-RTX has compiled beside the engine, for the next start."""
        if self._runtime_cache is None:  # TensorRT compiles nothing while it runs
            return
        path = runtime_cache_file(self._engine)
        compiled = bytes(self._runtime_cache.serialize())
        # A folder that cannot be written to costs time at every start, and nothing else.
        with suppress(OSError, C2PError):
            if not path.is_file() or path.read_bytes() != compiled:
                write_atomic(path, compiled)

    def _runtime_config(self) -> Any:
        """For TensorRT-RTX: with the kernels it compiled in earlier processes, and memory of ours."""
        config = self._loaded.create_runtime_config()
        # Kernels for the shape at hand are compiled at once, not behind our back: the CUDA graph that is
        # captured next keeps those it finds.
        config.dynamic_shapes_kernel_specialization_strategy = (
            self._trt.DynamicShapesKernelSpecializationStrategy.EAGER
        )
        self._runtime_cache = config.create_runtime_cache()
        # None at the first start. One that does not fit TensorRT-RTX refuses by itself; it is replaced.
        with suppress(OSError):
            self._runtime_cache.deserialize(runtime_cache_file(self._engine).read_bytes())
        config.set_runtime_cache(self._runtime_cache)
        config.set_execution_context_allocation_strategy(self._user_managed)
        return config

    @property
    def _user_managed(self) -> Any:
        return self._trt.ExecutionContextAllocationStrategy.USER_MANAGED

    def _scratch(self) -> Any:
        """Memory of the device that any batch of the profile can do with. Raises OutOfMemoryError."""
        from c2p_runtime.cuda.device import allocate

        return allocate(max(1, int(self._loaded.device_memory_size_v2)), np.uint8)

    def _new_context(self) -> Any:
        context = self._loaded.create_execution_context(
            self._user_managed if self._config is None else self._config
        )
        if context is None:
            raise EngineError(
                f"no memory on the GPU to run it: {self._logger.told()}",
                "close other programs, or export it again with a smaller --max-batch",
                self._engine,
            )
        context.set_device_memory(address(self._memory), self._memory.size)
        return context

    def _check(self, done: bool, what: str) -> None:
        if not done:
            raise EngineError(f"{TITLES[self.name]} {what}: {self._logger.told()}", path=self._engine)


def runtime_cache_file(engine: Path) -> Path:
    """Where TensorRT-RTX's kernels for an engine are kept: NAME.rtxcache beside NAME.plan."""
    return engine.with_suffix(".rtxcache")


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
    expected = [
        (manifest.input_name, True, manifest.maps_shape, True),
        (manifest.output_name, False, (manifest.labels.dim,), True),
    ]
    if sorted(found) != sorted(expected):
        problem = f"has {_signature(found)}, its manifest says {_signature(expected)}"
        raise EngineError(problem, "export it again", engine)
    batch = manifest.batch
    least, _, most = (next(iter(shape)) for shape in loaded.get_tensor_profile_shape(manifest.input_name, 0))
    if (least, most) != (batch.min, batch.max):
        raise EngineError(
            f"takes {least} to {most} clouds a call, its manifest says {batch.min} to {batch.max}",
            "export it again",
            engine,
        )


def _signature(tensors: list[tuple[str, bool, tuple[int, ...], bool]]) -> str:
    return ", ".join(
        f"{'input' if is_input else 'output'} {name} {'float32' if is_float32 else 'of another type'} "
        f"[B, {', '.join(map(str, shape))}]"
        for name, is_input, shape, is_float32 in tensors
    )
