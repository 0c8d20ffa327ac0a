"""Values of rank 0 that a model computes: alone, with each other, and against tensors."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.probe.case import CODES, COMPANION, Case, case, computed, const
from rkgraph.probe.cases.binary_forms import ARITHMETIC, COMPARISONS, attributes_of
from rkgraph.probe.cases.unary_forms import PLAIN
from rkgraph.probe.schemas import allowed_types, versions


def cases() -> Iterator[Case]:
    """All cases of this file."""
    yield from _unary()
    yield from _binary()
    yield from _others()


def _unary() -> Iterator[Case]:
    for op in (*PLAIN, "LeakyRelu", "Clip", "Elu", "HardSigmoid", "Dropout"):
        dtype = next(t for t in ("float", "bool", "int32") if t in allowed_types(op))
        opset = max(17, versions(op)[0])
        yield case(op, f"{dtype},r0", [computed(dtype=dtype)], opset=opset)
        if dtype == "float" and opset == 17 and op != "IsNaN":
            yield Case(f"{op}/in-scalar,consumed", op, _consumed(f"{op}(s)"))
    for op in ("Abs", "Neg", "Sign", "Identity"):
        yield case(op, "int64,r0", [computed(dtype="int64")])


def _consumed(expression: str) -> str:
    """A scalar that scales a tensor, by way of the probed node."""
    first, stored, node, made = COMPANION
    head = f'<ir_version: 8, opset_import: ["" : 17]> rk ({first}, {stored}, float[4,9] x, float[5,7] z) => (y, {made})'
    return f"{head} {{ {node} s = ReduceMax<keepdims = 0>(x) [probe] q = {expression} y = Mul(z, q) }}"


def _binary() -> Iterator[Case]:
    for op in (*ARITHMETIC, *COMPARISONS):
        for dtype in ("float", "int64", "int32"):
            x, attributes = computed(dtype=dtype), attributes_of(op, dtype)
            one = const(2.0 if dtype == "float" else 2, dtype=dtype, shape=())
            yield case(op, f"{dtype},r0,const", [x, one], attributes)
            if dtype != "float":
                continue
            yield case(op, f"{dtype},r0,both", [x, x], attributes)
            for shape in ((5, 7), (2, 9, 14), (1, 6, 9, 14)):
                yield case(op, f"{dtype},r{len(shape)}r0,both", [computed(*shape), x], attributes)
            yield case(op, f"{dtype},r0r3,both", [x, computed(2, 9, 14)], attributes)


def _others() -> Iterator[Case]:
    for source in ("float", "int64", "int32", "bool", "float16"):
        for target in ("float", "int64", "int32", "bool", "float16"):
            yield case("Cast", f"{source}-{target},r0", [computed(dtype=source)], f"to = {CODES[target]}")
    condition = computed(dtype="bool")
    yield case("Where", "condition-r0", [condition, computed(2, 9, 14), computed(2, 9, 14)])
    yield case("Where", "all-r0", [condition, computed(), computed()])
    yield case("Where", "x-r0", [computed(2, 9, 14, dtype="bool"), computed(), computed(2, 9, 14)])
    for op in ("And", "Or"):
        yield case(op, "bool,r0,both", [condition, condition])
    for op in ("Sum", "Mean"):
        yield case(op, "float,r0,both", [computed(), computed()])
