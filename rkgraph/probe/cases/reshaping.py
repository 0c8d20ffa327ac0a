"""Operators that only rename dimensions, and those that ask for them: Reshape, Flatten, Squeeze, Unsqueeze, Shape."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.probe.case import ABSENT, Case, case, computed, const, node, positions, weight
from rkgraph.probe.schemas import TAKEN

__all__ = ["cases"]

SHAPES = {1: (40,), 2: (6, 20), 3: (1, 10, 28), 4: (1, 6, 14, 20), 5: (1, 4, 6, 5, 14), 6: (1, 2, 3, 4, 6, 5)}
MAIN = ("float", "int64", "int32", "bool")
TARGETS = {
    1: ((40,), (5, 8), (1, 4, 10), (1, 2, 4, 5)),
    2: ((120,), (20, 6), (1, 6, 20), (2, 3, 20), (1, 6, 4, 5), (6, 20)),
    3: ((280,), (10, 28), (1, 28, 10), (2, 5, 28), (1, 10, 4, 7), (1, 2, 5, 4, 7), (1, 280)),
    4: (
        (1, 1680),
        (6, 280),
        (1, 84, 20),
        (1, 6, 280),
        (1, 3, 28, 20),
        (2, 3, 14, 20),
        (1, 2, 3, 14, 20),
        (1, 6, 7, 2, 10, 2),
    ),
    5: ((1, 1680), (4, 420), (1, 24, 70), (1, 24, 5, 14), (1, 4, 30, 14), (1, 6, 4, 5, 14)),
    6: ((1, 720), (1, 24, 30), (1, 6, 24, 5), (1, 2, 12, 6, 5)),
}


def cases() -> Iterator[Case]:
    """All cases of this file."""
    yield from _reshape()
    yield from _reshape_forms()
    yield from _reshape_aligned()
    yield from _flatten()
    yield from _squeeze()
    yield from _unsqueeze()
    yield from _asking()


def _reshape() -> Iterator[Case]:
    for dtype in TAKEN:
        for rank, targets in TARGETS.items():
            x = computed(*SHAPES[rank], dtype=dtype)
            for number, target in enumerate(targets):
                if dtype not in MAIN and (rank not in (2, 4) or number > 1):
                    continue
                if dtype != "float" and number % 2:
                    continue
                slug = f"{dtype},r{rank},to{'x'.join(map(str, target))}"
                yield case("Reshape", slug, [x, const(*target)])
                if dtype == "float" or (dtype == "int64" and rank in (2, 4)):
                    yield case("Reshape", slug, [x, const(*target)], position="between")
                if dtype in ("int64", "bool") and rank in (2, 4) and number < 3:
                    yield case("Reshape", slug, [x, const(*target)], position="inside")


def _reshape_forms() -> Iterator[Case]:
    for opset in (7, 13, 14, 19):
        x = computed(1, 6, opset, 10)
        yield case("Reshape", f"float,r4,minus-one,opset{opset}", [x, const(1, 6, -1)], opset=opset)
        yield case("Reshape", f"float,r4,zeros,opset{opset}", [x, const(0, 0, -1)], opset=opset)
        yield case("Reshape", f"float,r4,computed,opset{opset}", [x, computed(3, dtype="int64")], opset=opset)
        yield case("Reshape", f"float,r4,node,opset{opset}", [x, node(1, -1)], opset=opset)
    for rank in (1, 2, 3, 5):
        yield case("Reshape", f"float,r{rank},computed", [computed(*SHAPES[rank]), computed(2, dtype="int64")])
    yield case("Reshape", "int64,r2,computed", [computed(4, 6, dtype="int64"), computed(1, dtype="int64")])
    for allow in (0, 1):
        args = [computed(2, 10, 6), const(2, 60)]
        yield case("Reshape", f"float,r3,allowzero{allow}", args, f"allowzero = {allow}")
    yield from positions("Reshape", "float,r3,batch", [computed(3, 10, 16), const(3, 2, 5, 16)])
    yield from positions("Reshape", "float,r4,batch", [computed(3, 6, 8, 10), const(3, 48, 10)])
    yield from positions("Reshape", "float,r4,merges-batch", [computed(3, 6, 8, 10), const(18, 80)])
    yield case("Reshape", "float,r1,single-to-r0", [computed(1), const(dtype="int64", shape=(0,))])
    for length in (8191, 8192, 8193, 16384):
        yield case("Reshape", f"float,r3,to-r4,{length}", [computed(1, length, 12), const(1, length, 3, 4)])
        yield case("Reshape", f"float,r4,to-r3,{length}", [computed(1, 6, 2, length), const(1, 12, length)])
        yield case("Reshape", f"float,r2,to-r4,{length}", [computed(4, length), const(1, 4, 1, length)])


def _reshape_aligned() -> Iterator[Case]:
    """Channels and planes that are, and are not, multiples of the 8 lanes of the NPU's layout."""
    for channels in (4, 8, 12, 16, 24):
        for height, width in ((6, 10), (8, 8), (1, 16), (14, 14)):
            x, plane = computed(1, channels, height, width), height * width
            for target in ((1, channels, plane), (1, channels * plane), (1, 2, channels // 2 * height, width)):
                slug = f"float,r4,{channels}x{height}x{width},to{'x'.join(map(str, target))}"
                yield case("Reshape", slug, [x, const(*target)], position="between")
    for tokens, heads, width in ((12, 4, 8), (12, 4, 6), (16, 4, 8), (16, 8, 8), (197, 4, 16), (7, 2, 10), (9, 6, 8)):
        full = heads * width
        for shape, target in (
            ((1, tokens, full), (1, tokens, heads, width)),
            ((1, tokens, heads, width), (1, tokens, full)),
            ((1, tokens, full), (tokens, full)),
            ((1, tokens, full), (1, full, tokens)),
            ((tokens, full), (1, tokens, full)),
        ):
            slug = f"float,{'x'.join(map(str, shape))},to{'x'.join(map(str, target))}"
            yield case("Reshape", slug, [computed(*shape), const(*target)], position="between")


def _flatten() -> Iterator[Case]:
    for rank, shape in SHAPES.items():
        for axis in range(-rank, rank + 1):
            if axis < 0 and rank != 4:
                continue
            yield case("Flatten", f"float,r{rank},axis{axis}", [computed(*shape)], f"axis = {axis}", opset=13)
            if 0 <= axis < 4 and rank < 6:
                slug = f"float,r{rank},axis{axis}"
                yield case("Flatten", slug, [computed(*shape)], f"axis = {axis}", position="between", opset=13)
    for dtype in TAKEN:
        yield case("Flatten", f"{dtype},r4", [computed(1, 3, 6, 10, dtype=dtype)], "axis = 1")
        yield case("Flatten", f"{dtype},r3,batch,axis2", [computed(2, 6, 14, dtype=dtype)], "axis = 2")
    for opset in (7, 9, 11, 19):
        yield case("Flatten", f"float,r4,opset{opset}", [computed(2, 5, opset, 4)], opset=opset)


def _squeeze() -> Iterator[Case]:
    forms = (
        ("r2,first", (1, 26), (0,)),
        ("r2,last", (26, 1), (1,)),
        ("r3,first", (1, 10, 26), (0,)),
        ("r3,middle", (4, 1, 26), (1,)),
        ("r3,last", (4, 10, 1), (2,)),
        ("r3,two", (1, 10, 1), (0, 2)),
        ("r4,first", (1, 6, 10, 14), (0,)),
        ("r4,channel", (1, 1, 10, 14), (1,)),
        ("r4,height", (1, 6, 1, 14), (2,)),
        ("r4,width", (1, 6, 10, 1), (3,)),
        ("r4,plane", (1, 6, 1, 1), (2, 3)),
        ("r4,negative", (1, 6, 10, 1), (-1,)),
        ("r5,middle", (1, 4, 1, 6, 10), (2,)),
        ("r5,first", (1, 4, 3, 6, 10), (0,)),
        ("r6,two", (1, 4, 1, 6, 1, 10), (2, 4)),
        ("r1,to-r0", (1,), (0,)),
    )
    for slug, shape, axes in forms:
        for dtype in MAIN:
            if dtype in ("int32", "bool") and not slug.startswith("r3"):
                continue
            args = [computed(*shape, dtype=dtype), const(*axes)]
            yield case("Squeeze", f"{dtype},{slug}", args)
            if len(shape) > 1 and (dtype == "float" or slug.startswith("r3")):
                yield case("Squeeze", f"{dtype},{slug}", args, position="between")
        written = f"axes = [{', '.join(map(str, axes))}]"
        yield case("Squeeze", f"float,{slug},opset11", [computed(*shape)], written, opset=11)
        if axes[0] >= 0:
            yield case("Squeeze", f"float,{slug},no-axes", [computed(*shape)])
    for dtype in ("float16", "double", "int8", "uint8"):
        yield case("Squeeze", f"{dtype},r3", [computed(1, 8, 22, dtype=dtype), const(0)])
    for opset in (7, 9, 11, 13, 19):
        yield case("Squeeze", f"float,r3,no-axes,opset{opset}", [computed(1, opset, 10)], opset=opset)
        if opset >= 13:
            for shape in ((1, opset), (1, opset, 1, 10), (5, 1, opset)):
                args = [computed(*shape), computed(1, dtype="int64")]
                slug = f"r{len(shape)},computed,opset{opset}"
                yield case("Squeeze", f"float,{slug}", args, opset=opset)
                yield case("Squeeze", f"int64,{slug}", [computed(*shape, dtype="int64"), args[1]], opset=opset)
    yield case("Squeeze", "float,r3,node", [computed(1, 8, 22), node(0)])
    for shape in ((3, 1), (1, 4), (4, 1, 5, 6), (1, 2, 3, 4), (1, 14, 6, 1, 5)):
        yield case(
            "Squeeze", f"float,r{len(shape)},from{shape[0]},computed", [computed(*shape), computed(1, dtype="int64")]
        )
    for shape in ((1, 1), (1, 8, 1), (1, 8, 1, 22)):
        args = [computed(*shape), computed(2, dtype="int64")]
        yield case("Squeeze", f"float,r{len(shape)},computed-two", args)


def _unsqueeze() -> Iterator[Case]:
    forms = (
        ("r1,first", (26,), (0,)),
        ("r1,last", (26,), (1,)),
        ("r1,two", (26,), (0, 1)),
        ("r1,around", (26,), (0, 2)),
        ("r2,first", (6, 20), (0,)),
        ("r2,middle", (6, 20), (1,)),
        ("r2,last", (6, 20), (-1,)),
        ("r2,mask", (6, 20), (1, 2)),
        ("r3,first", (2, 10, 14), (0,)),
        ("r3,middle", (1, 10, 14), (1,)),
        ("r3,last", (1, 10, 14), (3,)),
        ("r3,two", (1, 10, 14), (1, 3)),
        ("r4,first", (2, 6, 10, 14), (0,)),
        ("r4,channel", (1, 6, 10, 14), (2,)),
        ("r4,last", (1, 6, 10, 14), (4,)),
        ("r4,two", (1, 6, 10, 14), (2, 4)),
        ("r5,middle", (1, 3, 4, 6, 10), (2,)),
        ("r0,first", (), (0,)),
    )
    for slug, shape, axes in forms:
        for dtype in MAIN:
            if dtype in ("int32", "bool") and slug[:2] not in ("r2",):
                continue
            args = [computed(*shape, dtype=dtype), const(*axes)]
            yield case("Unsqueeze", f"{dtype},{slug}", args)
            if shape and len(shape) < 5 and (dtype == "float" or slug.startswith("r2")):
                yield case("Unsqueeze", f"{dtype},{slug}", args, position="between")
        written = f"axes = [{', '.join(map(str, axes))}]"
        if axes[0] >= 0:
            yield case("Unsqueeze", f"float,{slug},opset11", [computed(*shape)], written, opset=11)
    for dtype in ("float16", "double", "int8", "uint8"):
        yield case("Unsqueeze", f"{dtype},r3", [computed(1, 8, 22, dtype=dtype), const(1)])
    for opset in (7, 11):
        yield case("Unsqueeze", f"float,r3,opset{opset}", [computed(2, opset, 10)], "axes = [1]", opset=opset)
    for opset in (13, 19):
        for shape in ((opset,), (4, opset), (1, opset, 10), (1, 4, opset, 10)):
            args = [computed(*shape), computed(1, dtype="int64")]
            slug = f"r{len(shape)},computed,opset{opset}"
            yield case("Unsqueeze", f"float,{slug}", args, opset=opset)
            yield case("Unsqueeze", f"int64,{slug}", [computed(*shape, dtype="int64"), args[1]], opset=opset)
    yield case("Unsqueeze", "float,r3,node", [computed(1, 8, 22), node(1)])
    yield from _unsqueeze_along_computed()


def _unsqueeze_along_computed() -> Iterator[Case]:
    """Several axes that are known at run time only."""
    for number in (2, 3):
        for opset in (13, 18):
            for shape in ((9,), (4, 14), (1, 8, 22)):
                args = [computed(*shape), computed(number, dtype="int64")]
                yield case("Unsqueeze", f"float,r{len(shape)},computed-{number},opset{opset}", args, opset=opset)


def _asking() -> Iterator[Case]:
    for op in ("Shape", "Size"):
        for dtype in ("float", "int64", "bool"):
            for rank in (1, 3, 4):
                yield case(op, f"{dtype},r{rank}", [computed(*SHAPES[rank], dtype=dtype)])
        yield case(op, "float,r3", [computed(*SHAPES[3])], position="between")
        for opset in (7, 13, 19):
            yield case(op, f"float,r2,opset{opset}", [computed(opset, 6)], opset=opset)
    for written in ("start = 1", "end = 2", "start = -2, end = -1"):
        yield case("Shape", f"float,r4,{written.replace(' ', '')}", [computed(1, 3, 6, 8)], written)
    for rank in (1, 2, 3):
        yield case("ConstantOfShape", f"computed{rank}", [computed(rank, dtype="int64")])
        yield case("ConstantOfShape", f"const{rank}", [const(*(3, 4, 5)[:rank])])
    yield case("ConstantOfShape", "computed,value", [computed(2, dtype="int64")], "value = float[1] {2.0}")
    yield case("EyeLike", "float,r2", [computed(10, 14)])
    yield case("EyeLike", "float,r2", [computed(10, 14)], position="between")
    for slug, attributes in (("k", "k = 1"), ("dtype", "dtype = 11"), ("int64", "dtype = 7")):
        yield case("EyeLike", f"float,r2,{slug}", [computed(9, 9)], attributes)
    yield case("EyeLike", "int64,r2", [computed(9, 14, dtype="int64")])
    yield case("EyeLike", "int32,r2,to-float", [computed(9, 14, dtype="int32")], "dtype = 1")
    for slug, args in (
        ("limit", [const(0, shape=()), computed(dtype="int64"), const(1, shape=())]),
        ("start", [computed(dtype="int64"), const(9, shape=()), const(1, shape=())]),
        ("delta", [const(0, shape=()), const(9, shape=()), computed(dtype="int64")]),
        ("all", [computed(dtype="int64")] * 3),
        ("float", [computed()] * 3),
        ("const", [const(0, shape=()), const(9, shape=()), const(2, shape=())]),
    ):
        yield case("Range", slug, args)
    for op in ("RandomNormalLike", "RandomUniformLike", "Bernoulli"):
        yield from positions(op, "float,r3", [computed(1, 10, 22)])
        yield case(op, "float,r2,dtype", [computed(6, 14)], "dtype = 11")
        yield case(op, "double,r2", [computed(6, 14, dtype="double")])
        yield case(op, "float,r1", [computed(14)], "seed = 3.0")
    yield case("Multinomial", "float", [computed(2, 10)], "sample_size = 4")
    yield case("RandomNormal", "none", [], "shape = [3, 10]")
    yield case("RandomUniform", "none", [], "shape = [1, 5, 6, 8]")
    yield case("Reshape", "weight,computed", [weight(6, 10), computed(2, dtype="int64")])
    yield case("Size", "weight", [weight(6, 10)])
    yield case("Squeeze", "float,r3,left-out", [computed(1, 9, 14), ABSENT])
