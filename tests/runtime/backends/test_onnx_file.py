"""ONNX files that keep weights in other files are refused before they are opened."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

from c2p_deploy.errors import EngineError
from c2p_runtime.backends.onnx_file import check_self_contained
from c2p_runtime.backends.onnxruntime import open_session

BUNDLED = Path(check_self_contained.__code__.co_filename).parents[1] / "models" / "research.onnx"


def weight(external: bool, name: str = "w") -> TensorProto:
    tensor = numpy_helper.from_array(np.ones((2, 2), np.float32), name)
    if external:
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        entry = tensor.external_data.add()
        entry.key, entry.value = "location", "elsewhere"
    return tensor


def graph(nodes: list[NodeProto], initializers: list[TensorProto], inputs: bool = True) -> GraphProto:
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, (2, 2))
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, (2, 2))
    return helper.make_graph(nodes, "g", [x] if inputs else [], [y], initializers)


def model(nodes: list[NodeProto], initializers: list[TensorProto] | None = None) -> ModelProto:
    return helper.make_model(graph(nodes, initializers or []), opset_imports=[helper.make_opsetid("", 17)])


def in_initializer(external: bool) -> ModelProto:
    return model([helper.make_node("Add", ["x", "w"], ["y"])], [weight(external)])


def constant(external: bool, out: str = "y") -> NodeProto:
    return helper.make_node("Constant", [], [out], value=weight(external))


def in_constant(external: bool) -> ModelProto:
    return model([constant(external)])


def in_branch(external: bool) -> ModelProto:
    branch = graph([helper.make_node("Identity", ["w"], ["y"])], [weight(external)], inputs=False)
    other = graph([constant(False)], [], inputs=False)
    return model([helper.make_node("If", ["c"], ["y"], then_branch=other, else_branch=branch)])


def in_constant_of_a_loop(external: bool) -> ModelProto:
    inner = model([constant(external)]).graph
    outer = graph([helper.make_node("Loop", ["", "c"], ["y"], body=inner)], [], inputs=False)
    return model([helper.make_node("Loop", ["", "c"], ["y"], body=outer)])


def in_tensors(external: bool) -> ModelProto:
    return model(
        [helper.make_node("Ours", ["x"], ["y"], domain="our", weights=[weight(False), weight(external)])]
    )


def in_graphs(external: bool) -> ModelProto:
    return model([helper.make_node("Ours", ["x"], ["y"], domain="our", graphs=[in_constant(external).graph])])


def in_sparse_initializer(external: bool) -> ModelProto:
    made = model([helper.make_node("Identity", ["x"], ["y"])])
    sparse = made.graph.sparse_initializer.add()
    sparse.values.CopyFrom(weight(external))
    return made


def in_sparse_attribute(external: bool) -> ModelProto:
    made = in_sparse_initializer(external)
    sparse = made.graph.sparse_initializer.pop()
    made.graph.node.append(helper.make_node("Constant", [], ["s"], sparse_value=sparse))
    return made


def in_function(external: bool) -> ModelProto:
    made = model([helper.make_node("Ours", ["x"], ["y"], domain="our")])
    nodes = [constant(external)]
    made.functions.append(
        helper.make_function("our", "Ours", ["x"], ["y"], nodes, [helper.make_opsetid("", 17)])
    )
    return made


def in_training(external: bool) -> ModelProto:
    made = model([helper.make_node("Identity", ["x"], ["y"])])
    made.training_info.add().algorithm.CopyFrom(in_initializer(external).graph)
    return made


MODELS = [
    in_initializer, in_constant, in_branch, in_constant_of_a_loop, in_tensors, in_graphs,
    in_sparse_initializer, in_sparse_attribute, in_function, in_training,
]  # fmt: skip


@pytest.mark.parametrize("make", MODELS)
def test_weights_in_other_files_are_found_everywhere(
    tmp_path: Path, make: Callable[[bool], ModelProto]
) -> None:
    path = tmp_path / "e.onnx"
    path.write_bytes(make(False).SerializeToString())
    check_self_contained(path, "It")
    path.write_bytes(make(True).SerializeToString())
    with pytest.raises(EngineError, match=r"e\.onnx: keeps weights in other files.*; export it again"):
        check_self_contained(path, "It")


def test_neither_backend_opens_such_a_file(tmp_path: Path) -> None:
    made = in_initializer(False)
    made.graph.initializer[0].raw_data = bytes(2048 * 4)
    made.graph.initializer[0].dims[:] = [2048, 1]
    path = tmp_path / "e.onnx"
    onnx.save(made, path, save_as_external_data=True, location="weights.bin")
    assert (tmp_path / "weights.bin").exists()
    with pytest.raises(EngineError, match="keeps weights in other files"):
        open_session(path)


OTHER = {
    "nothing": b"",
    "text": b"not a model at all",
    "a length beyond the end": b"\x3a\xff\xff\xff\xff\x0f",
    "a number without end": b"\xff" * 20,
    "a number of eleven bytes": b"\x08" + b"\x80" * 10 + b"\x00",
    "a key of 33 bits": b"\x88\x80\x80\x80\x10\x00",
}


@pytest.mark.parametrize("content", OTHER.values(), ids=OTHER)
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "e.onnx").write_bytes(content)
    with pytest.raises(EngineError, match=r"e\.onnx: It cannot load it: it is damaged"):
        check_self_contained(tmp_path / "e.onnx", "It")
    with pytest.raises(EngineError, match=r"gone\.onnx: It cannot load it: No such file"):
        check_self_contained(tmp_path / "gone.onnx", "It")


def field(number: int, content: bytes) -> bytes:
    """A field of protobuf, with a length of up to two bytes."""
    size = len(content)
    return bytes([number << 3 | 2, size & 127 | 128, size >> 7]) + content


def test_graphs_without_end_are_refused(tmp_path: Path) -> None:
    graph = b""
    for _ in range(100):
        graph = field(1, field(5, field(6, graph)))  # node, attribute, graph
    (tmp_path / "e.onnx").write_bytes(field(7, graph))
    with pytest.raises(EngineError, match="not an ONNX file"):
        check_self_contained(tmp_path / "e.onnx", "It")


@pytest.mark.parametrize("location", [b"\x70\x01", b"\x70\x81\x00", b"\xf0\x00\x01", b"\x6a\x00"])
def test_numbers_may_be_written_at_length(tmp_path: Path, location: bytes) -> None:
    """Field 14 is 1, in more bytes than it needs, or there is a field 13, though empty."""
    (tmp_path / "e.onnx").write_bytes(field(7, field(5, location)))
    with pytest.raises(EngineError, match="keeps weights in other files"):
        check_self_contained(tmp_path / "e.onnx", "It")
    (tmp_path / "e.onnx").write_bytes(field(7, field(5, b"\x70\x00")))
    check_self_contained(tmp_path / "e.onnx", "It")


def test_the_bundled_engine_costs_nothing_to_look_through() -> None:
    times = []
    for _ in range(5):
        started = time.perf_counter()
        check_self_contained(BUNDLED, "It")
        times.append(time.perf_counter() - started)
    print(f"{1000 * min(times):.1f} ms")
    assert min(times) < 0.2  # 20 ms wanted; what is tested is that weights are not read
