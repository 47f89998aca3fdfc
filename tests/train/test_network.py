"""Weights that cannot be fetched are refused at once, before anything slow is imported."""

from __future__ import annotations

import http.server
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from c2p_deploy.errors import C2PError
from c2p_train import network

NOBODY = "http://127.0.0.1:9"  # the port of discard, where no server listens


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No network, and empty caches in this folder."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "HF_HUB_OFFLINE", "HF_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_ENDPOINT", NOBODY)
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def server() -> Iterator[str]:
    class Answers(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Answers) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


def test_any_answer_will_do(alone: Path, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert network.reachable(server)
    monkeypatch.setenv("HF_ENDPOINT", server)
    network.require_weights("ViT-B-32", "openai")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert not network.reachable(server)


def test_a_server_that_keeps_silent_is_not_waited_for(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "_PATIENCE", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert not network.reachable(f"http://127.0.0.1:{silent.getsockname()[1]}")
    assert not network.reachable("no url")


def test_what_is_here_needs_no_network(alone: Path) -> None:
    with pytest.raises(C2PError, match=r"'openai' are not on this machine and http://127\.0\.0\.1:9 cannot"):
        network.require_weights("ViT-B-32", "openai")
    network.require_weights("ViT-Z-99", "openai")  # there is none: load_clip will say so
    weights = alone / "ViT-B-32.pt"
    weights.touch()
    network.require_weights(None, str(weights))
    blob = alone / "hub" / "models--timm--clip" / "blobs" / "0"
    blob.parent.mkdir(parents=True)
    blob.write_bytes(b"small")
    assert not network.fetched_before()
    with blob.open("wb") as file:
        file.truncate(11 << 20)
    network.require_weights("ViT-B-32", "openai")


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("c2p_train.commands.labels:labels", ["mug", "--out", "mugs.json"]),
        ("c2p_train.commands.import_:import_", ["--clip", "ViT-B-16", "--pretrained", "x", "--out", "x.pt"]),
    ],
)
def test_commands_end_before_torch_is_imported(alone: Path, module: str, arguments: list[str]) -> None:
    name, _, function = module.partition(":")
    code = (
        f"import sys; from {name} import {function} as command\n"
        f"try: command.main({arguments}, standalone_mode=False)\n"
        "finally: print('torch' in sys.modules)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=alone, env=os.environ, capture_output=True, text=True
    )
    assert (ended.returncode, ended.stdout) == (1, "False\n")
    assert ended.stderr.startswith("error: the weights '") and ended.stderr.count("\n") == 1
    assert not list(alone.glob("*.json"))
