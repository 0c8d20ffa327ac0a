"""Pad: modes, axes, signs, values; as attributes and inputs; every opset."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.probe.case import ABSENT, Case, case, computed, const, node, positions
from rkgraph.probe.schemas import TAKEN

__all__ = ["cases"]

SHAPES = {1: (20,), 2: (9, 22), 3: (1, 10, 26), 4: (1, 6, 12, 18), 5: (1, 3, 4, 6, 10), 6: (1, 2, 3, 4, 6, 5)}
MODES = ("constant", "reflect", "edge")
PLANE = (0, 0, 1, 2, 0, 0, 2, 1)


def cases() -> Iterator[Case]:
    """All cases of this file."""
    yield from _axes()
    yield from _dtypes()
    yield from _forms()
    yield from _values()
    yield from _sizes()


def _axes() -> Iterator[Case]:
    """One axis padded at both ends, or at one; several axes."""
    for rank, shape in SHAPES.items():
        for mode in MODES:
            for axis in range(rank):
                if mode == "reflect" and shape[axis] < 3:
                    continue
                for slug, before, after in (("both", 1, 2), ("end", 0, 2)):
                    if slug == "end" and (rank not in (3, 4) or mode == "reflect"):
                        continue
                    amounts = [0] * (2 * rank)
                    amounts[axis], amounts[rank + axis] = before, after
                    args = [computed(*shape), const(*amounts)]
                    name = f"float,r{rank},{mode},axis{axis},{slug}"
                    yield case("Pad", name, args, f'mode = "{mode}"')
                    if slug == "both" and 1 < rank < 6 and axis > 0:
                        yield case("Pad", name, args, f'mode = "{mode}"', position="between")
    x = computed(2, 5, 10, 14)
    for mode in MODES:
        for slug, pads in (
            ("plane", PLANE),
            ("even", (0, 0, 3, 3, 0, 0, 3, 3)),
            ("corner", (0, 0, 1, 1, 0, 0, 0, 0)),
            ("channel-and-width", (0, 2, 0, 1, 0, 1, 0, 1)),
            ("all", (1, 1, 1, 1, 1, 1, 1, 1)),
            ("nothing", (0,) * 8),
            ("negative", (0, 0, -1, 0, 0, 0, -1, 0)),
            ("mixed", (0, 0, 1, 0, 0, 0, -1, 0)),
            ("negative-channel", (0, -1, 0, 0, 0, -1, 0, 0)),
        ):
            if mode == "reflect" and slug == "all":
                continue
            yield case("Pad", f"float,r4,{mode},{slug}", [x, const(*pads)], f'mode = "{mode}"')
            one = [computed(1, 8, 10, 14), const(*pads)]
            if slug != "all":
                yield case("Pad", f"float,r4,{mode},{slug}", one, f'mode = "{mode}"', position="between")
    yield from positions("Pad", "float,r3,negative", [computed(1, 10, 14), const(0, -1, 0, 0, 0, -2)])


def _dtypes() -> Iterator[Case]:
    for dtype in TAKEN:
        for mode in MODES:
            args = [computed(1, 5, 12, 16, dtype=dtype), const(*PLANE)]
            yield case("Pad", f"{dtype},r4,{mode}", args, f'mode = "{mode}"')
        yield case("Pad", f"{dtype},r2", [computed(8, 16, dtype=dtype), const(0, 1, 0, 2)])
        yield case("Pad", f"{dtype},r3", [computed(2, 8, 16, dtype=dtype), const(0, 1, 0, 0, 2, 0)])
    for dtype in ("int64", "int32", "bool"):
        for position in ("between", "inside"):
            yield case("Pad", f"{dtype},r2", [computed(8, 16, dtype=dtype), const(0, 1, 0, 2)], position=position)


def _forms() -> Iterator[Case]:
    """Pads as an attribute, an input (constant, a node, computed), with `axes`; the value likewise."""
    for opset in (7, 10):
        for mode in MODES:
            for rank, pads in ((3, (0, 1, 0, 0, 2, 0)), (4, PLANE), (4, (0, 2, 0, 0, 0, 0, 0, 0))):
                x = computed(*(1, 6, opset + 2, 12)[4 - rank :])
                slug = f"float,r{rank},{mode},{'channel,' if pads[1] == 2 else ''}opset{opset}"
                yield case("Pad", slug, [x], f'mode = "{mode}", pads = [{", ".join(map(str, pads))}]', opset=opset)
        written = "pads = [0, 0, 1, 1, 0, 0, 1, 1], value = 1.5"
        yield case("Pad", f"float,r4,value,opset{opset}", [computed(2, 5, opset, 12)], written, opset=opset)
    zero = const(0.0, dtype="float", shape=())
    for opset in (11, 13, 18, 19):
        x = computed(1, 6, opset, 12)
        for mode in (*MODES, *(("wrap",) if opset == 19 else ())):
            written = f'mode = "{mode}"'
            yield case("Pad", f"float,r4,{mode},opset{opset}", [x, const(*PLANE)], written, opset=opset)
            yield case(
                "Pad", f"float,r4,{mode},computed,opset{opset}", [x, computed(8, dtype="int64")], written, opset=opset
            )
        yield case("Pad", f"float,r4,zero,opset{opset}", [x, const(*PLANE), zero], opset=opset)
        yield case("Pad", f"float,r4,computed-value,opset{opset}", [x, const(*PLANE), computed()], opset=opset)
        if opset < 18:
            continue
        for mode in MODES:
            written = f'mode = "{mode}"'
            for slug, axes in (
                ("", const(2, 3)),
                ("int32-", const(2, 3, dtype="int32")),
                ("negative-", const(-2, -1)),
                ("computed-", computed(2, dtype="int64")),
            ):
                args = [x, const(1, 2, 1, 2), zero if mode == "constant" else ABSENT, axes]
                yield case("Pad", f"float,r4,{mode},{slug}axes,opset{opset}", args, written, opset=opset)
    for rank in (1, 2, 3, 5):
        args = [computed(*SHAPES[rank]), computed(2 * rank, dtype="int64")]
        yield case("Pad", f"float,r{rank},computed", args)
    yield case("Pad", "int64,r2,computed", [computed(8, 16, dtype="int64"), computed(4, dtype="int64")])
    yield case("Pad", "float,r4,node", [computed(1, 5, 12, 16), node(*PLANE)])
    yield case(
        "Pad",
        "float,r4,wrap,channel",
        [computed(1, 5, 12, 16), const(0, 1, 0, 0, 0, 1, 0, 0)],
        'mode = "wrap"',
        opset=19,
    )
    yield case("Pad", "int64,r2,wrap", [computed(8, 16, dtype="int64"), const(0, 1, 0, 1)], 'mode = "wrap"', opset=19)


def _values() -> Iterator[Case]:
    for value in (0.0, 1.0, -1.5, 65504.0, -3.4e38):
        fill = const(value, dtype="float", shape=())
        for rank, shape, pads in (
            (4, (2, 5, 10, 14), PLANE),
            (3, (1, 10, 26), (0, 1, 0, 0, 2, 0)),
            (2, (9, 22), (0, 1, 0, 2)),
        ):
            yield case("Pad", f"float,r{rank},value{value:g}", [computed(*shape), const(*pads), fill])
    fill = const(-3.4e38, dtype="float", shape=())
    yield case("Pad", "float,r4,value-3.4e+38", [computed(1, 5, 10, 14), const(*PLANE), fill], position="between")
    fill = const(1.5, dtype="float", shape=())
    yield case("Pad", "float,r4,value1.5", [computed(1, 5, 10, 14), const(*PLANE), fill], position="between")
    yield case("Pad", "float,r4,one-element-value", [computed(1, 5, 10, 14), const(*PLANE), const(1.5, dtype="float")])
    yield case("Pad", "int64,r2,value", [computed(8, 16, dtype="int64"), const(0, 1, 0, 2), const(5, shape=())])


def _sizes() -> Iterator[Case]:
    for amount in (7, 8, 15, 16, 31, 32, 64, 300):
        for mode in ("constant", "edge"):
            x = computed(1, 6, 10, 14)
            yield case(
                "Pad",
                f"float,r4,{mode},by{amount}",
                [x, const(0, 0, amount, amount, 0, 0, amount, amount)],
                f'mode = "{mode}"',
            )
    for channels in (1, 4, 8, 16, 20, 32, 64):
        yield case("Pad", f"float,r4,aligned{channels}", [computed(1, channels, 10, 14), const(*PLANE)])
    for length in (8190, 8191, 8192, 9000):
        yield case("Pad", f"float,r4,width{length}", [computed(1, 4, 6, length), const(0, 0, 0, 1, 0, 0, 0, 1)])
        yield case("Pad", f"float,r3,last{length}", [computed(1, 4, length), const(0, 0, 1, 0, 0, 1)])
        yield case("Pad", f"float,r4,channels{length}", [computed(1, length, 4, 6), const(0, 0, 0, 1, 0, 0, 0, 1)])
    for channels in (1, 3, 16, 17):
        yield case(
            "Pad", f"float,r4,channel,channels{channels}", [computed(1, channels, 8, 10), const(0, 1, 0, 0, 0, 2, 0, 0)]
        )
