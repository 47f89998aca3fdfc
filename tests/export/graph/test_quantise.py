"""int8 and fp8: pairs where TensorRT wants them, and features that stay near."""

from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import onnxruntime as ort
import pytest
import torch
from onnx import TensorProto, numpy_helper

from c2p_deploy.errors import C2PError
from c2p_deploy.manifest import BatchProfile
from c2p_export.graph.engine import write_engine
from c2p_export.graph.onnx_file import trace
from c2p_export.graph.quantise import quantise
from c2p_export.graph.sensitivity import (
    AIM,
    PRODUCTS,
    REFUSED,
    Mended,
    features_of,
    quantised_products,
    smallest_cosine,
)
from c2p_export.parity import LIMITS
from c2p_export.plan.build import build_plan
from c2p_export.plan.options import PlanOptions
from c2p_runtime.backends.onnxruntime import open_session
from heard import heard_lines
from small_models import DEPTH, checkpoint

TYPES = {"int8": TensorProto.INT8, "fp8": TensorProto.FLOAT8E4M3FN}


@pytest.fixture(scope="module", params=[("int8", "vit"), ("int8", "conv"), ("fp8", "vit")], ids="-".join)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str, Path]:
    precision, kind = request.param
    path = tmp_path_factory.mktemp(precision) / "e.onnx"
    write_engine(checkpoint("dpa", kind), path, precision, DEPTH)
    return precision, kind, path


def cosine(engine: tuple[str, str, Path], level: ort.GraphOptimizationLevel | None = None) -> float:
    """The smallest, with the checkpoint's features; level: None is what the runtime uses."""
    precision, kind, path = engine
    if level is None:
        session = open_session(path, precision)
    else:
        options = ort.SessionOptions()
        options.graph_optimization_level, options.log_severity_level = level, 3
        session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    got = session.run(["features"], {"depth": DEPTH})[0]
    with torch.inference_mode():
        expected = checkpoint("dpa", kind).model(torch.from_numpy(DEPTH)).numpy()
    return float((got * expected).sum(axis=1).min())  # both of unit length


def test_features_stay_near(engine: tuple[str, str, Path]) -> None:
    assert cosine(engine) > (0.995 if engine[0] == "int8" else 0.98)


def test_the_optimisations_of_onnx_runtime_change_nothing(engine: tuple[str, str, Path]) -> None:
    """ONNX Runtime once rounded the biases of such graphs with a scale that float16 does not hold."""
    plain = cosine(engine, ort.GraphOptimizationLevel.ORT_DISABLE_ALL)
    assert cosine(engine) == pytest.approx(plain, abs=2e-3)


def test_pairs_are_symmetric_and_around_products_with_weights_only(engine: tuple[str, str, Path]) -> None:
    precision, kind, path = engine
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    graph = model.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    producer = {name: node for node in graph.node for name in node.output}

    def pair(name: str) -> onnx.NodeProto | None:
        node = producer.get(name)
        return node if node is not None and node.op_type == "DequantizeLinear" else None

    weights, plain = [], []
    for node in graph.node:
        if node.op_type not in ("MatMul", "Gemm", "Conv"):
            continue
        pairs = [pair(name) for name in node.input]
        (weights if all(pairs) else plain).append(node)
        for found in filter(None, pairs):
            zero = numpy_helper.to_array(constants[found.input[2]]).astype(np.float32)
            assert not zero.any() and constants[found.input[2]].data_type == TYPES[precision]
    assert weights
    # Left as they were: the convolutions over depth maps (those of three channels are folded to
    # one), and the two products of attention, which have no weights.
    firsts = [node for node in plain if node.op_type == "Conv"]
    assert len(firsts) == 2 and all(constants[node.input[1]].dims[1] == 1 for node in firsts)
    assert len(plain) - len(firsts) == (2 * 2 * 2 if kind == "vit" else 0)
    assert all(len(node.input) == 2 for node in (*weights, *plain))  # biases are additions


def test_weights_are_stored_in_eight_bits_per_channel(engine: tuple[str, str, Path]) -> None:
    precision, _, path = engine
    graph = onnx.load(path).graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    stored = [
        node for node in graph.node if node.op_type == "DequantizeLinear" and node.input[0] in constants
    ]
    for node in stored:
        weight, scale = (constants[name] for name in node.input[:2])
        assert weight.data_type == TYPES[precision]
        (axis,) = (attribute.i for attribute in node.attribute if attribute.name == "axis")
        assert scale.dims[0] == weight.dims[axis]
        largest = np.abs(numpy_helper.to_array(weight).astype(np.float32)).max()
        assert largest > (120 if precision == "int8" else 400)  # the range is used
    products = [node for node in graph.node if node.op_type in ("MatMul", "Gemm", "Conv")]
    in_float = [node for node in products if node.input[1] in constants]
    assert [node.op_type for node in in_float] == ["Conv", "Conv"]  # those over the depth maps


