"""Arithmetic right after weights, which a compiler folds into them: by width, place and kind of the operand."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.probe.case import COMPANION, Case

__all__ = ["cases"]

PRODUCERS = {
    "conv": ("Conv", (1, 6, 8, 11), (6, 6, 3, 3), "<pads = [1,1,1,1]>"),
    "depthwise": ("Conv", (1, 6, 8, 11), (6, 1, 3, 3), "<pads = [1,1,1,1], group = 6>"),
    "matmul": ("MatMul", (2, 7, 16), (16, 16), ""),
    "matmul2": ("MatMul", (7, 16), (16, 16), ""),
    "gemm": ("Gemm", (7, 16), (16, 16), ""),
}
"""What weights make, with the shapes of the input, which it keeps, and of the weights."""


def cases() -> Iterator[Case]:
    """All cases of this file."""
    yield from _after_weights()
    yield from _after_products()


def _after_weights() -> Iterator[Case]:
    """Operators that a compiler folds into the weights before them: in both orders, by the width of the constant."""
    for name, (producer, shape, weights, text) in PRODUCERS.items():
        channel = (shape[1], 1, 1) if len(shape) == 4 else shape[-1:]
        widths = {"one": (1,), "channel": channel, "row": shape[-1:], "whole": shape, "column": (*shape[-2:-1], 1)}
        for op in ("Add", "Sub", "Mul", "Div"):
            for width, constant in widths.items():
                for order in ("last", "first"):
                    operands = "a, w1" if order == "last" else "w1, a"
                    nodes = f"a = {producer}{text}(x, w) [probe] b = {op}({operands}) y = Sigmoid(b)"
                    inputs = f"float[{_dims(shape)}] x, float[{_dims(weights)}] w, float[{_dims(constant)}] w1"
                    yield Case(f"{op}/in-after-{name},{width}-{order}", op, _model(inputs, nodes))


def _after_products() -> Iterator[Case]:
    """A factor by rows after a product with weights, which the toolkit tries to put into the weights and cannot."""
    for rows in ((5, 8), (1, 9, 24), (3, 9, 24), (1, 2, 5, 8), (2, 3, 5, 8), (1, 20), (3, 48), (1, 2, 3)):
        for width, factor in _factors(rows).items():
            slug = f"{_dims(rows).replace(',', 'x')},{width}"
            inputs = f"float[{_dims(rows)}] x, float[{rows[-1]},{rows[-1]}] w, float[{_dims(factor)}]"
            for op in ("Mul", "Div"):
                nodes = f"a = MatMul(x, w) [probe] b = {op}(a, w1) y = Sigmoid(b)"
                yield Case(f"{op}/in-after-product,{slug}", op, _model(f"{inputs} w1", nodes))
            if width in ("column", "whole", "row", "batch-column"):
                nodes = "a = MatMul(x, w) [probe] b = Mul(a, z) y = Sigmoid(b)"
                yield Case(f"Mul/in-after-product,{slug},computed", "Mul", _model(f"{inputs} z", nodes))
            if width == "column":
                biased = f"{inputs} w1, float[{rows[-1]}] w2"
                nodes = "a = MatMul(x, w) c = Add(a, w2) [probe] b = Mul(c, w1) y = Sigmoid(b)"
                yield Case(f"Mul/in-after-bias,{slug}", "Mul", _model(biased, nodes))
    weighted = "float[2,7,16] x, float[16,16] w"
    for op in ("Mul", "Add"):  # what has a second consumer stays as it is
        nodes = f"a = MatMul(x, w) [probe] b = {op}(a, w1) y = Add(a, b)"
        yield Case(f"{op}/in-after-product,two-consumers", op, _model(f"{weighted}, float[7,1] w1", nodes))
    nodes = "a = MatMul(x, w) [probe] b = Mul(a, z) y = Sigmoid(b)"
    yield Case("Mul/in-zero-after-product", "Mul", _model(weighted, nodes, "float z = {0.0}"))


def _factors(rows: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """Shapes that are broadcast against `rows`, by what they vary along."""
    depth, ones = rows[-1], (1,) * (len(rows) - 1)
    widths = {"row": (depth,), "row-high": (*ones, depth), "column": (rows[-2], 1), "whole": rows, "single": (*ones, 1)}
    if len(rows) > 2:
        widths["batch"] = (*rows[:-2], 1, 1)
        widths["batch-row"] = (*rows[:-2], 1, depth)
        widths["batch-column"] = (*rows[:-1], 1)
    return widths


def _dims(shape: tuple[int, ...]) -> str:
    return ",".join(map(str, shape))


def _model(inputs: str, nodes: str, constants: str = "") -> str:
    first, stored, node, made = COMPANION
    head = f'<ir_version: 8, opset_import: ["" : 17]> rk ({first}, {stored}, {inputs}) => (y, {made})'
    return f"{head}{f' <{constants}>' if constants else ''} {{ {node} {nodes} }}"
