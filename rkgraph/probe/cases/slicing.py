"""Slice and Split: every opset's form, steps and directions, several axes, bounds constant or computed."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.probe.case import ABSENT, Case, case, computed, const, node, positions
from rkgraph.probe.schemas import TAKEN

__all__ = ["cases"]

SHAPES = {1: (40,), 2: (7, 20), 3: (1, 10, 26), 4: (1, 6, 14, 18), 5: (1, 4, 6, 8, 14), 6: (1, 2, 3, 4, 6, 8)}
END = 2**31 - 1
"""What exporters write for "to the end"; some write the largest int64."""


def cases() -> Iterator[Case]:
    """All cases of this file."""
    yield from _slice_axes()
    yield from _slice_bounds()
    yield from _slice_forms()
    yield from _slice_sizes()
    yield from _split_axes()
    yield from _split_forms()
    yield from _split_uneven()
    yield from _split_sizes()


def _slice_axes() -> Iterator[Case]:
    """Each axis of each rank, with each dtype that a model's input may have."""
    for dtype in TAKEN:
        for rank, shape in SHAPES.items():
            if dtype in ("float16", "double") and rank not in (2, 4):
                continue
            for axis in range(rank):
                if shape[axis] < 2 or (dtype != "float" and axis not in (rank - 1, 1)):
                    continue
                args = [computed(*shape, dtype=dtype), const(1), const(shape[axis]), const(axis)]
                yield case("Slice", f"{dtype},r{rank},axis{axis}", args)
                if (dtype == "float" and 1 < rank < 6) or (dtype in ("int64", "bool") and rank in (2, 4)):
                    yield case("Slice", f"{dtype},r{rank},axis{axis}", args, position="between")
                if dtype == "int64" and rank in (2, 4):
                    yield case("Slice", f"{dtype},r{rank},axis{axis}", args, position="inside")
    yield from positions("Slice", "float,r4,batch", [computed(5, 6, 10, 14), const(1), const(3), const(0)])
    yield from positions("Slice", "float,r3,batch", [computed(5, 10, 14), const(1), const(3), const(0)])


def _slice_bounds() -> Iterator[Case]:
    for rank, shape in {2: (9, 22), 3: (1, 12, 20), 4: (1, 10, 12, 20)}.items():
        x = computed(*shape)
        for slug, bounds in (
            ("step2", (0, END, -1, 2)),
            ("step3", (1, 20, -1, 3)),
            ("step2,axis1", (0, 8, 1, 2)),
            ("step5,axis-2", (0, 9, -2, 5)),
            ("backwards", (-1, -END, -1, -1)),
            ("backwards,axis1", (-1, -END, 1, -1)),
            ("backwards,by-two", (-1, -END, -1, -2)),
            ("from-end", (-5, END, -1, 1)),
            ("before-end", (0, -3, -1, 1)),
            ("beyond", (2, 9000, -1, 1)),
            ("before-start", (-9000, 6, -1, 1)),
            ("whole", (0, END, -1, 1)),
            ("one", (3, 4, -1, 1)),
            ("aligned", (8, 16, -1, 1)),
            ("aligned,axis1", (0, 8, 1, 1)),
        ):
            args = [x, *(const(v) for v in bounds)]
            yield case("Slice", f"float,r{rank},{slug}", args)
            if rank == 4 or "step" in slug:
                yield case("Slice", f"float,r{rank},{slug}", args, position="between")
    for dtype in ("int64", "float16", "bool"):
        for step in (2, -1):
            x = computed(1, 6, 10, 18, dtype=dtype)
            ends = (0, END) if step > 0 else (-1, -END)
            yield case("Slice", f"{dtype},r4,step{step}", [x, *(const(v) for v in (*ends, -1, step))])
    four = computed(1, 8, 10, 24)
    for slug, axes, steps in (
        ("two-axes", (2, 3), (1, 1)),
        ("two-axes,step2", (2, 3), (2, 2)),
        ("channel-and-width", (1, 3), (1, 1)),
        ("three-axes", (1, 2, 3), (1, 1, 1)),
        ("swapped", (3, 2), (1, 1)),
        ("mixed-steps", (2, 3), (1, 2)),
    ):
        n = len(axes)
        args = [four, const(*[1] * n), const(*[7] * n), const(*axes), const(*steps)]
        yield from positions("Slice", f"float,r4,{slug}", args)
    yield case("Slice", "float,r3,no-axes", [computed(2, 10, 20), const(0, 1, 2), const(1, 8, 18)])
    yield case("Slice", "float,r3,no-axes,steps", [computed(2, 10, 20), const(0, 1), const(1, 8), ABSENT, const(1, 3)])


