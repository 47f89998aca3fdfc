"""A real `tritonserver` on this machine, and the `Classifier` that its answers must equal.

The wheel of nvidia-pytriton holds a server whose Python backend needs NumPy 1, so that it has an environment of
its own: `.venv-triton` in the repository, or the one whose interpreter $C2P_TRITON_PYTHON names. What the
classifier says is computed there, too: the last digits of a sum depend on the NumPy that makes it.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from paths import REPOSITORY

HOW = "python3 -m venv .venv-triton && .venv-triton/bin/pip install . nvidia-pytriton"
DEADLINE = 120.0  # seconds, after which a busy machine is a broken one

_ABOUT = """
import importlib.util, json, numpy, sys, sysconfig
import c2p_runtime.classifier
found = importlib.util.find_spec("pytriton")  # not imported: its own Python layer does not fit every Python
assert found is not None and int(numpy.__version__.split(".")[0]) < 2
print(json.dumps([found.submodule_search_locations[0], sysconfig.get_config_var("LIBDIR"),
    f"{sys.version_info.major}.{sys.version_info.minor}"]))
"""
_REFERENCE = """
import json, sys
import numpy as np
from c2p_runtime import Classifier
engine, clouds, groups, out = sys.argv[1:]
clouds, found = np.load(clouds), {}
with Classifier(engine) as classifier:
    for number, (names, group) in enumerate(json.load(open(groups))):
        labelled = classifier if names is None else classifier.with_labels(names)
        for place, each in enumerate(labelled.batch([clouds[str(cloud)] for cloud in group])):
            found |= {f"{number}/{place}/{name}": value for name, value in {
                "label": each.label or "", "guess": each.guess, "reason": each.reason or "",
                "confidence": np.float64(each.confidence), "scores": each.scores, "names": each.labels,
            }.items()}
np.savez(out, **found)
"""
Answer = dict[str, Any]  # by the names of the outputs
Group = tuple[
    list[str] | None, list[int]
]  # labels, and the numbers of clouds that are classified in one call


@dataclass(frozen=True)
class Triton:
    """Where the server and what it needs are."""

    python: Path
    package: Path  # of pytriton
    libraries: str  # folders of them
    version: str  # of its Python: 3.11

    def environment(self) -> dict[str, str]:
        """With the packages of this checkout, and its own Python before any other."""
        path = os.pathsep.join((str(self.python.parent), os.environ["PATH"]))
        return {**os.environ, "PATH": path, "PYTHONPATH": _CHECKOUT, "LD_LIBRARY_PATH": self.libraries}

    def backends(self, folder: Path) -> Path:
        """A folder of backends: the Python backend, with what runs models in this Python beside it."""
        server = self.package / "tritonserver"
        shutil.copytree(server / "backends" / "python", folder / "python")
        stub = "triton_python_backend_stub"
        shutil.copy(server / "python_backend_stubs" / self.version / stub, folder / "python" / stub)
        (folder / "python" / stub).chmod(0o755)
        return folder


_CHECKOUT = os.pathsep.join(map(str, (REPOSITORY, REPOSITORY / "runtime")))


@cache
def triton() -> Triton:
    """The server of this machine; skips the test where there is none."""
    python = Path(os.environ.get("C2P_TRITON_PYTHON", REPOSITORY / ".venv-triton" / "bin" / "python"))
    if not python.is_file():
        pytest.skip(f"needs a tritonserver: {HOW}")
    about = subprocess.run(
        [python, "-c", _ABOUT],
        env={**os.environ, "PYTHONPATH": _CHECKOUT},
        stdout=subprocess.PIPE,
        text=True,
        timeout=DEADLINE,
        check=True,
    )
    package, libraries, version = json.loads(about.stdout)
    own = Path(package).parent / "nvidia_pytriton.libs"
    return Triton(python, Path(package), f"{own}{os.pathsep}{libraries}", version)


@contextmanager
def serving(server: Triton, repository: Path, model: str, work: Path) -> Iterator[Any]:
    """A client (tritonclient.http) of a server that has loaded `model`; work: an empty folder."""
    from tritonclient.http import InferenceServerClient

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = free.getsockname()
    binary = work / "tritonserver"
    shutil.copy(server.package / "tritonserver" / "bin" / "tritonserver", binary)
    binary.chmod(0o755)
    command: list[Any] = [binary, "--model-repository", repository, "--backend-directory"]
    command += [server.backends(work / "backends"), "--model-control-mode", "explicit", "--load-model", model]
    command += ["--http-address", address[0], "--http-port", str(address[1]), "--exit-timeout-secs", "5"]
    command += ["--allow-grpc", "false", "--allow-metrics", "false"]
    log = work / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=server.environment(), stdout=output, stderr=output)
    try:
        client = InferenceServerClient(f"{address[0]}:{address[1]}", concurrency=32, network_timeout=DEADLINE)
        with client:
            until = time.monotonic() + DEADLINE
            while not _is_ready(client):
                assert process.poll() is None and time.monotonic() < until, log.read_text(errors="replace")
                time.sleep(0.1)
            yield client
    finally:
        process.terminate()
        try:
            process.wait(DEADLINE)
        finally:
            process.kill()
            process.wait()


def _is_ready(client: Any) -> bool:
    with suppress(OSError):
        return bool(client.is_server_ready())
    return False


def expected(
    server: Triton, engine: Path, clouds: Sequence[np.ndarray], groups: Sequence[Group], work: Path
) -> list[list[Answer]]:
    """What `Classifier.batch` says of groups of clouds in one call each, in the server's own environment."""
    np.savez(work / "clouds.npz", **{str(number): cloud for number, cloud in enumerate(clouds)})
    (work / "groups.json").write_text(json.dumps(groups))
    paths = (engine, work / "clouds.npz", work / "groups.json", work / "expected.npz")
    subprocess.run(
        [server.python, "-c", _REFERENCE, *paths], env=server.environment(), check=True, timeout=DEADLINE
    )
    outputs = ("label", "guess", "reason", "confidence", "scores", "names")
    with np.load(work / "expected.npz") as found:
        return [
            [{name: found[f"{number}/{place}/{name}"] for name in outputs} for place in range(len(group))]
            for number, (_, group) in enumerate(groups)
        ]
