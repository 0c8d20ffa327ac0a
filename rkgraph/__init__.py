"""rkgraph: take an ONNX model to a Rockchip NPU without surprises.

Importing the package is cheap: nothing heavy (onnx, numpy, ONNX Runtime, torch) is imported here.
"""

__version__ = "0.1.0"

__all__ = ["__version__"]
