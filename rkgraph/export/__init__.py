"""Getting models into ONNX: what a model folder says, and the exporters, which run in a process of their own."""
