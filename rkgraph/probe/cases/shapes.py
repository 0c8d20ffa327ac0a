"""Operators that move, select and count elements: layout, indexing, joining, reductions."""

from __future__ import annotations

import math
from collections.abc import Iterator

from rkgraph.probe.cases.elementwise import SHAPES
from rkgraph.probe.case import ABSENT, Case, case, computed, const, positions, weight

COMMON = ("ReduceMean", "ReduceSum", "ReduceMax")
"""Reductions that get all ranks and both values of keepdims."""

INTS = ("float", "int64", "int32", "bool")


def cases() -> Iterator[Case]:
    """All cases of this file."""
    yield from _reshaping()
    yield from _transposing()
    yield from _slicing()
    yield from _joining()
    yield from _gathering()
    yield from _scattering()
    yield from _repeating()
    yield from _reducing()
    yield from _counting()
    yield from _making()


def _reshaping() -> Iterator[Case]:
    targets = {1: (4, 6), 2: (2, 3, 24), 3: (12, 24), 4: (1, 96, 24), 5: (4, 6, 80)}
    for dtype in INTS:
        for rank, shape in SHAPES.items():
            x = computed(*shape, dtype=dtype)
            yield from positions("Reshape", f"{dtype},r{rank}", [x, const(*targets[rank])])
            yield from positions("Unsqueeze", f"{dtype},r{rank},axis1", [x, const(1)])
            if rank < 5:
                yield from positions("Unsqueeze", f"{dtype},r{rank},axes01", [x, const(0, 1)])
            if dtype in ("float", "int64"):
                yield from positions("Flatten", f"{dtype},r{rank}", [x], "axis = 1")
    for dtype in INTS:
        for slug, shape, axes in (
            ("r3", (1, 12, 24), (0,)),
            ("r4", (1, 8, 1, 24), (2,)),
            ("r5", (1, 4, 1, 8, 10), (2,)),
        ):
            yield from positions("Squeeze", f"{dtype},{slug}", [computed(*shape, dtype=dtype), const(*axes)])
    yield from positions("Squeeze", "float,r2", [computed(1, 24), const(0)])
    yield from positions("Squeeze", "float,r2,last", [computed(24, 1), const(-1)])
    yield from positions("Squeeze", "float,r4,all", [computed(1, 8, 1, 24)])
    yield from positions("Reshape", "float,r3,to-r4", [computed(1, 12, 24), const(1, 12, 2, 12)])
    yield from positions("Reshape", "float,r4,to-r5", [computed(1, 8, 12, 24), const(1, 2, 4, 12, 24)])
    yield from positions("Reshape", "float,r4,to-r6", [computed(1, 8, 12, 24), const(1, 2, 4, 3, 4, 24)])
    yield from positions("Reshape", "float,r3,computed-shape", [computed(1, 12, 24), computed(2, dtype="int64")])
    yield from positions("Unsqueeze", "float,r3,computed-axes", [computed(1, 12, 24), computed(1, dtype="int64")])


def _transposing() -> Iterator[Case]:
    orders = {
        2: ("1,0",),
        3: ("0,2,1", "1,0,2", "2,1,0"),
        4: ("0,2,1,3", "0,1,3,2", "0,2,3,1", "0,3,1,2", "1,0,2,3", "2,0,3,1", "3,2,1,0"),
        5: ("0,1,3,2,4", "0,2,1,3,4", "0,1,3,4,2", "2,0,3,1,4", "0,4,1,2,3"),
    }
    for rank, perms in orders.items():
        for perm in perms:
            yield from positions(
                "Transpose", f"float,r{rank},{perm.replace(',', '')}", [computed(*SHAPES[rank])], f"perm = [{perm}]"
            )
    for dtype in ("int64", "int32", "bool", "float16"):
        yield from positions("Transpose", f"{dtype},r3,021", [computed(1, 12, 24, dtype=dtype)], "perm = [0,2,1]")
        yield from positions("Transpose", f"{dtype},r4,0213", [computed(1, 8, 12, 24, dtype=dtype)], "perm = [0,2,1,3]")
    for slug, shape in (
        ("hw8192", (1, 4, 64, 128)),
        ("hw9216", (1, 4, 96, 96)),
        ("hw65536", (1, 4, 256, 256)),
        ("c9000", (1, 9000, 4, 6)),
    ):
        for perm in ("0,2,1,3", "0,1,3,2", "0,2,3,1", "0,3,1,2"):
            yield case("Transpose", f"float,r4,{perm.replace(',', '')},{slug}", [computed(*shape)], f"perm = [{perm}]")
    for rows, columns in ((96, 96), (256, 384), (9000, 8), (8, 9000)):
        yield from positions(
            "Transpose", f"float,r3,021,{rows}x{columns}", [computed(1, rows, columns)], "perm = [0,2,1]"
        )
        heads = computed(1, rows, 4, columns)
        yield from positions("Transpose", f"float,r4,0213,{rows}x4x{columns}", [heads], "perm = [0,2,1,3]")
    yield from positions("Transpose", "float,r6", [computed(1, 2, 3, 4, 5, 6)], "perm = [0,2,4,1,3,5]")
    for op in ("DepthToSpace", "SpaceToDepth"):
        yield from positions(op, "float,r4,2", [computed(1, 16, 8, 12)], "blocksize = 2")
        yield case(op, "int64,r4,2", [computed(1, 16, 8, 12, dtype="int64")], "blocksize = 2")
    yield from positions("DepthToSpace", "float,r4,crd", [computed(1, 16, 8, 12)], 'blocksize = 2, mode = "CRD"')


