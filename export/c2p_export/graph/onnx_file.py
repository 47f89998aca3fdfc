"""The graph of an engine: from a folded model to the bytes of an ONNX file."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy.typing as npt
import onnx
import onnx_ir as ir
import torch
from torch import Tensor, nn

from c2p_deploy.errors import EngineError

OPSET = 18  # LayerNormalization is one operation from 17 on; TensorRT 10.3 reads up to 20
_LARGEST_FILE = 2**31 - 1  # bytes; protobuf's limit
_FOR_NODES = 1 << 24  # of which more than nodes, names and shapes ever take


def trace(model: nn.Module, example: Tensor, names: tuple[str, str]) -> ir.Model:
    """The graph of `model`, with the first dimension of its input and output free.

    example: an input of batch 2 (a traced 1 would be taken for a constant); names: of input and
    output. The weights are the model's own tensors until the graph is written.
    """
    # The exporter warns of operators of packages that are not installed and not used.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    program = torch.onnx.export(
        model,
        (example,),
        dynamo=True,
        opset_version=OPSET,
        input_names=[names[0]],
        output_names=[names[1]],
        dynamic_shapes=({0: torch.export.Dim("batch")},),
        verbose=False,
    )
    assert program is not None  # the TorchScript exporter returns None, this one never does
    graph: ir.Model = program.model
    return graph


def constant(graph: ir.Graph, name: str, values: npt.NDArray[Any]) -> ir.Value:
    """A constant of the graph; one that is there already under this name is the same."""
    if name in graph.initializers:
        return graph.initializers[name]
    tensor = ir.tensor(values, name=name)
    value = ir.Value(name=name, shape=ir.Shape(values.shape), type=ir.TensorType(tensor.dtype))
    value.const_value = tensor
    graph.register_initializer(value)
    return value


def write_graph(model: ir.Model, path: Path, about: Mapping[str, str]) -> None:
    """Writes a graph that onnx's full check accepts, and lets go of its weights.

    The same graph gives the same bytes. about: what goes into the file's metadata, so that the
    file says what it is without its manifest. Raises EngineError for a graph of more than 2 GiB.
    """
    # Before it becomes a message: protobuf only says "failed to serialize".
    weights = [value.const_value for value in model.graph.initializers.values()]
    if sum(weight.nbytes for weight in weights if weight is not None) > _LARGEST_FILE - _FOR_NODES:
        raise EngineError(
            "the graph is larger than the 2 GiB an ONNX file may have", "export with --fp16", path
        )
    proto = ir.to_proto(model)
    strip_traces(proto)
    proto.producer_name, proto.producer_version = "c2p-deploy", version("c2p-deploy")
    onnx.helper.set_model_props(proto, dict(about))
    onnx.checker.check_model(proto, full_check=True)
    path.write_bytes(proto.SerializeToString(deterministic=True))
    # torch's exporter remembers every value it made: without this their weights stay in memory.
    for value in model.graph.initializers.values():
        value.const_value = None


def strip_traces(model: onnx.ModelProto) -> None:
    """Takes out what the exporter notes about the Python code of every node.

    It holds the folders of the machine that exported, and makes two exports of one
    checkpoint differ.
    """
    model.ClearField("metadata_props")
    model.ClearField("doc_string")
    graph = model.graph
    graph.ClearField("metadata_props")
    graph.ClearField("doc_string")
    for part in (*graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