def test_tensorrt_rtx_builds_it(engine: tuple[str, str, Path], tmp_path: Path) -> None:
    pytest.importorskip("tensorrt_rtx")
    options = PlanOptions("tensorrt-rtx", ("8.9",), BatchProfile(1, 1, 4))
    target = build_plan(engine[2], tmp_path / "e.plan", options)
    assert target.compute_capabilities == ("8.9",) and (tmp_path / "e.plan").stat().st_size > 10_000


def test_without_clouds_there_is_nothing_to_measure(tmp_path: Path) -> None:
    with pytest.raises(C2PError, match=r"int8 needs clouds .* --calib"):
        write_engine(checkpoint(), tmp_path / "e.onnx", "int8", None)


class Outlying(torch.nn.Module):
    """One value between two layers is so large that eight bits leave nothing of those beside it.

    The layer behind makes up for it: in float it matters no more than they do.
    """

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = torch.nn.ModuleList(torch.nn.Linear(*sizes) for sizes in ((64, 32), (32, 32), (32, 8)))
        with torch.no_grad():
            self.layers[0].weight[0] *= 30_000
            self.layers[1].weight[:, 0] /= 30_000

    def forward(self, depth: torch.Tensor) -> torch.Tensor:
        x = depth.flatten(1)
        for layer in self.layers[:-1]:
            x = torch.relu(layer(x))
        return self.layers[-1](x)


def test_what_eight_bits_are_too_few_for_stays_in_float(tmp_path: Path) -> None:
    depth = np.random.default_rng(0).normal(size=(40, 1, 8, 8)).astype(np.float32)
    model = Outlying().eval()
    expected = model(torch.from_numpy(depth)).detach().numpy()

    def made() -> tuple[ir.Model, Mended | None]:
        graph = trace(model, torch.from_numpy(depth[:2]), ("depth", "features"))
        return quantise(graph, depth, "int8", tmp_path)

    graph, mended = made()
    assert mended is not None and 0 < len(mended.kept) < mended.of == 3
    found = features_of(graph, depth)
    assert mended.cosine >= AIM and smallest_cosine(found, expected) == pytest.approx(mended.cosine, abs=1e-4)
    second = next(
        node for node in graph.graph if node.op_type in PRODUCTS and node.inputs[1].shape == (32, 32)
    )
    assert second.name in mended.kept and not {*mended.kept} & {*quantised_products(graph)}
    pairs = [node for node in graph.graph if node.op_type == "DequantizeLinear"]
    assert len(pairs) == 2 * (3 - len(mended.kept))
    again, _ = made()
    assert ir.to_proto(again).SerializeToString() == ir.to_proto(graph).SerializeToString()


def test_what_stays_in_float_is_told_and_stored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Here it is asked for more than eight bits can do, where they would do."""
    for name in ("REFUSED", "AIM"):
        monkeypatch.setattr(f"c2p_export.graph.sensitivity.{name}", 0.9999999)
    with heard_lines() as told:
        write_engine(checkpoint("zeroshot"), tmp_path / "e.onnx", "int8", DEPTH)
    (line,) = [line for line in told if "products stay in float, for which" in line]
    stored = {entry.key: entry.value for entry in onnx.load(tmp_path / "e.onnx").metadata_props}
    assert stored["c2p.in_float"].split(": ")[1] == line.split(": ")[1]


def test_where_nothing_helps_the_graph_stays_as_it_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The gate then refuses it."""
    for name, value in (("REFUSED", 1.1), ("AIM", 1.1)):
        monkeypatch.setattr(f"c2p_export.graph.sensitivity.{name}", value)
    write_engine(checkpoint("zeroshot"), tmp_path / "hopeless.onnx", "int8", DEPTH)
    monkeypatch.undo()
    write_engine(checkpoint("zeroshot"), tmp_path / "plain.onnx", "int8", DEPTH)
    assert (tmp_path / "hopeless.onnx").read_bytes() == (tmp_path / "plain.onnx").read_bytes()


def test_what_is_mended_is_what_the_gate_refuses() -> None:
    assert LIMITS["int8"].cosine_min == REFUSED and AIM > REFUSED