def _slicing() -> Iterator[Case]:
    for dtype in INTS:
        for rank, shape in SHAPES.items():
            x = computed(*shape, dtype=dtype)
            yield from positions("Slice", f"{dtype},r{rank},last", [x, const(2), const(8), const(-1)])
            if rank > 2:
                yield from positions("Slice", f"{dtype},r{rank},axis1", [x, const(1), const(4), const(1)])
    for rank in (3, 4):
        x = computed(*SHAPES[rank])
        yield from positions("Slice", f"float,r{rank},step2", [x, const(0), const(24), const(-1), const(2)])
        yield from positions("Slice", f"float,r{rank},backwards", [x, const(-1), const(-100), const(-1), const(-1)])
        yield from positions("Slice", f"float,r{rank},two-axes", [x, const(0, 1), const(4, 9), const(1, 2)])
        yield from positions("Slice", f"float,r{rank},computed", [x, *[computed(1, dtype="int64")] * 2, const(1)])
    yield from positions("Slice", "float,r4,batch", [computed(3, 8, 12, 24), const(0), const(2), const(0)])
    for dtype in ("float", "int64"):
        for rank, shape in SHAPES.items():
            yield from positions(
                "Split", f"{dtype},r{rank},last", [computed(*shape, dtype=dtype)], "axis = -1", outputs=2
            )
        yield from positions(
            "Split", f"{dtype},r3,sizes", [computed(1, 12, 24, dtype=dtype), const(4, 8)], "axis = 1", outputs=2
        )
    yield from positions("Split", "float,r4,channel", [computed(1, 8, 12, 24)], "axis = 1", outputs=2)
    yield from positions(
        "Split", "float,r3,num-outputs", [computed(1, 12, 24)], "axis = -1, num_outputs = 2", outputs=2, opset=18
    )


def _joining() -> Iterator[Case]:
    for dtype in INTS:
        for rank, shape in SHAPES.items():
            x = computed(*shape, dtype=dtype)
            yield from positions("Concat", f"{dtype},r{rank},last", [x, x], "axis = -1")
            if rank in (3, 4):
                yield from positions("Concat", f"{dtype},r{rank},axis1", [x, x], "axis = 1")
    yield from positions("Concat", "float,r4,const", [computed(1, 8, 12, 24), weight(1, 8, 12, 24)], "axis = 1")
    yield from positions("Concat", "float,r3,const", [weight(1, 1, 24), computed(1, 12, 24)], "axis = 1")
    for rank in (2, 3, 4, 5):
        yield from positions("Concat", f"float,r{rank},five", [computed(*SHAPES[rank])] * 5, "axis = 1")
    yield from positions("Concat", "float,r4,axis0", [computed(1, 8, 12, 24)] * 2, "axis = 0")


