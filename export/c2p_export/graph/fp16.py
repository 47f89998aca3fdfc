"""float16 in the graph: which operations compute in it, and the casts between them.

TensorRT's strongly typed networks compute in the types the ONNX file states. Sums over many
values and exponentials lose too much in float16, so norms, Softmax and means stay in float32;
input and output of the graph stay float32 too. ONNX Runtime's own converter was tried first: it
declares a cast twice where two float32 operations read one value, which is no valid graph.
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
from onnx_ir.passes.common import RemoveUnusedNodesPass

from c2p_deploy.errors import EngineError
from c2p_export.graph.onnx_file import constant

# Norms and softmax, the parts of `folding.unit`, and averages over many values.
FLOAT32_OPS = frozenset(
    {"LayerNormalization", "Softmax", "ReduceL2", "Clip", "Div", "ReduceMean", "GlobalAveragePool"}
)
_LARGEST = float(np.finfo(np.float16).max)
FLOAT32, FLOAT16 = ir.DataType.FLOAT, ir.DataType.FLOAT16


def to_fp16(model: ir.Model) -> None:
    """Turns a float32 graph into one of float16 with float32 where FLOAT32_OPS say so, in place.

    Raises EngineError for a weight that float16 cannot hold.
    """
    graph = model.graph
    casts: dict[tuple[str, ir.DataType], ir.Value] = {}
    for node in list(graph):
        wanted = FLOAT32 if node.op_type in FLOAT32_OPS else FLOAT16
        for index, value in enumerate(node.inputs):
            if value is not None and value.dtype in (FLOAT32, FLOAT16) and value.dtype != wanted:
                node.replace_input_with(index, _as(value, wanted, casts, node))
        if node.op_type == "Cast" and node.attributes["to"].as_int() == FLOAT32:
            node.attributes["to"] = ir.AttrInt64("to", FLOAT16)
        for value in node.outputs:
            if value.dtype == FLOAT32:
                value.dtype = wanted
    for index, value in enumerate(graph.outputs):
        if value.dtype == FLOAT16:
            graph.outputs[index] = _float32_output(graph, value)
    RemoveUnusedNodesPass()(model)  # with the float32 weights that nobody reads any more


def _as(
    value: ir.Value, wanted: ir.DataType, casts: dict[tuple[str, ir.DataType], ir.Value], before: ir.Node
) -> ir.Value:
    """`value` in another type: a weight is stored in it, anything else is cast once."""
    key = (_name(value), wanted)
    if key not in casts:
        name = f"{key[0]}_{'fp16' if wanted == FLOAT16 else 'fp32'}"
        graph = before.graph
        assert graph is not None
        if value.const_value is not None:
            converted = constant(graph, name, _to_float16(value))
        else:
            cast = _cast(value, wanted, name)
            converted = cast.outputs[0]
            producer = value.producer()
            if producer is None:  # the graph's input
                graph.insert_before(graph[0], cast)
            else:
                graph.insert_after(producer, cast)
        casts[key] = converted
    return casts[key]


def _to_float16(value: ir.Value) -> np.ndarray:
    assert value.const_value is not None
    array = value.const_value.numpy()
    largest = float(np.abs(array).max(initial=0.0))
    if not largest <= _LARGEST:
        raise EngineError(
            f"weight {_name(value)}: {largest:g} does not fit into float16", "export with --fp32"
        )
    return array.astype(np.float16)


def _float32_output(graph: ir.Graph, value: ir.Value) -> ir.Value:
    """The graph's output under its own name, in float32 again."""
    name = _name(value)
    value.name = f"{name}_fp16"
    cast = _cast(value, FLOAT32, name)
    graph.append(cast)
    return cast.outputs[0]


def _cast(value: ir.Value, to: ir.DataType, name: str) -> ir.Node:
    """The node that gives `value` in another type, under a name; it is not in the graph yet."""
    cast = ir.node("Cast", [value], {"to": to}, name=f"{name}_cast")
    output = cast.outputs[0]
    output.name, output.shape, output.type = name, value.shape, ir.TensorType(to)
    return cast


def _name(value: ir.Value) -> str:
    assert value.name is not None
    return value.name
