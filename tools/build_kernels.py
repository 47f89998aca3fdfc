"""Writes the CPU's kernels as LLVM IR: beside every module of them, as kernels.py, its kernels.ll.

    python tools/build_kernels.py [FOLDER]    # needs numba; run it after a change of the kernels

With a folder it writes all of them there. The IR is of no particular processor:
`c2p_deploy.projection.native` has LLVM make machine code of it for the one it runs on. It is cleaned of what
belongs to Python, which the kernels do not use.
"""

from __future__ import annotations

import os
import re
import sys
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

os.environ["NUMBA_OPT"] = "0"  # read when numba is imported: optimisation is left to the machine that runs it

import llvmlite.binding as llvm
from numba import cfunc, types

from c2p_deploy.projection import kernels
from c2p_runtime.scene import kernels_scene

MODULES = (kernels, kernels_scene)
TYPES = {
    "f*": types.CPointer(types.float32),
    "d*": types.CPointer(types.float64),
    "u*": types.CPointer(types.uint32),
    "q*": types.CPointer(types.int64),
    "f": types.float32,
    "d": types.float64,
    "q": types.int64,
}
IR_TYPES = {"f*": "ptr", "d*": "ptr", "u*": "ptr", "q*": "ptr", "f": "float", "d": "double", "q": "i64"}
# Hints of newer LLVMs, which older ones cannot read. Without them the meaning is the same.
LATER = (
    "local_unnamed_addr",
    "unnamed_addr",
    "nneg",
    "samesign",
    "nuw",
    "noundef",
    "mustprogress",
    "disjoint",
)
VERSIONS = f"; numba {version('numba')}, llvmlite {version('llvmlite')}\n"


def main(folder: Path | None = None) -> None:
    """Writes the files."""
    for module in MODULES:
        source = Path(str(module.__file__))
        out = (source if folder is None else folder / source.name).with_suffix(".ll")
        head = f"; Made by tools/build_kernels.py from {source.name}. Do not edit.\n{VERSIONS}"
        out.write_text(head + kernels_ir(module))
        print(f"wrote {out} ({out.stat().st_size} bytes)")


def kernels_ir(module: ModuleType) -> str:
    """The IR of a module's kernels."""
    linked = llvm.parse_assembly("")
    for name in module.SIGNATURES:
        linked.link_in(llvm.parse_assembly(kernel_ir(module, name)))
    return cleaned(linked)


def kernel_ir(module: ModuleType, name: str) -> str:
    """The IR of one kernel, as a function of that name that returns nothing."""
    signature = module.SIGNATURES[name]
    compiled = cfunc(types.void(*(TYPES[t] for t in signature)), error_model="numpy")(getattr(module, name))
    text = compiled._library.get_llvm_str()
    # Numba's function takes two places for a result and an error of Python's, and is wrapped for Python.
    inner = re.search(rf'define i32 (@"?[^(]*{name}[^(]*)\(', text)
    assert inner is not None
    text = re.sub(r"define ptr @\"?cfunc.*?\n}\n", "", text, flags=re.DOTALL)
    text = re.sub(r"^(define) (i32)", r"\1 internal \2", text, flags=re.MULTILINE)
    text = re.sub(r"^(define) linkonce_odr", r"\1 internal", text, flags=re.MULTILINE)
    arguments = ", ".join(f"{IR_TYPES[t]} %{i}" for i, t in enumerate(signature))
    text += (
        f"\ndefine void @{name}({arguments}) {{\nentry:\n  %result = alloca ptr\n  %error = alloca ptr\n"
        f"  %status = call i32 {inner.group(1)}(ptr %result, ptr %error, {arguments})\n  ret void\n}}\n"
    )
    return text


def cleaned(module: llvm.ModuleRef) -> str:
    """Inlined and simplified; without names of this machine, or of later LLVMs than may have to read it."""
    llvm.initialize_native_target()
    machine = llvm.Target.from_default_triple().create_target_machine()
    tuning = llvm.create_pipeline_tuning_options(speed_level=2)
    tuning.loop_vectorization = tuning.slp_vectorization = tuning.loop_unrolling = False
    builder = llvm.create_pass_builder(machine, tuning)
    builder.getModulePassManager().run(module, builder)
    text = re.sub(
        r"^(?:target |source_filename|; |attributes|@|!|declare \w+ @(?!llvm)).*\n",
        "",
        str(module),
        flags=re.M,
    )
    text = re.sub(r"range\([^)]*\) ?|captures\(none\) ?| ?; preds.*| #\d+|, !\w+ !\d+", "", text)
    text = re.sub(rf"\b(?:{'|'.join(LATER)})\b ?", "", text)
    text = re.sub(r"_ZN[\w.$]*\.exit", "exit", text)
    return re.sub(r"\n{3,}", "\n\n", re.sub(r"[ \t]+\n", "\n", text)).lstrip()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
