"""The kernels as LLVM IR: made from their modules as they stand, for any processor, started by any thread."""

import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from c2p_deploy.projection import kernels
from c2p_deploy.projection.native import run
from c2p_runtime.scene.cutting import kernels_scene
from paths import REPOSITORY

MODULES = {Path(module.__file__).with_suffix(".ll"): module for module in (kernels, kernels_scene)}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder where the script has written all of them anew."""
    folder = tmp_path_factory.mktemp("kernels")
    paths = os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "runtime")])
    subprocess.run(
        [sys.executable, REPOSITORY / "tools" / "build_kernels.py", folder],
        check=True,
        env={**os.environ, "PYTHONPATH": paths},
    )
    return folder


@pytest.mark.parametrize("ir", MODULES, ids=lambda ir: ir.name)
def test_the_ir_is_made_from_the_kernels_as_they_stand(ir: Path, request: pytest.FixtureRequest) -> None:
    """To the letter by the versions that it was made with; those stand in its head."""
    pytest.importorskip("numba")
    made_by = ir.read_text().splitlines()[1]
    here = f"; numba {version('numba')}, llvmlite {version('llvmlite')}"
    if made_by != here:
        pytest.skip(f"made by{made_by[1:]}, here are{here[1:]}: another text may mean the same")
    made: Path = request.getfixturevalue("made")
    assert (made / ir.name).read_text() == ir.read_text()


@pytest.mark.parametrize(("ir", "module"), MODULES.items(), ids=lambda item: getattr(item, "name", ""))
def test_the_ir_names_no_machine_and_calls_nothing_of_python(ir: Path, module: ModuleType) -> None:
    text = ir.read_text()
    for word in ("target", "Py", "numba_", "NRT", "source_filename", str(Path.home())):
        assert word not in text.partition("define")[2], word
    defined = {line.split("@")[1].split("(")[0] for line in text.splitlines() if line.startswith("define")}
    declared = [line.split("@")[1] for line in text.splitlines() if line.startswith("declare")]
    assert defined == set(module.SIGNATURES)
    assert all(name.startswith("llvm.") for name in declared)
    assert set(re.findall(r"\bcall [^@\n]*@([\w.]+)", text)) <= {name.split("(")[0] for name in declared}


@pytest.mark.parametrize("name", ["draw_view", "farthest"])
def test_the_kernels_are_what_python_makes_of_them(name: str) -> None:
    """Run by Python itself, on a few points: the same bits."""
    rng = np.random.default_rng(0)
    points = rng.uniform(-0.7, 0.7, (40, 3)).astype(np.float32)
    results = []
    for compiled in (True, False):
        if name == "draw_view":
            out = np.zeros(24 * 24, np.float32)
            rotation = np.eye(3, dtype=np.float32).ravel()
            centres = np.linspace(0.9, -0.9, 24, dtype=np.float32)
            arguments = (points.ravel(), 40, rotation, np.float32(1), centres, 24, np.float32(0.1), out)
            arguments += (out if compiled else out.view(np.uint32),)
        else:
            out, order = np.zeros(20, np.int64), np.arange(40)
            nearest, largest = np.zeros(40, np.float32), np.zeros(2, np.uint32)
            arguments = (points.ravel(), 40, 20, 7, out, order, nearest)
            arguments += (nearest if compiled else nearest.view(np.uint32),)
            arguments += (np.zeros(120, np.float32), np.zeros(12, np.float32), largest)
        if compiled:
            run(name, *arguments)
        else:
            with np.errstate(all="ignore"):  # background becomes large before it becomes 1
                getattr(kernels, name)(*arguments)
        results.append(out.copy())
    np.testing.assert_array_equal(*results)


def test_threads_that_start_together_get_kernels_that_live() -> None:
    """In a process of its own, whose threads all find nothing compiled yet."""
    code = (
        "import threading, numpy as np\n"
        "from c2p_deploy.projection.sampling import farthest_points, farthest_points_reference\n"
        "p = np.random.default_rng(0).normal(size=(500, 3)).astype(np.float32)\n"
        "start, found = threading.Barrier(8), []\n"
        "def work():\n"
        "    start.wait()\n"
        "    found.append([farthest_points(p, 100, 0) for _ in range(20)])\n"
        "threads = [threading.Thread(target=work) for _ in range(8)]\n"
        "[t.start() for t in threads]; [t.join() for t in threads]\n"
        "expected = farthest_points_reference(p, 100, 0)\n"
        "assert all(np.array_equal(f, expected) for each in found for f in each) and len(found) == 8\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