def _slice_forms() -> Iterator[Case]:
    """Bounds as attributes, as int32, from Constant nodes, computed one by one."""
    for opset in (7, 9):
        for slug, axes in (("", ", axes = [2]"), ("no-axes,", "")):
            x = computed(1, 9, 10 + opset, 20)
            bounds = "starts = [1], ends = [8]" if axes else "starts = [0, 2], ends = [1, 8]"
            yield from positions("Slice", f"float,r4,{slug}opset{opset}", [x], bounds + axes, opset=opset)
    for opset in (10, 11, 13, 19):
        args = [computed(3, 10, opset + 1), const(2), const(9), const(1)]
        yield case("Slice", f"float,r3,opset{opset}", args, opset=opset)
        computed_start = [args[0], computed(1, dtype="int64"), *args[2:]]
        yield case("Slice", f"float,r3,computed-starts,opset{opset}", computed_start, opset=opset)
    x, n = computed(1, 10, 22), computed(1, dtype="int64")
    small = [const(v, dtype="int32") for v in (2, 9, 1, 1)]
    yield case("Slice", "float,r3,int32-bounds", [x, *small])
    yield case("Slice", "float,r3,int32-computed", [x, *[computed(1, dtype="int32")] * 2, *small[2:]])
    yield case("Slice", "float,r3,nodes", [x, node(1), node(8), node(2), node(2)])
    yield case("Slice", "float,r3,int64-max", [x, const(1), const(2**63 - 1), const(2)])
    constants = (const(1), const(9), const(1), const(1))
    for position, name in enumerate(("starts", "ends", "axes", "steps")):
        args = list(constants)
        args[position] = n
        yield case("Slice", f"float,r3,computed-{name}", [x, *args])
        yield case("Slice", f"int64,r2,computed-{name}", [computed(9, 16, dtype="int64"), *args])
    yield case("Slice", "float,r4,computed", [computed(1, 6, 10, 22), n, n, const(3)])
    yield case("Slice", "float,r4,all-computed", [computed(1, 6, 10, 22), n, n, n, n])


