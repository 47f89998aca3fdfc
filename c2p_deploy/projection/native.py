"""A module of CPU kernels as machine code: its `.ll` by way of LLVM, once per process.

LLVM makes the code for the very processor it runs on, in a tenth of a second, with what vectors that
has. Nothing is written to disk and nothing but the package's own file is read, so there is no cache
that could be damaged, or made to run what somebody else put there.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from c2p_deploy.projection import kernels

_SCALARS: dict[str, Any] = {"f": ctypes.c_float, "d": ctypes.c_double, "q": ctypes.c_int64}


class Kernels:
    """The kernels of a module with SIGNATURES, its `.ll` beside it; compiled when the first one is run."""

    def __init__(self, module: ModuleType) -> None:
        self._signatures: dict[str, tuple[str, ...]] = module.SIGNATURES
        self._ir = Path(str(module.__file__)).with_suffix(".ll")
        # Two threads must not make two engines, of which one is then forgotten.
        self._one_at_a_time = threading.Lock()
        self._engine: Any = None  # must live as long as the kernels do
        self._functions: dict[str, Callable[..., None]] = {}

    def run(self, name: str, *arguments: Any) -> None:
        """Runs a kernel: C-contiguous arrays and numbers, as its signature has them, unchecked.

        Holds no lock of Python's meanwhile, so that several threads may run kernels at once.
        """
        function = self._functions.get(name) or self._load(name)
        function(*(a.ctypes.data if isinstance(a, np.ndarray) else a for a in arguments))

    def _load(self, name: str) -> Callable[..., None]:
        with self._one_at_a_time:
            if self._engine is None:
                self._engine = _engine(self._ir)
            types = (_SCALARS.get(kind, ctypes.c_void_p) for kind in self._signatures[name])
            address = self._engine.get_function_address(name)
            function: Callable[..., None] = ctypes.CFUNCTYPE(None, *types)(address)
            return self._functions.setdefault(name, function)


def _engine(ir: Path) -> Any:
    """LLVM's engine with all kernels of a file."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    module = llvm.parse_assembly(ir.read_text())
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=2
    )
    module.triple, module.data_layout = machine.triple, str(machine.target_data)
    # Vectors are what makes the kernels fast. Unrolled and interleaved loops gain nothing more and double
    # what this takes at every start.
    tuning = llvm.create_pipeline_tuning_options(speed_level=2)
    tuning.loop_vectorization = True
    tuning.loop_unrolling = tuning.loop_interleaving = tuning.slp_vectorization = False
    builder = llvm.create_pass_builder(machine, tuning)
    builder.getModulePassManager().run(module, builder)
    engine = llvm.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    return engine


run = Kernels(kernels).run
"""Runs a kernel of the projection's own module, kernels.py."""
