"""How the commands end: by Ctrl-C at any moment, with nowhere to write, and while threads still work."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import c2p_deploy
import c2p_runtime

pytestmark = pytest.mark.usefixtures("ctrl_c")

RNG = np.random.default_rng(0)
BEGUN = "from c2p_deploy.start import guard; guard(); print('begun', flush=True); "
COMMANDS = {  # module of the entry point, arguments after which it works for a while, how often it is tried
    "c2p-run": ("c2p_runtime", ["clouds"], 25),
    "c2p-bench": ("c2p_runtime.bench", ["--runs", "100000"], 6),
    "c2p-doctor": ("c2p_runtime.doctor", [], 4),
    "c2p-train": ("c2p_train", ["labels", "chair", "--out", "labels.json", "--clip", "missing.pt"], 4),
    "c2p-export": ("c2p_export", ["inspect", "missing.onnx"], 4),
    "c2p-recipe": ("c2p_recipes", ["--help"], 4),
}


@pytest.fixture
def clouds(tmp_path: Path) -> Path:
    folder = tmp_path / "clouds"
    folder.mkdir()
    for number in range(400):
        np.save(folder / f"{number}.npy", RNG.normal(size=(2000, 3)))
    return folder


def run(arguments: list[str], folder: Path, **options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "c2p_runtime", *arguments]
    return subprocess.run(command, cwd=folder, stderr=subprocess.PIPE, text=True, timeout=120, **options)  # type: ignore[call-overload, no-any-return]


@pytest.mark.parametrize("name", COMMANDS)
def test_ctrl_c_ends_with_130_and_one_line_at_any_moment(name: str, clouds: Path) -> None:
    module, arguments, times = COMMANDS[name]
    code = f"{BEGUN}from {module}.__main__ import main; main()"
    moments, finished = random.Random(0), 0
    for _ in range(times):
        delay = moments.uniform(0, 1.5)
        with subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=clouds.parent,
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "begun\n"
            time.sleep(delay)
            process.send_signal(signal.SIGINT)
            _, told = process.communicate(timeout=60)
        if process.returncode in (0, 1, 2) and "Traceback" not in told and "interrupted" not in told:
            finished += 1  # it was through before
            continue
        assert (process.returncode, told.count("\n")) == (130, 1), f"after {delay:.3f} s: {told}"
        assert told.startswith("interrupted"), told
    assert name != "c2p-run" or finished < times


def test_ctrl_c_that_strikes_a_callback_is_not_lost() -> None:
    code = BEGUN + (
        "import os, signal, time\n"
        "from c2p_deploy.console import exit_on_error\n"
        "class Struck:\n"
        "    def __del__(self): os.kill(os.getpid(), signal.SIGINT); time.sleep(0.01)\n"
        "with exit_on_error('interrupted: tidy'):\n"
        "    Struck()\n"
        "    time.sleep(60)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr) == (130, "interrupted: tidy\n")


def test_ctrl_c_waits_for_an_import(tmp_path: Path) -> None:
    """Where torch's C++ is struck while it is being imported, it aborts the process."""
    (tmp_path / "struck.py").write_text(
        "import os, signal, time; os.kill(os.getpid(), signal.SIGINT); time.sleep(0.1); print('whole')"
    )
    code = BEGUN + (
        "import time\n"
        "from c2p_deploy.console import exit_on_error\n"
        "with exit_on_error('interrupted: tidy'):\n"
        "    import struck\n"
        "    time.sleep(60)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, env=environment
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "begun\nwhole\n", "interrupted: tidy\n")


