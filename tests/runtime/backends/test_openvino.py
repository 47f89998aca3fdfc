"""OpenVINO on the CPU gives what ONNX Runtime gives, in the type that the engine's precision allows."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from c2p_deploy import Manifest
from c2p_deploy.errors import EngineError, MissingDependencyError
from c2p_deploy.projection.spec import FloatArray
from c2p_export.checkpoint import Source
from c2p_export.export import make_engines
from c2p_export.request import ExportOptions
from c2p_export.verify_clouds import depth_maps, made_up_clouds
from c2p_runtime import Classifier
from c2p_runtime.backends.onnxruntime import OnnxRuntimeBackend
from c2p_runtime.backends.openvino import OpenVINOBackend, import_openvino, type_for
from c2p_runtime.classifier import DEFAULT_ENGINE
from engines import write_engine
from small_models import checkpoint


@pytest.fixture(scope="module")
def maps() -> FloatArray:
    """Depth maps of five clouds, as the bundled model takes them."""
    manifest = Manifest.for_engine(DEFAULT_ENGINE)
    return depth_maps(made_up_clouds(5), manifest.views, manifest.spec)


def cosines(one: FloatArray, other: FloatArray) -> FloatArray:
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return np.asarray((one * other).sum(axis=1) / lengths)


def test_a_float32_engine_gives_what_onnx_runtime_gives(tmp_path: Path) -> None:
    whole, engine = checkpoint(), tmp_path / "fp32.onnx"
    maps = depth_maps(made_up_clouds(5), whole.views, whole.spec)
    make_engines(Source(whole, "0" * 64), engine, maps, ExportOptions("fp32", 4))
    manifest = Manifest.for_engine(engine)
    backend = OpenVINOBackend(engine, manifest)
    assert backend.name == "openvino"
    expected = OnnxRuntimeBackend(engine, manifest).run(maps)
    first = backend.run(maps)
    np.testing.assert_allclose(first, expected, atol=1e-5)
    kept = first.copy()
    np.testing.assert_allclose(backend.run(maps[3:]), expected[3:], atol=1e-5)  # another batch size
    np.testing.assert_array_equal(first, kept)  # answers are the caller's, not the request's


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_engines_of_less_precision_stay_as_near_as_the_export_promises(
    tmp_path: Path, precision: str
) -> None:
    whole = checkpoint()
    maps = depth_maps(made_up_clouds(8), whole.views, whole.spec)
    plain, coarse = tmp_path / "fp32.onnx", tmp_path / f"{precision}.onnx"
    make_engines(Source(whole, "0" * 64), plain, maps, ExportOptions("fp32", 4))
    make_engines(Source(whole, "0" * 64), coarse, maps, ExportOptions(precision, 4), calibration=maps)
    expected = OnnxRuntimeBackend(plain, Manifest.for_engine(plain)).run(maps)
    features = OpenVINOBackend(coarse, Manifest.for_engine(coarse)).run(maps)
    assert cosines(features, expected).min() > {"fp16": 0.999, "int8": 0.99}[precision]


@pytest.mark.parametrize(
    ("precision", "capabilities", "kind"),
    [
        ("fp32", ["FP32", "BF16", "INT8"], "f32"),  # whoever exports float32 wants float32
        ("fp16", ["FP32", "BF16", "INT8"], "bf16"),  # AMD Zen 4, Intel Cooper Lake
        ("fp16", ["FP32", "FP16", "BF16"], "f16"),  # Intel Granite Rapids, ARM
        ("fp16", ["FP32", "INT8"], "f32"),
        ("int8", ["FP32", "BF16", "INT8"], "f32"),
    ],
)
def test_the_type_follows_the_engine_and_the_cpu(precision: str, capabilities: list[str], kind: str) -> None:
    assert type_for(precision, capabilities) == kind


def test_a_16_bit_engine_says_what_it_is_computed_in(tmp_path: Path) -> None:
    capabilities = import_openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    engine = write_engine(tmp_path)
    manifest = replace(Manifest.for_engine(engine), precision="fp16")
    kind = type_for("fp16", capabilities)
    assert OpenVINOBackend(engine, manifest).name == ("openvino" if kind == "f32" else f"openvino ({kind})")


def test_many_threads_at_once(tmp_path: Path) -> None:
    clf = Classifier(write_engine(tmp_path), backend="openvino")
    clouds = [np.random.default_rng(seed).normal(size=(100, 3)) for seed in range(40)]
    expected = [clf(cloud).features for cloud in clouds]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(clf, clouds))
    for answer, feature in zip(answers, expected, strict=True):
        np.testing.assert_array_equal(answer.features, feature)


def test_what_cannot_be_run_is_said_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = write_engine(tmp_path)
    manifest = Manifest.for_engine(engine)
    with pytest.raises(EngineError, match=r"tiny\.onnx: OpenVINO does not run fp8; use onnxruntime"):
        OpenVINOBackend(engine, replace(manifest, precision="fp8"))
    with pytest.raises(EngineError, match=r"tiny\.onnx: has inputs \['depth'\] .* says maps"):
        OpenVINOBackend(engine, replace(manifest, input_name="maps"))
    with pytest.raises(EngineError, match=r"^[^\n]*tiny\.onnx: [^\n]+$"):
        OpenVINOBackend(engine, manifest).run(np.zeros((1, 3, 16, 16), np.float32))
    engine.write_bytes(b"not a model")
    with pytest.raises(
        EngineError, match=r"^[^\n]*tiny\.onnx: OpenVINO cannot load it: [^\n]+export it again$"
    ):
        OpenVINOBackend(engine, manifest)
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(MissingDependencyError, match=r"pip install .*\[openvino\]'"):
        OpenVINOBackend(engine, manifest)


def test_openvino_reports_to_nobody(tmp_path: Path) -> None:
    """Its telemetry is on unless CI is set, and would leave an identifier in the home folder."""
    program = (
        "import sys\n"
        "from c2p_runtime import Classifier\n"
        "assert Classifier(sys.argv[1], backend='openvino').backend == 'openvino'\n"
        "print([m for m in sys.modules if m.startswith('openvino_telemetry')])"
    )
    home = tmp_path / "home"
    home.mkdir()
    environment = {name: value for name, value in os.environ.items() if name != "CI"} | {"HOME": str(home)}
    found = subprocess.run(
        [sys.executable, "-c", program, str(write_engine(tmp_path))],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert found.stdout.strip() == "[]"
    assert {path.name for path in home.iterdir()} <= {".cache"}
