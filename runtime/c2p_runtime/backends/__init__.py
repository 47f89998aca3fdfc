"""What runs engines: ONNX Runtime, OpenVINO, TensorRT, and which of them on this machine."""
