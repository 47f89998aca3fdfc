"""`c2p-train` as a user meets it: help, in time, and errors in one line."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from c2p_train.cli import main

COMMANDS = ("import", "render", "pretrain", "fewshot", "eval", "labels", "reproduce", "calibrate")


def test_the_help_names_every_command() -> None:
    text = CliRunner().invoke(main, ["--help"]).output
    assert all(f"\n  {name} " in text for name in COMMANDS)
    assert "c2p-train import ViT-B-32.pt --out clip.pt" in text


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_an_example(command: str) -> None:
    result = CliRunner().invoke(main, [*command.split(), "--help"])
    assert result.exit_code == 0
    assert f"c2p-train {command} " in result.output.partition("Example")[2]
    assert ("--out" in result.output) == (command != "calibrate")  # that one writes into what it is given


def test_help_does_not_wait_for_torch() -> None:
    code = (
        "import sys; from c2p_train.cli import main; main(['pretrain', '--help'], standalone_mode=False); "
        "sys.exit(any(name in sys.modules for name in ('torch', 'open_clip', 'matplotlib', 'onnx')))"
    )
    assert subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL).returncode == 0


def test_the_module_is_the_command() -> None:
    """As torchrun starts it."""
    run = subprocess.run([sys.executable, "-m", "c2p_train", "--version"], capture_output=True, text=True)
    assert run.returncode == 0 and "version" in run.stdout


AT_THE_START = """
import atexit, os, sys
from importlib import import_module
atexit.register(lambda: print([os.environ.get(name) for name in ("OMP_WAIT_POLICY", "KMP_BLOCKTIME")]))
command = import_module(f"{sys.argv.pop(1)}.__main__").main
assert "torch" not in sys.modules
command()
"""


@pytest.mark.parametrize("package", ["c2p_train", "c2p_recipes", "c2p_export"])
def test_threads_that_wait_sleep_unless_told_otherwise(package: str) -> None:
    """OpenMP reads it when torch is imported: it has to be there before."""
    given = {
        name: value for name, value in os.environ.items() if name not in ("OMP_WAIT_POLICY", "KMP_BLOCKTIME")
    }
    for more, expected in (({}, ["PASSIVE", "0"]), ({"OMP_WAIT_POLICY": "ACTIVE"}, ["ACTIVE", "0"])):
        run = subprocess.run(
            [sys.executable, "-c", AT_THE_START, package, "--version"],
            capture_output=True,
            text=True,
            env=given | more,
        )
        assert run.stdout.splitlines()[-1] == str(expected), run.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["import", "bad.pt", "--out", "x.pt"],
        ["pretrain", "no_pairs", "--image-encoder", "bad.pt", "--out", "run"],
        ["fewshot", "--ckpt", "bad.pt", "--data", "no_pairs"],
        ["eval", "--ckpt", "bad.pt", "--data", "no_pairs"],
        ["render", "no_pairs", "--out", "pairs"],
        ["reproduce", "--data-root", "no_pairs", "--weights", "no_pairs"],
        ["labels", "mug", "--pretrained", "bad.pt", "--out", "l.json"],
    ],
)
def test_bad_input_ends_in_one_line(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("no_pairs").mkdir()
    Path("bad.pt").write_bytes(b"this is not a checkpoint")
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 1, result.output
    errors = [line for line in result.output.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1 and "Traceback" not in result.output
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["bad.pt"]


@pytest.fixture
def no_waiting() -> Iterator[None]:
    """What waits for two minutes fails, instead of stopping all tests."""

    def fail(*_: object) -> None:
        raise AssertionError("waited")

    before = signal.signal(signal.SIGALRM, fail)
    signal.setitimer(signal.ITIMER_REAL, 120)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.usefixtures("no_waiting")
@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
@pytest.mark.parametrize(
    "arguments",
    [
        ["import", "IT.pt", "--out", "x.pt"],
        ["import", "IT.pth", "--out", "x.pt"],
        ["fewshot", "--ckpt", "IT.pt", "--data", "data"],
        ["eval", "--ckpt", "IT.pt", "--data", "data"],
        ["labels", "mug", "--pretrained", "IT.pt", "--out", "l.json"],
        ["labels", "mug", "--clip", "ViT-B-32", "--pretrained", "IT.safetensors", "--out", "l.json"],
        ["pretrain", "data", "--image-encoder", "IT.pt", "--out", "run"],
    ],
    ids=" ".join,
)
def test_what_is_no_file_ends_in_one_line_and_at_once(
    arguments: list[str], kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("data").mkdir()
    (name,) = (argument for argument in arguments if argument.startswith("IT."))
    if kind == "pipe":
        os.mkfifo(name)
    elif kind == "folder":
        Path(name).mkdir()
    else:
        Path(name).symlink_to("/dev/zero")
    result = CliRunner().invoke(main, arguments)
    # click asks before we do whether it can be read, and is no folder
    assert result.exit_code in (1, 2) and "Traceback" not in result.output, result.output
    assert isinstance(result.exception, SystemExit), result.exception
    assert sum(line.lower().startswith("error: ") for line in result.stderr.splitlines()) == 1


WITHOUT_EXTRAS = """
import sys
from click.testing import CliRunner
from c2p_recipes.cli import main as recipe
from c2p_train.cli import main as train

for name in ("torch", "torchvision", "open_clip", "trimesh", "embreex", "h5py", "matplotlib", "onnx"):
    sys.modules[name] = None  # as if it were not installed
folder, file = sys.argv[1:]
for command, arguments in (
    (train, ["import", file, "--out", "x.pt"]),
    (train, ["render", folder, "--out", "pairs"]),
    (train, ["pretrain", folder, "--image-encoder", file, "--out", "run"]),
    (train, ["fewshot", "--data", folder]),
    (train, ["eval", "--ckpt", file, "--data", folder]),
    (train, ["labels", "mug", "--out", "l.json"]),
    (train, ["reproduce", "--data-root", folder, "--weights", folder]),
    (train, ["calibrate", "--ckpt", file, folder]),
    (recipe, ["default", "--objects", folder, "--furniture", file, "--text", folder]),
):
    help = CliRunner().invoke(command, [arguments[0], "--help"])
    ran = CliRunner().invoke(command, arguments)
    print(help.exit_code, ran.exit_code, repr(ran.exception), ran.stderr, end="")
"""


def test_without_its_extra_every_command_names_it_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "a.pt"
    file.touch()
    run = subprocess.run(
        [sys.executable, "-c", WITHOUT_EXTRAS, tmp_path, file], capture_output=True, text=True, cwd=tmp_path
    )
    lines = run.stdout.splitlines()
    assert len(lines) == len(COMMANDS) + 1, run.stdout + run.stderr
    for line, extra in zip(lines, [*len(COMMANDS) * ["train"], "export"], strict=True):
        assert line.startswith("0 1 SystemExit(1) error: ") and " needs " in line
        assert "; pip install " in line and line.endswith(f"[{extra}]'")
    assert list(tmp_path.iterdir()) == [file]
