"""Quantized operators: QuantizeLinear and its inverse, dynamic quantization, integer and QLinear products."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from rkgraph.probe.case import ABSENT, Case, case, computed, const, positions, weight

__all__ = ["cases"]

F = "float"


def cases() -> Iterator[Case]:
    """All cases of this file."""
    yield from _common()
    yield from _linear()
    yield from _products()


def _common() -> Iterator[Case]:
    scale, zero = const(0.05, dtype=F, shape=()), const(3, dtype="uint8", shape=())
    for rank, shape in {2: (12, 24), 3: (1, 12, 24), 4: (1, 8, 12, 24)}.items():
        yield from positions("QuantizeLinear", f"uint8,r{rank}", [computed(*shape), scale, zero])
        yield from positions("DequantizeLinear", f"uint8,r{rank}", [computed(*shape, dtype="uint8"), scale, zero])
    yield from positions("DequantizeLinear", "const", [weight(16, 8, 3, 3, dtype="int8"), scale])
    scales, zeros = const(*[0.05] * 16, dtype=F), const(*[0] * 16, dtype="int8")
    for slug, how in {"tensor": [scale, const(0, dtype="int8", shape=())], "channel": [scales, zeros]}.items():
        for rank, shape in {2: (16, 24), 4: (16, 8, 3, 3)}.items():
            what = f"const,r{rank},int8,{slug}"
            yield from positions("DequantizeLinear", what, [weight(*shape, dtype="int8"), *how], "axis = 0")
    yield from positions("DequantizeLinear", "const,bias", [weight(16, dtype="int32"), scale])
    yield from positions("DynamicQuantizeLinear", "r3", [computed(1, 12, 24)], outputs=3)
    matrix = [computed(1, 12, 24, dtype="uint8"), weight(24, 16, dtype="uint8"), zero]
    yield from positions("MatMulInteger", "const", matrix)
    kernel = weight(16, 8, 3, 3, dtype="uint8")
    yield from positions("ConvInteger", "const", [computed(1, 8, 12, 24, dtype="uint8"), kernel, zero])
    matrix = [computed(6, 24, dtype="uint8"), scale, zero, weight(24, 16, dtype="uint8"), scale, zero, scale, zero]
    yield from positions("QLinearMatMul", "const", matrix)
    image = [computed(1, 8, 12, 24, dtype="uint8"), scale, zero, kernel, scale, zero, scale, zero]
    yield from positions("QLinearConv", "const", image)


def _linear() -> Iterator[Case]:
    """What is constant: the data, the scale, the zero point; scalars, vectors of one, one for each channel."""
    shape = (1, 6, 10, 20)
    for dtype, (slug, form) in product(("int8", "uint8"), {"scalar": (), "vector": (1,), "channel": (6,)}.items()):
        zero, size = ABSENT, form[0] if form else 1
        for has_zero in (False, True):
            scale = const(*[0.04] * size, dtype=F, shape=form)
            zero = const(*[2] * size, dtype=dtype, shape=form) if has_zero else ABSENT
            axis = "axis = 1" if slug == "channel" else ""
            words = f"{dtype},{slug},{'zero' if has_zero else 'no-zero'}"
            if has_zero or dtype == "uint8":
                yield case("QuantizeLinear", words, [computed(*shape), scale, zero], axis)
            yield case("DequantizeLinear", words, [computed(*shape, dtype=dtype), scale, zero], axis)
        if not form:
            continue
        for x, s, z in ((1, 1, 1), (1, 1, 0), (1, 0, 1), (0, 1, 1), (0, 1, 0)):
            scale = (computed if s else weight)(*form)
            zero = (computed if z else weight)(*form, dtype=dtype)
            words = f"{dtype},{slug},{x}{s}{z}-computed"
            if x:
                yield case("QuantizeLinear", words, [computed(*shape), scale, zero], axis)
            data = (computed if x else weight)(*shape, dtype=dtype)
            yield case("DequantizeLinear", words, [data, scale, zero], axis)
    scale = const(0.04, dtype=F, shape=())
    yield case("DequantizeLinear", "int32", [computed(*shape, dtype="int32"), scale])
    yield case("DequantizeLinear", "int32,constant", [weight(*shape, dtype="int32"), scale])
    yield case("QuantizeLinear", "of-int32", [computed(*shape, dtype="int32"), scale, const(0, dtype="int8", shape=())])
    for opset in (10, 13, 19):
        zero = const(2, dtype="uint8", shape=())
        for rank, dims in {1: (20,), 3: (1, 10, 20), 4: shape}.items():
            yield case("QuantizeLinear", f"opset{opset},r{rank}", [computed(*dims), scale, zero], opset=opset)
            yield case(
                "DequantizeLinear", f"opset{opset},r{rank}", [computed(*dims, dtype="uint8"), scale, zero], opset=opset
            )
    half = const(0.04, dtype="float16", shape=())
    yield case(
        "QuantizeLinear",
        "float16",
        [computed(*shape, dtype="float16"), half, const(0, dtype="int8", shape=())],
        opset=19,
    )
    for dims in ((20,), (6, 20), (1, 6, 10, 20)):
        yield case("DynamicQuantizeLinear", f"r{len(dims)}", [computed(*dims)], outputs=3)


def _products() -> Iterator[Case]:
    for a, b in product(("uint8", "int8"), repeat=2):
        for slug, how in {"constant": weight, "computed": computed}.items():
            x, y = computed(1, 10, 20, dtype=a), how(1, 20, 15, dtype=b)
            yield case("MatMulInteger", f"{a},{b},{slug}", [x, y])
            zeros = [const(1, dtype=a, shape=()), const(1, dtype=b, shape=())]
            yield case("MatMulInteger", f"{a},{b},{slug},zeros", [x, y, *zeros])
            vectors = [computed(1, dtype=a), computed(1, dtype=b)]
            yield case("MatMulInteger", f"{a},{b},{slug},computed-zeros", [x, y, *vectors])
            if b == "uint8":
                yield from _convolved(a, b, slug)
    for slug, form in {"scalar": (), "vector": (1,)}.items():
        scale, zero = const(0.04, dtype=F, shape=form), const(2, dtype="uint8", shape=form)
        for rank, lead in {2: (), 3: (2,)}.items():
            left, right = computed(*lead, 10, 20, dtype="uint8"), weight(*lead, 20, 15, dtype="uint8")
            yield case("QLinearMatMul", f"{slug},r{rank}", [left, scale, zero, right, scale, zero, scale, zero])
        image, kernel = computed(1, 6, 10, 20, dtype="uint8"), weight(10, 6, 3, 3, dtype="uint8")
        yield case("QLinearConv", slug, [image, scale, zero, kernel, scale, zero, scale, zero])
    scale, zero = computed(1), computed(1, dtype="uint8")
    left, right = computed(10, 20, dtype="uint8"), computed(20, 15, dtype="uint8")
    yield case("QLinearMatMul", "computed", [left, scale, zero, right, scale, zero, scale, zero])
    yield case(
        "QLinearMatMul",
        "computed,constant-right",
        [left, scale, zero, weight(20, 15, dtype="uint8"), scale, zero, scale, zero],
    )
    image, kernel = computed(1, 6, 10, 20, dtype="uint8"), computed(10, 6, 3, 3, dtype="uint8")
    yield case("QLinearConv", "computed", [image, scale, zero, kernel, scale, zero, scale, zero])


def _convolved(a: str, b: str, slug: str) -> Iterator[Case]:
    how = weight if slug == "constant" else computed
    x, kernel = computed(1, 6, 10, 20, dtype=a), how(10, 6, 3, 3, dtype=b)
    yield case("ConvInteger", f"{a},{b},{slug}", [x, kernel])
    yield case("ConvInteger", f"{a},{b},{slug},zero", [x, kernel, const(1, dtype=a, shape=())])
    yield case("ConvInteger", f"{a},{b},{slug},computed-zero", [x, kernel, computed(1, dtype=a)], "pads = [1,1,1,1]")
