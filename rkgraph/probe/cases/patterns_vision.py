"""Vision models: patches, windows, hierarchies, classifiers, decoders; recognisers of text."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.probe.case import Case
from rkgraph.probe.pattern import Pattern, cases_of

__all__ = ["cases"]


def cases() -> Iterator[Case]:
    """One case for every node of every pattern."""
    for pattern in PATTERNS:
        yield from cases_of(pattern)


def _windows(size: int, columns: int, channels: int) -> Pattern:
    """Partition into windows and back, as Swin has it."""
    side = size * columns
    return Pattern(
        f"windows{size}x{columns}x{channels}",
        f"float[1,{side},{side},{channels}] x, float[{channels},{channels}] w1",
        """
r = Reshape(x, six)
t = Transpose<perm = [0,1,3,2,4,5]>(r)
p = Reshape(t, rows)
m = MatMul(p, w1)
u = Reshape(m, back)
v = Transpose<perm = [0,1,3,2,4,5]>(u)
y = Reshape(v, image)
""",
        constants=f"int64[6] six = {{1, {columns}, {size}, {columns}, {size}, {channels}}}, "
        f"int64[3] rows = {{{columns * columns}, {size * size}, {channels}}}, "
        f"int64[6] back = {{1, {columns}, {columns}, {size}, {size}, {channels}}}, "
        f"int64[4] image = {{1, {side}, {side}, {channels}}}",
    )


PATTERNS = (
    _windows(7, 2, 48),
    _windows(7, 8, 24),
    _windows(4, 3, 30),
    _windows(8, 4, 16),
    Pattern(
        "patch-embedding",
        "float[1,3,32,48] x, float[40,3,8,8] w1, float[40] w2, float[1,1,40] w3, float[1,25,40] w4, "
        "float[40] w5, float[40] w6",
        """
a = Conv<strides = [8,8]>(x, w1, w2)
r = Reshape(a, flat)
t = Transpose<perm = [0,2,1]>(r)
c = Concat<axis = 1>(w3, t)
p = Add(c, w4)
y = LayerNormalization<axis = -1, epsilon = 0.000001>(p, w5, w6)
""",
        constants="int64[3] flat = {1, 40, -1}",
    ),
    Pattern(
        "patch-merging",
        "float[1,12,20,16] x, float[64] w1, float[64] w2, float[64,32] w3",
        """
a = Slice(x, i0, big, v, two)
b = Slice(x, i1, big, v, two)
c = Slice(a, i0, big, h, two)
d = Slice(b, i0, big, h, two)
e = Slice(a, i1, big, h, two)
f = Slice(b, i1, big, h, two)
j = Concat<axis = -1>(c, d, e, f)
r = Reshape(j, rows)
n = LayerNormalization<axis = -1, epsilon = 0.00001>(r, w1, w2)
y = MatMul(n, w3)
""",
        constants="int64[1] i0 = {0}, int64[1] i1 = {1}, int64[1] big = {9223372036854775807}, int64[1] v = {1}, "
        "int64[1] h = {2}, int64[1] two = {2}, int64[3] rows = {1, 60, 64}",
    ),
    Pattern(
        "cyclic-shift",
        "float[1,14,14,16] x, float[16] w1, float[16] w2",
        """
a = Slice(x, i3, big, v)
b = Slice(x, i0, i3, v)
c = Concat<axis = 1>(a, b)
d = Slice(c, i3, big, h)
e = Slice(c, i0, i3, h)
f = Concat<axis = 2>(d, e)
y = LayerNormalization<axis = -1, epsilon = 0.00001>(f, w1, w2)
""",
        constants="int64[1] i0 = {0}, int64[1] i3 = {3}, int64[1] big = {9223372036854775807}, "
        "int64[1] v = {1}, int64[1] h = {2}",
    ),
    Pattern(
        "unfold",
        "float[1,16,8,12] x, float[16,24] w1",
        """
