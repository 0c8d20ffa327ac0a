"""Families of random single-operator models: parameters, ranks, types and opsets that nobody chose.

A family draws a `Case` from a `Draw` that is handed to it. What a family draws may be more than ONNX Runtime has
kernels for: `benchmarks.drawn.model` tells, and `benchmarks.drawn_suite` draws again.
"""
