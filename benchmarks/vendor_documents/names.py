"""What the operator list calls things, and what ONNX calls them."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Named", "fused", "named"]


@dataclass(frozen=True)
class Named:
    """An operator: its ONNX name (or where `internal` the compiler's), and the compiler's where it differs."""

    op: str
    layer: str = ""
    internal: bool = False


_SAME = {
    "Convolution": "Conv",
    "Depthwise Convolution": "Conv",
    "ConvTranspose/Deconvolution": "ConvTranspose",
    "Clip/ReLU6": "Clip",
    "SpaceToDetph": "SpaceToDepth",
    "where": "Where",
}
_LAYERS = {
    "exMish": ("Mish",),
    "exGelu": ("Gelu",),
    "exMatMul": ("MatMul",),
    "exSoftmax13": ("Softmax",),
    "exNorm": ("LayerNormalization", "MeanVarianceNormalization"),
    "exLayerNorm": ("LayerNormalization",),
    "exMeanVarianceNormalization": ("MeanVarianceNormalization",),
    "exGRU": ("GRU",),
    "exHardSwish": ("HardSwish",),
    "exLRN": ("LRN",),
}
"""Layers of the compiler, and the ONNX operators that become them and are not listed under their own name."""

_NO_ONNX = {
    "ConvTransposePad",
    "DataConvert",
    "PassThrough",
    "Reorg",
    "ReshapeTranspose",
    "SoftmaxMask",
    "TransposeReshape",
}
_FUSED = (
    (r"Convolution(\w.*)", "Conv", False),
    (r"ConvTranpose(\w.*)", "ConvTranspose", False),
    (r"(?:Add)(Relu)", "Add", False),
    (r"(?:Mul)(Relu)", "Mul", False),
    (r"exConvStreaming(\w.*)", "exConvStreaming", True),
)


def named(title: str) -> list[Named]:
    """The operators that a section is about."""
    if title in _LAYERS:
        return [Named(op, title) for op in _LAYERS[title]]
    if title.startswith("ex") or title in _NO_ONNX:
        return [Named(title, internal=True)]
    return [Named(_SAME.get(title, title))]


def fused(title: str) -> tuple[Named, list[str]] | None:
    """Of a section on a fused pair the operator and what is fused into it ("Add+Relu" is two), else None."""
    for pattern, op, internal in _FUSED:
        found = re.fullmatch(pattern, title)
        if found:
            parts = ["Add+Relu"] if found[1] == "AddRelu" else found[1].split("/")
            return Named(op, internal=internal), parts
    return None
