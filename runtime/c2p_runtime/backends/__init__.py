"""What runs engines: ONNX Runtime, OpenVINO, TensorRT, and which of them on this machine."""

from __future__ import annotations

from typing import Literal, get_args

Device = Literal["auto", "cpu", "cuda"]
DEVICES: tuple[str, ...] = get_args(Device)
BACKENDS = ("auto", "onnxruntime", "openvino", "tensorrt", "tensorrt-rtx")
