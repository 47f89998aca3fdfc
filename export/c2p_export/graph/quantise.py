"""int8 and fp8: explicit Quantize/Dequantize pairs around the products that have weights.

ONNX Runtime's quantizer places the pairs and measures the ranges of activations on the clouds
given (symmetric, zero point 0, as TensorRT wants it; weights per channel). Left in float are the
first convolution, which sees the depth maps, and the two products inside attention, which have no
weights: there the rounding costs most and saves least.
"""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Iterator
from pathlib import Path

import ml_dtypes
import numpy as np
import onnx
import onnx_ir as ir
from onnx_ir.passes.common import RemoveUnusedNodesPass

from c2p_deploy.projection.spec import FloatArray
from c2p_export.graph.onnx_file import constant
from c2p_export.graph.sensitivity import PRODUCTS, Mended, features_of, leave_in_float

OPSET = 19  # the first whose pairs take float16 and float8
_FP8_LARGEST = 448.0  # of e4m3fn
_CLOUDS_AT_ONCE = 4
_JUDGED = 64  # of the clouds, on which eight bits have to suffice


def quantise(model: ir.Model, depth: FloatArray, kind: str, work: Path) -> tuple[ir.Model, Mended | None]:
    """The float32 graph with Quantize/Dequantize pairs, its other operations still in float32.

    In int8, products that cost too much stay in float: what `leave_in_float` says of it comes with the graph.

    depth: float32 [N, V, S, S], maps of the clouds that the ranges are measured on; kind: "int8"
    or "fp8"; work: a folder for files on the way, each as large as the graph.
    """
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    split_biases(model)
    before, after = work / "float.onnx", work / "quantised.onnx"
    ir.save(model, before)
    with _quiet():
        quantize_static(
            str(before),
            str(after),
            _Clouds(model.graph.inputs[0].name or "", depth),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QInt8,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=[*PRODUCTS],
            nodes_to_exclude=_kept_in_float(model),
            calibrate_method=CalibrationMethod.MinMax,
            extra_options={
                "ActivationSymmetric": True,
                "WeightSymmetric": True,
                # The mean over batches of the largest value: one odd cloud does not coarsen the steps.
                "CalibMovingAverage": True,
                "AddQDQPairToWeight": True,  # float weights, so that fp8 can be made of them too
                "QuantizeBias": False,
                "OpTypesToExcludeOutputQuantization": [*PRODUCTS],
            },
        )
    before.unlink()
    proto = onnx.version_converter.convert_version(onnx.load(after), OPSET)
    after.unlink()
    # Types of all values, which the passes that follow go by.
    quantised = ir.from_proto(onnx.shape_inference.infer_shapes(proto, strict_mode=True))
    mended = None
    if kind == "int8":
        some = depth[:_JUDGED]
        mended = leave_in_float(quantised, features_of(model, some), some)
    store_quantised_weights(quantised, kind)
    return quantised, mended


def split_biases(model: ir.Model) -> None:
    """Gives every Gemm and Conv its bias as an addition of its own, in place.

    ONNX Runtime rounds the bias of a quantised product to int32 with a scale in the type of the
    pairs; in float16 that scale underflows, and features come out wrong (measured: cosine 0.95
    against 0.997 without).
    """
    graph = model.graph
    for node in list(graph):
        if node.op_type not in ("Gemm", "Conv") or len(node.inputs) < 3 or node.inputs[2] is None:
            continue
        bias, product = node.inputs[2], node.outputs[0]
        assert bias.const_value is not None
        values = bias.const_value.numpy()
        if node.op_type == "Conv":
            values = values.reshape(1, -1, 1, 1)
        term = constant(graph, f"{bias.name}_term", values)
        node.resize_inputs(2)
        add = ir.node("Add", [product, term], name=f"{node.name}_bias")
        total = add.outputs[0]
        total.name, total.type, total.shape = f"{product.name}_biased", product.type, product.shape
        graph.insert_after(node, add)
        ir.convenience.replace_all_uses_with(product, total, replace_graph_outputs=True)
        add.replace_input_with(0, product)
    RemoveUnusedNodesPass()(model)


def store_quantised_weights(model: ir.Model, kind: str) -> None:
    """Rounds the weights once and for all, and turns int8 pairs into fp8 ones where wished, in place.

    fp8 uses the ranges found for int8, stretched to what float8 e4m3fn can hold.
    """
    graph = model.graph
    for node in list(graph):
        if node.op_type != "QuantizeLinear":
            continue
        value, scale, zero = node.inputs
        assert value is not None and scale is not None and zero is not None and scale.const_value is not None
        (dequantize,) = (use.node for use in node.outputs[0].uses())
        scales = scale.const_value.numpy()
        if kind == "fp8":
            scales = (scales * np.float32(127 / _FP8_LARGEST)).astype(np.float32)
            scale = constant(graph, f"{scale.name}_fp8", scales)
            zero = constant(graph, f"{zero.name}_fp8", np.zeros_like(scales, dtype=ml_dtypes.float8_e4m3fn))
            for step in (node, dequantize):
                step.replace_input_with(1, scale)
                step.replace_input_with(2, zero)
            node.outputs[0].dtype = ir.DataType.FLOAT8E4M3FN
        if value.const_value is None:
            continue
        weight = value.const_value.numpy()
        if scales.ndim:  # one scale per channel
            axis = node.attributes["axis"].as_int() if "axis" in node.attributes else 1
            scales = scales.reshape([-1 if i == axis % weight.ndim else 1 for i in range(weight.ndim)])
        if kind == "fp8":
            rounded = (weight / scales).astype(ml_dtypes.float8_e4m3fn)
        else:
            rounded = np.clip(np.rint(weight / scales), -128, 127).astype(np.int8)
        dequantize.replace_input_with(0, constant(graph, f"{value.name}_{kind}", rounded))
    RemoveUnusedNodesPass()(model)


def _kept_in_float(model: ir.Model) -> list[str]:
    """Names of the products without weights, and of the convolutions that see the depth maps themselves."""
    kept = []
    behind: set[ir.Value | None] = set()  # values that a product has gone into
    for node in model.graph:
        is_product = node.op_type in PRODUCTS
        is_behind = any(value in behind for value in node.inputs)
        if is_product:
            weight = node.inputs[1]
            assert weight is not None
            if weight.const_value is None or (node.op_type == "Conv" and not is_behind):
                kept.append(node.name or "")
        if is_product or is_behind:
            behind.update(node.outputs)
    return kept


class _Clouds:
    """What the quantizer draws its calibration batches from."""

    def __init__(self, name: str, depth: FloatArray) -> None:
        starts = range(0, len(depth), _CLOUDS_AT_ONCE)
        self._batches = iter([{name: depth[start : start + _CLOUDS_AT_ONCE]} for start in starts])

    def get_next(self) -> dict[str, FloatArray] | None:
        return next(self._batches, None)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The quantizer prints and warns of things that are settled here."""
    level = logging.root.level
    logging.root.setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.root.setLevel(level)
