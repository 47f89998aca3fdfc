"""The graph of an engine: folded, traced, in the precision asked for, and written. Needs torch and onnx."""
