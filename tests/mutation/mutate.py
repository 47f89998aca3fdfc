"""Mutation testing: does a test fail when one operator or constant of a module is another?

    python tests/mutation/mutate.py manifest            # or another target, or several; --limit N of each

Changes one comparison, operator or constant at a time in a copy of the repository, runs the tests of the
target there until one fails, and prints what survived: lines that no test holds.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("c2p_deploy", "runtime", "train", "export", "recipes", "tests", "benchmarks")
MOST_MEMORY = 6 << 30
LONGEST = 900  # seconds that the tests of a target may take
ANEW = ("openvino", "c2p_")  # what each child imports itself: it is tested how
_DRAWN = "tests/deploy/projection/test_reference.py tests/deploy/projection/test_properties.py"
_BACKENDS = "tests/runtime/backends"
_LABELS = "tests/deploy/labels/test_label_set.py"
_CLASSIFIER = "tests/runtime/test_classifier.py"
TARGETS = {  # module, and the tests that are to notice
    "manifest": ("c2p_deploy/manifest/manifest.py", "tests/deploy/manifest"),
    "manifest_beside": ("c2p_deploy/manifest/beside.py", "tests/deploy/manifest"),
    "manifest_parts": ("c2p_deploy/manifest/parts.py", "tests/deploy/manifest"),
    "manifest_values": ("c2p_deploy/manifest/values.py", "tests/deploy/manifest"),
    "label_set": ("c2p_deploy/labels/label_set.py", _LABELS),
    "label_choice": ("c2p_deploy/labels/choose.py", _LABELS),
    "label_names": ("c2p_deploy/labels/names.py", _LABELS),
    "json_file": ("c2p_deploy/json_file.py", f"tests/deploy/manifest {_LABELS}"),
    "errors": ("c2p_deploy/errors.py", "tests/deploy/test_errors.py"),
    "files": ("c2p_deploy/files.py", "tests/deploy/test_files.py"),
    "spec": (
        "c2p_deploy/projection/spec.py",
        "tests/deploy/projection/test_views.py tests/deploy/projection/test_reference.py",
    ),
    "views": ("c2p_deploy/projection/views.py", "tests/deploy/projection/test_views.py"),
    "reference": ("c2p_deploy/projection/reference.py", _DRAWN),
    "prepare": (
        "c2p_deploy/projection/prepare.py",
        "tests/deploy/projection/test_prepare.py tests/deploy/projection/test_properties.py",
    ),
    "compiled": ("c2p_deploy/projection/compiled.py", f"tests/deploy/projection/test_compiled.py {_DRAWN}"),
    "sampling": (
        "c2p_deploy/projection/sampling.py",
        "tests/deploy/projection/test_sampling.py tests/deploy/projection/test_prepare.py",
    ),
    "heads": (
        "train/c2p_train/model/heads.py",
        "tests/train/model/test_heads.py tests/train/learn/test_ridge.py",
    ),
    "parity": ("export/c2p_export/parity.py", "tests/export/test_parity.py"),
    "prediction": ("runtime/c2p_runtime/prediction.py", _CLASSIFIER),
    "cpu_pipeline": ("runtime/c2p_runtime/cpu_pipeline.py", _CLASSIFIER),
    "classifier": ("runtime/c2p_runtime/classifier.py", _CLASSIFIER),
    "base": (
        "runtime/c2p_runtime/backends/base.py",
        f"{_BACKENDS}/test_onnxruntime.py {_CLASSIFIER}",
    ),
    "choose": ("runtime/c2p_runtime/backends/choose.py", f"{_BACKENDS}/test_choose.py"),
    "onnx_file": ("runtime/c2p_runtime/backends/onnx_file.py", f"{_BACKENDS}/test_onnx_file.py"),
    "onnxruntime": (
        "runtime/c2p_runtime/backends/onnxruntime.py",
        f"{_BACKENDS}/test_onnxruntime.py {_BACKENDS}/test_onnx_file.py",
    ),
    "openvino": ("runtime/c2p_runtime/backends/openvino.py", f"{_BACKENDS}/test_openvino.py"),
    "gpu": ("runtime/c2p_runtime/backends/gpu.py", f"{_BACKENDS}/test_gpu.py {_BACKENDS}/test_choose.py"),
    "tensorrt": ("runtime/c2p_runtime/backends/tensorrt.py", f"{_BACKENDS}/test_tensorrt.py"),
    "tensorrt_install": (
        "runtime/c2p_runtime/backends/tensorrt_install.py",
        f"{_BACKENDS}/test_tensorrt_install.py",
    ),
}
CHANGED = (ast.BinOp, ast.AugAssign, ast.BoolOp, ast.UnaryOp, ast.Constant, ast.Expr)  # and Compare
COMPARED: dict[type, type] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
CALCULATED: dict[type, type] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.LShift: ast.RShift, ast.RShift: ast.LShift,
    ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip


def mutants(source: str) -> Iterator[tuple[int, str, str]]:
    """Line, what was changed, and the whole changed source, of every mutant."""
    whole = ast.parse(source)
    passed_over = _never_computed(whole)
    candidates = [
        (index, variant)
        for index, node in enumerate(ast.walk(whole))
        if id(node) not in passed_over
        for variant in range(len(node.ops) if isinstance(node, ast.Compare) else isinstance(node, CHANGED))
    ]
    for index, variant in candidates:
        tree = ast.parse(source)
        node = list(ast.walk(tree))[index]
        what = _change(node, variant)
        if what is not None:
            yield getattr(node, "lineno", 0), what, ast.unparse(tree)


def _never_computed(tree: ast.Module) -> set[int]:
    """Nodes of annotations, which stay text, and of decorators, which say `frozen=True`."""
    roots: list[ast.AST | None] = []
    for node in ast.walk(tree):
        roots += [getattr(node, "annotation", None), getattr(node, "returns", None)]
        roots += getattr(node, "decorator_list", [])
    return {id(node) for root in roots if root is not None for node in ast.walk(root)}


def _change(node: ast.AST, variant: int) -> str | None:
    """Changes a node in place and says how; None where there is nothing to change."""
    if isinstance(node, ast.Compare):
        old = type(node.ops[variant])
        node.ops[variant] = COMPARED[old]()
        return f"{old.__name__} -> {COMPARED[old].__name__}"
    if isinstance(node, (ast.BinOp, ast.AugAssign, ast.BoolOp)) and type(node.op) in CALCULATED:
        kind = type(node.op)
        node.op = CALCULATED[kind]()
        return f"{kind.__name__} -> {CALCULATED[kind].__name__}"
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        node.value = ast.Constant(None)
        return "call removed"
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        node.op, node.operand = ast.Not(), ast.UnaryOp(ast.Not(), node.operand)
        return "not removed"
    if isinstance(node, ast.Constant) and isinstance(node.value, (bool, int, float)):
        old = node.value
        node.value = not old if isinstance(old, bool) else old + 1
        return f"{old} -> {node.value}"
    return None


def survivors(name: str, limit: int | None) -> tuple[int, list[str]]:
    """How many mutants were tried, and which of them no test noticed."""
    module, tests = TARGETS[name]
    found = list(mutants((ROOT / module).read_text(encoding="utf-8")))
    if limit is not None and limit < len(found):
        found = sorted(random.Random(0).sample(found, limit))
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for part in FOLDERS:
            shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
        for file in ROOT.glob("*.*"):
            if file.is_file():
                shutil.copy(file, copy)
        noted = copy / "imported"
        passed, took = passes(copy, tests, LONGEST, noted)
        if not passed:
            raise SystemExit(f"{name}: its tests fail, or take longer than {LONGEST} s, without any change")
        # Imported once, here, for the children to find: that takes longer than most tests.
        for imported in noted.read_text().split():
            with suppress(Exception):
                import_module(imported)
        left = []
        for line, what, source in found:
            (copy / module).write_text(source, encoding="utf-8")
            if passes(copy, tests, 3 * took + 10)[0]:
                left.append(f"{module}:{line}: {what}")
                print("survived", left[-1], flush=True)
    return len(found), left


def passes(copy: Path, tests: str, limit: float, noted: Path | None = None) -> tuple[bool, float]:
    """Whether the tests pass in a copy of the repository, and in how many seconds of processor time.

    What takes more than the limit fails; so does what waits for LONGEST. noted: gets what they import.
    """
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = _run_tests(copy, tests, int(limit), noted)
        finally:
            os._exit(status)
    until = time.monotonic() + LONGEST
    while time.monotonic() < until:
        ended, status, usage = os.wait4(child, os.WNOHANG)
        if ended:
            return status == 0, usage.ru_utime + usage.ru_stime
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False, LONGEST


def _run_tests(copy: Path, tests: str, limit: int, noted: Path | None) -> int:
    os.setsid()  # to be ended with whatever it started
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY, MOST_MEMORY))  # a limit's mutant is a limit gone
    os.chdir(copy)
    with Path("output").open("w") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    paths = [str(copy / part) for part in ("", *FOLDERS[1:5])]
    sys.path[:0] = paths
    os.environ["PYTHONPATH"] = os.pathsep.join(paths)
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    sys.dont_write_bytecode = True
    status = int(pytest.main(["-q", "-x", "-p", "no:cacheprovider", *tests.split()]))
    if noted is not None:
        files = {name: getattr(module, "__file__", None) or "" for name, module in sys.modules.items()}
        theirs = [name for name, file in files.items() if "site-packages" in file]
        noted.write_text("\n".join(name for name in theirs if not name.startswith(ANEW)))
    return status


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="+", choices=TARGETS)
    parser.add_argument("--limit", type=int, help="of mutants of each target, drawn at random")
    options = parser.parse_args()
    for name in options.targets:
        tried, left = survivors(name, options.limit)
        print(f"{name}: {tried - len(left)} of {tried} mutants noticed", flush=True)


if __name__ == "__main__":
    main()
