"""TensorRT plans. Needs neither torch nor onnx, so that a robot builds its own."""
