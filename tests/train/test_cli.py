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

COMMANDS = ("import", "render", "pretrain", "fewshot", "eval", "labels", "reproduce")


def test_the_help_names_every_command() -> None:
    text = CliRunner().invoke(main, ["--help"]).output
    assert all(f"\n  {name} " in text for name in COMMANDS)
    assert "c2p-train import ViT-B-32.pt --out clip.pt" in text


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_an_example(command: str) -> None:
    result = CliRunner().invoke(main, [*command.split(), "--help"])
    assert result.exit_code == 0
    assert f"c2p-train {command} " in result.output.partition("Example")[2]
    assert "--out" in result.output


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
