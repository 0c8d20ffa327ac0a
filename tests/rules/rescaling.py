"""Models in which fp16 does not hold what is computed in between, and their fix on samples."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from rkgraph.diagnostics import Safety
from rkgraph.engine.fix import FixOutcome, FixSettings, fix_model
from rkgraph.graph.model import Model
from rkgraph.rulebook.rule import Options
from rkgraph.rulebook.ruleset import RuleSet
from rkgraph.targets import Target

__all__ = ["FORMS", "feeds_of", "form", "mended"]

_NUMBERS = (
    "float two = {2}, float one = {1}, float c = {0.00003}, float e = {0.00001}, float odd = {0.1}, "
    "int64[1] last = {-1}"
)
_SAME, _ROW = ("float[1, 8, 16] x", "float[1, 8, 16] y"), ("float[1, 8, 16] x", "float[1, 8, 1] y")

_VARIANCE = "m = ReduceMean<axes = [-1]>(x) d = Sub(x, m) s = Mul(d, d) v = ReduceMean<axes = [-1]>(s)"

FORMS: Mapping[str, tuple[tuple[str, str], str]] = {
    "length": (_ROW, "y = ReduceL2<axes = [-1]>(x)"),
    "length, written out": (_ROW, "s = Mul(x, x) t = ReduceSum(s, last) y = Sqrt(t)"),
    "deviation": (_ROW, f"{_VARIANCE} y = Sqrt(v)"),
    "unit vectors": (_SAME, "s = Pow(x, two) t = ReduceSum(s, last) a = Add(t, e) r = Sqrt(a) y = Div(x, r)"),
    "over the deviation": (
        _SAME,
        f"{_VARIANCE} r = Sqrt(v) b = Add(r, e) y = Div(d, b)",
    ),
    "hypotenuse": (
        ("float[1, 8, 16] x, float[1, 8, 16] z", "float[1, 8, 16] y"),
        "s = Mul(x, x) t = Mul(z, z) a = Add(s, t) y = Sqrt(a)",
    ),
}
"""By name: inputs and output, and the nodes. All are out of the range of fp16 for numbers of 1000 and of 0.0001."""


def form(name: str, more: str = "") -> onnx.ModelProto:
    """The model of a form, with further nodes."""
    (given, result), nodes = FORMS[name]
    return model(given, result, f"{nodes} {more}")


def model(given: str, result: str, nodes: str, **weights: np.ndarray) -> onnx.ModelProto:
    """A model of opset 17 with the numbers that the forms use, and `weights`."""
    text = f'<ir_version: 8, opset_import: ["" : 17]> g ({given}) => ({result}) <{_NUMBERS}> {{ {nodes} }}'
    proto = onnx.parser.parse_model(text)
    proto.graph.initializer.extend(numpy_helper.from_array(a.astype(np.float32), name) for name, a in weights.items())
    read = {name for node in proto.graph.node for name in node.input}
    for tensor in [t for t in proto.graph.initializer if t.name not in read]:
        proto.graph.initializer.remove(tensor)
    return proto


def feeds_of(proto: onnx.ModelProto, scale: float, seed: int = 0) -> dict[str, np.ndarray]:
    """Normally distributed numbers that fp16 holds."""
    random = np.random.default_rng(seed)
    shapes = {i.name: [d.dim_value for d in i.type.tensor_type.shape.dim] for i in proto.graph.input}
    return {
        name: (random.normal(size=shape) * scale).astype(np.float16).astype(np.float32)
        for name, shape in shapes.items()
    }


def mended(proto: onnx.ModelProto, scale: float, folder: Path, *codes: str, count: int = 2) -> FixOutcome:
    """What the rules `codes` make of the model on made-up samples; each edit is proved for itself."""
    path = folder / "model.onnx"
    path.write_bytes(proto.SerializeToString())
    samples = [feeds_of(proto, scale, seed) for seed in range(count)]
    rules = RuleSet("test", "2.3.2", codes or ("RK240", "RK241"))
    allow = frozenset({Safety.FP16_RANGE})
    settings = FixSettings(samples=samples)
    return fix_model(Model.load(path), Target(), rules, Options(), allow, proof="local", settings=settings)
