"""Quantised operators: the pairs that quantisers insert, integer products, and the fused QLinear ones."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.probe.case import COMPANION, Arg, Case, case, computed, const, weight
from rkgraph.probe.schemas import TAKEN, allowed_types

SCALE, SCALES = const(0.02, dtype="float", shape=()), const(*[0.02] * 6, dtype="float")
SHAPES = {1: (34,), 2: (5, 18), 3: (2, 9, 14), 4: (1, 6, 9, 14), 5: (1, 6, 3, 4, 5), 6: (1, 2, 3, 4, 5, 6)}


def cases() -> Iterator[Case]:
    """All cases of this file."""
    yield from _pairs()
    yield from _scales()
    yield from _in_models()
    yield from _integer_products()
    yield from _fused()


def _zero(dtype: str, count: int = 0) -> Arg:
    """Zero points of several values, as quantisers find them."""
    values = [(3 + 7 * len(dtype) + 11 * number) % 100 for number in range(max(count, 1))]
    return const(*values, dtype=dtype, shape=(count,) if count else ())


def _opset(dtype: str) -> int:
    return 19 if dtype.startswith(("float8", "bfloat16", "float16")) else 17


def _pairs() -> Iterator[Case]:
    """Each of the two alone, by element type and rank."""
    for rank, shape in SHAPES.items():
        for dtype in ("uint8", "int8"):
            yield case("QuantizeLinear", f"float-{dtype},rank{rank}", [computed(*shape), SCALE, _zero(dtype)])
            yield case("DequantizeLinear", f"{dtype},rank{rank}", [computed(*shape, dtype=dtype), SCALE, _zero(dtype)])
        yield case("QuantizeLinear", f"no-zero,rank{rank}", [computed(*shape), SCALE])
        yield case("QuantizeLinear", f"no-zero,one-element,rank{rank}", [computed(*shape), const(0.1, dtype="float")])
    for dtype in allowed_types("QuantizeLinear"):
        scale = const(0.5, dtype="float" if dtype == "int32" else dtype, shape=())
        yield case(
            "QuantizeLinear",
            f"{dtype}-int8",
            [computed(2, 9, 14, dtype=dtype), scale, _zero("int8")],
            opset=_opset(dtype),
        )
    for dtype in allowed_types("QuantizeLinear", 2):
        zero = weight(1, dtype=dtype) if dtype.startswith("float8") else _zero(dtype, 1)
        for shape in ((2, 9, 14), (1, 6, 9, 14)):
            args = [computed(*shape), const(0.5, dtype="float"), zero]
            yield case("QuantizeLinear", f"float-{dtype},zero-vector,r{len(shape)}", args, opset=_opset(dtype))
    for dtype in allowed_types("DequantizeLinear"):
        args = [computed(2, 9, 14, dtype=dtype), SCALE]
        yield case("DequantizeLinear", f"{dtype},no-zero", args, opset=_opset(dtype))
        if dtype not in TAKEN:
            continue
        for opset in (10, 13, 19):
            yield case("DequantizeLinear", f"{dtype},no-zero,opset{opset}", args, opset=opset)
            if dtype != "int32":
                quantised = [computed(2, 9, 14), SCALE, _zero(dtype)]
                yield case("QuantizeLinear", f"float-{dtype},opset{opset}", quantised, opset=opset)


def _scales() -> Iterator[Case]:
    """Scales and zero points that are left out, by channel, or computed."""
    x, q = computed(1, 6, 9, 14), computed(1, 6, 9, 14, dtype="uint8")
    for op, data in (("QuantizeLinear", x), ("DequantizeLinear", q)):
        yield case(op, "r4,no-zero", [data, SCALE])
        yield case(op, "r4,one-element", [data, const(0.02, dtype="float"), _zero("uint8", 1)])
        for axis in ("", "axis = 1", "axis = -3"):
            yield case(op, f"r4,channels,{axis or 'bare'}", [data, SCALES, _zero("uint8", 6)], axis)
        yield case(op, "r4,last", [data, const(*[0.02] * 14, dtype="float"), _zero("uint8", 14)], "axis = 3")
        yield case(op, "r4,computed-scale", [data, computed(), _zero("uint8")])
        yield case(op, "r4,computed-scales", [data, computed(6), _zero("uint8", 6)])
        yield case(op, "r4,computed-zero", [data, SCALE, computed(dtype="uint8")])
        yield case(op, "r4,computed-zeros", [data, SCALES, computed(6, dtype="uint8")])
        yield case(op, "r4,computed-vectors", [data, computed(6), computed(6, dtype="uint8")])
        yield case(op, "r4,computed-scale,no-zero", [data, computed()])
        row = computed(12) if op == "QuantizeLinear" else computed(12, dtype="uint8")
        yield case(op, "r1,computed-scales", [row, computed(12), _zero("uint8", 12)], "axis = 0")
        yield case(op, "r1,computed-vectors", [row, computed(12), computed(12, dtype="uint8")], "axis = 0")
        if op == "DequantizeLinear":
            narrow = computed(2, 7, 9, dtype="int8")
            yield case(op, "int8,r3,computed-scale", [narrow, computed(), _zero("int8")])
            yield case(op, "int8,r3,computed-zero", [narrow, SCALE, computed(dtype="int8")])
            yield case(op, "int8,r3,computed-scales", [narrow, computed(7), _zero("int8", 7)], "axis = 1")
        yield case(op, "r1,zero0", [row, SCALE, const(0, dtype="uint8", shape=())])
        yield case(op, "r4,zero0", [data, SCALE, const(0, dtype="uint8", shape=())])
        yield case(op, "r4,zero128", [data, SCALE, const(128, dtype="uint8", shape=())])


def _in_models() -> Iterator[Case]:
    """What quantisers write: values quantised and dequantised again, and weights stored in integers."""
    zero = "uint8 z = {128}, int8 v = {0}, float s = {0.02}"
    forms = {
        "pair-uint8": ("q = QuantizeLinear(x, s, z)", "[probe] y = DequantizeLinear(q, s, z)"),
        "pair-int8": ("q = QuantizeLinear(x, s, v)", "[probe] y = DequantizeLinear(q, s, v)"),
        "pair-other-scale": ("q = QuantizeLinear(x, s, v)", "[probe] y = DequantizeLinear(q, t, v)"),
    }
    for slug, (first, second) in forms.items():
        body = f"{first} {second}"
        for number, (probe, around) in enumerate((("DequantizeLinear", "plain"), ("QuantizeLinear", "plain"))):
            nodes = body if number == 0 else body.replace("[probe] ", "").replace("q = Q", "[probe] q = Q")
            for shape in ("1,6,9,14", "5,18"):
                text = _model(f"float[{shape}] x", f"{zero}, float t = {{0.03}}", f"{nodes} z1 = Sigmoid(y)", "z1")
                yield Case(f"{probe}/in-{slug},{around},{shape.count(',') + 1}", probe, text)
            convs = f"a = Conv(x, w) {nodes.replace('(x,', '(a,')} b = Conv(y, w1)"
            inputs = "float[1,6,9,14] x, float[6,6,1,1] w, float[6,6,1,1] w1"
            text = _model(inputs, f"{zero}, float t = {{0.03}}", convs, "b")
            yield Case(f"{probe}/in-{slug},convs", probe, text)
    stored = "[probe] d = DequantizeLinear<axis = 0>(w, c, v) b = Conv(x, d)"
    constants = "float[6] c = {0.1, 0.2, 0.1, 0.2, 0.1, 0.2}, int8[6] v = {0, 0, 0, 0, 0, 0}"
    yield Case(
        "DequantizeLinear/in-stored-weight",
        "DequantizeLinear",
        _model("float[1,6,9,14] x, int8[6,6,1,1] w", constants, stored, "b"),
    )
    gemm = "[probe] d = DequantizeLinear(w, s, v) b = MatMul(x, d)"
    yield Case(
        "DequantizeLinear/in-stored-matrix",
        "DequantizeLinear",
        _model("float[7,12] x, int8[12,10] w", "float s = {0.05}, int8 v = {0}", gemm, "b"),
    )


def _model(inputs: str, constants: str, nodes: str, output: str) -> str:
    first, stored, node, made = COMPANION
    return (
        f'<ir_version: 8, opset_import: ["" : 17]> rk ({first}, {stored}, {inputs}) => ({output}, {made})'
        f" <{constants}> {{ {node} {nodes} }}"
    )


def _integer_products() -> Iterator[Case]:
    yield from _dynamic()
    for a in ("uint8", "int8"):
        for b in ("uint8", "int8"):
            x, w = computed(1, 6, 8, 14, dtype=a), weight(8, 6, 3, 3, dtype=b)
            yield case("ConvInteger", f"{a}-{b},const", [x, w])
            yield case("ConvInteger", f"{a}-{b},zeros", [x, w, _zero(a), _zero(b)])
            yield case("ConvInteger", f"{a}-{b},computed", [x, computed(8, 6, 2, 2, dtype=b)])
            yield case("ConvInteger", f"{a}-{b},computed,zero", [x, computed(8, 6, 2, 2, dtype=b), _zero(a)])
            yield case("MatMulInteger", f"{a}-{b},const", [computed(7, 12, dtype=a), weight(12, 10, dtype=b)])
            yield case("MatMulInteger", f"{a}-{b},computed", [computed(7, 12, dtype=a), computed(12, 10, dtype=b)])
            zeros = [_zero(a), _zero(b)]
            yield case("MatMulInteger", f"{a}-{b},zeros", [computed(7, 12, dtype=a), weight(12, 10, dtype=b), *zeros])
            yield case("MatMulInteger", f"{a}-{b},r3", [computed(2, 7, 12, dtype=a), weight(12, 10, dtype=b), *zeros])
            yield case(
                "MatMulInteger", f"{a}-{b},r4", [computed(1, 2, 7, 12, dtype=a), computed(1, 2, 12, 10, dtype=b)]
            )
            computed_zeros = [computed(1, dtype=a), computed(1, dtype=b)]
            yield case(
                "MatMulInteger",
                f"{a}-{b},computed-zeros",
                [computed(7, 12, dtype=a), computed(12, 10, dtype=b), *computed_zeros],
            )
    for channels, height, width, size in ((6, 8, 10, 1), (1, 5, 7, 3), (2, 4, 9, 2), (16, 8, 8, 4)):
        x = computed(1, channels, height, width, dtype="uint8")
        slug = f"uint8,{channels}x{height}x{width},kernel{size}"
        yield case("ConvInteger", f"{slug},computed", [x, computed(8, channels, size, size, dtype="uint8")])
        yield case("ConvInteger", f"{slug},const", [x, weight(8, channels, size, size, dtype="uint8")])
    for slug, text in {"pads": "pads = [1,1,1,1]", "strides": "strides = [2,2]", "group": "group = 6"}.items():
        w = weight(6, 1, 3, 3, dtype="uint8") if slug == "group" else weight(8, 6, 3, 3, dtype="uint8")
        yield case("ConvInteger", f"uint8,{slug}", [computed(1, 6, 8, 14, dtype="uint8"), w], text)
    yield case("ConvInteger", "uint8,1d", [computed(1, 6, 30, dtype="uint8"), weight(8, 6, 3, dtype="uint8")])
    yield case(
        "ConvInteger",
        "uint8,computed-zero",
        [computed(1, 6, 8, 14, dtype="uint8"), weight(8, 6, 3, 3, dtype="uint8"), computed(dtype="uint8")],
    )


def _dynamic() -> Iterator[Case]:
    for rank, shape in SHAPES.items():
        yield case("DynamicQuantizeLinear", f"float,rank{rank}", [computed(*shape)], outputs=3)
    yield case("DynamicQuantizeLinear", "float,between", [computed(1, 6, 9, 14)], outputs=3)


def _fused() -> Iterator[Case]:
    for x in ("uint8", "int8"):
        for w in ("uint8", "int8"):
            for shape, kernel in (((1, 6, 8, 14), (8, 6, 3, 3)), ((1, 6, 30), (8, 6, 3))):
                head = [computed(*shape, dtype=x), SCALE, _zero(x), weight(*kernel, dtype=w), SCALE, _zero(w)]
                yield case("QLinearConv", f"{x}-{w},r{len(shape)}", [*head, SCALE, _zero(x)])
                yield case(
                    "QLinearConv", f"{x}-{w},r{len(shape)},bias", [*head, SCALE, _zero(x), weight(8, dtype="int32")]
                )
            for a, b in (((7, 12), (12, 10)), ((2, 7, 12), (2, 12, 10)), ((1, 2, 7, 12), (1, 2, 12, 10))):
                left, right = [computed(*a, dtype=x), SCALE, _zero(x)], [SCALE, _zero(w), SCALE, _zero(x)]
                yield case("QLinearMatMul", f"{x}-{w},r{len(a)},const", [*left, weight(*b, dtype=w), *right])
                yield case("QLinearMatMul", f"{x}-{w},r{len(a)},computed", [*left, computed(*b, dtype=w), *right])
    channels = [const(*[0.02] * 8, dtype="float"), _zero("int8", 8)]
    head = [computed(1, 6, 8, 14, dtype="uint8"), SCALE, _zero("uint8"), weight(8, 6, 3, 3, dtype="int8")]
    yield case("QLinearConv", "uint8-int8,channels", [*head, *channels, SCALE, _zero("uint8")])
    head = [computed(7, 12, dtype="uint8"), computed(1), computed(1, dtype="uint8"), computed(12, 10, dtype="uint8")]
    yield case("QLinearMatMul", "uint8,all-computed", [*head, *[computed(1), computed(1, dtype="uint8")] * 2])
