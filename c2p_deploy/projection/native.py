"""The CPU's kernels as machine code: `kernels.ll` by way of LLVM, once per process.

LLVM makes the code for the very processor it runs on, in a tenth of a second, with what vectors that
has. Nothing is written to disk and nothing but the package's own file is read, so there is no cache
that could be damaged, or made to run what somebody else put there.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from c2p_deploy.projection.kernels import SIGNATURES

_one_at_a_time = threading.Lock()  # two threads must not make two engines, of which one is then forgotten
_SCALARS: dict[str, Any] = {"f": ctypes.c_float, "q": ctypes.c_int64}


def run(name: str, *arguments: Any) -> None:
    """Runs a kernel of kernels.py: C-contiguous arrays and numbers, as its signature has them, unchecked.

    Holds no lock of Python's meanwhile, so that several threads may run kernels at once.
    """
    _kernel(name)(*(a.ctypes.data if isinstance(a, np.ndarray) else a for a in arguments))


@cache
def _kernel(name: str) -> Callable[..., None]:
    with _one_at_a_time:
        engine = _engine()
    types = (_SCALARS.get(kind, ctypes.c_void_p) for kind in SIGNATURES[name])
    function: Callable[..., None] = ctypes.CFUNCTYPE(None, *types)(engine.get_function_address(name))
    return function


@cache
def _engine() -> Any:
    """LLVM's engine with all kernels; it must live as long as they do."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    module = llvm.parse_assembly(Path(__file__).with_name("kernels.ll").read_text())
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
