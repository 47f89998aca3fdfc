"""What a backend must be able to do, on the CPU and on the GPU, and what all of them check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from c2p_deploy import Manifest
from c2p_deploy.errors import EngineError
from c2p_deploy.projection.spec import FloatArray


class HostBackend(Protocol):
    """Runs an engine on arrays in the computer's memory. Safe to call from several threads at once."""

    name: str

    def run(self, depth: FloatArray) -> FloatArray:
        """Features float32 [B, D] of depth maps float32 [B, V, S, S]. Raises EngineError."""


class DeviceBackend(Protocol):
    """Runs an engine on memory of the GPU, on a stream of ours, and waits for nothing."""

    name: str

    @property
    def capturable(self) -> bool:
        """Whether `enqueue` may be captured into a CUDA graph, of the batch size bound last; it has run."""

    def bind(self, depth: int, features: int, batch: int) -> None:
        """Addresses on the device of float32 [batch, V, S, S] and float32 [batch, D]. Raises EngineError.

        Never inside a capture. A graph that was captured stays right when another batch size is bound.
        """

    def enqueue(self, stream: int) -> None:
        """Puts one run, of what was bound last, on the CUDA stream with this handle. Raises EngineError."""

    def keep_compiled(self) -> None:
        """Called once a batch size has run: what was compiled for it may be kept for the next start."""


@dataclass(frozen=True)
class Tensor:
    """An input or output of an `.onnx`, as the backend tells of it."""

    name: str
    float32: bool
    shape: tuple[int | None, ...] | None  # None for a size that is open, or when even the rank is

    def __str__(self) -> str:
        sizes = "?" if self.shape is None else ", ".join("?" if n is None else str(n) for n in self.shape)
        return f"{self.name} {'float32' if self.float32 else 'of another type'} [{sizes}]"


def check_tensors(engine: Path, manifest: Manifest, inputs: list[Tensor], outputs: list[Tensor]) -> None:
    """Raises EngineError when an `.onnx` has other inputs and outputs than its manifest says.

    A size that the engine leaves open fits; what comes out is looked at again (`check_features`).
    """
    names = ([tensor.name for tensor in inputs], [tensor.name for tensor in outputs])
    if names != ([manifest.input_name], [manifest.output_name]):
        raise EngineError(
            f"has inputs {names[0]} and outputs {names[1]}, its manifest says {manifest.input_name} and "
            f"{manifest.output_name}",
            "export it again",
            engine,
        )
    for what, tensor, sizes in (
        ("input", inputs[0], manifest.maps_shape),
        ("output", outputs[0], (manifest.labels.dim,)),
    ):
        if not tensor.float32 or not _fits(tensor.shape, sizes, manifest):
            expected = Tensor(tensor.name, True, (None, *sizes))
            problem = f"has the {what} {tensor}, its manifest says {expected}"
            if tensor.shape and tensor.shape[0] is not None:
                problem += f" with {manifest.batch.min} to {manifest.batch.max} clouds a call"
            raise EngineError(problem, "export it again", engine)


def _fits(shape: tuple[int | None, ...] | None, sizes: tuple[int, ...], manifest: Manifest) -> bool:
    if shape is None:
        return True
    batch = manifest.batch
    clouds = {batch.min, batch.max} if shape[:1] == (None,) else set(shape[:1])
    return (
        len(shape) == 1 + len(sizes)
        and clouds == {batch.min, batch.max}
        and all(found in (None, size) for found, size in zip(shape[1:], sizes, strict=True))
    )


def from_host(open_backend: Callable[[int], DeviceBackend], width: int) -> Callable[[FloatArray], FloatArray]:
    """Runs an engine of the GPU on depth maps in the computer's memory: copy, run, copy back, wait.

    open_backend: of a CUDA stream's handle. width: D, of the features float32 [B, D] that come back.
    """
    from c2p_runtime.cuda.device import Device

    device = Device()
    backend = open_backend(device.handle)

    def run(depth: FloatArray) -> FloatArray:
        source = device.put(np.asarray(depth, dtype=np.float32))
        features = device.empty((len(depth), width), np.float32)
        backend.bind(address(source), address(features), len(depth))
        backend.enqueue(device.handle)
        found = features.copy_to_host(stream=device.stream)
        device.stream.synchronize()
        return np.asarray(found)

    return run


def address(array: Any) -> int:
    """Where an array lies on the device."""
    found: int = array.__cuda_array_interface__["data"][0]
    return found
