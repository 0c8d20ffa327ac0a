"""Reading, writing and all changing of ONNX graphs."""