def test_ctrl_c_that_became_another_error_is_told_from_it() -> None:
    code = BEGUN + (
        "import os, signal\n"
        "from c2p_deploy.console import exit_on_error\n"
        "with exit_on_error():\n"
        "    try: os.kill(os.getpid(), signal.SIGINT); [0 for _ in range(1000)]\n"
        "    except KeyboardInterrupt: pass\n"
        "    raise ImportError('numpy is broken')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr) == (130, "interrupted\n")


def test_where_ctrl_c_is_ignored_it_stays_so(clouds: Path) -> None:
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "from c2p_deploy.start import guard; guard()\n"
        "print(signal.getsignal(signal.SIGINT) is signal.SIG_IGN)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"


def test_starting_imports_nothing_slow() -> None:
    # Without site, which imports things of its own and finds the packages.
    homes = (Path(package.__file__).parents[1] for package in (c2p_deploy, c2p_runtime))
    paths = os.pathsep.join(map(str, homes))
    code = (
        "import sys, c2p_deploy.start, c2p_runtime.__main__\n"
        "print([m for m in ('numpy', 'click', 'pathlib', 'threading') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": paths},
    )
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("arguments", [["clouds/0.npy"], ["--json", "clouds/0.npy"], ["--help"], ["clouds"]])
def test_a_full_disk_is_one_line(clouds: Path, arguments: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = run(arguments, clouds.parent, stdout=full)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert done.stderr.startswith("error: ") and "No space left on device" in done.stderr


def test_a_closed_output_is_one_line(clouds: Path) -> None:
    done = run(["clouds/0.npy"], clouds.parent, preexec_fn=lambda: os.close(1))
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert done.stderr.startswith("error: standard output: Bad file descriptor; ")


def test_all_streams_closed(clouds: Path) -> None:
    """What is opened next is not taken for one of them."""
    done = run(
        ["--save-depth", "d.npz", "clouds/0.npy"],
        clouds.parent,
        preexec_fn=lambda: [os.close(number) for number in range(3)],
    )
    assert done.returncode == 1
    assert np.load(clouds.parent / "d.npz")["depth"].ndim == 3


@pytest.mark.parametrize("arguments", [["clouds"], ["--help"]])
def test_a_reader_who_has_gone_is_no_traceback(clouds: Path, arguments: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = run(arguments, clouds.parent, stdout=writing)
    os.close(writing)
    assert done.returncode not in (0, 120) and done.stderr == ""


def test_a_fault_with_one_cloud_is_its_own_line(clouds: Path) -> None:
    code = (
        "import sys, c2p_deploy.io as io\n"
        "from c2p_deploy.console import run\n"
        "from c2p_runtime.cli import main\n"
        "read = io.read_cloud\n"
        "def failing(path, **options):\n"
        "    if path.name == '1.npy': raise TypeError('no\\x1b[31m such\\nthing')\n"
        "    if path.name == '2.npy': raise MemoryError\n"
        "    if path.name == '3.npy': raise OSError(5, 'Input/output error', 'x')\n"
        "    return read(path, **options)\n"
        "io.read_cloud = failing\n"
        "run(main)\n"
    )
    names = [f"clouds/{number}.npy" for number in range(5)]
    done = subprocess.run(
        [sys.executable, "-c", code, "--json", *names], cwd=clouds.parent, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert [json.loads(line)["file"] for line in done.stdout.splitlines()] == [names[0], names[4]]
    assert done.stderr.splitlines() == [
        "error: clouds/1.npy: cannot be classified (TypeError: no?[31m such); please report this",
        "error: clouds/2.npy: cannot be classified (MemoryError); give it more memory, or fewer points",
        "error: clouds/3.npy: Input/output error; check the path, its permissions and the free space",
    ]


def test_names_cannot_command_a_terminal(clouds: Path) -> None:
    bad = clouds.parent / "bad"
    bad.mkdir()
    evil = b"a\x1b[31m\n\xe2\x80\xae\xe2\x81\xa6\xff\x9b.npy"
    for name in (evil, b"b" + evil):
        with (bad / os.fsdecode(name)).open("wb") as file:
            np.save(file, RNG.normal(size=(10, 3)))
    (bad / os.fsdecode(b"c" + evil)).write_bytes(b"no array")
    done = run(["bad"], clouds.parent, stdout=subprocess.PIPE)
    assert done.returncode == 1
    lines = done.stdout.splitlines() + done.stderr.splitlines()
    assert len(lines) == 3 and all(line.isprintable() for line in lines)
    assert "bad/a?[31m ????.npy" in lines[0]
    done = run(["--json", "bad"], clouds.parent, stdout=subprocess.PIPE)
    assert done.stdout.isascii()
    found = [json.loads(line)["file"] for line in done.stdout.splitlines()]
    assert found == [f"bad/{os.fsdecode(name)}" for name in (evil, b"b" + evil)]


ENDING = """
import sys, threading, time
import numpy as np
from c2p_runtime import Classifier
classifier = Classifier(backend=sys.argv[1])
points = np.random.default_rng(0).normal(size=(2000, 3))
classifier(points)
def work():
    while True:
        classifier(points)
        classifier.depth_maps(points)
for _ in range(2):
    threading.Thread(target=work, daemon=True).start()
time.sleep(0.1)
"""


@pytest.mark.parametrize("backend", ["onnxruntime"] * 3 + ["openvino"])
def test_threads_that_still_classify_do_not_break_the_end(backend: str) -> None:
    if backend == "openvino":
        pytest.importorskip("openvino")
    done = subprocess.run(
        [sys.executable, "-c", ENDING, backend], capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_thread_that_outlives_main_still_classifies() -> None:
    """No daemon: the interpreter waits for it, but gives no new futures any more."""
    code = (
        "import threading, time\n"
        "import numpy as np\n"
        "from c2p_runtime import Classifier\n"
        "classifier = Classifier()\n"
        "points = np.random.default_rng(0).normal(size=(2000, 3))\n"
        "expected = classifier(points).features\n"
        "def work():\n"
        "    time.sleep(0.5)\n"
        "    print(np.array_equal(classifier(points).features, expected))\n"
        "threading.Thread(target=work).start()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "True\n", "")