def _slice_sizes() -> Iterator[Case]:
    for length in (4096, 8192, 8193, 16384, 20000):
        for rank, shape in {2: (3, length), 3: (1, length, 12), 4: (1, 5, 4, length)}.items():
            axis = shape.index(length)
            args = [computed(*shape), const(1), const(length), const(axis)]
            yield case("Slice", f"float,r{rank},length{length}", args)
    for channels in (8191, 8192, 12000):
        args = [computed(1, channels, 4, 6), const(8), const(channels), const(1)]
        yield case("Slice", f"float,r4,channels{channels}", args)
    for height in (8192, 9000):
        args = [computed(1, 8, height, 6), const(0), const(height // 2), const(2)]
        yield case("Slice", f"float,r4,height{height}", args)


def _split_axes() -> Iterator[Case]:
    for dtype in TAKEN:
        for rank, shape in SHAPES.items():
            if dtype in ("float16", "double", "int32") and rank not in (2, 4):
                continue
            for axis in range(rank):
                if shape[axis] % 2 or (dtype != "float" and axis not in (rank - 1, 1)):
                    continue
                x = computed(*shape, dtype=dtype)
                yield case("Split", f"{dtype},r{rank},axis{axis}", [x], f"axis = {axis}", outputs=2)
                if (dtype == "float" and 1 < rank < 6) or (dtype in ("int64", "bool") and rank in (2, 4)):
                    slug = f"{dtype},r{rank},axis{axis}"
                    yield case("Split", slug, [x], f"axis = {axis}", outputs=2, position="between")
    for pieces in (1, 3, 4, 6):
        x = computed(1, 24, 10, 14)
        yield from positions("Split", f"float,r4,into{pieces}", [x], "axis = 1", outputs=pieces)
        x = computed(1, 10, 24)
        yield from positions("Split", f"float,r3,into{pieces}", [x], "axis = -1", outputs=pieces)
    yield case("Split", "float,r4,batch", [computed(6, 5, 10, 14)], "axis = 0", outputs=2)
    yield case("Split", "float,r3,defaults", [computed(6, 10, 14)], outputs=3)


def _split_forms() -> Iterator[Case]:
    """Sizes as an attribute, an input, a number of outputs; even and uneven; computed."""
    for opset in (7, 11):
        x = computed(1, 10, opset + 1, 8)
        yield case("Split", f"float,r4,even,opset{opset}", [x], "axis = 1", outputs=2, opset=opset)
        yield case("Split", f"float,r4,uneven,opset{opset}", [x], "axis = 1, split = [3, 7]", outputs=2, opset=opset)
        yield case("Split", f"float,r2,int64,opset{opset}", [computed(4, 10, dtype="int64")], "axis = 1", outputs=2)
    for opset in (13, 17, 18, 19):
        for rank, shape in {1: (10,), 2: (3, 10), 3: (1, 10, 16), 4: (1, 10, 8, 12)}.items():
            axis = shape.index(10)
            x = computed(*shape)
            for slug, sizes in (("sizes", const(4, 6)), ("computed", computed(2, dtype="int64"))):
                for written in (f"axis = {axis}", "") if axis == 0 else (f"axis = {axis}",):
                    name = f"float,r{rank},{slug}{'' if written else ',default-axis'},opset{opset}"
                    yield case("Split", name, [x, sizes], written, outputs=2, opset=opset)
    for opset in (18, 19):
        for length, number in ((12, 3), (12, 4), (13, 3), (10, 4), (7, 2), (9, 5)):
            slug = f"{length}-into{number},opset{opset}"
            written = f"axis = -1, num_outputs = {number}"
            x = computed(2, length)
            yield case("Split", f"float,r2,{slug}", [x], written, outputs=number, opset=opset)
            if opset == 18:
                x = computed(1, 5, 6, length)
                yield case("Split", f"float,r4,{slug}", [x], written, outputs=number, opset=opset)
                x = computed(length, dtype="int64")
                yield case("Split", f"int64,r1,{slug}", [x], written, outputs=number, opset=opset)
    yield from positions("Split", "float,r4,uneven", [computed(1, 20, 6, 10), const(3, 17)], "axis = 1", outputs=2)
    yield from positions("Split", "float,r3,uneven", [computed(1, 6, 20), const(3, 17)], "axis = 2", outputs=2)
    yield case("Split", "float,r3,node", [computed(1, 6, 20), node(8, 12)], "axis = 2", outputs=2)


def _split_uneven() -> Iterator[Case]:
    """Lengths that the number of outputs does not divide: with sizes all is said; with a number the rest is implied."""
    for rank, shape in {1: (13,), 2: (4, 13), 3: (1, 6, 13), 4: (1, 6, 5, 13), 5: (1, 3, 4, 5, 13)}.items():
        for dtype in ("float", "int64"):
            x, name = computed(*shape, dtype=dtype), f"{dtype},r{rank},uneven"
            sizes = f"axis = {rank - 1}, split = [3, 4, 6]"
            yield case("Split", f"{name},attribute", [x], sizes, outputs=3, opset=11)
            for opset in (13, 18):
                args = [x, const(3, 4, 6)]
                yield case("Split", f"{name},input,opset{opset}", args, "axis = -1", outputs=3, opset=opset)
            yield case("Split", f"{name},number", [x], "axis = -1, num_outputs = 3", outputs=3, opset=18)
            if rank in (2, 3):
                middle = computed(1, 11, 16, dtype=dtype) if rank == 3 else computed(11, 16, dtype=dtype)
                written = f"axis = {rank - 2}, num_outputs = 2"
                yield case("Split", f"{name},number,axis-2", [middle], written, outputs=2, opset=18)


def _split_sizes() -> Iterator[Case]:
    for length in (8190, 8192, 8194, 16384):
        yield case("Split", f"float,r3,last{length}", [computed(1, 6, length)], "axis = -1", outputs=2)
        yield case("Split", f"float,r4,channels{length}", [computed(1, length, 4, 6)], "axis = 1", outputs=2)
        yield case("Split", f"float,r2,last{length}", [computed(2, length)], "axis = 1", outputs=2)
