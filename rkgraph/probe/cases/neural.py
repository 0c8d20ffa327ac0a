"""Operators with weights, windows or state: convolution, matrix product, pooling, norms, recurrence, quantization."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.probe.case import ABSENT, COMPANION, Case, case, computed, const, positions, weight

F = "float"

EPSILON = "epsilon = 0.00001"
"""Written out: the toolkit fails on a LayerNormalization without it, see the cases named no-epsilon."""


def cases() -> Iterator[Case]:
    """All cases of this file."""
    yield from _convolutions()
    yield from _products()
    yield from _pools()
    yield from _norms()
    yield from _recurrent()
    yield from _quantized()
    yield from _signals()


def _convolutions() -> Iterator[Case]:
    x, bias = computed(1, 8, 12, 24), weight(16)
    k3 = weight(16, 8, 3, 3)
    yield from positions("Conv", "2d,3x3", [x, k3])
    yield from positions("Conv", "2d,3x3,bias", [x, k3, bias], "pads = [1,1,1,1]")
    yield from positions("Conv", "2d,stride2", [x, k3], "strides = [2,2], pads = [1,1,1,1]")
    yield from positions("Conv", "2d,dilation2", [x, k3], "dilations = [2,2]")
    yield from positions("Conv", "2d,depthwise", [x, weight(8, 1, 3, 3)], "group = 8")
    yield from positions("Conv", "2d,group2", [x, weight(16, 4, 3, 3)], "group = 2")
    yield from positions("Conv", "2d,1x7", [x, weight(16, 8, 1, 7)], "pads = [0,3,0,3]")
    yield from positions("Conv", "2d,patch8", [computed(1, 3, 32, 32), weight(16, 3, 8, 8)], "strides = [8,8]")
    yield from positions("Conv", "2d,patch16", [computed(1, 3, 64, 64), weight(16, 3, 16, 16)], "strides = [16,16]")
    yield from positions("Conv", "2d,batch3", [computed(3, 8, 12, 24), k3])
    yield from positions("Conv", "2d,auto-pad", [x, k3], 'auto_pad = "SAME_UPPER"')
    yield from positions("Conv", "2d,computed-weight", [x, computed(16, 8, 3, 3)])
    yield from positions("Conv", "1d,k3", [computed(1, 8, 24), weight(16, 8, 3)], "pads = [1,1]")
    yield from positions("Conv", "1d,depthwise", [computed(1, 8, 24), weight(8, 1, 3)], "group = 8")
    yield from positions("Conv", "1d,long", [computed(1, 8, 9000), weight(16, 8, 3)])
    yield from positions("Conv", "3d", [computed(1, 4, 6, 8, 10), weight(8, 4, 3, 3, 3)])
    yield case("Conv", "2d,float16", [computed(1, 8, 12, 24, dtype="float16"), weight(16, 8, 3, 3, dtype="float16")])
    for slug, args, attributes in (
        ("2d,2x2", [x, weight(8, 16, 2, 2)], "strides = [2,2]"),
        ("2d,4x4", [x, weight(8, 16, 4, 4)], "strides = [2,2], pads = [1,1,1,1]"),
        (
            "2d,3x3,output-padding",
            [x, weight(8, 16, 3, 3)],
            "strides = [2,2], pads = [1,1,1,1], output_padding = [1,1]",
        ),
        ("2d,group2", [x, weight(8, 8, 3, 3)], "group = 2"),
        ("2d,depthwise", [x, weight(8, 1, 4, 4)], "group = 8, strides = [2,2]"),
        ("2d,dilation2", [x, weight(8, 16, 3, 3)], "dilations = [2,2]"),
        ("1d", [computed(1, 8, 24), weight(8, 16, 4)], "strides = [2]"),
        ("3d", [computed(1, 4, 6, 8, 10), weight(4, 8, 2, 2, 2)], "strides = [2,2,2]"),
        ("2d,computed-weight", [x, computed(8, 16, 2, 2)], "strides = [2,2]"),
    ):
        yield from positions("ConvTranspose", slug, args, attributes)


def _products() -> Iterator[Case]:
    for slug, left, right in (
        ("r2,const", (6, 24), (24, 16)),
        ("r3,const", (1, 12, 24), (24, 16)),
        ("r3,batch3,const", (3, 12, 24), (24, 16)),
        ("r4,const", (1, 8, 12, 24), (24, 16)),
        ("r5,const", (1, 4, 6, 8, 10), (10, 16)),
        ("r1,const", (24,), (24, 16)),
        ("r3,matrix,const", (1, 12, 24), (1, 24, 16)),
        ("r3,vector,const", (1, 12, 24), (24,)),
        ("r3,wide,const", (1, 12, 24), (24, 9000)),
    ):
        yield from positions("MatMul", slug, [computed(*left), weight(*right)])
    for slug, left, right in (
        ("r2,both", (6, 24), (24, 16)),
        ("r3,both", (1, 12, 24), (1, 24, 16)),
        ("r3,batch8,both", (8, 12, 24), (8, 24, 16)),
        ("r4,both", (1, 8, 12, 24), (1, 8, 24, 16)),
        ("r4,broadcast,both", (1, 8, 12, 24), (24, 16)),
        ("r5,both", (1, 4, 6, 8, 10), (1, 4, 6, 10, 8)),
        ("r1,both", (24,), (24, 16)),
        ("r4,odd,both", (1, 3, 7, 13), (1, 3, 13, 5)),
    ):
        yield from positions("MatMul", slug, [computed(*left), computed(*right)])
    yield from positions("MatMul", "r3,const-first", [weight(1, 6, 12), computed(1, 12, 24)])
    yield from positions("MatMul", "r2,const-first", [weight(6, 12), computed(12, 24)])
    for dtype in ("int64", "int32", "float16", "double"):
        yield from positions(
            "MatMul", f"r3,const,{dtype}", [computed(1, 12, 24, dtype=dtype), weight(24, 16, dtype=dtype)]
        )
    for slug, args, attributes in (
        ("const", [computed(6, 24), weight(24, 16), weight(16)], ""),
        ("const,transB", [computed(6, 24), weight(16, 24), weight(16)], "transB = 1"),
        ("const,row", [computed(1, 24), weight(16, 24), weight(16)], "transB = 1"),
        ("const,no-bias", [computed(6, 24), weight(16, 24)], "transB = 1"),
        ("const,transA", [computed(24, 6), weight(24, 16)], "transA = 1"),
        ("const,alpha", [computed(6, 24), weight(24, 16), weight(16)], "alpha = 0.5, beta = 2.0"),
        ("both", [computed(6, 24), computed(24, 16)], ""),
        ("both,bias", [computed(6, 24), computed(24, 16), computed(16)], ""),
    ):
        yield from positions("Gemm", slug, args, attributes)
    for slug, equation, shapes in (
        ("heads", "bhid,bhjd->bhij", ((1, 4, 12, 8), (1, 4, 6, 8))),
        ("bmm", "bij,bjk->bik", ((2, 12, 24), (2, 24, 16))),
        ("outer", "i,j->ij", ((24,), (12,))),
        ("chw", "bchw,bkc->bkhw", ((1, 8, 6, 10), (1, 4, 8))),
        ("transpose", "bij->bji", ((1, 12, 24),)),
    ):
        yield from positions("Einsum", slug, [computed(*s) for s in shapes], f'equation = "{equation}"')


def _pools() -> Iterator[Case]:
    x = computed(1, 8, 12, 24)
    for op in ("MaxPool", "AveragePool", "LpPool"):
        yield from positions(op, "2d,2x2", [x], "kernel_shape = [2,2], strides = [2,2]")
        yield from positions(op, "2d,3x3,pad", [x], "kernel_shape = [3,3], strides = [2,2], pads = [1,1,1,1]")
        yield from positions(op, "2d,9x9", [x], "kernel_shape = [9,9], strides = [1,1]")
        yield from positions(op, "1d", [computed(1, 8, 24)], "kernel_shape = [3]")
        yield from positions(op, "3d", [computed(1, 4, 6, 8, 10)], "kernel_shape = [2,2,2]")
        if op != "LpPool":
            yield from positions(op, "2d,ceil", [x], "kernel_shape = [5,5], strides = [2,2], ceil_mode = 1")
    yield from positions("MaxPool", "2d,dilation2", [x], "kernel_shape = [3,3], dilations = [2,2]")
    yield from positions("MaxPool", "2d,indices", [x], "kernel_shape = [2,2], strides = [2,2]", outputs=2)
    yield from positions(
        "AveragePool", "2d,count-pad", [x], "kernel_shape = [3,3], pads = [1,1,1,1], count_include_pad = 1"
    )
    for op in ("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"):
        for slug, shape in (
            ("1d", (1, 8, 24)),
            ("2d", (1, 8, 12, 24)),
            ("2d,large", (1, 8, 120, 200)),
            ("3d", (1, 4, 6, 8, 10)),
        ):
            yield from positions(op, slug, [computed(*shape)])
    yield from positions("RoiAlign", "2d", [x, computed(3, 4), const(0, 0, 0)], "output_height = 4, output_width = 4")
    yield from positions("MaxRoiPool", "2d", [x, computed(3, 5)], "pooled_shape = [4,4]")
    yield from positions(
        "MaxUnpool",
        "2d",
        [computed(1, 8, 6, 12), computed(1, 8, 6, 12, dtype="int64")],
        "kernel_shape = [2,2], strides = [2,2]",
    )
    for mode in ("bilinear", "nearest"):
        yield from positions("GridSample", mode, [x, computed(1, 6, 10, 2)], f'mode = "{mode}"')
        yield from positions("GridSample", f"{mode},const", [x, weight(1, 6, 10, 2)], f'mode = "{mode}"')


def _norms() -> Iterator[Case]:
    for rank, shape in {2: (6, 24), 3: (1, 12, 24), 4: (1, 8, 12, 24), 5: (1, 4, 6, 8, 10)}.items():
        last = shape[-1]
        yield from positions(
            "LayerNormalization",
            f"r{rank},last",
            [computed(*shape), weight(last), weight(last)],
            "axis = -1, " + EPSILON,
        )
        yield from positions(
            "LayerNormalization", f"r{rank},last,no-bias", [computed(*shape), weight(last)], "axis = -1, " + EPSILON
        )
    yield from positions(
        "LayerNormalization", "r3,batch3", [computed(3, 12, 24), weight(24), weight(24)], "axis = -1, " + EPSILON
    )
    yield from positions(
        "LayerNormalization", "r4,axes3", [computed(1, 8, 12, 24), *[weight(8, 12, 24)] * 2], "axis = 1, " + EPSILON
    )
    yield from positions(
        "LayerNormalization", "r3,axes2", [computed(1, 12, 24), *[weight(12, 24)] * 2], "axis = 1, " + EPSILON
    )
    yield from positions(
        "LayerNormalization",
        "r3,computed-scale",
        [computed(1, 12, 24), computed(24), computed(24)],
        "axis = -1, " + EPSILON,
    )
    yield from positions(
        "LayerNormalization", "r3,wide", [computed(1, 4, 9000), weight(9000), weight(9000)], "axis = -1, " + EPSILON
    )
    yield from positions(
        "LayerNormalization", "r3,no-epsilon", [computed(1, 12, 24), weight(24), weight(24)], "axis = -1"
    )
    yield from positions("LayerNormalization", "r3,no-attributes", [computed(1, 12, 24), weight(24), weight(24)])
    channel = [weight(8)] * 2
    for slug, shape in (
        ("1d", (1, 8, 24)),
        ("2d", (1, 8, 12, 24)),
        ("2d,batch3", (3, 8, 12, 24)),
        ("3d", (1, 8, 4, 6, 10)),
        ("0d", (6, 8)),
    ):
        yield from positions("BatchNormalization", slug, [computed(*shape), *[weight(8)] * 4])
        if slug != "0d":
            yield from positions("InstanceNormalization", slug, [computed(*shape), *channel])
            yield from positions(
                "GroupNormalization",
                slug,
                [computed(*shape), weight(2), weight(2)],
                f"num_groups = 2, {EPSILON}",
                opset=18,
            )
    for slug, axis in (("channel", 1), ("last", -1)):
        for p in (1, 2):
            yield from positions(
                "LpNormalization", f"r4,{slug},p{p}", [computed(1, 8, 12, 24)], f"axis = {axis}, p = {p}"
            )
    yield from positions("LRN", "r4", [computed(1, 8, 12, 24)], "size = 5")
    yield from positions("MeanVarianceNormalization", "r4", [computed(1, 8, 12, 24)])


def _recurrent() -> Iterator[Case]:
    for op, gates in (("LSTM", 4), ("GRU", 3), ("RNN", 1)):
        for direction, ways in (("forward", 1), ("bidirectional", 2), ("reverse", 1)):
            hidden = 8
            base = [computed(12, 1, 24), weight(ways, gates * hidden, 24), weight(ways, gates * hidden, hidden)]
            bias, initial = weight(ways, 2 * gates * hidden), weight(ways, 1, hidden)
            outputs = 3 if op == "LSTM" else 2
            attributes = f'hidden_size = {hidden}, direction = "{direction}"'
            zero = [initial, initial] if op == "LSTM" else [initial]
            yield from positions(op, f"{direction},bias", [*base, bias], attributes, outputs=outputs)
            yield from positions(
                op, f"{direction},bias,initial", [*base, bias, ABSENT, *zero], attributes, outputs=outputs
            )
            yield from positions(op, f"{direction},no-bias", base, attributes, outputs=outputs)
            if direction == "forward":
                state = [computed(ways, 1, hidden)] * len(zero)
                yield from positions(op, "forward,state", [*base, bias, ABSENT, *state], attributes, outputs=outputs)
                yield from positions(
                    op, "forward,lengths", [*base, bias, const(12, dtype="int32")], attributes, outputs=outputs
                )
                yield from positions(
                    op, "forward,batch3", [computed(12, 3, 24), *base[1:], bias], attributes, outputs=outputs
                )
                linear = ", linear_before_reset = 1" if op == "GRU" else ""
                yield from positions(
                    op,
                    "forward,one-step",
                    [computed(1, 1, 24), *base[1:], bias, ABSENT, *zero],
                    attributes + linear,
                    outputs=outputs,
                )


def _quantized() -> Iterator[Case]:
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
    yield from positions(
        "MatMulInteger", "const", [computed(1, 12, 24, dtype="uint8"), weight(24, 16, dtype="uint8"), zero]
    )
    yield from positions(
        "ConvInteger", "const", [computed(1, 8, 12, 24, dtype="uint8"), weight(16, 8, 3, 3, dtype="uint8"), zero]
    )
    matrix = [computed(6, 24, dtype="uint8"), scale, zero, weight(24, 16, dtype="uint8"), scale, zero, scale, zero]
    yield from positions("QLinearMatMul", "const", matrix)
    image = [
        computed(1, 8, 12, 24, dtype="uint8"),
        scale,
        zero,
        weight(16, 8, 3, 3, dtype="uint8"),
        scale,
        zero,
        scale,
        zero,
    ]
    yield from positions("QLinearConv", "const", image)


def _signals() -> Iterator[Case]:
    yield from positions("DFT", "r3", [computed(1, 24, 1)], "axis = 1")
    yield from positions("STFT", "r2", [computed(1, 240), const(40, shape=()), weight(80), const(80, shape=())])
    yield from positions("Det", "r3", [computed(2, 6, 6)])
    yield case("Gelu", "opset20", [computed(1, 12, 24)], opset=20)
    yield from positions("Dropout", "two", [computed(1, 12, 24)], outputs=2)
    for opset in (7, 8, 9, 10, 11, 12):
        yield from positions("Dropout", f"opset{opset}", [computed(1, 12, 24)], opset=opset)
        yield _unused_mask(opset)


def _unused_mask(opset: int) -> Case:
    """A Dropout whose second output is named and read by nobody, as exporters of old opsets leave it."""
    text = (
        f'<ir_version: 8, opset_import: ["" : {opset}]> rk ({COMPANION[0]}, {COMPANION[1]}, float[1,12,24] x) => '
        f"(after, k1) {{ {COMPANION[2]} [probe] probe_y, mask = Dropout(x) after = Sigmoid(probe_y) }}"
    )
    return Case(f"Dropout/opset{opset},unused-mask", "Dropout", text)
