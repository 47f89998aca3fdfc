"""float16 in the graph: who computes in it, and where the casts are."""

from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import pytest
import torch
from onnx import TensorProto
from torch import nn

from c2p_deploy.errors import EngineError
from c2p_export.graph.engine import write_engine
from c2p_export.graph.fp16 import FLOAT32_OPS, to_fp16
from c2p_export.graph.onnx_file import trace, write_graph
from c2p_runtime.backends.onnxruntime import open_session
from small_models import checkpoint


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> onnx.GraphProto:
    path = tmp_path_factory.mktemp("fp16") / "e.onnx"
    write_engine(checkpoint("gdpa", "vit"), path, "fp16", None)
    return onnx.shape_inference.infer_shapes(onnx.load(path), strict_mode=True).graph


def types(graph: onnx.GraphProto) -> dict[str, int]:
    found = {value.name: value.type.tensor_type.elem_type for value in (*graph.input, *graph.value_info)}
    found |= {value.name: value.type.tensor_type.elem_type for value in graph.output}
    return found | {tensor.name: tensor.data_type for tensor in graph.initializer}


def test_norms_and_softmax_compute_in_float32_and_all_else_in_float16(graph: onnx.GraphProto) -> None:
    kinds, seen = types(graph), set()
    for node in graph.node:
        if node.op_type == "Cast":
            continue
        floats = {kinds[name] for name in (*node.input, *node.output) if name} & {
            TensorProto.FLOAT,
            TensorProto.FLOAT16,
        }
        if not floats or node.op_type == "Shape":
            continue
        wanted = TensorProto.FLOAT if node.op_type in FLOAT32_OPS else TensorProto.FLOAT16
        assert floats == {wanted}, node.name
        seen.add(node.op_type)
    assert {"LayerNormalization", "Softmax", "ReduceL2", "Div", "MatMul", "Gemm", "Conv"} <= seen
    assert {kinds["depth"], kinds["features"]} == {TensorProto.FLOAT}


def test_large_weights_are_stored_once_and_in_float16(graph: onnx.GraphProto) -> None:
    large = [tensor for tensor in graph.initializer if np.prod(tensor.dims) > 64]
    assert large and all(tensor.data_type == TensorProto.FLOAT16 for tensor in large)
    names = [name for node in graph.node for name in node.input]
    assert all(tensor.name in names for tensor in graph.initializer)  # none left over


def test_a_value_is_cast_once_however_many_read_it(graph: onnx.GraphProto) -> None:
    casts = [(node.input[0], node.attribute[0].i) for node in graph.node if node.op_type == "Cast"]
    assert len(casts) == len(set(casts))


class _Scaled(nn.Module):
    """Two float32 operations read x, one of them through a float16 product."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor([factor, 1.0]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.softmax(self.factor * x, dim=-1) + torch.softmax(x, dim=-1)


def test_a_weight_beyond_float16_is_refused_with_its_name() -> None:
    graph = trace(_Scaled(1e5).eval(), torch.rand(2, 2), ("x", "y"))
    with pytest.raises(EngineError, match=r"weight factor: 100000 does not fit into float16.*--fp32"):
        to_fp16(graph)


def test_an_input_that_two_float32_operations_read(tmp_path: Path) -> None:
    """The case in which ONNX Runtime's converter writes a graph that is none."""
    graph: ir.Model = trace(_Scaled(2.0).eval(), torch.rand(2, 2), ("x", "y"))
    to_fp16(graph)
    write_graph(graph, tmp_path / "g.onnx", {})
    x = np.random.default_rng(0).normal(size=(5, 2)).astype(np.float32)
    (got,) = open_session(tmp_path / "g.onnx").run(["y"], {"x": x})
    with torch.inference_mode():
        expected = _Scaled(2.0)(torch.from_numpy(x)).numpy()
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, expected, atol=2e-3)
