"""What one cloud costs an engine, counted in its graph: arithmetic, and bytes of weights."""

from __future__ import annotations

from math import prod
from pathlib import Path

import onnx
from onnx import numpy_helper

from c2p_deploy.errors import EngineError
from c2p_deploy.manifest import EngineCost

_COUNTED = ("MatMul", "Gemm", "Conv")
_SMALL = 4096  # elements; shapes and axes, which shape inference reads, have fewer

Shape = tuple[int, ...]


def engine_cost(path: Path) -> EngineCost:
    """The cost of an ONNX file whose first input dimension is the batch.

    Counted are the products: an M×K by K×N matrix product is 2·M·N·K, and a convolution is such a
    product for every pixel of its output. Everything else (norms, softmax, activations) is
    together below one per cent of a transformer. Raises EngineError when a shape cannot be inferred.
    """
    model = onnx.load(path)
    weights = sum(_bytes(tensor) for tensor in model.graph.initializer)
    shapes = _shapes(model)
    try:
        flops = sum(_flops(node, shapes) for node in model.graph.node if node.op_type in _COUNTED)
    except KeyError as error:
        raise EngineError(f"the shape of {error} in the graph cannot be inferred", path=path) from error
    return EngineCost(flops, weights)


def _shapes(model: onnx.ModelProto) -> dict[str, Shape]:
    """The shape of every tensor at batch 1 that is known. Strips the model of its large weights."""
    graph = model.graph
    # Inference copies the whole model twice, and of weights it needs no more than the shape.
    for tensor in graph.initializer:
        if prod(tensor.dims) > _SMALL:
            tensor.ClearField("raw_data")
    del graph.value_info[:]  # says "batch" where we want a number
    for value in graph.input:
        value.type.tensor_type.shape.dim[0].dim_value = 1
    for value in graph.output:
        value.type.tensor_type.shape.dim[0].ClearField("value")
    inferred = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    shapes: dict[str, Shape] = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    for value in (*inferred.input, *inferred.value_info, *inferred.output):
        kind = value.type.tensor_type
        if kind.HasField("shape") and all(size.HasField("dim_value") for size in kind.shape.dim):
            shapes[value.name] = tuple(size.dim_value for size in kind.shape.dim)
    return shapes


def _flops(node: onnx.NodeProto, shapes: dict[str, Shape]) -> int:
    """Of one product. Raises KeyError with the name of a tensor whose shape is not known."""
    left, right, out = (shapes[name] for name in (node.input[0], node.input[1], node.output[0]))
    if node.op_type == "Conv":
        inner = prod(right[1:])  # weight [out channels, in channels of the group, kernel...]
    elif node.op_type == "Gemm":
        transposed = any(attribute.name == "transA" and attribute.i for attribute in node.attribute)
        inner = left[0] if transposed else left[1]
    else:
        inner = left[-1]
    return 2 * prod(out) * inner


def _bytes(tensor: onnx.TensorProto) -> int:
    """Bytes of a tensor's values in the file."""
    return len(tensor.raw_data) or numpy_helper.to_array(tensor).nbytes
