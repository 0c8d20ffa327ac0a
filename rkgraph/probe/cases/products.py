"""MatMul and Gemm: every pair of ranks, what is constant, broadcasting, sizes, types, biases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product

from rkgraph.probe.case import ABSENT, Arg, Case, case, computed, const, positions, weight

__all__ = ["cases"]


def cases() -> Iterator[Case]:
    """All cases of this file."""
    yield from _common()
    yield from _ranks()
    yield from _sizes()
    yield from _types()
    yield from _gemm()
    yield from _gemm_biases()


def _common() -> Iterator[Case]:
    slug: str
    left: tuple[int, ...]
    right: tuple[int, ...]
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


SIDES: dict[str, tuple[Callable[..., Arg], Callable[..., Arg]]] = {
    "both": (computed, computed),
    "const-right": (computed, weight),
    "const-left": (weight, computed),
}


def _ranks() -> Iterator[Case]:
    """All pairs of ranks from 1 to 6, with leading dimensions that are all 1, or not."""
    for left, right, batched in product(range(1, 7), range(1, 7), (False, True)):
        if batched and max(left, right) < 3:
            continue
        leading = (2, 3, 2, 5)[-(max(left, right) - 2) :] if batched else (1, 1, 1, 1)
        first = (7, 20)[-min(left, 2) :]
        second = (20, 15)[: min(right, 2)]
        first = (*leading[len(leading) - max(left - 2, 0) :], *first)
        second = (*leading[len(leading) - max(right - 2, 0) :], *second)
        slug = f"ranks{left}x{right},{'batched' if batched else 'single'}"
        for name, (a, b) in SIDES.items():
            if name == "both" or max(left, right) < 5:
                yield case("MatMul", f"{slug},{name}", [a(*first), b(*second)])
    for slug, first, second in (
        ("r3,left-broadcast", (1, 7, 20), (5, 20, 15)),
        ("r3,right-broadcast", (5, 7, 20), (1, 20, 15)),
        ("r4,left-broadcast", (1, 1, 7, 20), (2, 5, 20, 15)),
        ("r4,right-broadcast", (2, 5, 7, 20), (1, 1, 20, 15)),
        ("r4,heads-broadcast", (2, 5, 7, 20), (2, 1, 20, 15)),
        ("r4,batch-broadcast", (2, 5, 7, 20), (1, 5, 20, 15)),
        ("r4,crossed", (2, 1, 7, 20), (1, 5, 20, 15)),
        ("r4,crossed-batch3", (3, 1, 9, 8), (1, 4, 8, 9)),
        ("r4,crossed-other-way", (1, 5, 7, 20), (2, 1, 20, 15)),
        ("r4,windows", (16, 3, 25, 8), (16, 3, 8, 25)),
        ("r4,windows64", (64, 2, 9, 16), (64, 2, 16, 9)),
        ("r4,batch2", (2, 5, 7, 20), (2, 5, 20, 15)),
        ("r3,windows", (48, 25, 8), (48, 8, 25)),
    ):
        for name, (a, b) in SIDES.items():
            yield from positions("MatMul", f"{slug},{name}", [a(*first), b(*second)])


def _sizes() -> Iterator[Case]:
    """Rows, depth and columns from 1 over alignments to what registers hold."""
    for m, k, n in (
        *(
            (1, 20, 15),
            (7, 1, 15),
            (7, 20, 1),
            (1, 1, 1),
            (1, 20, 1),
            (8, 16, 16),
            (8, 32, 32),
            (9, 31, 33),
            (9, 33, 31),
        ),
        *((3, 8191, 5), (3, 8192, 5), (3, 8193, 5), (3, 16384, 5), (3, 10240, 32), (8191, 16, 8), (8192, 16, 8)),
        *((8193, 16, 8), (16384, 16, 8), (3, 16, 8191), (3, 16, 8192), (3, 16, 8193), (3, 16, 16384), (3, 16, 30522)),
        *((256, 64, 256), (512, 64, 512), (1, 512, 2048)),
    ):
        for name, (a, b) in SIDES.items():
            if name == "const-left" and k * n > 2048:
                continue
            yield case("MatMul", f"r3,{m}x{k}x{n},{name}", [a(1, m, k), b(1, k, n)])
        if max(m, k, n) > 4096:
            yield case("MatMul", f"r4,{m}x{k}x{n},both", [computed(1, 2, m, k), computed(1, 2, k, n)])
    for batch in (2, 4, 16, 100):
        for name in ("both", "const-right"):
            a, b = SIDES[name]
            yield case("MatMul", f"r3,batch{batch},{name}", [a(batch, 4, 20), b(batch, 20, 15)])
        yield case("MatMul", f"r3,batch{batch},shared", [computed(batch, 4, 20), weight(20, 15)])


def _types() -> Iterator[Case]:
    for dtype in ("float16", "double", "int32", "int64", "uint32", "uint64"):
        for rank, lead in ((2, ()), (3, (1,)), (4, (1, 3)), (5, (1, 2, 3))):
            first, second = (*lead, 7, 20), (*lead, 20, 15)
            for name, (a, b) in SIDES.items():
                if rank not in (2, 3) and name != "both":
                    continue
                slug = f"r{rank},{dtype},{name}"
                yield case("MatMul", slug, [a(*first, dtype=dtype), b(*second, dtype=dtype)])
    for opset in (7, 9, 11, 13, 19):
        yield case("MatMul", f"opset{opset}", [computed(1, 7, 20), weight(20, 15)], opset=opset)


def _gemm() -> Iterator[Case]:
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
    for trans_a, trans_b, (name, (a, b)) in product((0, 1), (0, 1), SIDES.items()):
        first, second = (20, 7) if trans_a else (7, 20), (15, 20) if trans_b else (20, 15)
        for bias in ("", "bias", "bias-computed"):
            third = [] if not bias else [(computed if "computed" in bias else weight)(15)]
            slug = f"transA{trans_a},transB{trans_b},{name},{bias or 'no-bias'}"
            attributes = f"transA = {trans_a}, transB = {trans_b}"
            yield case("Gemm", slug, [a(*first), b(*second), *third], attributes)
    for m, k, n in (
        *((1, 20, 15), (7, 1, 15), (7, 20, 1), (1, 20, 1), (1, 1, 1), (3, 8192, 5), (3, 8193, 5), (1, 25088, 64)),
        *((8193, 16, 8), (3, 16, 8193), (1, 512, 1000), (1, 2048, 1000), (64, 512, 512)),
    ):
        yield case("Gemm", f"{m}x{k}x{n},const", [computed(m, k), weight(n, k), weight(n)], "transB = 1")
        yield case("Gemm", f"{m}x{k}x{n},both,row", [computed(m, k), computed(k, n), computed(1, n)])
    for k in (1, 8200, 8224, 10007):
        for slug, more in {"no-bias": [], "constant": [weight(5)], "row": [computed(1, 5)]}.items():
            yield case("Gemm", f"depth{k},both,{slug}", [computed(3, k), computed(k, 5), *more])
            yield case("Gemm", f"depth{k},const-right,{slug}", [computed(3, k), weight(k, 5), *more])
    for dtype in ("float16", "double", "int32", "int64", "uint32", "uint64"):
        for name, (a, b) in SIDES.items():
            args = [a(7, 20, dtype=dtype), b(20, 15, dtype=dtype)]
            yield case("Gemm", f"{dtype},{name}", args)
            yield case("Gemm", f"{dtype},{name},bias", [*args, weight(15, dtype=dtype)])


BIASES: dict[str, tuple[int, ...]] = {
    "scalar": (),
    "one": (1,),
    "one-by-one": (1, 1),
    "row": (15,),
    "row-matrix": (1, 15),
    "column": (7, 1),
    "matrix": (7, 15),
}


def _gemm_biases() -> Iterator[Case]:
    """The shape of the bias, constant or not, with both matrices computed or one constant, scaled or not."""
    for (slug, shape), (name, (a, b)), how, scaled in product(
        BIASES.items(),
        SIDES.items(),
        ("constant", "computed"),
        ("", "alpha = 0.25, beta = 0.35"),
    ):
        if scaled and (name == "const-left" or slug not in ("row", "row-matrix", "matrix")):
            continue
        if not shape and how == "constant":
            bias = const(0.5, dtype="float", shape=())
        else:
            bias = (weight if how == "constant" else computed)(*shape)
        words = "".join(f",{part.split()[0]}" for part in scaled.split(", ") if part)
        yield case("Gemm", f"{slug}-bias,{how},{name}{words}", [a(7, 20), b(20, 15), bias], scaled)
    for (rows, columns), how in product(((7, 1), (1, 1), (7, 2), (5, 3), (1, 4), (40, 64)), (computed, weight)):
        for shape in {(1,), (columns,), (1, 1), (rows, 1), (1, columns), (rows, columns)}:
            slug = f"{rows}x{columns},{'x'.join(map(str, shape))}-bias"
            args = [computed(rows, 12), how(12, columns), computed(*shape)]
            yield case("Gemm", f"{slug},{'both' if how is computed else 'const-right'}", args)
    for opset in (7, 9, 11, 13):
        for name, (a, b) in SIDES.items():
            args = [a(7, 20), b(20, 15), weight(15)]
            yield case("Gemm", f"opset{opset},{name}", args, opset=opset)
    yield case("Gemm", "no-bias,written-out", [computed(7, 20), weight(20, 15), ABSENT])
