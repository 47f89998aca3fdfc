"""The arithmetic of a graph, against counting by hand."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from c2p_deploy import Manifest
from c2p_deploy.errors import EngineError, ManifestError
from c2p_deploy.manifest import EngineCost
from c2p_export.checkpoint import Source
from c2p_export.export import make_engines
from c2p_export.graph import engine
from c2p_export.graph.cost import engine_cost
from c2p_export.request import ExportOptions
from engines import write_engine
from small_models import DEPTH, DIM, SPEC, VIEWS, checkpoint

V, S = len(VIEWS), SPEC.image_size


def conv(size: int, kernel: int, inside: int, outside: int) -> int:
    """A convolution whose output is size x size."""
    return 2 * size * size * outside * inside * kernel * kernel


def vit_by_hand() -> int:
    """One map through the small transformer of small_models: 2 blocks of width 64, 16 patches of 8 px.

    After folding the first convolution has one channel, and of the last block only the class token is
    asked for: it still needs keys and values of all 17 tokens.
    """
    tokens, width = 17, 64

    def block(queries: int) -> int:
        q, kv, out = queries * width**2, 2 * tokens * width**2, queries * width**2
        attention = 2 * queries * tokens * width  # scores, and their sum of values
        mlp = 2 * queries * width * 4 * width
        return 2 * (q + kv + out + attention + mlp)

    patches = conv(S // 8, 8, 1, width)
    return patches + block(tokens) + block(1) + 2 * width * DIM


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_a_transformer(tmp_path: Path, precision: str) -> None:
    path = tmp_path / "e.onnx"
    engine.write_engine(checkpoint(kind="clip"), path, precision, None)
    cost = engine_cost(path)
    assert cost.flops_per_cloud == V * vit_by_hand()
    # Nearly all of the file is weights; what is left is names and the graph.
    assert 0.5 * path.stat().st_size < cost.weight_bytes < path.stat().st_size


def test_it_comes_into_the_manifest_and_int8_costs_as_much_arithmetic(tmp_path: Path) -> None:
    costs = {}
    for precision in ("fp32", "int8"):
        options = ExportOptions(precision, keep_failed=True)
        path = tmp_path / f"{precision}.onnx"
        manifest = make_engines(Source(checkpoint(), "0" * 64), path, DEPTH, options, DEPTH)
        stored = Manifest.load(tmp_path / f"{precision}.json").cost
        assert stored == manifest.cost == engine_cost(tmp_path / f"{precision}.onnx")
        assert stored is not None
        costs[precision] = stored
    assert costs["fp32"].flops_per_cloud == costs["int8"].flops_per_cloud > 0
    assert costs["int8"].weight_bytes < 0.6 * costs["fp32"].weight_bytes


def test_products_of_every_kind(tmp_path: Path) -> None:
    """A strided grouped convolution, a transposed Gemm, a batched MatMul; weights in both encodings."""
    rng = np.random.default_rng(0)

    def weight(name: str, *shape: int) -> onnx.TensorProto:
        return numpy_helper.from_array(rng.normal(size=shape).astype(np.float32), name)

    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["depth", "w"], ["c"], group=2, strides=[2, 2], pads=[1, 1, 1, 1]),
            helper.make_node("MatMul", ["c", "m"], ["mm"]),  # [B, 4, 4, 4] x [4, 3]
            helper.make_node("Flatten", ["mm"], ["flat"]),  # [B, 48]
            helper.make_node("Gemm", ["g", "flat"], ["out"], transB=1),  # [5, 48] x [48, B]
        ],
        "g",
        [helper.make_tensor_value_info("depth", TensorProto.FLOAT, ["batch", 6, 8, 8])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, [5, "batch"])],
        [
            weight("w", 4, 3, 3, 3),
            helper.make_tensor("m", TensorProto.FLOAT, [4, 3], rng.normal(size=12)),  # not raw data
            weight("g", 5, 48),
        ],
    )
    path = tmp_path / "g.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
    cost = engine_cost(path)
    assert cost.flops_per_cloud == conv(4, 3, 3, 4) + 2 * 16 * 4 * 3 + 2 * 5 * 48
    assert cost.weight_bytes == 4 * (4 * 3 * 3 * 3 + 12 + 5 * 48)


def test_a_shape_that_cannot_be_told_is_an_error(tmp_path: Path) -> None:
    graph = helper.make_graph(
        [
            helper.make_node("Unheard", ["depth"], ["x"], domain="nobody"),
            helper.make_node("MatMul", ["x", "x"], ["features"]),
        ],
        "g",
        [helper.make_tensor_value_info("depth", TensorProto.FLOAT, ["batch", 4, 4])],
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["batch", 4, 4])],
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("nobody", 1)]
    path = tmp_path / "odd.onnx"
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), path)
    with pytest.raises(EngineError, match=r"odd\.onnx: the shape of 'x'"):
        engine_cost(path)


def test_the_manifest_keeps_it_and_may_be_without(tmp_path: Path) -> None:
    manifest = Manifest.for_engine(write_engine(tmp_path))
    assert manifest.cost is None and Manifest.from_dict(manifest.to_dict()).cost is None
    older = manifest.to_dict()
    del older["cost"]
    assert Manifest.from_dict(older).cost is None
    with_cost = replace(manifest, cost=EngineCost(7, 3))
    assert with_cost.to_dict()["cost"] == {"flops_per_cloud": 7, "weight_bytes": 3}
    assert Manifest.from_dict(with_cost.to_dict()).cost == EngineCost(7, 3)


@pytest.mark.parametrize(
    "cost",
    [
        {"flops_per_cloud": -1, "weight_bytes": 1},
        {"flops_per_cloud": 1.5, "weight_bytes": 1},
        {"flops_per_cloud": True, "weight_bytes": 1},
        {"flops_per_cloud": 1},
        "much",
        [],
    ],
)
def test_a_malformed_cost_is_refused(tmp_path: Path, cost: object) -> None:
    values = Manifest.for_engine(write_engine(tmp_path)).to_dict() | {"cost": cost}
    with pytest.raises(ManifestError):
        Manifest.from_dict(values)
