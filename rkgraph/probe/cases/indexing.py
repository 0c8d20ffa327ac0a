"""Gather, GatherElements, GatherND and the Scatter family: indices constant or computed, of any rank and dtype."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from rkgraph.probe.case import Arg, Case, case, computed, const, node, positions, weight, written
from rkgraph.probe.schemas import TAKEN

__all__ = ["cases"]

SHAPES = {1: (40,), 2: (7, 20), 3: (1, 10, 26), 4: (1, 6, 14, 18), 5: (1, 4, 6, 5, 14), 6: (1, 2, 3, 4, 6, 8)}
MAIN = ("float", "int64", "bool")


def cases() -> Iterator[Case]:
    """All cases of this file."""
    yield from _embeddings()
    yield from _gather_axes()
    yield from _gather_forms()
    yield from _gather_after_conv()
    yield from _gather_elements()
    yield from _gather_nd()
    yield from _scatter_elements()
    yield from _scatter_nd()


def indices(*shape: int, below: int, dtype: str = "int64") -> Arg:
    """Constant indices in a fixed pattern, all less than `below`."""
    return const(*[(7 * i + 3) % below for i in range(prod(shape))], dtype=dtype, shape=shape)


def _embeddings() -> Iterator[Case]:
    for dtype in ("int64", "int32"):
        for rank, shape in {1: (9,), 2: (1, 14), 3: (1, 5, 6), 4: (1, 2, 3, 4)}.items():
            ids = computed(*shape, dtype=dtype)
            yield from positions("Gather", f"embedding,{dtype},i{rank}", [weight(70, 20), ids])
        yield case("Gather", f"embedding,{dtype},batch", [weight(70, 20), computed(3, 14, dtype=dtype)])
    yield from positions("Gather", "embedding,scalar", [weight(50, 28), computed(dtype="int64")])
    ids = computed(1, 10, dtype="int64")
    yield case("Gather", "embedding,single", [weight(70, 20), computed(1, 1, dtype="int64")])
    for rows, width in ((2, 20), (300, 8192), (9000, 16), (40, 9000)):
        yield case("Gather", f"embedding,{rows}x{width}", [weight(rows, width), ids])
    yield case("Gather", "embedding,r1", [weight(70), ids])
    yield case("Gather", "embedding,r3", [weight(7, 10, 20), ids])
    yield case("Gather", "embedding,r2,axis1", [weight(20, 70), ids], "axis = 1")
    for dtype in ("int64", "float16"):
        yield case("Gather", f"embedding,of-{dtype}", [weight(70, 20, dtype=dtype), ids])


def _gather_axes() -> Iterator[Case]:
    """Axis by rank; the index a scalar, one, a few (in order or not); constant or computed."""
    for dtype in MAIN:
        for rank, shape in SHAPES.items():
            for axis in range(rank):
                size = shape[axis]
                if dtype != "float" and axis not in (1, rank - 1):
                    continue
                x, written = computed(*shape, dtype=dtype), f"axis = {axis}"
                name = f"{dtype},r{rank},axis{axis}"
                forms = [("const", const(min(2, size - 1), 0)), ("const-scalar", const(size - 1, shape=()))]
                if dtype == "float" or rank == 3:
                    forms.append(("computed", computed(3, dtype="int64")))
                for slug, index in forms:
                    yield case("Gather", f"{name},{slug}", [x, index], written)
                    if rank < 6 and (dtype == "float" or rank == 3):
                        yield case("Gather", f"{name},{slug}", [x, index], written, position="between")
                    if dtype == "int64" and rank == 3:
                        yield case("Gather", f"{name},{slug}", [x, index], written, position="inside")


def _gather_forms() -> Iterator[Case]:
    for rank, shape in {2: (9, 22), 3: (1, 12, 16), 4: (1, 10, 12, 16)}.items():
        x = computed(*shape)
        for axis in sorted({1, rank - 1}):
            for slug, index in (
                ("negative", const(-1, shape=())),
                ("negatives", const(-1, -3)),
                ("int32", const(1, 3, dtype="int32")),
                ("int32-scalar", const(1, dtype="int32", shape=())),
                ("node", node(2, shape=())),
                ("one", const(1)),
                ("run", const(2, 3, 4, 5)),
                ("first-half", const(*range(shape[axis] // 2))),
                ("whole", const(*range(shape[axis]))),
                ("reversed", const(*reversed(range(shape[axis])))),
                ("every-other", const(*range(0, shape[axis], 2))),
                ("repeated", const(1, 1, 1)),
                ("2d", indices(2, 3, below=shape[axis])),
                ("computed-scalar", computed(dtype="int64")),
                ("computed-2d", computed(2, 3, dtype="int64")),
                ("computed-int32", computed(4, dtype="int32")),
            ):
                name = f"float,r{rank},axis{axis},{slug}" if axis != rank - 1 else f"float,r{rank},last,{slug}"
                yield case("Gather", name, [x, index], f"axis = {axis}")
                if axis == 1 and slug in ("run", "reversed", "one", "whole", "node"):
                    yield case("Gather", name, [x, index], f"axis = {axis}", position="between")
    for dtype in TAKEN:
        x = computed(1, 11, 18, dtype=dtype)
        for slug, index in (
            ("const", const(0, 5)),
            ("scalar", const(3, shape=())),
            ("computed", computed(2, dtype="int64")),
        ):
            yield case("Gather", f"{dtype},r3,{slug}", [x, index], "axis = 1")
    for opset in (7, 11, 13):
        args = [computed(1, 8, opset), const(1, shape=())]
        yield case("Gather", f"float,r3,opset{opset}", args, "axis = -2", opset=opset)
        yield case(
            "Gather", f"float,r3,computed,opset{opset}", [computed(8, opset), computed(3, dtype="int64")], opset=opset
        )
    for length in (8191, 8192, 9000):
        yield case("Gather", f"float,r3,rows{length}", [computed(1, length, 6), const(5, shape=())], "axis = 1")
        yield case("Gather", f"float,r3,width{length}", [computed(1, 6, length), const(5, 2)], "axis = 1")
        yield case(
            "Gather",
            f"float,r3,rows{length},computed",
            [computed(1, length, 6), computed(3, dtype="int64")],
            "axis = 1",
        )


def _gather_after_conv() -> Iterator[Case]:
    """The optimiser turns a Gather of channels into fewer filters of the Conv before it; a scalar index trips it."""
    inputs = "float[1,6,10,12] x0, float[6,6,1,1] w0"
    for slug, axis, index, before in (
        ("scalar", 1, "int64 i = {2}", "before0 = Conv(x0, w0)"),
        ("scalar,negative", 1, "int64 i = {-1}", "before0 = Conv(x0, w0)"),
        ("scalar,int32", 1, "int32 i = {4}", "before0 = Conv(x0, w0)"),
        ("scalar,activated", 1, "int64 i = {2}", "before1 = Conv(x0, w0) before0 = Relu(before1)"),
        ("scalar,no-conv", 1, "int64 i = {2}", "before0 = Sigmoid(x0)"),
        ("scalar,height", 2, "int64 i = {2}", "before0 = Conv(x0, w0)"),
        ("scalar,width", 3, "int64 i = {5}", "before0 = Conv(x0, w0)"),
        ("one", 1, "int64[1] i = {2}", "before0 = Conv(x0, w0)"),
        ("several", 1, "int64[3] i = {2, 5, 0}", "before0 = Conv(x0, w0)"),
        ("square", 1, "int64[2,2] i = {2, 5, 0, 1}", "before0 = Conv(x0, w0)"),
        ("square,height", 2, "int64[2,2] i = {2, 5, 0, 1}", "before0 = Conv(x0, w0)"),
    ):
        nodes = f"{before} [probe] probe_y = Gather<axis = {axis}>(before0, i) after0 = Sigmoid(probe_y)"
        yield written(
            "Gather",
            f"after-conv,{slug}",
            inputs=inputs,
            constants=index,
            nodes=nodes,
            outputs="after0",
            position="between",
        )


def _gather_elements() -> Iterator[Case]:
    for dtype in TAKEN:
        for slug, index in (("const", indices(2, 18, below=6)), ("computed", computed(2, 18, dtype="int64"))):
            yield case("GatherElements", f"{dtype},r2,{slug}", [computed(6, 18, dtype=dtype), index], "axis = 0")
    for rank, shape in {1: (20,), 2: (6, 20), 3: (2, 9, 20), 4: (1, 5, 8, 14), 5: (1, 3, 4, 6, 8)}.items():
        for axis in range(rank):
            if shape[axis] < 2:
                continue
            few = (*shape[:axis], 2, *shape[axis + 1 :])
            x, written = computed(*shape), f"axis = {axis - rank if axis % 2 else axis}"
            yield from positions(
                "GatherElements", f"float,r{rank},axis{axis},computed", [x, computed(*few, dtype="int64")], written
            )
            yield from positions(
                "GatherElements", f"float,r{rank},axis{axis},const", [x, indices(*few, below=shape[axis])], written
            )
    for slug, index in (
        ("int32", computed(2, 18, dtype="int32")),
        ("const-int32", indices(2, 18, below=6, dtype="int32")),
        ("same-shape", computed(6, 18, dtype="int64")),
        ("smaller", computed(2, 5, dtype="int64")),
    ):
        yield from positions("GatherElements", f"float,r2,{slug}", [computed(6, 18), index], "axis = 0")
    for opset in (11, 13, 19):
        args = [computed(6, opset), computed(2, opset, dtype="int64")]
        yield case("GatherElements", f"float,r2,opset{opset}", args, opset=opset)
    args = [computed(1, 12, 10), indices(1, 4, 10, below=12)]
    yield from positions("GatherElements", "float,r3,single,const", args, "axis = 1")


def _gather_nd() -> Iterator[Case]:
    for dtype in TAKEN:
        for slug, index in (("const", const(0, 2, 0, 4, shape=(2, 2))), ("computed", computed(2, 2, dtype="int64"))):
            yield case("GatherND", f"{dtype},r3,{slug}", [computed(1, 10, 18, dtype=dtype), index])
    for rank, shape in {1: (20,), 2: (6, 20), 3: (2, 9, 20), 4: (2, 5, 8, 14), 5: (2, 3, 4, 6, 8)}.items():
        for depth in range(1, rank + 1):
            x = computed(*shape)
            yield case("GatherND", f"float,r{rank},depth{depth},computed", [x, computed(3, depth, dtype="int64")])
            yield case("GatherND", f"float,r{rank},depth{depth},const", [x, indices(3, depth, below=2)])
            if rank in (2, 3, 4):
                yield case(
                    "GatherND", f"float,r{rank},depth{depth},const", [x, indices(3, depth, below=2)], position="between"
                )
    for slug, index in (
        ("one", const(1, 2, shape=(1, 2))),
        ("r1", const(1, 2)),
        ("r3", indices(2, 3, 2, below=5)),
        ("r1,computed", computed(2, dtype="int64")),
        ("r3,computed", computed(2, 3, 2, dtype="int64")),
        ("negative", const(-1, -2, shape=(1, 2))),
    ):
        yield from positions("GatherND", f"float,r3,index-{slug}", [computed(5, 9, 16), index])
    for batch in (1, 2):
        for shape in ((2, 6, 18), (2, 6, 5, 8)):
            lead = shape[:batch]
            slug = f"float,r{len(shape)},batch{batch}"
            written = f"batch_dims = {batch}"
            yield case(
                "GatherND", f"{slug},computed", [computed(*shape), computed(*lead, 3, 1, dtype="int64")], written
            )
            yield case("GatherND", f"{slug},const", [computed(*shape), indices(*lead, 3, 1, below=2)], written)
    yield case(
        "GatherND", "int64,r2,batch1", [computed(4, 10, dtype="int64"), computed(4, 1, dtype="int64")], "batch_dims = 1"
    )
    for opset in (11, 13):
        args = [computed(6, opset), computed(3, 1, dtype="int64")]
        yield case("GatherND", f"float,r2,opset{opset}", args, opset=opset)
        yield case("GatherND", f"float,r2,const,opset{opset}", [args[0], indices(3, 1, below=6)], opset=opset)


def _scatter_elements() -> Iterator[Case]:
    for dtype in TAKEN:
        data, updates = computed(6, 18, dtype=dtype), computed(2, 18, dtype=dtype)
        yield case("ScatterElements", f"{dtype},r2,computed", [data, computed(2, 18, dtype="int64"), updates])
    for rank, shape in {1: (20,), 2: (6, 20), 3: (2, 9, 20), 4: (1, 5, 8, 14), 5: (1, 3, 4, 6, 8)}.items():
        few = (*shape[:-1], 2)
        for slug, index in (("computed", computed(*few, dtype="int64")), ("const", indices(*few, below=shape[-1]))):
            args = [computed(*shape), index, computed(*few)]
            yield from positions("ScatterElements", f"float,r{rank},last,{slug}", args, "axis = -1")
    for reduction in ("none", "add", "mul", "max", "min"):
        for opset in (16, 18) if reduction in ("none", "add", "mul") else (18,):
            args = [computed(1, opset), computed(1, 3, dtype="int64"), computed(1, 3)]
            written = f'axis = 1, reduction = "{reduction}"'
            yield case("ScatterElements", f"float,r2,{reduction},opset{opset}", args, written, opset=opset)
    args = [computed(6, 18), indices(2, 18, below=6), computed(2, 18)]
    for slug, changed in (("const-data", 0), ("const-updates", 2)):
        given = list(args)
        given[changed] = weight(*given[changed].shape)
        yield case("ScatterElements", f"float,r2,{slug}", given)
    yield case("ScatterElements", "float,r2,int32", [computed(6, 18), computed(2, 18, dtype="int32"), computed(2, 18)])
    for opset in (11, 13):
        yield case("ScatterElements", f"float,r2,opset{opset}", args, opset=opset)
    for slug, index in (("computed", computed(2, 14, dtype="int64")), ("const", indices(2, 14, below=6))):
        for axis, opset in ((0, 9), (0, 10)):
            given = [computed(6, 14), index, computed(2, 14)]
            yield case("Scatter", f"float,r2,{slug},opset{opset}", given, f"axis = {axis}", opset=opset)
        yield case(
            "Scatter",
            f"int64,r2,{slug}",
            [computed(6, 14, dtype="int64"), index, computed(2, 14, dtype="int64")],
            opset=10,
        )


def _scatter_nd() -> Iterator[Case]:
    for dtype in TAKEN:
        for slug, index in (("const", const(1, 4, shape=(2, 1))), ("computed", computed(2, 1, dtype="int64"))):
            args = [computed(6, 18, dtype=dtype), index, computed(2, 18, dtype=dtype)]
            yield case("ScatterND", f"{dtype},r2,{slug}", args)
    for rank, shape in {1: (20,), 2: (6, 20), 3: (2, 9, 20), 4: (2, 5, 8, 14), 5: (2, 3, 4, 6, 8)}.items():
        for depth in {1, rank}:
            updates = computed(3, *shape[depth:])
            for slug, index in (("computed", computed(3, depth, dtype="int64")), ("const", indices(3, depth, below=2))):
                yield from positions(
                    "ScatterND", f"float,r{rank},depth{depth},{slug}", [computed(*shape), index, updates]
                )
    for reduction in ("none", "add", "mul", "max", "min"):
        for opset in (16, 18, 19) if reduction in ("none", "add", "mul") else (18, 19):
            for slug, index in (("computed", computed(3, 1, dtype="int64")), ("const", const(0, 2, 4, shape=(3, 1)))):
                args = [computed(7, opset, 6), index, computed(3, opset, 6)]
                written = f'reduction = "{reduction}"'
                yield case("ScatterND", f"float,r3,{reduction},{slug},opset{opset}", args, written, opset=opset)
    args = [computed(6, 18), const(1, 4, shape=(2, 1)), computed(2, 18)]
    for slug, changed in (("const-data", 0), ("const-updates", 2)):
        given = list(args)
        given[changed] = weight(*given[changed].shape)
        yield from positions("ScatterND", f"float,r2,{slug}", given)
    for opset in (11, 13):
        yield case("ScatterND", f"float,r2,opset{opset}", args, opset=opset)
        yield case(
            "ScatterND",
            f"float,r2,computed,opset{opset}",
            [args[0], computed(2, 1, dtype="int64"), args[2]],
            opset=opset,
        )
    yield from _scatter_one()
    cells = [(0, 0, row, column) for row in range(2, 5) for column in range(3, 9)]
    region = const(*[v for cell in cells for v in cell], shape=(1, 1, 3, 6, 4))
    yield from positions("ScatterND", "float,r4,region", [computed(1, 1, 8, 14), region, computed(1, 1, 3, 6)])


def _scatter_one() -> Iterator[Case]:
    """A single update."""
    for rank, shape in {1: (20,), 2: (6, 20), 3: (2, 9, 20), 4: (1, 5, 8, 14)}.items():
        for depth in range(1, rank + 1):
            args = [computed(*shape), computed(1, depth, dtype="int64"), computed(1, *shape[depth:])]
            yield case("ScatterND", f"float,r{rank},one,depth{depth},computed", args)
            args[1] = const(*[0] * depth, shape=(1, depth))
            yield case("ScatterND", f"float,r{rank},one,depth{depth},const", args)