r = Reshape(x, four)
t = Transpose<perm = [0,2,1,3]>(r)
u = Reshape(t, patches)
p = Transpose<perm = [0,3,2,1]>(u)
q = Reshape(p, rows)
y = MatMul(q, w1)
""",
        constants="int64[4] four = {64, 2, 6, 2}, int64[4] patches = {1, 16, 24, 4}, int64[3] rows = {4, 24, 16}",
    ),
    Pattern(
        "classifier-pool",
        "float[1,20,9,15] x, float[7,20] w1, float[7] w2",
        "p = GlobalAveragePool(x)\nf = Flatten<axis = 1>(p)\ng = Gemm<transB = 1>(f, w1, w2)\ny = Softmax<axis = 1>(g)",
    ),
    Pattern(
        "classifier-squeeze",
        "float[1,20,9,15] x, float[20,7] w1, float[7] w2",
        "p = GlobalAveragePool(x)\nf = Squeeze(p, ax)\nm = MatMul(f, w1)\nb = Add(m, w2)\ny = LogSoftmax<axis = 1>(b)",
        constants="int64[2] ax = {2, 3}",
    ),
    Pattern(
        "classifier-tokens",
        "float[1,14,40] x, float[40] w1, float[40] w2, float[40,7] w3",
        "n = LayerNormalization<axis = -1, epsilon = 0.00001>(x, w1, w2)\nm = ReduceMean<axes = [1], "
        "keepdims = 0>(n)\ny = MatMul(m, w3)",
    ),
    Pattern(
        "classifier-old",
        "float[1,8,6,6] x, float[288,30] w1, float[30] w2, float[30,7] w3, float[7] w4",
        """
p = MaxPool<kernel_shape = [2,2], strides = [2,2], pads = [0,0,1,1]>(x)
d = Dropout(p)
r = Reshape(x, flat)
g = Gemm(r, w1, w2)
a = Relu(g)
e = Dropout(a)
y = Gemm(e, w3, w4)
""",
        constants="int64[2] flat = {1, 288}",
        outputs="y, d",
    ),
    Pattern(
        "deconvolution-skip",
        "float[1,16,9,13] x, float[1,8,18,26] x2, float[16,8,2,2] w1, float[8,16,3,3] w2",
        "a = ConvTranspose<strides = [2,2]>(x, w1)\nc = Concat<axis = 1>(x2, a)\nd = Conv<pads = [1,1,1,1]>(c, "
        "w2)\ny = Relu(d)",
    ),
    Pattern(
        "resize-skip",
        "float[1,16,9,13] x, float[1,8,18,26] x2, float[8,24,3,3] w2",
        'u = Resize<mode = "linear", coordinate_transformation_mode = "align_corners">(x, , s)\n'
        "c = Concat<axis = 1>(u, x2)\nd = Conv<pads = [1,1,1,1]>(c, w2)\ny = Sigmoid(d)",
        constants="float[4] s = {1.0, 1.0, 2.0, 2.0}",
    ),
    Pattern(
        "layer-scale",
        "float[1,14,40] x, float[1,14,40] x2, float[40] w1, float[40,40] w2",
        "a = MatMul(x, w2)\nm = Mul(a, w1)\ny = Add(x2, m)",
    ),
    Pattern(
        "segformer-mix",
        "float[1,60,24] x, float[24,48] w1, float[48,1,3,3] w2, float[48,24] w3",
        """
a = MatMul(x, w1)
t = Transpose<perm = [0,2,1]>(a)
r = Reshape(t, image)
d = Conv<group = 48, pads = [1,1,1,1]>(r, w2)
f = Reshape(d, flat)
u = Transpose<perm = [0,2,1]>(f)
y = MatMul(u, w3)
""",
        constants="int64[4] image = {1, 48, 6, 10}, int64[3] flat = {1, 48, 60}",
    ),
    Pattern(
        "recogniser-height-one",
        "float[1,24,1,30] x, float[24,40] w1, float[40] w2",
        """
s = Squeeze(x, ax)
t = Transpose<perm = [0,2,1]>(s)
m = MatMul(t, w1)
b = Add(m, w2)
y = Softmax<axis = 2>(b)
""",
        constants="int64[1] ax = {2}",
    ),
    Pattern(
        "recogniser-paddle",
        "float[1,24,4,30] x, float[24,24] w1, float[24] w2, float[24] w3, float[24] w4, float[24,40] w5",
        """
p = AveragePool<kernel_shape = [4,1], strides = [4,1]>(x)
r = Reshape(p, rows)
t = Transpose<perm = [0,2,1]>(r)
n = LayerNormalization<axis = -1, epsilon = 0.000001>(t, w3, w4)
m = MatMul(n, w1)
b = Add(m, w2)
s = Sigmoid(b)
g = Mul(b, s)
i = Identity(g)
o = MatMul(i, w5)
d = Dropout(o)
y = Softmax<axis = 2>(d)
""",
        constants="int64[3] rows = {1, 24, 30}",
        opset=17,
    ),
    Pattern(
        "recogniser-crnn",
        "float[1,24,1,30] x, float[1,64,24] w1, float[1,64,16] w2, float[1,128] w3, float[16,40] w4",
        """
