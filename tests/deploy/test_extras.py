"""The command that installs an extra works where the package came from."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from c2p_deploy import extras
from paths import REPOSITORY


class Noted:
    """A distribution of which pip has noted where it is from."""

    def __init__(self, text: str | None) -> None:
        self.text = text

    def read_text(self, name: str) -> str | None:
        assert name == "direct_url.json"
        return self.text


def elsewhere(monkeypatch: pytest.MonkeyPatch, text: str | None) -> None:
    """The package is in site-packages, with this note."""
    monkeypatch.setattr(extras, "__file__", "/usr/lib/python3/site-packages/c2p_deploy/extras.py")
    monkeypatch.setattr("importlib.metadata.distribution", lambda name: Noted(text))


def test_in_a_checkout_it_is_the_checkout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert shlex.split(extras.install("train")) == ["pip", "install", "-e", f"{REPOSITORY}[train]"]
    monkeypatch.chdir(REPOSITORY)
    assert extras.install("train", "las") == "pip install -e '.[train,las]'"


def test_installed_from_a_folder_it_is_that_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    sources = tmp_path / "my sources"
    sources.mkdir()
    (sources / "pyproject.toml").write_text('[project]\nname = "c2p-deploy"\n')
    elsewhere(monkeypatch, json.dumps({"url": sources.as_uri(), "dir_info": {}}))
    assert shlex.split(extras.install("las")) == ["pip", "install", f"{sources}[las]"]
    (sources / "pyproject.toml").write_text('[project]\nname = "another"\n')
    assert extras.install("las") == "pip install 'c2p-deploy[las]'"


@pytest.mark.parametrize(
    ("note", "command"),
    [
        (
            {"url": "file:///tmp/c2p_deploy-1.whl", "archive_info": {}},
            "pip install '/tmp/c2p_deploy-1.whl[rtx]'",
        ),
        (
            {"url": "https://example.org/c2p.git", "vcs_info": {"vcs": "git", "commit_id": "1"}},
            "pip install 'c2p-deploy[rtx] @ git+https://example.org/c2p.git'",
        ),
        (
            {"url": "https://example.org/c2p.whl", "archive_info": {}},
            "pip install 'c2p-deploy[rtx] @ https://example.org/c2p.whl'",
        ),
        ({"url": "file:///nowhere/at/all", "dir_info": {}}, "pip install 'c2p-deploy[rtx]'"),
        ([], "pip install 'c2p-deploy[rtx]'"),
        (None, "pip install 'c2p-deploy[rtx]'"),
    ],
)
def test_installed_from_elsewhere_it_is_what_pip_has_noted(
    monkeypatch: pytest.MonkeyPatch, note: object, command: str
) -> None:
    elsewhere(monkeypatch, None if note is None else json.dumps(note))
    assert extras.install("rtx") == command


def test_pip_understands_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)
    code = """if True:
        import sys
        from pip._internal.req.constructors import install_req_from_editable
        made = install_req_from_editable(sys.argv[1])
        print(sorted(made.extras), made.link.url)
    """
    where = shlex.split(extras.install("train"))[-1]
    done = subprocess.run([sys.executable, "-c", code, where], capture_output=True, text=True, cwd=os.curdir)
    if "No module named" in done.stderr:
        pytest.skip("needs pip")
    assert done.stdout == f"['train'] {REPOSITORY.as_uri()}\n", done.stderr
