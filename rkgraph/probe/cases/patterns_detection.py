"""Heads and necks of detectors, segmentation and key points: boxes, anchors, grids, pyramids, rearranged pixels."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.probe.case import Case
from rkgraph.probe.pattern import Pattern, cases_of

__all__ = ["cases"]


def cases() -> Iterator[Case]:
    """One case for every node of every pattern."""
    for pattern in PATTERNS:
        yield from cases_of(pattern)


PATTERNS = (
    Pattern(
        "yolo5-head",
        "float[1,12,10,14] x, float[27,12,1,1] w1, float[27] w2, float[1,3,10,14,2] w3, float[1,3,10,14,2] w4",
        """
a = Conv(x, w1, w2)
r = Reshape(a, five)
t = Transpose<perm = [0,1,3,4,2]>(r)
s = Sigmoid(t)
xy, wh, cf = Split<axis = 4>(s, n)
m = Mul(xy, two)
b = Add(m, w3)
c = Mul(b, stride)
d = Mul(wh, two)
p = Pow(d, two)
e = Mul(p, w4)
k = Concat<axis = 4>(c, e, cf)
y = Reshape(k, rows)
""",
        constants="int64[5] five = {1, 3, 9, 10, 14}, int64[3] n = {2, 2, 5}, float two = {2.0}, "
        "float stride = {8.0}, "
        "int64[3] rows = {1, 420, 9}",
    ),
    Pattern(
        "yolo5-slices",
        "float[1,3,10,14,9] x, float[1,3,10,14,2] w3, float[1,3,10,14,2] w4",
        """
s = Sigmoid(x)
a = Slice(s, i0, i2, ax)
b = Slice(s, i2, i4, ax)
c = Slice(s, i4, i9, ax)
m = Mul(a, two)
d = Sub(m, half)
e = Add(d, w3)
f = Mul(b, two)
g = Mul(f, f)
h = Mul(g, w4)
y = Concat<axis = -1>(e, h, c)
""",
        constants="int64[1] i0 = {0}, int64[1] i2 = {2}, int64[1] i4 = {4}, int64[1] i9 = {9}, int64[1] ax = {4}, "
        "float two = {2.0}, float half = {0.5}",
    ),
    Pattern(
        "yolo8-head",
        "float[1,21,10,14] x, float[1,21,5,7] x2, float[1,2,175] w1, float[1,2,175] w2, float[1,175] w3, "
        "float[1,4,1,1] w4",
        """
r1 = Reshape(x, flat)
r2 = Reshape(x2, flat)
c = Concat<axis = 2>(r1, r2)
b, k = Split<axis = 1>(c, n)
d = Reshape(b, four)
t = Transpose<perm = [0,2,1,3]>(d)
s = Softmax<axis = 1>(t)
v = Conv(s, w4)
z = Reshape(v, box)
lt = Slice(z, i0, i2, ax)
rb = Slice(z, i2, i4, ax)
p = Sub(w1, lt)
q = Add(w2, rb)
o = Add(p, q)
h = Div(o, two)
w = Sub(q, p)
j = Concat<axis = 1>(h, w)
m = Mul(j, w3)
g = Sigmoid(k)
y = Concat<axis = 1>(m, g)
""",
        constants="int64[3] flat = {1, 21, -1}, int64[2] n = {16, 5}, int64[4] four = {1, 4, 4, 175}, "
        "int64[3] box = {1, 4, 175}, int64[1] i0 = {0}, int64[1] i2 = {2}, int64[1] i4 = {4}, "
        "int64[1] ax = {1}, float two = {2.0}",
    ),
    Pattern(
        "yolo8-dfl-matmul",
        "float[1,40,64] x, float[16] w1",
        """
r = Reshape(x, four)
s = Softmax<axis = 3>(r)
m = MatMul(s, w1)
lt, rb = Split<axis = -1>(m, n)
y = Sub(rb, lt)
""",
        constants="int64[4] four = {1, 40, 4, 16}, int64[2] n = {2, 2}",
    ),
    Pattern(
        "yolo10-top",
        "float[1,9,175] x",
        """
t = Transpose<perm = [0,2,1]>(x)
b, c = Split<axis = -1>(t, n)
m = ReduceMax<axes = [-1], keepdims = 0>(c)
v, i = TopK<axis = -1>(m, k)
u = Unsqueeze(i, ax)
e = Expand(u, shape)
y = GatherElements<axis = 1>(b, e)
""",
        constants="int64[2] n = {4, 5}, int64[1] k = {20}, int64[1] ax = {-1}, int64[3] shape = {1, 20, 4}",
    ),
    Pattern(
        "yolox-head",
        "float[1,12,10,14] x, float[4,12,1,1] w1, float[1,12,1,1] w2, float[5,12,1,1] w3, float[1,140,2] w4, "
        "float[1,140,1] w5",
        """
