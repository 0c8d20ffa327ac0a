"""Concat, Expand and Tile: numbers of inputs, axes, dtypes, constants among them, shapes constant or computed."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.probe.case import AGAIN, Case, case, computed, const, node, positions, weight
from rkgraph.probe.schemas import TAKEN

__all__ = ["cases"]

SHAPES = {1: (40,), 2: (7, 20), 3: (1, 10, 26), 4: (1, 6, 14, 18), 5: (1, 4, 6, 8, 14), 6: (1, 2, 3, 4, 6, 8)}
MAIN = ("float", "int64", "int32", "bool")


def cases() -> Iterator[Case]:
    """All cases of this file."""
    yield from _concat_axes()
    yield from _concat_inputs()
    yield from _concat_sizes()
    yield from _expand()
    yield from _expand_forms()
    yield from _tile()


def _concat_axes() -> Iterator[Case]:
    for dtype in TAKEN:
        for rank, shape in SHAPES.items():
            if dtype in ("float16", "double") and rank not in (2, 4):
                continue
            for axis in range(rank):
                if dtype != "float" and axis not in (rank - 1, 1):
                    continue
                x = computed(*shape, dtype=dtype)
                args, written = [x, x], f"axis = {axis}"
                yield case("Concat", f"{dtype},r{rank},axis{axis}", args, written)
                if dtype in MAIN and rank < 6 and (dtype == "float" or rank in (2, 4)):
                    yield case("Concat", f"{dtype},r{rank},axis{axis}", args, written, position="between")
                if dtype == "int64" and rank in (2, 4):
                    yield case("Concat", f"{dtype},r{rank},axis{axis}", args, written, position="inside")
    for opset in (7, 11, 19):
        x = computed(2, 6, opset)
        yield case("Concat", f"float,r3,negative,opset{opset}", [x, x], "axis = -1", opset=opset)


def _concat_inputs() -> Iterator[Case]:
    for number in (1, 3, 5, 17):
        for rank, shape in {2: (3, 14), 3: (1, 10, 14), 4: (1, 5, 10, 14), 5: (1, 4, 5, 6, 8)}.items():
            args = [computed(*shape)] * number
            yield case("Concat", f"float,r{rank},{number}inputs,axis1", args, "axis = 1")
            yield case("Concat", f"float,r{rank},{number}inputs,axis1", args, "axis = 1", position="between")
            if number < 9:
                yield case("Concat", f"float,r{rank},{number}inputs,last", args, "axis = -1")
    for rank, shape in {1: (18,), 2: (4, 18), 3: (1, 9, 18), 4: (1, 8, 10, 18)}.items():
        axis = min(1, rank - 1)
        x = computed(*shape)
        yield from positions("Concat", f"float,r{rank},with-const", [x, weight(*shape)], f"axis = {axis}")
        yield case("Concat", f"float,r{rank},const-first", [weight(*shape), x], f"axis = {axis}")
        yield case("Concat", f"float,r{rank},same-value", [x, AGAIN], f"axis = {axis}")
        yield case(
            "Concat",
            f"int64,r{rank},with-const",
            [computed(*shape, dtype="int64"), const(*range(_size(shape)), shape=shape)],
            f"axis = {axis}",
        )
    for rank, shapes in {
        2: ((3, 5), (3, 11)),
        3: ((1, 3, 20), (1, 14, 20)),
        4: ((1, 3, 10, 14), (1, 16, 10, 14)),
    }.items():
        args = [computed(*s) for s in shapes]
        yield from positions("Concat", f"float,r{rank},unequal", args, "axis = 1")
    for dtype in MAIN:
        for rank in (1, 2, 3, 5, 6):
            args = [computed(*SHAPES[rank], dtype=dtype)] * 3
            yield case("Concat", f"{dtype},r{rank},three", args, "axis = -1")
            if dtype == "float":
                yield case("Concat", f"{dtype},r{rank},three", args, "axis = -1", position="between")
        four = [computed(*SHAPES[4], dtype=dtype)] * 4
        yield case("Concat", f"{dtype},r4,four", four, "axis = 1")
    yield from positions("Concat", "float,r4,batch", [computed(2, 6, 10, 14)] * 2, "axis = 0")
    yield from positions("Concat", "float,r4,batch,channel", [computed(2, 6, 10, 14)] * 2, "axis = 1")
    yield from positions("Concat", "float,r3,class-token", [weight(1, 1, 22), computed(1, 10, 22)], "axis = 1")
    yield case("Concat", "float,r4,single-elements", [computed(1, 1, 1, 1)] * 3, "axis = 1")


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for dimension in shape:
        size *= dimension
    return size


def _concat_sizes() -> Iterator[Case]:
    for length in (4096, 4097, 8192, 10000):
        yield case("Concat", f"float,r3,last{length}", [computed(1, 6, length)] * 2, "axis = 2")
        yield case("Concat", f"float,r4,channels{length}", [computed(1, length, 4, 6)] * 2, "axis = 1")
        yield case("Concat", f"float,r4,width{length}", [computed(1, 6, 4, length)] * 2, "axis = 3")
    yield case("Concat", "float,r4,width9000,axis1", [computed(1, 6, 4, 9000)] * 2, "axis = 1")


def _expand() -> Iterator[Case]:
    forms = (
        ("r1,single", (1,), (20,)),
        ("r2,rows", (1, 26), (6, 26)),
        ("r2,columns", (6, 1), (6, 26)),
        ("r2,same", (6, 26), (6, 26)),
        ("r2,ones", (6, 26), (1, 1)),
        ("r1-r2", (26,), (6, 26)),
        ("r1-r3", (26,), (1, 10, 26)),
        ("r2-r4", (10, 1), (1, 4, 10, 12)),
        ("r3,middle", (1, 1, 26), (1, 10, 26)),
        ("r3,last", (1, 10, 1), (1, 10, 26)),
        ("r3,first", (1, 10, 26), (3, 10, 26)),
        ("r3,shorter", (1, 10, 1), (26,)),
        ("r4,mask", (1, 1, 1, 26), (1, 1, 10, 26)),
        ("r4,heads", (1, 1, 10, 26), (1, 6, 10, 26)),
        ("r4,plane", (1, 6, 1, 1), (1, 6, 10, 26)),
        ("r4,width", (1, 6, 10, 1), (1, 6, 10, 26)),
        ("r4,height", (1, 6, 1, 26), (1, 6, 10, 26)),
        ("r4,batch", (1, 6, 10, 14), (3, 6, 10, 14)),
        ("r4,same", (1, 6, 10, 26), (1, 6, 10, 26)),
        ("r5,groups", (1, 3, 1, 8, 10), (1, 3, 4, 8, 10)),
        ("r5,last", (1, 3, 4, 8, 1), (1, 3, 4, 8, 10)),
        ("r6", (1, 2, 1, 4, 1, 6), (1, 2, 3, 4, 5, 6)),
    )
    for slug, shape, target in forms:
        for dtype in MAIN:
            if dtype in ("int32", "bool") and slug not in ("r3,middle", "r3,last", "r4,mask", "r4,heads", "r4,same"):
                continue
            args = [computed(*shape, dtype=dtype), const(*target)]
            yield case("Expand", f"{dtype},{slug}", args)
            if len(target) < 6 and (dtype == "float" or slug.startswith("r4")):
                yield case("Expand", f"{dtype},{slug}", args, position="between")
            if dtype in ("int64", "bool") and slug in ("r3,middle", "r4,heads", "r4,mask"):
                yield case("Expand", f"{dtype},{slug}", args, position="inside")
    for dtype in ("float16", "double", "int8", "uint8"):
        yield case("Expand", f"{dtype},r3,middle", [computed(1, 1, 22, dtype=dtype), const(1, 8, 22)])
        yield case("Expand", f"{dtype},r4,heads", [computed(1, 1, 8, 22, dtype=dtype), const(1, 5, 8, 22)])


def _expand_forms() -> Iterator[Case]:
    for opset in (8, 11, 13, 19):
        args = [computed(1, 1, opset), const(1, 6, opset)]
        yield case("Expand", f"float,r3,opset{opset}", args, opset=opset)
        for rank in (1, 3, 4):
            args = [computed(1, 5, opset), computed(rank, dtype="int64")]
            yield case("Expand", f"float,r3,computed{rank},opset{opset}", args, opset=opset)
    yield case("Expand", "float,r3,node", [computed(1, 1, 14), node(1, 7, 14)])
    yield case("Expand", "float,r0", [computed(), const(5, 10)])
    yield case("Expand", "weight", [weight(1, 1, 14), computed(3, dtype="int64")])
    for length in (8191, 8192, 8200):
        yield case("Expand", f"float,r3,rows{length}", [computed(1, 1, 10), const(1, length, 10)])
        yield case("Expand", f"float,r4,width{length}", [computed(1, 4, 6, 1), const(1, 4, 6, length)])
        yield case("Expand", f"float,r4,channels{length}", [computed(1, 1, 4, 6), const(1, length, 4, 6)])


def _tile() -> Iterator[Case]:
    forms = (
        ("r1", (20,), (3,)),
        ("r2,rows", (6, 20), (2, 1)),
        ("r2,columns", (6, 20), (1, 3)),
        ("r2,single", (1, 20), (6, 1)),
        ("r3,middle", (1, 10, 20), (1, 2, 1)),
        ("r3,first", (1, 10, 20), (3, 1, 1)),
        ("r3,last", (2, 10, 20), (1, 1, 2)),
        ("r3,ones", (1, 10, 20), (1, 1, 1)),
        ("r4,plane", (1, 6, 10, 14), (1, 1, 2, 2)),
        ("r4,channel", (1, 6, 10, 14), (1, 3, 1, 1)),
        ("r4,batch", (1, 6, 10, 14), (2, 1, 1, 1)),
        ("r4,single-channel", (1, 1, 10, 14), (1, 4, 1, 1)),
        ("r4,from-one", (1, 6, 1, 1), (1, 1, 10, 14)),
        ("r4,all", (2, 3, 5, 6), (2, 2, 2, 2)),
        ("r4,ones", (1, 6, 10, 14), (1, 1, 1, 1)),
        ("r5", (1, 3, 4, 6, 8), (1, 1, 2, 1, 1)),
        ("r6", (1, 2, 3, 4, 5, 6), (1, 1, 1, 2, 1, 1)),
    )
    for slug, shape, repeats in forms:
        for dtype in MAIN:
            if dtype in ("int32", "bool") and slug not in ("r2,rows", "r4,plane", "r4,channel"):
                continue
            args = [computed(*shape, dtype=dtype), const(*repeats)]
            yield case("Tile", f"{dtype},{slug}", args)
            if dtype == "float" and len(shape) < 6:
                yield case("Tile", f"{dtype},{slug}", args, position="between")
    for channels in (1, 4, 8, 16, 20, 32, 64):
        x = computed(1, channels, 10, 14)
        yield case("Tile", f"float,r4,channel,aligned{channels}", [x, const(1, 2, 1, 1)])
        yield case("Tile", f"float,r4,width,aligned{channels}", [x, const(1, 1, 1, 2)])
    for dtype in ("float16", "double", "int8", "uint8"):
        yield case("Tile", f"{dtype},r3", [computed(1, 8, 22, dtype=dtype), const(1, 2, 2)])
        yield case("Tile", f"{dtype},r4", [computed(1, 5, 8, 22, dtype=dtype), const(1, 2, 1, 1)])
    for opset in (7, 13, 19):
        yield case("Tile", f"float,r3,opset{opset}", [computed(1, 4, opset), const(1, 3, 1)], opset=opset)
        for rank in (1, 2, 4):
            args = [computed(*(5, 6, 4, 7)[:rank]), computed(rank, dtype="int64")]
            yield case("Tile", f"float,r{rank},computed,opset{opset}", args, opset=opset)
    yield case("Tile", "int64,r2,computed", [computed(5, 6, dtype="int64"), computed(2, dtype="int64")])
    yield case("Tile", "float,r2,node", [computed(5, 12), node(2, 1)])
