"""Engines in Triton Inference Server: the real one answers what `Classifier` answers."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

import c2p_deploy
import c2p_runtime
from c2p_deploy import Manifest
from c2p_export.cli import main
from c2p_runtime import Classifier
from engines import LABELS, write_engine

RNG = np.random.default_rng(0)
CLOUDS = [RNG.normal(size=(count, 3)).astype(np.float32) for count in (40, 700, 3000, 1024)]
FLAT = np.zeros((50, 3), np.float32)  # no cloud


def export(*arguments: object) -> Result:
    return CliRunner().invoke(main, [*map(str, arguments)])


def write_models(folder: Path) -> tuple[Path, Path]:
    """An engine called thing.onnx, and the repository of it."""
    engine = write_engine(folder)
    for suffix in (".onnx", ".json"):
        shutil.copy(engine.with_suffix(suffix), folder / f"thing{suffix}")
    engine = folder / "thing.onnx"
    done = export("--onnx", engine, "--triton", folder / "models")
    assert done.exit_code == 0, done.output
    return engine, folder / "models"


def test_a_repository_is_what_the_server_looks_for(tmp_path: Path) -> None:
    engine, models = write_models(tmp_path)
    found = {str(path.relative_to(models)) for path in models.rglob("*") if path.is_file()}
    named = {
        f"thing/{name}"
        for name in ("config.pbtxt", "labels.txt", "1/model.py", "1/thing.onnx", "1/thing.json")
    }
    assert found == named | {"thing_encoder/config.pbtxt", "thing_encoder/1/model.onnx"}
    assert (models / "thing/labels.txt").read_text().split() == list(LABELS.names)
    (models / "thing/1/old").write_text("of a former export")
    assert export("--onnx", engine, "--triton", models).exit_code == 0
    assert {str(path.relative_to(models)) for path in models.rglob("*") if path.is_file()} == found


@pytest.mark.parametrize("model", ["thing", "thing_encoder"])
def test_configurations_are_what_tritons_own_definition_takes(tmp_path: Path, model: str) -> None:
    text_format = pytest.importorskip("google.protobuf.text_format")
    definition = pytest.importorskip("tritonclient.grpc.model_config_pb2")
    engine, models = write_models(tmp_path)
    config = text_format.Parse((models / model / "config.pbtxt").read_text(), definition.ModelConfig())
    manifest = Manifest.for_engine(engine)
    assert config.name == model and config.max_batch_size == manifest.batch.max
    if model == "thing_encoder":
        (maps,), (features,) = config.input, config.output
        assert (maps.name, list(maps.dims)) == (manifest.input_name, list(manifest.maps_shape))
        assert (features.name, list(features.dims)) == (manifest.output_name, [manifest.labels.dim])


def test_what_cannot_be_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    engine, _ = write_models(tmp_path)
    file = tmp_path / "file"
    file.touch()
    done = export("--onnx", engine, "--triton", file)
    assert done.exit_code == 2 and "is a file" in done.output
    for suffix in (".onnx", ".json"):
        shutil.copy(engine.with_suffix(suffix), tmp_path / f"a thing{suffix}")
    done = export("--onnx", tmp_path / "a thing.onnx", "--triton", tmp_path / "others")
    assert done.exit_code == 2 and "letters, digits" in done.output and not (tmp_path / "others").exists()
    engine.write_bytes(b"another")
    done = export("--onnx", engine, "--triton", tmp_path / "others")
    assert done.exit_code == 1 and "SHA-256 differs" in done.output and not (tmp_path / "others").exists()


@dataclass(frozen=True)
class Server:
    address: str
    engine: Path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """tritonserver on loopback with the model, in an environment that has NumPy 1."""
    folder = tmp_path_factory.mktemp("triton")
    with served(folder, lambda installed: environment_of_server(folder, installed)) as found:
        yield found


def test_a_server_with_another_numpy_says_so(tmp_path: Path) -> None:
    """It would read clouds wrongly, and name them all the same."""
    if int(np.__version__.partition(".")[0]) < 2:
        pytest.skip("NumPy here is the one that the server wants")
    with pytest.raises(AssertionError, match="needs numpy<2"), served(tmp_path, lambda _: Path(sys.prefix)):
        pass


@contextmanager
def served(folder: Path, environment: Callable[[Path], Path]) -> Iterator[Server]:
    """tritonserver on loopback; ended by its process id. environment: whose Python it takes."""
    installed = folder_of_server()
    if installed is None:
        pytest.skip("no server: pip install --no-deps --target DIR nvidia-pytriton 'numpy<2', C2P_TRITON=DIR")
    engine, models = write_models(folder)
    backends = folder / "backends"
    shutil.copytree(installed / "backends", backends)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    stub = installed / "python_backend_stubs" / version / "triton_python_backend_stub"
    shutil.copy(stub, backends / "python")  # where the server looks for it
    program = installed / "bin" / "tritonserver"
    for file in (program, backends / "python" / stub.name):  # a wheel does not say what is a program
        file.chmod(0o755)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = {
        "model-repository": models, "backend-directory": backends, "model-control-mode": "explicit",
        "load-model": "thing", "http-address": "127.0.0.1", "http-port": port, "allow-grpc": "false",
        "allow-metrics": "false",
    }  # fmt: skip
    paths = {
        "PATH": os.pathsep.join([str(environment(installed) / "bin"), os.environ["PATH"]]),
        "LD_LIBRARY_PATH": os.pathsep.join(  # for what was copied, and its libpython
            [str(installed.parents[1] / "nvidia_pytriton.libs"), sysconfig.get_config_var("LIBDIR")]
        ),
    }
    log = (folder / "log").open("w")
    process = subprocess.Popen(
        [program, *(f"--{name}={value}" for name, value in options.items())],
        env={**os.environ, **paths},
        stdout=subprocess.DEVNULL,
        stderr=log,
    )
    try:
        until = time.monotonic() + 120
        address = f"127.0.0.1:{port}"
        while not ready(address):
            told = (folder / "log").read_text()
            failed = "failed to load" in told or process.poll() is not None
            assert not failed and time.monotonic() < until, told[-3000:]
            time.sleep(0.2)
        yield Server(address, engine)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        finally:
            process.kill()
            process.wait()
            log.close()


def folder_of_server() -> Path | None:
    """Where a wheel of nvidia-pytriton has put the server. It cannot be beside us: it wants NumPy 1."""
    given = os.environ.get("C2P_TRITON")
    return None if not given else Path(given) / "pytriton" / "tritonserver"


def environment_of_server(folder: Path, installed: Path) -> Path:
    """A virtual environment as a server's image would have it: the packages here, but NumPy 1.

    Triton takes the Python that it finds, and heeds no PYTHONPATH.
    """
    environment = folder / "python"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    packages = next(environment.glob("lib/python*/site-packages"))
    for name in ("numpy", "numpy.libs"):
        (packages / name).symlink_to(installed.parents[1] / name)
    ours = [str(Path(module.__path__[0]).parent) for module in (c2p_deploy, c2p_runtime)]
    (packages / "these.pth").write_text("\n".join([*ours, *filter(None, sys.path)]))
    return environment


def ready(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://{address}/v2/models/thing/ready", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def ask(server: Server, points: np.ndarray) -> dict[str, np.ndarray]:
    """What the server says of points [B, N, 3]. Raises InferenceServerException."""
    http = pytest.importorskip("tritonclient.http")
    asked = http.InferInput("points", list(points.shape), "FP32")
    asked.set_data_from_numpy(points)
    with http.InferenceServerClient(server.address, network_timeout=60) as client:
        found = client.infer("thing", [asked])
        return {name: found.as_numpy(name) for name in ("label", "guess", "reason", "confidence", "scores")}


def test_answers_are_the_classifiers_to_the_bit(server: Server) -> None:
    with Classifier(server.engine) as clf:
        for cloud in CLOUDS:
            found, expected = ask(server, cloud[None]), clf(cloud)
            assert found["label"].tolist() == [[(expected.label or "").encode()]]
            assert found["guess"].tolist() == [[expected.guess.encode()]]
            np.testing.assert_array_equal(found["scores"], expected.scores[None])
            assert found["confidence"].tolist() == [[np.float32(expected.confidence)]]
        several = np.stack([CLOUDS[1][:500], CLOUDS[2][:500], CLOUDS[3][:500]])
        scores = np.stack([one.scores for one in clf.batch(list(several))])
        np.testing.assert_array_equal(ask(server, several)["scores"], scores)


def test_clouds_of_all_sizes_share_calls_of_the_engine(server: Server) -> None:
    with Classifier(server.engine) as clf:
        expected = [clf(cloud).scores for cloud in CLOUDS]
    before = statistics(server)
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda number: ask(server, CLOUDS[number % 4][None]), range(40)))
    for number, one in enumerate(found):
        np.testing.assert_allclose(one["scores"][0], expected[number % 4], atol=1e-6)
    clouds, calls = (now - then for now, then in zip(statistics(server), before, strict=True))
    assert clouds == 40 and calls < 40


def test_a_cloud_that_is_none_is_its_own_error(server: Server) -> None:
    client = pytest.importorskip("tritonclient.utils")

    def told(cloud: np.ndarray) -> str:
        try:
            return str(ask(server, cloud[None])["guess"][0, 0])
        except client.InferenceServerException as error:
            return f"refused: {error}"

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(told, [FLAT, CLOUDS[0], np.full((9, 3), np.nan, np.float32), CLOUDS[1]] * 4))
    for bad in (*found[::4], *found[2::4]):
        assert (bad.startswith("refused: ") and "check the sensor" in bad) or "some extent" in bad
    assert not any(good.startswith("refused") for good in (*found[1::4], *found[3::4]))
    with pytest.raises(client.InferenceServerException):
        ask(server, np.zeros((1, 10, 4), np.float32))


def statistics(server: Server) -> tuple[int, int]:
    """Clouds answered, and calls of the model."""
    with urllib.request.urlopen(f"http://{server.address}/v2/models/thing/stats", timeout=10) as answer:
        (found,) = json.load(answer)["model_stats"]
    return found["inference_count"], found["execution_count"]