a = Conv(x, w1)
b = Conv(x, w2)
c = Conv(x, w3)
bs = Sigmoid(b)
cs = Sigmoid(c)
j = Concat<axis = 1>(a, bs, cs)
r = Reshape(j, flat)
t = Transpose<perm = [0,2,1]>(r)
xy, wh, cf = Split<axis = 2>(t, n)
p = Add(xy, w4)
q = Mul(p, w5)
e = Exp(wh)
f = Mul(e, w5)
y = Concat<axis = 2>(q, f, cf)
""",
        constants="int64[3] flat = {1, 10, -1}, int64[3] n = {2, 2, 6}",
    ),
    Pattern(
        "yolo3-grid",
        "float[1,3,9,10,14] x, float[1,1,10,14] w1, float[1,1,10,14] w2",
        """
g = Gather<axis = 2>(x, i0)
s = Sigmoid(g)
a = Add(s, w1)
h = Gather<axis = 2>(x, i2)
e = Exp(h)
m = Mul(e, w2)
u = Unsqueeze(a, ax)
v = Unsqueeze(m, ax)
y = Concat<axis = -1>(u, v)
""",
        constants="int64 i0 = {0}, int64 i2 = {2}, int64[1] ax = {-1}",
    ),
    Pattern(
        "ssd-head",
        "float[1,12,10,14] x, float[1,12,5,7] x2, float[15,12,3,3] w1, float[15,12,3,3] w2",
        """
a = Conv<pads = [1,1,1,1]>(x, w1)
b = Conv<pads = [1,1,1,1]>(x2, w2)
at = Transpose<perm = [0,2,3,1]>(a)
bt = Transpose<perm = [0,2,3,1]>(b)
ar = Reshape(at, rows)
br = Reshape(bt, rows)
c = Concat<axis = 1>(ar, br)
y = Softmax<axis = 2>(c)
""",
        constants="int64[3] rows = {1, -1, 5}",
    ),
    Pattern(
        "ssd-boxes",
        "float[1,175,4] x, float[1,175,2] w1, float[1,175,2] w2",
        """
a = Slice(x, i0, i2, ax)
b = Slice(x, i2, i4, ax)
m = Mul(a, tenth)
n = Mul(m, w1)
c = Add(n, w2)
d = Mul(b, fifth)
e = Exp(d)
s = Mul(e, w1)
h = Div(s, two)
p = Sub(c, h)
q = Add(c, h)
y = Concat<axis = -1>(p, q)
""",
        constants="int64[1] i0 = {0}, int64[1] i2 = {2}, int64[1] i4 = {4}, int64[1] ax = {2}, float tenth = {0.1}, "
        "float fifth = {0.2}, float two = {2.0}",
    ),
    Pattern(
        "anchor-free-head",
        "float[1,12,10,14] x, float[4,12,3,3] w1, float[1] w2",
        "a = Conv<pads = [1,1,1,1]>(x, w1)\nm = Mul(a, w2)\nr = Relu(m)\ns = Mul(r, "
        "stride)\nt = Transpose<perm = [0,2,3,1]>(s)\n"
        "y = Reshape(t, rows)",
        constants="float stride = {8.0}, int64[3] rows = {1, 140, 4}",
    ),
    Pattern(
        "centre-head",
        "float[1,12,20,28] x, float[5,12,1,1] w1",
        """
a = Conv(x, w1)
s = Sigmoid(a)
m = MaxPool<kernel_shape = [3,3], pads = [1,1,1,1], strides = [1,1]>(s)
e = Equal(m, s)
c = Cast<to = 1>(e)
h = Mul(s, c)
r = Reshape(h, rows)
y, i = TopK<axis = 1>(r, k)
""",
        constants="int64[2] rows = {1, 2800}, int64[1] k = {30}",
    ),
    Pattern(
        "boxes-to-corners",
        "float[1,40,4] x",
        """
a, b, c, d = Split<axis = -1>(x, n)
h = Mul(c, half)
v = Mul(d, half)
p = Sub(a, h)
q = Sub(b, v)
r = Add(a, h)
s = Add(b, v)
y = Concat<axis = -1>(p, q, r, s)
""",
        constants="int64[4] n = {1, 1, 1, 1}, float half = {0.5}",
    ),
    Pattern(
        "non-maximum",
        "float[1,40,4] x, float[1,3,40] x2",
        """
