"""Which products of an int8 graph stay in float, where eight bits for all of them are too few.

Each product is rounded alone, all others in float, and the features show what that costs. Then as many as
have to, the costliest first, are left in float; how many, bisection finds. A graph whose features stay near
without that is not touched.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir
import onnxruntime as ort
from onnx_ir.passes.common import RemoveUnusedNodesPass

from c2p_deploy import progress
from c2p_deploy.projection.spec import FloatArray

PRODUCTS = ("MatMul", "Gemm", "Conv")
REFUSED = 0.97  # the smallest cosine that the parity gate lets through: `c2p_export.parity.LIMITS`
AIM = 0.995  # where something has to be left in float, then enough of it
_FEW = 8  # clouds that each product alone is tried on

Features = Callable[[ir.Model], FloatArray]


@dataclass(frozen=True)
class Mended:
    """What was done. kept: names of the products in float; of: of so many; cosine: smallest, as it is now."""

    kept: tuple[str, ...]
    of: int
    cosine: float


def leave_in_float(model: ir.Model, expected: FloatArray, depth: FloatArray) -> Mended | None:
    """Takes the pairs away from as few products as have to be in float, in place.

    model: with Quantize/Dequantize pairs around float weights; expected: float32 [N, D], features of the
    graph without them; depth: float32 [N, V, S, S]. None: there was nothing to mend, or nothing that helps,
    and the graph is as it was.
    """
    names = quantised_products(model)

    def cosine(kept: Collection[str], clouds: int) -> float:
        return smallest_cosine(features_of(without_pairs(model, kept), depth[:clouds]), expected[:clouds])

    if not names or cosine((), len(depth)) >= REFUSED:
        return None
    cost = {}
    with progress.task("rounding each product alone", len(names)) as task:
        for name in names:
            cost[name] = 1 - cosine([other for other in names if other != name], _FEW)
            task.advance()
    dearest = sorted(names, key=lambda name: (-cost[name], names.index(name)))
    few, enough = 0, len(names)  # `few` left in float are too few, `enough` are enough
    reached = 1.0
    with progress.task("looking for the largest part that can be int8"):
        while enough - few > 1:
            half = (few + enough) // 2
            if (found := cosine(dearest[:half], len(depth))) >= AIM:
                enough, reached = half, found
            else:
                few = half
    if enough == len(names):
        return None
    kept = tuple(name for name in names if name in dearest[:enough])
    _take_pairs(model, kept)
    return Mended(kept, len(names), reached)


def quantised_products(model: ir.Model) -> list[str]:
    """Names of the products between rounded values, in the order of the graph."""
    return [
        node.name or ""
        for node in model.graph
        if node.op_type in PRODUCTS and any(_pair(value) is not None for value in node.inputs)
    ]


def without_pairs(model: ir.Model, kept: Collection[str]) -> ir.Model:
    """A copy in which these products are in float."""
    copy = ir.from_proto(ir.to_proto(model))
    _take_pairs(copy, kept)
    return copy


def _take_pairs(model: ir.Model, kept: Collection[str]) -> None:
    wanted = set(kept)
    for node in model.graph:
        if node.name in wanted and node.op_type in PRODUCTS:
            for place, value in enumerate(node.inputs):
                if (source := _pair(value)) is not None:
                    node.replace_input_with(place, source)
    RemoveUnusedNodesPass()(model)


def _pair(value: ir.Value | None) -> ir.Value | None:
    """What was rounded, for a value out of a Quantize/Dequantize pair."""
    dequantize = None if value is None else value.producer()
    if dequantize is None or dequantize.op_type != "DequantizeLinear":
        return None
    rounded = dequantize.inputs[0]
    quantize = None if rounded is None else rounded.producer()
    return None if quantize is None else quantize.inputs[0]


def features_of(model: ir.Model, depth: FloatArray) -> FloatArray:
    """Features float32 [N, D] of maps [N, V, S, S], by ONNX Runtime on the CPU."""
    options = ort.SessionOptions()
    options.log_severity_level = 3
    session = ort.InferenceSession(
        ir.to_proto(model).SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    name = session.get_inputs()[0].name
    parts = [session.run(None, {name: depth[at : at + 4]})[0] for at in range(0, len(depth), 4)]
    return np.concatenate(parts)


def smallest_cosine(found: FloatArray, expected: FloatArray) -> float:
    """Over the rows of both [N, D]; 0 where something is not finite."""
    lengths = np.linalg.norm(found, axis=1) * np.linalg.norm(expected, axis=1)
    cosines = (found * expected).sum(axis=1) / np.maximum(lengths, 1e-12)
    return float(cosines.min()) if np.isfinite(cosines).all() else 0.0
