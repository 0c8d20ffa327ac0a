"""Operators that choose, count or order elements: TopK, Unique, NonZero, OneHot, CumSum, Trilu, Compress and others."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.probe.case import ABSENT, Case, case, computed, const, node, positions, weight
from rkgraph.probe.schemas import TAKEN

__all__ = ["cases"]

SHAPES = {1: (40,), 2: (7, 20), 3: (1, 10, 26), 4: (1, 6, 14, 18), 5: (1, 4, 6, 5, 14)}
LENGTH = computed(1, dtype="int64")


def cases() -> Iterator[Case]:
    """All cases of this file."""
    yield from _top()
    yield from _cumulated()
    yield from _cumulated_forms()
    yield from _triangles()
    yield from _one_hot()
    yield from _by_content()
    yield from _reversed()
    yield from _boxes()
    yield from _crops()


def _top() -> Iterator[Case]:
    for rank, shape in SHAPES.items():
        for axis in range(rank):
            if shape[axis] < 4:
                continue
            args = [computed(*shape), const(3)]
            yield case("TopK", f"float,r{rank},axis{axis}", args, f"axis = {axis}", outputs=2)
            if axis == rank - 1:
                yield case("TopK", f"float,r{rank},axis{axis}", args, outputs=2, position="between")
                yield case("TopK", f"float,r{rank},computed", [args[0], LENGTH], f"axis = {axis}", outputs=2)
    x = computed(1, 6, 200)
    for slug, attributes in (
        ("smallest", "largest = 0"),
        ("unsorted", "sorted = 0"),
        ("smallest,unsorted", "largest = 0, sorted = 0"),
    ):
        yield case("TopK", f"float,r3,{slug}", [x, const(5)], attributes, outputs=2)
    for k in (1, 10, 100, 200):
        yield case("TopK", f"float,r3,k{k}", [x, const(k)], outputs=2)
        yield case("TopK", f"float,r2,k{k}", [computed(1, 8400), const(k)], outputs=2)
    for dtype in TAKEN:
        if dtype != "bool":
            yield case("TopK", f"{dtype},r2", [computed(5, 30, dtype=dtype), const(4)], outputs=2)
    for opset in (7, 9):
        yield case("TopK", f"float,r2,opset{opset}", [computed(opset, 20)], "axis = 1, k = 4", outputs=2, opset=opset)
    for opset in (10, 11, 19):
        for slug, most in (("const", const(4)), ("computed", LENGTH)):
            args = [computed(opset, 18), most]
            yield case("TopK", f"float,r2,{slug},opset{opset}", args, "axis = -1", outputs=2, opset=opset)


def _cumulated() -> Iterator[Case]:
    for dtype in ("float", "int64", "int32", "double", "float16"):
        for rank, shape in SHAPES.items():
            for axis in sorted({0, 1, rank - 1}) if rank > 1 else (0,):
                if dtype in ("double", "float16") and rank != 3:
                    continue
                args = [computed(*shape, dtype=dtype), const(axis, shape=())]
                yield case("CumSum", f"{dtype},r{rank},axis{axis}", args)
                if rank < 5 and dtype in ("float", "int64"):
                    yield case("CumSum", f"{dtype},r{rank},axis{axis}", args, position="between")
                if rank == 2 and dtype in ("int64", "int32"):
                    yield case("CumSum", f"{dtype},r{rank},axis{axis}", args, position="inside")


def _cumulated_forms() -> Iterator[Case]:
    for attributes in ("exclusive = 1", "reverse = 1", "exclusive = 1, reverse = 1"):
        for dtype in ("float", "int64"):
            slug = f"{dtype},r3,{attributes.replace(' ', '')}"
            yield case("CumSum", slug, [computed(1, 10, 22, dtype=dtype), const(1, shape=())], attributes)
    for rank in (1, 2, 3, 4):
        for dtype in ("int64", "int32"):
            args = [computed(*SHAPES[rank]), computed(dtype=dtype)]
            yield case("CumSum", f"float,r{rank},computed-{dtype}", args)
    for slug, axis in (
        ("negative", const(-1, shape=())),
        ("int32", const(1, dtype="int32", shape=())),
        ("node", node(2, shape=())),
        ("one-element", const(1)),
    ):
        yield case("CumSum", f"float,r3,{slug}", [computed(1, 8, 22), axis])
    for opset in (11, 14):
        yield case("CumSum", f"float,r2,opset{opset}", [computed(3, opset), const(1, shape=())], opset=opset)
        yield case(
            "CumSum",
            f"double,r2,computed,opset{opset}",
            [computed(3, opset, dtype="double"), computed(dtype="int32")],
            opset=opset,
        )
    for length in (512, 4096):
        yield case("CumSum", f"float,r2,length{length}", [computed(1, length), const(1, shape=())])


def _triangles() -> Iterator[Case]:
    for dtype in TAKEN:
        for upper in (0, 1):
            yield case("Trilu", f"{dtype},r2,upper{upper}", [computed(14, 14, dtype=dtype)], f"upper = {upper}")
        yield case("Trilu", f"{dtype},r3,k", [computed(3, 8, 12, dtype=dtype), const(1, shape=())])
    for rank, shape in SHAPES.items():
        if rank > 1:
            for slug, k in (("none", ABSENT), ("const", const(-1, shape=())), ("computed", computed(dtype="int64"))):
                yield from positions("Trilu", f"float,r{rank},k-{slug}", [computed(*shape), k])
    yield case("Trilu", "float,r2,k-one", [computed(9, 14), computed(1, dtype="int64")])
    yield case("Trilu", "weight,computed-k", [weight(9, 14), computed(dtype="int64")])


def _one_hot() -> Iterator[Case]:
    values = const(0.0, 1.0, dtype="float")
    for dtype in ("int64", "int32", "float"):
        for rank, shape in {1: (7,), 2: (1, 9), 3: (1, 4, 6)}.items():
            yield case("OneHot", f"{dtype},r{rank}", [computed(*shape, dtype=dtype), const(12), values])
            yield case(
                "OneHot", f"{dtype},r{rank},axis0", [computed(*shape, dtype=dtype), const(12), values], "axis = 0"
            )
    ids = computed(1, 9, dtype="int64")
    for position in ("between", "inside"):
        yield case("OneHot", "int64,r2", [ids, const(12), values], position=position)
    for slug, args in (
        ("scalar-depth", [ids, const(12, shape=()), values]),
        ("computed-depth", [ids, LENGTH, values]),
        ("computed-values", [ids, const(12), computed(2)]),
        ("all-computed", [ids, LENGTH, computed(2)]),
        ("int64-values", [ids, const(12), const(0, 1)]),
        ("float-depth", [ids, const(12.0, dtype="float"), values]),
    ):
        for opset in (9, 11, 17):
            yield case("OneHot", f"int64,r2,{slug},opset{opset}", args, opset=opset)


def _by_content() -> Iterator[Case]:
    """Operators whose output has a size that only the data decide."""
    for rank, shape in SHAPES.items():
        for op in ("Unique", "NonZero"):
            yield case(op, f"float,r{rank}", [computed(*shape)])
        condition = computed(shape[-1], dtype="bool")
        yield case("Compress", f"float,r{rank},last", [computed(*shape), condition], f"axis = {rank - 1}")
    for dtype in ("int64", "bool", "double"):
        if dtype != "bool":
            yield case("Unique", f"{dtype},r1", [computed(22, dtype=dtype)])
        yield case("NonZero", f"{dtype},r2", [computed(5, 22, dtype=dtype)])
        yield case("Compress", f"{dtype},r1", [computed(22, dtype=dtype), computed(22, dtype="bool")])
    yield case("NonZero", "int64,r1", [computed(22, dtype="int64")], opset=9)
    yield case("NonZero", "weight", [weight(4, 6)])
    for outputs in (1, 2, 4):
        yield case(
            "Unique", f"float,r2,axis1,outputs{outputs}", [computed(4, 9)], "axis = 1, sorted = 0", outputs=outputs
        )
    keep = const(*[1, 0] * 5, dtype="bool", shape=(10,))
    yield from positions("Compress", "float,r2,const", [computed(10, 18), keep], "axis = 0")
    yield from positions("Compress", "float,r3,const", [computed(1, 10, 18), keep], "axis = 1")
    yield case("Compress", "float,r2,const,flat", [computed(5, 4), keep])
    for opset in (9, 11):
        yield case(
            "Compress",
            f"float,r2,opset{opset}",
            [computed(opset, 18), computed(opset, dtype="bool")],
            "axis = 0",
            opset=opset,
        )


def _reversed() -> Iterator[Case]:
    for time, batch in ((0, 1), (1, 0)):
        axes = f"time_axis = {time}, batch_axis = {batch}"
        for rank, shape in {2: (5, 5), 3: (6, 6, 14), 4: (3, 3, 8, 10)}.items():
            lengths = const(*[2] * shape[batch])
            yield from positions(
                "ReverseSequence", f"float,r{rank},time{time},const", [computed(*shape), lengths], axes
            )
            args = [computed(*shape), computed(shape[batch], dtype="int64")]
            yield case("ReverseSequence", f"float,r{rank},time{time},computed", args, axes)
    for dtype in TAKEN:
        yield case("ReverseSequence", f"{dtype},r2", [computed(9, 3, dtype=dtype), const(4, 6, 9)])


def _boxes() -> Iterator[Case]:
    limits = {"max": const(8), "iou": const(0.5, dtype="float"), "score": const(0.2, dtype="float")}
    boxes, scores = computed(1, 30, 4), computed(1, 3, 30)
    for opset in (10, 11, 19):
        yield case("NonMaxSuppression", f"const,opset{opset}", [boxes, scores, *limits.values()], opset=opset)
        yield case("NonMaxSuppression", f"two,opset{opset}", [boxes, scores], opset=opset)
        made = [computed(1, dtype=a.dtype) for a in limits.values()]
        yield case("NonMaxSuppression", f"computed,opset{opset}", [boxes, scores, *made], opset=opset)
    for name in limits:
        args = [computed(1, dtype=a.dtype) if key == name else a for key, a in limits.items()]
        yield case("NonMaxSuppression", f"computed-{name}", [boxes, scores, *args])
    yield case("NonMaxSuppression", "center", [boxes, scores, *limits.values()], "center_point_box = 1")
    yield case("NonMaxSuppression", "batch", [computed(2, 30, 4), computed(2, 3, 30), *limits.values()])


def _crops() -> Iterator[Case]:
    for slug, shape, target, axes in (
        ("crop", (1, 9, 11, 14), (1, 9, 8, 10), ""),
        ("pad", (1, 9, 11, 14), (1, 9, 13, 18), ""),
        ("both", (9, 11, 7), (8, 12, 7), ""),
        ("axes", (9, 11, 7), (8, 12), "axes = [0, 1]"),
        ("negative-axes", (1, 4, 11, 14), (8, 12), "axes = [-2, -1]"),
    ):
        args = [computed(*shape), const(*target)]
        yield from positions("CenterCropPad", f"float,{slug}", args, axes, opset=18)
        made = [args[0], computed(len(target), dtype="int64")]
        yield case("CenterCropPad", f"float,{slug},computed", made, axes, opset=18)
    for dtype in ("int64", "float16", "bool"):
        yield case("CenterCropPad", f"{dtype},crop", [computed(9, 14, dtype=dtype), const(6, 10)], opset=18)
    plane, block = computed(2, dtype="int64"), const(3, 3)
    for slug, x, image, kernel, attributes in (
        ("const", (1, 18, 15), const(5, 7), block, ""),
        ("strides", (1, 9, 9), const(7, 7), block, "strides = [2, 2]"),
        ("pads", (1, 9, 20), const(4, 5), block, "pads = [1, 1, 1, 1]"),
        ("dilations", (1, 8, 12), const(5, 5), const(2, 2), "dilations = [1, 2]"),
        ("computed", (1, 18, 15), plane, plane, ""),
        ("computed-image", (1, 18, 15), plane, block, ""),
        ("computed-block", (1, 18, 15), const(5, 7), plane, ""),
        ("computed-strides", (1, 9, 9), plane, plane, "strides = [2, 2]"),
        ("computed-pads", (1, 9, 20), plane, plane, "pads = [1, 1, 1, 1]"),
        ("three", (1, 16, 12), const(4, 5, 2), const(2, 2, 2), ""),
        ("three-computed", (1, 16, 12), computed(3, dtype="int64"), computed(3, dtype="int64"), ""),
    ):
        yield case("Col2Im", slug, [computed(*x), image, kernel], attributes, opset=18)
    yield case("Col2Im", "const", [computed(2, 18, 15), const(5, 7), block], opset=18, position="between")