n = NonMaxSuppression(x, x2, most, iou, least)
g = Gather<axis = 1>(n, i)
y = Cast<to = 6>(g)
""",
        constants="int64[1] most = {10}, float[1] iou = {0.45}, float[1] least = {0.25}, int64 i = {2}",
        probes="n",
    ),
    Pattern(
        "segmentation-head",
        "float[1,12,10,14] x, float[5,12,1,1] w1",
        'a = Conv(x, w1)\nr = Resize<mode = "linear", coordinate_transformation_mode = "half_pixel">(a, , s)\n'
        "y = ArgMax<axis = 1, keepdims = 0>(r)",
        constants="float[4] s = {1.0, 1.0, 4.0, 4.0}",
    ),
    Pattern(
        "prototypes",
        "float[1,30,8] x, float[1,8,20,28] x2, float[8,8,3,3] w1",
        """
p = Conv<pads = [1,1,1,1]>(x2, w1)
r = Reshape(p, flat)
m = MatMul(x, r)
s = Sigmoid(m)
y = Reshape(s, masks)
""",
        constants="int64[3] flat = {1, 8, 560}, int64[4] masks = {1, 30, 20, 28}",
    ),
    Pattern(
        "pyramid",
        "float[1,12,10,14] x, float[1,12,20,28] x2, float[8,12,1,1] w1, float[8,12,1,1] w2, float[8,8,3,3] w3",
        """
a = Conv(x, w1)
b = Conv(x2, w2)
u = Resize<mode = "nearest", coordinate_transformation_mode = "asymmetric", nearest_mode = "floor">(a, , s)
c = Add(b, u)
y = Conv<pads = [1,1,1,1]>(c, w3)
""",
        constants="float[4] s = {1.0, 1.0, 2.0, 2.0}",
    ),
    Pattern(
        "spatial-pyramid-pooling",
        "float[1,12,10,14] x, float[6,12,1,1] w1, float[12,24,1,1] w2",
        """
a = Conv(x, w1)
b = MaxPool<kernel_shape = [5,5], pads = [2,2,2,2], strides = [1,1]>(a)
c = MaxPool<kernel_shape = [5,5], pads = [2,2,2,2], strides = [1,1]>(b)
d = MaxPool<kernel_shape = [5,5], pads = [2,2,2,2], strides = [1,1]>(c)
e = Concat<axis = 1>(a, b, c, d)
y = Conv(e, w2)
""",
    ),
    Pattern(
        "focus",
        "float[1,3,20,28] x, float[8,12,3,3] w1",
        """
a = Slice(x, i0, big, h, two)
b = Slice(a, i0, big, v, two)
c = Slice(x, i1, big, h, two)
d = Slice(c, i1, big, v, two)
e = Slice(a, i1, big, v, two)
f = Slice(c, i0, big, v, two)
j = Concat<axis = 1>(b, f, e, d)
y = Conv(j, w1)
""",
        constants="int64[1] i0 = {0}, int64[1] i1 = {1}, int64[1] big = {9223372036854775807}, int64[1] h = {2}, "
        "int64[1] v = {3}, int64[1] two = {2}",
    ),
    Pattern(
        "pixel-shuffle",
        "float[1,12,10,14] x, float[32,12,3,3] w1, float[6,8,3,3] w2",
        """
a = Conv<pads = [1,1,1,1]>(x, w1)
r = Reshape(a, six)
t = Transpose<perm = [0,1,4,2,5,3]>(r)
s = Reshape(t, image)
y = Conv(s, w2)
""",
        constants="int64[6] six = {1, 8, 2, 2, 10, 14}, int64[4] image = {1, 8, 20, 28}",
    ),
    Pattern(
        "pixel-unshuffle",
        "float[1,3,20,28] x, float[8,12,3,3] w1",
        """
r = Reshape(x, six)
t = Transpose<perm = [0,1,3,5,2,4]>(r)
s = Reshape(t, image)
y = Conv(s, w1)
""",
        constants="int64[6] six = {1, 3, 10, 2, 14, 2}, int64[4] image = {1, 12, 10, 14}",
    ),
    Pattern(
        "channel-shuffle",
        "float[1,12,10,14] x, float[12,12,1,1] w1, float[12,1,3,3] w2",
        """
a = Conv(x, w1)
r = Reshape(a, five)
t = Transpose<perm = [0,2,1,3,4]>(r)
s = Reshape(t, image)
lo, hi = Split<axis = 1>(s, n)
c = Concat<axis = 1>(hi, lo)
y = Conv<group = 12>(c, w2)
""",
        constants="int64[5] five = {1, 2, 6, 10, 14}, int64[4] image = {1, 12, 10, 14}, int64[2] n = {6, 6}",
    ),
)