def _gathering() -> Iterator[Case]:
    table = weight(50, 24)
    for dtype in ("int64", "int32"):
        for rank, shape in {1: (6,), 2: (1, 12), 3: (1, 4, 6)}.items():
            yield from positions("Gather", f"embedding,{dtype},i{rank}", [table, computed(*shape, dtype=dtype)])
    yield from positions("Gather", "embedding,scalar", [table, computed(dtype="int64")])
    for dtype in INTS:
        for rank, shape in SHAPES.items():
            x = computed(*shape, dtype=dtype)
            for axis in sorted({0, 1, rank - 1}) if rank > 1 else (0,):
                if shape[axis] > 2:
                    yield from positions(
                        "Gather", f"{dtype},r{rank},axis{axis},const", [x, const(0, 2)], f"axis = {axis}"
                    )
                    if dtype != "float" and rank > 3:
                        continue
                    yield from positions(
                        "Gather", f"{dtype},r{rank},axis{axis},const-scalar", [x, const(1, shape=())], f"axis = {axis}"
                    )
            if rank in (2, 3):
                yield from positions(
                    "Gather", f"{dtype},r{rank},computed", [x, computed(4, dtype="int64")], f"axis = {rank - 1}"
                )
    yield from positions("Gather", "float,r3,negative", [computed(1, 12, 24), const(-1, shape=())], "axis = 1")
    yield from positions(
        "Gather", "float,r3,const-2d", [computed(1, 12, 24), const(0, 2, 4, 1, shape=(2, 2))], "axis = 1"
    )
    for slug, index in (("const", const(*[1, 0] * 12, shape=(1, 24))), ("computed", computed(1, 24, dtype="int64"))):
        yield from positions("GatherElements", f"float,r2,{slug}", [computed(6, 24), index], "axis = 0")
        yield from positions("GatherElements", f"int64,r2,{slug}", [computed(6, 24, dtype="int64"), index], "axis = 0")
    yield from positions(
        "GatherElements", "float,r3,computed", [computed(1, 12, 24), computed(1, 4, 24, dtype="int64")], "axis = 1"
    )
    for axis, shape in ((-1, (1, 12, 4)), (1, (1, 4, 24)), (0, (1, 12, 24)), (-1, (4, 12, 4)), (1, (4, 4, 24))):
        index = const(*[0, 3] * (math.prod(shape) // 2) if axis else [0] * math.prod(shape), shape=shape)
        slug = f"float,r3,{'many,' if shape[0] > 1 else ''}const,axis{axis}"
        yield from positions("GatherElements", slug, [computed(shape[0], 12, 24), index], f"axis = {axis}")
    index = const(*[0, 3] * 12, shape=(6, 4))
    yield from positions("GatherElements", "float,r2,const,axis1", [computed(6, 24), index], "axis = 1")
    for slug, index in (("const", const(0, 2, 0, 4, shape=(2, 2))), ("computed", computed(2, 2, dtype="int64"))):
        yield from positions("GatherND", f"float,r3,{slug}", [computed(1, 12, 24), index])
        yield from positions("GatherND", f"float,r2,{slug}", [computed(6, 24), index])


def _scattering() -> Iterator[Case]:
    for slug, index in (("const", const(0, 2, 0, 4, shape=(2, 2))), ("computed", computed(2, 2, dtype="int64"))):
        yield from positions("ScatterND", f"float,r3,{slug}", [computed(1, 12, 24), index, computed(2, 24)])
        yield from positions(
            "ScatterND", f"int64,r3,{slug}", [computed(1, 12, 24, dtype="int64"), index, computed(2, 24, dtype="int64")]
        )
    for slug, index in (("const", const(*[1, 0] * 12, shape=(1, 24))), ("computed", computed(1, 24, dtype="int64"))):
        yield from positions(
            "ScatterElements", f"float,r2,{slug}", [computed(6, 24), index, computed(1, 24)], "axis = 0"
        )
    yield from positions("TopK", "float,r3", [computed(1, 12, 24), const(4)], outputs=2)
    yield from positions("TopK", "float,r2", [computed(6, 24), const(4)], outputs=2)
    yield from positions("TopK", "float,r3,computed-k", [computed(1, 12, 24), computed(1, dtype="int64")], outputs=2)
    yield from positions("OneHot", "int64", [computed(1, 6, dtype="int64"), const(10), const(0.0, 1.0, dtype="float")])
    yield from positions("NonZero", "float,r2", [computed(6, 24)])
    yield from positions("Compress", "float,r2", [computed(6, 24), computed(6, dtype="bool")], "axis = 0")
    yield case("Unique", "float,r1", [computed(24)])
    yield from positions(
        "ReverseSequence", "float,r3", [computed(12, 2, 24), const(3, 4)], "time_axis = 0, batch_axis = 1"
    )


def _repeating() -> Iterator[Case]:
    for dtype in INTS:
        yield from positions("Expand", f"{dtype},r2,rows", [computed(1, 24, dtype=dtype), const(6, 24)])
        yield from positions("Expand", f"{dtype},r3", [computed(1, 1, 24, dtype=dtype), const(1, 12, 24)])
        yield from positions("Expand", f"{dtype},r4,mask", [computed(1, 1, 1, 24, dtype=dtype), const(1, 1, 12, 24)])
        yield from positions("Expand", f"{dtype},r4,heads", [computed(1, 1, 12, 24, dtype=dtype), const(1, 8, 12, 24)])
        yield from positions("Expand", f"{dtype},r4,same", [computed(1, 8, 12, 24, dtype=dtype), const(1, 8, 12, 24)])
        yield from positions("Tile", f"{dtype},r3", [computed(1, 12, 24, dtype=dtype), const(1, 2, 1)])
        yield from positions("Tile", f"{dtype},r4", [computed(1, 8, 6, 12, dtype=dtype), const(1, 1, 2, 2)])
    yield from positions("Expand", "float,r5", [computed(1, 4, 1, 8, 10), const(1, 4, 6, 8, 10)])
    yield from positions("Expand", "float,r1-r3", [computed(24), const(1, 12, 24)])
    yield from positions("Expand", "float,r3,computed-shape", [computed(1, 1, 24), computed(3, dtype="int64")])
    yield from positions("Tile", "float,r3,computed", [computed(1, 12, 24), computed(3, dtype="int64")])
    for mode in ("constant", "reflect", "edge"):
        pad = const(0, 0, 1, 2, 0, 0, 1, 2)
        yield from positions("Pad", f"float,r4,{mode}", [computed(1, 8, 12, 24), pad], f'mode = "{mode}"')
        yield from positions(
            "Pad", f"float,r3,{mode}", [computed(1, 12, 24), const(0, 0, 1, 0, 0, 2)], f'mode = "{mode}"'
        )
    yield from positions("Pad", "float,r4,channel", [computed(1, 8, 12, 24), const(0, 2, 0, 0, 0, 2, 0, 0)])
    yield from positions("Pad", "float,r4,negative", [computed(1, 8, 12, 24), const(0, 0, -1, 0, 0, 0, -1, 0)])
    yield from positions(
        "Pad",
        "float,r4,value",
        [computed(1, 8, 12, 24), const(0, 0, 1, 1, 0, 0, 1, 1), const(1.5, dtype="float", shape=())],
    )
    for mode in ("constant", "reflect", "edge"):
        yield from positions("Pad", f"float,r2,{mode}", [computed(12, 24), const(0, 1, 0, 2)], f'mode = "{mode}"')
    yield from positions("Pad", "float,r5", [computed(1, 4, 6, 8, 10), const(0, 0, 1, 1, 1, 0, 0, 1, 1, 1)])
    yield from positions("Pad", "int64,r3", [computed(1, 12, 24, dtype="int64"), const(0, 0, 1, 0, 0, 2)])
    yield from positions("Pad", "float,r3,computed", [computed(1, 12, 24), computed(6, dtype="int64")])


def _reducing() -> Iterator[Case]:
    ops = "ReduceMean ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceSumSquare"
    for op in (*ops.split(), "ReduceSum"):
        for rank, shape in SHAPES.items():
            if rank not in (3, 4) and op not in COMMON:
                continue
            for axes in {1: ("0",), 2: ("1", "0"), 3: ("2", "1"), 4: ("3", "2,3", "1"), 5: ("4", "3,4")}[rank]:
                for keep in (1, 0) if op in COMMON else (1,):
                    yield from _reduce(
                        op,
                        f"float,r{rank},axes{axes.replace(',', '')},keep{keep}",
                        shape,
                        "float",
                        axes=axes,
                        keep=keep,
                    )
        for dtype in ("int64", "int32") if op in COMMON else ():
            yield from _reduce(op, f"{dtype},r3,axes2,keep1", (1, 12, 24), dtype, axes="2", keep=1)
        yield from positions(op, "float,r4,all", [computed(1, 8, 12, 24)], "keepdims = 0")
    yield from positions("ReduceSum", "float,r3,computed-axes", [computed(1, 12, 24), computed(1, dtype="int64")])
    yield from positions("ReduceMean", "float,r3,opset18", [computed(1, 12, 24), const(2)], opset=18)
    for op in ("ArgMax", "ArgMin"):
        for rank, shape in SHAPES.items():
            for axis in (rank - 1, 1) if rank > 2 else (rank - 1,):
                yield from positions(op, f"float,r{rank},axis{axis}", [computed(*shape)], f"axis = {axis}")
        yield from positions(op, "float,r3,axis2,drop", [computed(1, 12, 24)], "axis = 2, keepdims = 0")
        yield from positions(op, "int32,r3,axis2", [computed(1, 12, 24, dtype="int32")], "axis = 2")
    for dtype in ("float", "int64", "int32"):
        for rank in (1, 2, 3, 4):
            yield from positions(
                "CumSum", f"{dtype},r{rank}", [computed(*SHAPES[rank], dtype=dtype), const(rank - 1, shape=())]
            )
    yield from positions("CumSum", "float,r3,axis1", [computed(1, 12, 24), const(1, shape=())])
    yield from positions("CumSum", "float,r3,computed", [computed(1, 12, 24), computed(dtype="int64")])


def _reduce(op: str, slug: str, shape: tuple[int, ...], dtype: str, *, axes: str, keep: int) -> Iterator[Case]:
    x = computed(*shape, dtype=dtype)
    if op == "ReduceSum":
        yield from positions(op, slug, [x, const(*map(int, axes.split(",")))], f"keepdims = {keep}")
    else:
        yield from positions(op, slug, [x], f"axes = [{axes}], keepdims = {keep}")


def _counting() -> Iterator[Case]:
    for op in ("Shape", "Size"):
        yield from positions(op, "float,r3", [computed(1, 12, 24)])
    yield from positions("ConstantOfShape", "computed", [computed(2, dtype="int64")])
    yield from positions("Range", "computed", [const(0, shape=()), computed(dtype="int64"), const(1, shape=())])
    for dtype in ("float", "int64", "bool"):
        yield from positions("Trilu", f"{dtype},r2", [computed(24, 24, dtype=dtype)])
        yield from positions(
            "Trilu", f"{dtype},r4", [computed(1, 8, 12, 12, dtype=dtype), const(1, shape=())], "upper = 0"
        )
    yield from positions("EyeLike", "float,r2", [computed(12, 12)])


def _making() -> Iterator[Case]:
    for op in ("RandomNormalLike", "RandomUniformLike", "Bernoulli"):
        yield from positions(op, "float,r3", [computed(1, 12, 24)])
    yield from positions(
        "NonMaxSuppression",
        "const-limits",
        [computed(1, 20, 4), computed(1, 3, 20), const(5), const(0.5, dtype="float"), const(0.1, dtype="float")],
    )
    yield from positions(
        "Upsample", "float,r4", [computed(1, 8, 6, 12), const(1.0, 1.0, 2.0, 2.0, dtype="float")], opset=9
    )
    modes = ('mode = "nearest"', 'mode = "linear"', 'mode = "cubic"')
    for mode in modes:
        name = mode.split('"')[1]
        for transform in ("half_pixel", "align_corners", "asymmetric", "pytorch_half_pixel"):
            attributes = f'{mode}, coordinate_transformation_mode = "{transform}"'
            scales = const(1.0, 1.0, 2.0, 2.0, dtype="float")
            yield from positions(
                "Resize", f"float,r4,{name},{transform},x2", [computed(1, 8, 6, 12), ABSENT, scales], attributes
            )
            odd = const(1, 8, 9, 15)
            yield from positions(
                "Resize", f"float,r4,{name},{transform},odd", [computed(1, 8, 6, 12), ABSENT, ABSENT, odd], attributes
            )
    yield from positions(
        "Resize",
        "float,r4,nearest,floor",
        [computed(1, 8, 6, 12), ABSENT, const(1.0, 1.0, 2.0, 2.0, dtype="float")],
        'mode = "nearest", coordinate_transformation_mode = "asymmetric", nearest_mode = "floor"',
    )
    yield from positions(
        "Resize",
        "float,r4,nearest,down",
        [computed(1, 8, 6, 12), ABSENT, const(1.0, 1.0, 0.5, 0.5, dtype="float")],
        'mode = "nearest"',
    )
    yield from positions(
        "Resize",
        "float,r3,linear",
        [computed(1, 8, 12), ABSENT, const(1.0, 1.0, 2.0, dtype="float")],
        'mode = "linear"',
    )
    yield from positions(
        "Resize", "float,r5,nearest", [computed(1, 4, 3, 4, 6), ABSENT, const(1.0, 1.0, 2.0, 2.0, 2.0, dtype="float")]
    )
    yield from positions("Resize", "float,r4,computed-scales", [computed(1, 8, 6, 12), ABSENT, computed(4)])
