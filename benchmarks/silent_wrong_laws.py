"""Models on both sides of every law of `op_tables/wrong_numbers.toml`, as ONNX text: right ones and wrong ones.

Inputs whose name starts with w become constants. `benchmarks.silent_wrong laws` measures them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

__all__ = ["models"]

Models = Iterator[tuple[str, str]]


def models() -> Iterator[tuple[str, str, str]]:
    """(law, case, ONNX text) of all."""
    for law, make in _LAWS.items():
        for case, text in make():
            yield law, case, text


def _model(body: str, opset: int = 17) -> str:
    return f'<ir_version: 8, opset_import: ["" : {opset}]> g {body}'


def _cumulative_sum() -> Models:
    for shape in ((8,), (6, 8), (2, 6, 8)):
        for axis in range(-len(shape), len(shape)):
            for more in ("",) if len(shape) != 2 else ("", "exclusive = 1", "reverse = 1"):
                attributes = f"<{more}>" if more else ""
                yield (
                    f"{_sizes(shape)} axis {axis} {more}".strip(),
                    _model(f"({_of(shape)} x) => ({_of(shape)} y) <int64 a = {{{axis}}}> "
                           f"{{ r = Relu(x) y = CumSum{attributes}(r, a) }}"),
                )  # fmt: skip


def _reversed_lengths() -> Models:
    for axis in (0, 1):
        for name, lengths in (
            ("alike", [2] * 6),
            ("of one", [1] * 6),
            ("whole", [6] * 6),
            ("mixed", [1, 2, 3, 4, 5, 6]),
        ):
            yield f"6×6×14, time axis {axis}, lengths {name}", _reversal((6, 6, 14), axis, lengths)
    yield "6×1×14, time axis 0, a length of 4", _reversal((6, 1, 14), 0, [4])
    yield "1×6×14, time axis 1, a length of 4", _reversal((1, 6, 14), 1, [4])
    yield "5×3×4×8, time axis 0, lengths alike", _reversal((5, 3, 4, 8), 0, [2, 2, 2])
    yield "5×3×4×8, time axis 0, lengths mixed", _reversal((5, 3, 4, 8), 0, [4, 2, 5])
    yield "5×3×4, time axis 0, lengths alike", _reversal((5, 3, 4), 0, [2, 2, 2])
    yield "5×3, time axis 0, lengths alike", _reversal((5, 3), 0, [2, 2, 2])
    yield "6×1×4×8, time axis 0, a length of 4", _reversal((6, 1, 4, 8), 0, [4])


def _reversal(shape: Sequence[int], axis: int, lengths: Sequence[int]) -> str:
    numbers = ", ".join(map(str, lengths))
    return _model(
        f"({_of(shape)} x) => ({_of(shape)} y) <int64[{len(lengths)}] l = {{{numbers}}}> "
        f"{{ r = Neg(x) y = ReverseSequence<time_axis = {axis}, batch_axis = {1 - axis}>(r, l) }}"
    )


def _quantizations() -> Models:
    for name, dtype, s, t, z, u in (
        ("the same", "int8", 0.02, 0.02, 0, 0), ("the same, uint8", "uint8", 0.02, 0.02, 128, 128),
        ("another scale", "int8", 0.02, 0.03, 0, 0), ("another scale, uint8", "uint8", 0.02, 0.03, 128, 128),
        ("another zero point", "int8", 0.02, 0.02, 0, 10), ("another zero point, uint8", "uint8", 0.02, 0.02, 128, 100),
    ):  # fmt: skip
        yield name, _quantized(dtype, (s, t), (z, u), "d = DequantizeLinear(q, t, u)")
    for op in ("Identity(q)", "Reshape(q, h)", "Transpose<perm = [0, 2, 1, 3]>(q)"):
        for name, t in (("the same", 0.02), ("another scale", 0.03)):
            text = _quantized("int8", (0.02, t), (0, 0), f"p = {op} d = DequantizeLinear(p, t, u)")
            yield f"{name}, {op.partition('<')[0].partition('(')[0]} between", text
    chain = "e = DequantizeLinear(q, s, z) p = QuantizeLinear(e, t, u) d = DequantizeLinear(p, t, u)"
    yield "another scale behind a DequantizeLinear of the same", _quantized("int8", (0.02, 0.03), (0, 0), chain)


def _quantized(dtype: str, scales: tuple[float, float], zeros: tuple[int, int], nodes: str) -> str:
    shape = ", int64[4] h = {1, 14, 9, 6}" if "Reshape" in nodes else ""
    out = (1, 14, 9, 6) if shape else (1, 9, 6, 14) if "Transpose" in nodes else (1, 6, 9, 14)
    return _model(
        f"(float[1,6,9,14] x) => ({_of(out)} y) <{dtype} z = {{{zeros[0]}}}, {dtype} u = {{{zeros[1]}}}, "
        f"float s = {{{scales[0]}}}, float t = {{{scales[1]}}}{shape}> "
        f"{{ r = Relu(x) q = QuantizeLinear(r, s, z) {nodes} y = Sigmoid(d) }}"
    )


def _powers() -> Models:
    for full in ((3, 4), (2, 3, 4), (2, 3, 4, 5)):
        for kept in range(2 ** len(full)):
            base = tuple(size if kept >> place & 1 else 1 for place, size in enumerate(full))
            yield f"{_sizes(base)} to the {_sizes(full)}", _power(base, full)
    yield "2×1×4 to the 1×3×4", _power((2, 1, 4), (1, 3, 4))
    yield "1×1×4 to the 2×3×1", _power((1, 1, 4), (2, 3, 1))
    yield "1×3×1 to the 2×1×4", _power((1, 3, 1), (2, 1, 4))
    for exponent in ((1, 1, 4), (2, 1, 4), (1, 3, 1), (2, 1, 1)):
        yield f"2×3×4 to the {_sizes(exponent)}", _power((2, 3, 4), exponent)


def _power(base: Sequence[int], exponent: Sequence[int]) -> str:
    result = [max(pair) for pair in zip(base, exponent, strict=True)]
    return _model(f"({_of(base)} x, {_of(exponent)} z) => ({_of(result)} y) {{ r = Abs(x) y = Pow(r, z) }}")


def _pools() -> Models:
    for op, kernel, stride in (
        *(("MaxPool", (side, side), (1, 2)) for side in (3, 7, 8, 9, 12, 20)), ("MaxPool", (8, 8), (1, 3)),
        ("MaxPool", (12, 12), (1, 1)), ("MaxPool", (12, 12), (2, 1)), ("MaxPool", (12, 12), (2, 2)),
        ("MaxPool", (8, 8), (2, 3)), ("MaxPool", (8, 8), (4, 2)), ("MaxPool", (7, 8), (1, 2)),
        ("MaxPool", (8, 9), (1, 2)), ("MaxPool", (12, 8), (1, 2)), ("AveragePool", (12, 12), (1, 2)),
    ):  # fmt: skip
        size = ", ".join(map(str, kernel))
        steps = ", ".join(map(str, stride))
        out = [(64 - side) // step + 1 for side, step in zip(kernel, stride, strict=True)]
        yield (
            f"{op} {_sizes(kernel)}, strides {_sizes(stride)}",
            _model(
                f"(float[1,3,64,64] x) => (float[1,3,{out[0]},{out[1]}] y) "
                f"{{ y = {op}<kernel_shape = [{size}], strides = [{steps}]>(x) }}"
            ),
        )
    yield (
        "MaxPool 8×8, strides 1×2, padded",
        _model(
            "(float[1,3,64,64] x) => (float[1,3,64,32] y) "
            "{ y = MaxPool<kernel_shape = [8, 8], strides = [1, 2], pads = [3, 3, 4, 4]>(x) }"
        ),
    )


def _softmaxes() -> Models:
    for op in ("Softmax", "LogSoftmax"):
        for shape, axes in (
            ((2, 1, 4, 5, 6), range(-4, 5)), ((1, 3, 4, 5, 6), (0, 1, 2)), ((2, 3, 1, 5, 2), (1, 2)),
            ((4, 1, 4, 5), (1, 3)), ((2, 1, 4, 5, 6, 3), (1, 2)), ((2, 3, 4, 1, 5), (2, 3)),
            ((1, 1, 4, 5, 6), (0, 1)), ((1, 3, 1, 6, 7), (0, 2)),
            ((2, 1, 3, 1, 7), (1, 3)), ((2, 3, 4, 1, 5, 6), (3,)),
        ):  # fmt: skip
            for axis in axes:
                yield f"{op} of {_sizes(shape)}, axis {axis}", _softmax(op, shape, axis, 13)


def _old_softmaxes() -> Models:
    for op in ("Softmax", "LogSoftmax"):
        for opset, axes in ((11, (-2, -1, 1, 2)), (13, (-2,))):
            for axis in axes:
                yield f"{op} of 2×3×4, axis {axis}, opset {opset}", _softmax(op, (2, 3, 4), axis, opset)


def _softmax(op: str, shape: Sequence[int], axis: int, opset: int) -> str:
    return _model(f"({_of(shape)} x) => ({_of(shape)} y) {{ r = Relu(x) y = {op}<axis = {axis}>(r) }}", opset)


def _masks() -> Models:
    for shape, mask in (
        ((20,), (20,)), ((4, 20), (1, 20)), ((4, 20), (4, 20)), ((4, 20), (20,)), ((3, 6, 20), (1, 1, 20)),
        ((3, 6, 20), (1, 6, 20)), ((2, 3, 6, 20), (1, 1, 1, 20)), ((2, 3, 6, 20), (2, 1, 1, 20)),
    ):  # fmt: skip
        for dtype in ("int64", "int32", "float"):
            yield f"{_sizes(shape)}, mask {_sizes(mask)} of {dtype}", _masked(shape, mask, dtype)
        yield f"{_sizes(shape)}, mask {_sizes(mask)} that keeps", _masked(shape, mask, where="b, x, low")
    row = ((4, 20), (1, 20))
    for fill in (-1, -5, -10, -11, -20, -100, 100):
        yield f"4×20, mask 1×20, fill {fill}", _masked(*row, fill=fill)
    for name, text in (
        ("0 and 1 by Not of Equal", "e = Equal(i, zero) b = Not(e)"),
        ("bool, int64, bool", "e = Cast<to = 9>(i) d = Cast<to = 7>(e) b = Cast<to = 9>(d)"),
        ("through Identity", "e = Cast<to = 9>(i) b = Identity(e)"),
    ):  # fmt: skip
        yield f"4×20, mask 1×20, {name}", _masked(*row, made=text)
    yield "4×20, mask 1×20, LogSoftmax", _masked(*row, end="LogSoftmax<axis = -1>(m)")
    yield "4×20, mask 1×20, axis 0", _masked(*row, end="Softmax<axis = 0>(m)")
    yield "4×20, mask 1×20, Sigmoid", _masked(*row, end="Sigmoid(m)")


def _masked(
    shape: Sequence[int], mask: Sequence[int], dtype: str = "int64", *, where: str = "b, low, x", fill: float = -10000,
    made: str = "b = Cast<to = 9>(i)", end: str = "Softmax<axis = -1>(m)",
) -> str:  # fmt: skip
    zero = ", int64 zero = {0}" if "zero" in made else ""
    return _model(
        f"({dtype}[{','.join(map(str, mask))}] i, {_of(shape)} x) => ({_of(shape)} y) "
        f"<float low = {{{float(fill)}}}{zero}> {{ {made} m = Where({where}) y = {end} }}"
    )


def _output_shapes() -> Models:
    for pad in ("", 'auto_pad = "SAME_UPPER", ', 'auto_pad = "SAME_LOWER", '):
        for size in ((7, 7), (8, 8), (9, 8), (9, 9), (10, 9)):
            yield (
                f"{pad.strip(', ') or 'plain'} to {_sizes(size)}",
                _model(
                    f"(float[1,3,4,4] x, float[3,2,3,3] w) => (float[1,2,{size[0]},{size[1]}] y) "
                    f"{{ y = ConvTranspose<strides = [2, 2], {pad}output_shape = [{size[0]}, {size[1]}]>(x, w) }}"
                ),
            )
    for size in ((7, 7), (8, 8)):
        yield (
            f"computed weights, to {_sizes(size)}",
            _model(
                f"(float[1,3,4,4] x, float[3,2,3,3] v) => (float[1,2,{size[0]},{size[1]}] y) "
                f"{{ y = ConvTranspose<strides = [2, 2], output_shape = [{size[0]}, {size[1]}]>(x, v) }}"
            ),
        )


def _three_axes() -> Models:
    for op, form, more, weight, out in (
        ("Conv", "plain", "", (6, 2, 3, 3, 3), (1, 6, 3, 4, 5)),
        ("Conv", "padded", "pads = [1, 1, 1, 1, 1, 1]", (6, 2, 3, 3, 3), (1, 6, 5, 6, 7)),
        ("Conv", "SAME_UPPER", 'auto_pad = "SAME_UPPER"', (6, 2, 3, 3, 3), (1, 6, 5, 6, 7)),
        ("Conv", "SAME_LOWER", 'auto_pad = "SAME_LOWER"', (6, 2, 3, 3, 3), (1, 6, 5, 6, 7)),
        ("Conv", "dilated", "dilations = [2, 2, 2]", (6, 2, 3, 3, 3), (1, 6, 1, 2, 3)),
        ("Conv", "depthwise", "group = 2", (2, 1, 3, 3, 3), (1, 2, 3, 4, 5)),
        ("Conv", "depthwise, twice the channels", "group = 2", (4, 1, 3, 3, 3), (1, 4, 3, 4, 5)),
        ("ConvTranspose", "plain", "", (2, 3, 2, 2, 2), (1, 3, 6, 7, 8)),
        ("ConvTranspose", "dilated", "dilations = [2, 2, 2]", (2, 3, 2, 2, 2), (1, 3, 7, 8, 9)),
    ):
        attributes = f"<{more}>" if more else ""
        yield (
            f"{op}, {form}",
            _model(f"(float[1,2,5,6,7] x, {_of(weight)} w) => ({_of(out)} y) {{ y = {op}{attributes}(x, w) }}"),
        )


def _means() -> Models:
    three, rounded = "kernel_shape = [3, 3, 3]", "kernel_shape = [3, 3], strides = [2, 2], ceil_mode = 1"
    for form, more, shape, out in (
        ("over three axes", three, (1, 2, 6, 6, 6), (1, 2, 4, 4, 4)),
        ("over three axes, padded", f"{three}, pads = [1, 1, 1, 1, 1, 1]", (1, 2, 6, 6, 6), (1, 2, 6, 6, 6)),
        ("sizes rounded up", rounded, (1, 2, 8, 8), (1, 2, 4, 4)),
        ("sizes rounded up, padding counted", f"{rounded}, count_include_pad = 1", (1, 2, 8, 8), (1, 2, 4, 4)),
    ):
        yield form, _model(f"({_of(shape)} x) => ({_of(out)} y) {{ y = AveragePool<{more}>(x) }}")


def _lookups() -> Models:
    tables = "<float[3,2] c0 = {1, 2, 3, 4, 5, 6}, float[3,2] s0 = {6, 5, 4, 3, 2, 1}>"
    for name, second in (("the same rows of two tables", "s0, at"), ("the same rows of one table", "c0, at"),
                         ("other rows of two tables", "s0, by")):  # fmt: skip
        more = ", int64[2] by" if "by" in second else ""
        used = tables if "s0" in second else "<float[3,2] c0 = {1, 2, 3, 4, 5, 6}>"
        yield (
            name,
            _model(
                f"(float[1,2,2,2] x, int64[2] at{more}) => (float[1,2,2,2] y) {used} "
                f"{{ c = Gather(c0, at) s = Gather({second}) p = Mul(x, c) y = Add(p, s) }}"
            ),
        )


def _rows() -> Models:
    for name, zero in (("int8", 0), ("int8", 3), ("uint8", 3)):
        for order in (
            "g = Gather(w, i) d = DequantizeLinear(g, s, z)",
            "g = DequantizeLinear(w, s, z) d = Gather(g, i)",
        ):
            where = "behind" if order.startswith("g = Gather") else "before"
            yield (
                f"{name}, zero point {zero}, DequantizeLinear {where} Gather",
                _model(
                    f"(int64[4] i, float[1,4,8] x, {name}[16,8] w) => (float[1,4,8] y) "
                    f"<float s = {{0.1}}, {name} z = {{{zero}}}> {{ {order} y = Add(x, d) }}"
                ),
            )


def _gemms() -> Models:
    for rows, depth, columns in (
        (1, 1, 1),
        (1, 1, 4),
        (1, 1, 128),
        (4, 1, 1),
        (8, 1, 16),
        (1, 2, 1),
        (1, 8, 4),
        (4, 8, 1),
    ):
        shape = f"{rows}×{depth} · {depth}×{columns}"
        for name, bias, attributes in (
            ("bias", f"float[{columns}] wb", ""), ("bias, transB", f"float[{columns}] wb", "transB = 1"),
            ("a number as bias", "float wb", ""), ("computed bias", f"float[{columns}] b", ""), ("no bias", "", ""),
            ("bias, alpha, beta", f"float[{columns}] wb", "alpha = 0.5, beta = 2.0"),
        ):  # fmt: skip
            if depth != 1 and name != "bias":
                continue
            yield f"Gemm {shape}, {name}", _gemm((rows, depth, columns), bias, attributes)
        yield (
            f"MatMul {shape} and Add",
            _model(
                f"(float[{rows},{depth}] x, float[{depth},{columns}] w, float[{columns}] wb) => "
                f"(float[{rows},{columns}] y) "
                "{ r = Neg(x) p = MatMul(r, w) y = Add(p, wb) }"
            ),
        )


def _gemm(sizes: tuple[int, int, int], bias: str, attributes: str) -> str:
    rows, depth, columns = sizes
    weight = f"{columns},{depth}" if "transB" in attributes else f"{depth},{columns}"
    given = ", ".join(["r", "w", *bias.split()[1:]])
    return _model(
        f"(float[{rows},{depth}] x, float[{weight}] w{', ' if bias else ''}{bias}) => (float[{rows},{columns}] y) "
        f"{{ r = Neg(x) y = Gemm{f'<{attributes}>' if attributes else ''}({given}) }}"
    )


def _factors() -> Models:
    for op, number in (
        ("Mul", 60000.0), ("Mul", 65504.0), ("Mul", 66000.0), ("Mul", 1e6), ("Mul", -1e6), ("Div", 2e-5),
        ("Div", 1.6e-5),
        ("Div", 1.5e-5), ("Div", 1e-6), ("Div", -1e-6), ("Div", 1e5),
    ):  # fmt: skip
        yield (
            f"{op} by {number:g}",
            _model(
                f"(float[1,8,8,8] x) => (float[1,8,8,8] y) <float c = {{{number}}}, float d = {{0.001}}> "
                f"{{ s = Mul(x, d) t = Relu(s) y = {op}(t, c) }}"
            ),
        )
    for number in (2.0, 1e6):
        yield (
            f"Mul by 1 and {number:g}",
            _model(
                f"(float[1,2,8,8] x) => (float[1,2,8,8] y) <float[1,2,1,1] c = {{1.0, {number}}}, float d = {{0.001}}> "
                "{ s = Mul(x, d) t = Relu(s) y = Mul(t, c) }"
            ),
        )
        yield (
            f"Mul by {number:g} behind a Conv",
            _model(
                "(float[1,8,8,8] x, float[8,8,1,1] w) => (float[1,8,8,8] y) "
                f"<float c = {{{number}}}, float d = {{0.001}}> "
                "{ s = Mul(x, d) t = Conv(s, w) y = Mul(t, c) }"
            ),
        )


def _of(shape: Sequence[int]) -> str:
    return f"float[{','.join(map(str, shape))}]"


def _sizes(shape: Sequence[int]) -> str:
    return "×".join(map(str, shape))


_LAWS: dict[str, Callable[[], Models]] = {
    "cumulative-sum-from-the-end": _cumulative_sum,
    "equal-lengths": _reversed_lengths,
    "other-quantization": _quantizations,
    "mask-of-numbers": _masks,
    "stretched-base": _powers,
    "uneven-stride": _pools,
    "softmax-along-one": _softmaxes,
    "softmax-of-old-opsets": _old_softmaxes,
    "odd-output-shape": _output_shapes,
    "convolution-over-three-axes": _three_axes,
    "mean-of-padding": _means,
    "parallel-gather": _lookups,
    "dequantized-rows": _rows,
    "gemm-of-one": _gemms,
    "factor-beyond-fp16": _factors,
}