s = Squeeze(x, ax)
t = Transpose<perm = [2,0,1]>(s)
l = LSTM<hidden_size = 16>(t, w1, w2, w3)
q = Squeeze(l, one)
m = MatMul(q, w4)
y = LogSoftmax<axis = 2>(m)
""",
        constants="int64[1] ax = {2}, int64[1] one = {1}",
    ),
    Pattern(
        "paddle-affine",
        "float[1,12,9,15] x, float[20,12,3,3] w1, float[20] w2, float[20] w3, float[20] w4, float[20] w5",
        """
a = Conv<pads = [1,1,1,1], group = 1>(x, w1)
b = BatchNormalization<epsilon = 0.00001, momentum = 0.9>(a, w2, w3, w4, w5)
c = Mul(b, k)
d = Add(c, k)
e = Relu(d)
f = Mul(e, k)
y = Add(f, k)
""",
        constants="float[1] k = {0.5}",
    ),
    Pattern(
        "paddle-casts",
        "float[1,12,9,15] x, float[20,12,3,3] w1",
        """
a = Conv(x, w1)
b = Cast<to = 11>(a)
c = Cast<to = 1>(b)
d = Identity(c)
e = Shape(d)
f = Cast<to = 6>(e)
g = Cast<to = 7>(f)
h = Slice(g, i0, i2, i0)
j = Concat<axis = 0>(h, tail)
r = Reshape(d, j)
y = Sigmoid(r)
""",
        constants="int64[1] i0 = {0}, int64[1] i2 = {2}, int64[1] tail = {-1}",
    ),
    Pattern(
        "input-uint8",
        "uint8[1,3,20,28] x, float[1,3,1,1] w1, float[8,3,3,3] w2",
        "c = Cast<to = 1>(x)\nd = Div(c, k)\ns = Sub(d, w1)\nv = Div(s, w1)\ny = Conv(v, w2)",
        constants="float k = {255.0}",
        probes="c",
    ),
    *(
        Pattern(f"input-{dtype}-{slug}", f"{dtype}[{shape}] x{weights}", f"c = Cast<to = 1>(x)\ny = {body}", probes="c")
        for dtype in ("int8", "uint8", "int32")
        for slug, shape, weights, body in (
            ("conv", "1,3,20,28", ", float[8,3,3,3] w2", "Conv(c, w2)"),
            ("conv-grey", "1,1,20,28", ", float[8,1,3,3] w2", "Conv(c, w2)"),
            ("conv-wide", "1,12,20,28", ", float[8,12,3,3] w2", "Conv(c, w2)"),
            ("conv-1d", "1,12,28", ", float[8,12,3] w2", "Conv(c, w2)"),
            ("matmul", "1,14,30", ", float[30,9] w2", "MatMul(c, w2)"),
            ("gemm", "1,30", ", float[30,9] w2", "Gemm(c, w2)"),
            ("relu", "1,12,20,28", "", "Relu(c)"),
            ("add", "1,12,20,28", ", float[1,12,1,1] w2", "Add(c, w2)"),
            ("pool", "1,12,20,28", "", "GlobalAveragePool(c)"),
        )
    ),
    *(
        Pattern(
            f"input-int8-conv-{channels}-{size}x{size}",
            f"int8[1,{channels},20,28] x, float[9,{channels},{size},{size}] w2",
            "c = Cast<to = 1>(x)\ny = Conv(c, w2)",
            probes="c",
        )
        for channels, size in ((2, 3), (3, 5), (3, 1), (4, 3), (5, 3), (8, 3), (16, 1))
    ),
    *(
        Pattern(f"input-int8-{slug}", f"int8[{shape}] x, float[9,3,3,3] w2", f"c = Cast<to = 1>(x)\n{body}", probes="c")
        for slug, shape, body in (
            ("two-convs", "1,3,20,28", "y = Conv(c, w2)\nz = Conv<strides = [2,2]>(c, w2)"),
            ("relu-conv", "1,3,20,28", "r = Relu(c)\ny = Conv(r, w2)"),
            ("conv-batch2", "2,3,20,28", "y = Conv(c, w2)"),
        )
    ),
    Pattern(
        "input-channels-last",
        "float[1,20,28,3] x, float[8,3,3,3] w2",
        "t = Transpose<perm = [0,3,1,2]>(x)\na = Conv(t, w2)\ny = Transpose<perm = [0,2,3,1]>(a)",
    ),
    Pattern(
        "input-normalised",
        "float[1,3,20,28] x, float[1,3,1,1] w1, float[1,3,1,1] w3, float[8,3,3,3] w2",
        "s = Sub(x, w1)\nd = Div(s, w3)\ny = Conv(d, w2)",
    ),
)
