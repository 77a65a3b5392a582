"""From PyTorch to a small ONNX graph: capture, clean-up, constant shapes, the graph the page runs."""
