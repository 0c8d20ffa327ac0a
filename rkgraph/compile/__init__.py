"""From an ONNX model or a bundle to .rknn: the build plan, the cache, the layer table mapped back, verification."""
