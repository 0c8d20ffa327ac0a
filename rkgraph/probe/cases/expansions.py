"""Losses and normalisations written out by their definitions, at several ranks and sizes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import prod

from rkgraph.probe.case import Case
from rkgraph.probe.pattern import Pattern, cases_of

__all__ = ["cases"]

CLASSES = 11

GATHERED = """
t = Unsqueeze(ids, one)
g = GatherElements<axis = 1>(x, t)
n = Neg(g)
s = Slice(n, zero, one, one)
"""

IGNORED = """
t = Unsqueeze(ids, one)
z = Sub(t, t)
i = Cast<to = 7>(t)
m = Equal(i, four)
v = Where(m, z, t)
h = GatherElements<axis = 1>(x, v)
g = Where(m, nought, h)
n = Neg(g)
s = Slice(n, zero, one, one)
"""

ENDINGS = {
    "none": "y = Squeeze(s, one)",
    "mean": "u = Squeeze(s, one)\ny = ReduceMean<keepdims = 0>(u)",
    "sum": "u = Squeeze(s, one)\ny = ReduceSum<keepdims = 0>(u)",
}

WEIGHTED = """
u = Squeeze(s, one)
w = Gather({}, ids)
p = Mul(u, w)
a = ReduceSum<keepdims = 0>(p)
b = ReduceSum<keepdims = 0>(w)
y = Div(a, b)
"""

WEIGHTED_IGNORED = """
w = Gather({}, v)
c = Where(m, nought, w)
d = Squeeze(c, one)
u = Squeeze(s, one)
p = Mul(u, d)
a = ReduceSum<keepdims = 0>(p)
b = ReduceSum<keepdims = 0>(d)
y = Div(a, b)
"""

MASKED = """
q = Squeeze(m, one)
d = Where(q, nought, unit)
u = Squeeze(s, one)
p = Mul(u, d)
a = ReduceSum<keepdims = 0>(p)
b = ReduceSum<keepdims = 0>(d)
y = Div(a, b)
"""


OLD, NEW = ("<axes = [1]>", ""), ("", ", ax")
"""Axes of a reduction: attribute and input, before opset 18 and from there on."""

NORMALISED = """
f = Flatten<axis = {axis}>(x)
m = ReduceMean{axes[0]}(f{axes[1]})
q = Mul(f, f)
w = ReduceMean{axes[0]}(q{axes[1]})
r = Mul(m, m)
v = Sub(w, r)
a = Add(v, e)
u = Sqrt(a)
d = Sub(f, m)
n = Div(d, u)
k = Flatten<axis = 0>(x2)
g = Mul(n, k)
b = Flatten<axis = 0>(x3)
h = Add(g, b)
y = Reshape(h, s)
mean = Reshape(m, t)
i = Reciprocal(u)
scale = Reshape(i, t)
"""


def cases() -> Iterator[Case]:
    """One case for every node, at several ranks."""
    for rest in ((), (7,), (7, 9), (2, 3, 4), (2, 3, 2, 4), (2, 3, 2, 2, 3)):
        rank = 2 + len(rest)
        for ending, text in ENDINGS.items():
            if (ending == "mean" and rank != 5) or rank == 4:
                probes = "n" if rank > 5 else ""  # Neg ends the build of 2.5.0 there
                yield from _loss(f"loss-{ending}-r{rank}", rest, GATHERED + text, probes)
        if rank > 4:
            alone = "w = Gather(x2, ids)\ny = ReduceSum<keepdims = 0>(w)"
            yield from _loss(f"loss-weights-r{rank}", rest, alone)
            continue
        yield from _loss(f"loss-weighted-r{rank}", rest, GATHERED + WEIGHTED.format("x2"), probes="w p a b y")
        yield from _loss(f"loss-ignored-r{rank}", rest, IGNORED + MASKED)
        yield from _loss(
            f"loss-weighted-ignored-r{rank}", rest, IGNORED + WEIGHTED_IGNORED.format("x2"), probes="w c d u p y"
        )
    yield from _high_ranks()
    yield from _normalised()
    yield from _loss("loss-constant-weights", (7, 9), GATHERED + WEIGHTED.format("w1"), probes="w p b y")
    for op in ("LogSoftmax", "Softmax"):
        yield from cases_of(
            Pattern(
                f"cross-entropy-{op.lower()}",
                "float[3,11,7,9] x",
                f"r = Reshape(x, three)\nl = {op}<axis = 1>(r)\ny = Reshape(l, four)",
                constants="int64[3] three = {3, 11, -1}, int64[4] four = {3, 11, 7, 9}",
                opset=13,
            )
        )


def _high_ranks() -> Iterator[Case]:
    """What losses over many dimensions end with: a dimension dropped, or the shape given back."""
    for shape in ((2, 1, 3, 4, 5), (2, 1, 3, 4, 5, 3), (2, 1, 3, 4, 5, 3, 2)):
        rank, text = len(shape), ",".join(map(str, shape))
        one, result = "int64[1] one = {1}", f"int64[{rank}] s = {{{text}}}"
        rows = f"float[2,{prod(shape) // 10},5] x"
        yield from cases_of(Pattern(f"squeezed-r{rank}", f"float[{text}] x", "y = Squeeze(x, one)", "y", one, 13))
        yield from cases_of(Pattern(f"restored-r{rank}", rows, "y = Reshape(x, s)", "y", result, 13))
        yield from cases_of(Pattern(f"negated-r{rank}", f"float[{text}] x", "y = Neg(x)", opset=13))
        ids, index = ",".join(map(str, (2, *shape[2:]))), f"int64[{text}] ids"
        several = f"float[{text.replace('2,1', '2,5', 1)}] x"
        first = "int64[1] zero = {0}, int64[1] one = {1}"
        for name, inputs, body, constants in (
            (f"unsqueezed-r{rank - 1}", f"int64[{ids}] ids", "y = Unsqueeze(ids, one)", one),
            (f"gathered-r{rank}", f"{several}, {index}", "y = GatherElements<axis = 1>(x, ids)", ""),
            (f"sliced-r{rank}", several, "y = Slice(x, zero, one, one)", first),
        ):
            yield from cases_of(Pattern(name, inputs, body, "y", constants, 13))


def _normalised() -> Iterator[Case]:
    """LayerNormalization by its definition, over flattened data; scale, bias and all three results are the graph's."""
    for shape, axis, opset in product(((9, 14), (3, 8, 13), (2, 3, 5, 7)), (0, 1, -1), (17, 18)):
        if axis == (1 if len(shape) < 4 else 0):
            continue
        tail = ",".join(map(str, shape[axis:]))
        rows = [*shape[: axis % len(shape)], *[1] * len(shape[axis:])]
        yield from cases_of(
            Pattern(
                f"normalised-r{len(shape)}-axis{axis}-opset{opset}",
                f"float[{','.join(map(str, shape))}] x, float[{tail}] x2, float[{tail}] x3",
                NORMALISED.format(axis=axis % len(shape), axes=OLD if opset < 18 else NEW),
                constants=f"float e = {{0.00001}}, int64[{len(shape)}] s = {{{', '.join(map(str, shape))}}}, "
                f"int64[{len(shape)}] t = {{{', '.join(map(str, rows))}}}"
                + (", int64[1] ax = {1}" if opset == 18 else ""),
                outputs="y, mean, scale",
                probes="m w" if opset == 18 else "f m w v a u d n g h y mean i scale",
                opset=opset,
            )
        )


def _loss(name: str, rest: tuple[int, ...], body: str, probes: str = "") -> Iterator[Case]:
    batch = "".join(f",{n}" for n in rest)
    inputs = f"float[3,{CLASSES}{batch}] x, int64[3{batch}] ids"
    inputs += f", float[{CLASSES}] x2" if "x2" in body else f", float[{CLASSES}] w1" if "w1" in body else ""
    constants = (
        "int64[1] zero = {0}, int64[1] one = {1}, int64[1] four = {4}, float[1] nought = {0.0}, float[1] unit = {1.0}"
    )
    used = [part for part in _split(constants) if f" {part.split(' = ')[0].split()[-1]}" in body.replace("(", " ")]
    return cases_of(Pattern(name, inputs, body, constants=", ".join(used), opset=13, probes=probes))


def _split(constants: str) -> list[str]:
    return [f"{part.rstrip('}')}}}" for part in constants.split("}, ")]
