"""Running an `.onnx` engine with ONNX Runtime's CUDA provider, on memory and a stream of ours.

Not run on hardware yet.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from c2p_deploy import Manifest
from c2p_deploy.errors import EngineError
from c2p_runtime.onnx_session import check_session, open_session


class OnnxRuntimeCudaBackend:
    """A loaded engine on the GPU."""

    name = "onnxruntime"
    capturable = False  # it allocates and chooses algorithms as it goes

    def __init__(self, engine: Path, manifest: Manifest, stream: int) -> None:
        """stream: handle of the CUDA stream all runs go to. Raises EngineError."""
        import onnxruntime as ort

        options = {"user_compute_stream": str(stream), "do_copy_in_default_stream": "0"}
        self._session = open_session(
            engine, manifest.precision, [("CUDAExecutionProvider", options), "CPUExecutionProvider"]
        )
        # ONNX Runtime goes on without a provider that it cannot load, with a line in its log.
        if self._session.get_providers()[0] != "CUDAExecutionProvider":
            raise EngineError(
                f"{engine}: ONNX Runtime cannot use CUDA here (its CUDA or cuDNN libraries are missing or do "
                "not fit the driver); install onnxruntime-gpu[cuda,cudnn], or use device='cpu'"
            )
        check_session(self._session, engine, manifest)
        self._engine = engine
        self._input, self._output = manifest.input_name, manifest.output_name
        size = manifest.spec.image_size
        self._maps = (len(manifest.views), size, size)
        self._width = manifest.labels.dim
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
        """One run on the stream that the session was made with."""
        try:
            self._session.run_with_iobinding(self._binding, self._options)
        except Exception as error:  # ONNX Runtime has no common base class for its errors
            raise EngineError(f"{self._engine}: {str(error).splitlines()[0]}") from error

    def keep_compiled(self) -> None:
        """ONNX Runtime keeps nothing."""
