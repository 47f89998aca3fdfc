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
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("c2p_deploy", "runtime", "train", "export", "recipes", "tests", "benchmarks")
_PARITY = "tests/export/test_parity.py"
TARGETS = {  # module, and the tests that are to notice
    "manifest": ("c2p_deploy/manifest.py", "tests/deploy/test_manifest.py"),
    "labels": ("c2p_deploy/labels.py", "tests/deploy/test_labels.py"),
    "json_file": ("c2p_deploy/json_file.py", "tests/deploy/test_manifest.py tests/deploy/test_labels.py"),
    "errors": ("c2p_deploy/errors.py", "tests/deploy/test_errors.py"),
    "files": ("c2p_deploy/files.py", "tests/deploy"),
    "spec": ("c2p_deploy/projection/spec.py", "tests/deploy/projection/test_views.py"),
    "views": ("c2p_deploy/projection/views.py", "tests/deploy/projection/test_views.py"),
    "reference": ("c2p_deploy/projection/reference.py", "tests/deploy/projection"),
    "prepare": ("c2p_deploy/projection/prepare.py", "tests/deploy/projection"),
    "heads": ("train/c2p_train/model/heads.py", "tests/train/model"),
    "parity": ("export/c2p_export/parity.py", _PARITY),
    "prediction": ("runtime/c2p_runtime/prediction.py", "tests/runtime/test_classifier.py"),
    "cpu_pipeline": ("runtime/c2p_runtime/cpu_pipeline.py", "tests/runtime/test_classifier.py"),
    "base": ("runtime/c2p_runtime/backends/base.py", "tests/runtime/test_classifier.py"),
}
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
    count = sum(1 for _ in ast.walk(ast.parse(source)))
    for index in range(count):
        for variant in (0, 1):  # a chain of comparisons has more than one
            tree = ast.parse(source)
            node = list(ast.walk(tree))[index]
            what = _change(node, variant)
            if what is not None:
                yield getattr(node, "lineno", 0), what, ast.unparse(tree)


def _change(node: ast.AST, variant: int) -> str | None:
    """Changes a node in place and says how; None where there is nothing to change."""
    if isinstance(node, ast.Compare) and variant < len(node.ops):
        old = type(node.ops[variant])
        node.ops[variant] = COMPARED[old]()
        return f"{old.__name__} -> {COMPARED[old].__name__}"
    if variant:
        return None
    if isinstance(node, (ast.BinOp, ast.AugAssign, ast.BoolOp)) and type(node.op) in CALCULATED:
        kind = type(node.op)
        node.op = CALCULATED[kind]()
        return f"{kind.__name__} -> {CALCULATED[kind].__name__}"
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        node.op, node.operand = ast.Not(), ast.UnaryOp(ast.Not(), node.operand)
        return "not removed"
    if isinstance(node, ast.Constant) and isinstance(node.value, (bool, int, float)):
        old = node.value
        node.value = not old if isinstance(old, bool) else old + 1
        return f"{old} -> {node.value}"
    return None


def survivors(name: str, limit: int | None, seconds: float) -> tuple[int, list[str]]:
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
        paths = os.pathsep.join(str(copy / part) for part in ("", *FOLDERS[1:5]))
        environment = os.environ | {"PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests.split()]

        def passes() -> bool:
            try:
                run = subprocess.run(command, cwd=copy, env=environment, capture_output=True, timeout=seconds)
            except subprocess.TimeoutExpired:
                return False  # noticed: it hangs
            return run.returncode == 0

        if not passes():
            raise SystemExit(f"{name}: its tests fail, or take longer than {seconds:g} s, without any change")
        left = []
        for line, what, source in found:
            (copy / module).write_text(source, encoding="utf-8")
            if passes():
                left.append(f"{module}:{line}: {what}")
                print("survived", left[-1], flush=True)
    return len(found), left


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="+", choices=TARGETS)
    parser.add_argument("--limit", type=int, help="of mutants of each target, drawn at random")
    parser.add_argument("--timeout", type=float, default=120, help="seconds for the tests of one mutant")
    options = parser.parse_args()
    for name in options.targets:
        tried, left = survivors(name, options.limit, options.timeout)
        print(f"{name}: {tried - len(left)} of {tried} mutants noticed", flush=True)


if __name__ == "__main__":
    main()
