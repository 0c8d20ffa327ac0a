"""Pooling: windows, strides, pads, ceil_mode, dilations, indices, ranks, types; global pooling; MaxUnpool."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from rkgraph.probe.case import Case, case, computed, const, positions

__all__ = ["cases"]

POOLS = ("MaxPool", "AveragePool", "LpPool")
GLOBAL_POOLS = ("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool")


def cases() -> Iterator[Case]:
    """All cases of this file."""
    yield from _common()
    yield from _windows()
    yield from _padding()
    yield from _other_ranks()
    yield from _types()
    yield from _indices()
    yield from _global()
    yield from _unpooled()


def _common() -> Iterator[Case]:
    x = computed(1, 8, 12, 24)
    for op in POOLS:
        yield from positions(op, "2d,2x2", [x], "kernel_shape = [2,2], strides = [2,2]")
        yield from positions(op, "2d,3x3,pad", [x], "kernel_shape = [3,3], strides = [2,2], pads = [1,1,1,1]")
        yield from positions(op, "2d,9x9", [x], "kernel_shape = [9,9], strides = [1,1]")
        yield from positions(op, "1d", [computed(1, 8, 24)], "kernel_shape = [3]")
        yield from positions(op, "3d", [computed(1, 4, 6, 8, 10)], "kernel_shape = [2,2,2]")
        if op != "LpPool":
            yield from positions(op, "2d,ceil", [x], "kernel_shape = [5,5], strides = [2,2], ceil_mode = 1")
    yield from positions("MaxPool", "2d,dilation2", [x], "kernel_shape = [3,3], dilations = [2,2]")
    yield from positions("MaxPool", "2d,indices", [x], "kernel_shape = [2,2], strides = [2,2]", outputs=2)
    yield from positions(
        "AveragePool", "2d,count-pad", [x], "kernel_shape = [3,3], pads = [1,1,1,1], count_include_pad = 1"
    )
    for op in GLOBAL_POOLS:
        for slug, shape in (
            ("1d", (1, 8, 24)),
            ("2d", (1, 8, 12, 24)),
            ("2d,large", (1, 8, 120, 200)),
            ("3d", (1, 4, 6, 8, 10)),
        ):
            yield from positions(op, slug, [computed(*shape)])
    yield from positions(
        "MaxUnpool",
        "2d",
        [computed(1, 8, 6, 12), computed(1, 8, 6, 12, dtype="int64")],
        "kernel_shape = [2,2], strides = [2,2]",
    )


def _windows() -> Iterator[Case]:
    """Kernel and stride around the widths of the pooling unit, which is 8 by 8; sizes of the data."""
    x = computed(1, 6, 38, 44)
    for op in ("MaxPool", "AveragePool"):
        for height, width in (
            *((k, k) for k in (1, 2, 3, 5, 6, 7, 8, 13, 16, 17, 31, 32, 37)),
            *((1, 2), (2, 1), (1, 7), (1, 8), (8, 1), (9, 2), (38, 44), (38, 1), (1, 44)),
        ):
            yield case(op, f"2d,kernel{height}x{width}", [x], f"kernel_shape = [{height},{width}]")
            if height == width and height in (2, 3, 7, 8, 16, 32):
                attributes = f"kernel_shape = [{height},{width}], strides = [{height},{width}]"
                yield case(op, f"2d,kernel{height}x{width},tiled", [x], attributes)
        for stride in ((2, 2), (7, 7), (8, 8), (9, 9), (16, 16), (1, 2), (3, 1)):
            attributes = f"kernel_shape = [3,3], strides = [{stride[0]},{stride[1]}]"
            yield case(op, f"2d,strides{stride[0]}x{stride[1]}", [x], attributes)
        for batch, channels, height, width in (
            *((2, 6, 38, 44), (5, 6, 38, 44), (1, 1, 38, 44), (1, 3, 38, 44), (1, 17, 38, 44), (1, 8193, 6, 6)),
            *((1, 4, 8193, 6), (1, 4, 6, 8193), (1, 4, 6, 8192), (1, 4, 8192, 6)),
        ):
            yield case(
                op,
                f"2d,{batch}x{channels}x{height}x{width}",
                [computed(batch, channels, height, width)],
                "kernel_shape = [3,3]",
            )
    yield from _large_windows()
    for power in (1, 2, 3):
        yield case("LpPool", f"2d,p{power}", [x], f"kernel_shape = [3,3], p = {power}")
    for opset in (7, 11, 18):
        yield case("LpPool", f"2d,opset{opset}", [x], "kernel_shape = [3,3], strides = [2,2]", opset=opset)
    yield case("LpPool", "2d,ceil,opset18", [x], "kernel_shape = [3,3], strides = [2,2], ceil_mode = 1", opset=18)
    for opset in (7, 8, 10, 11, 12, 19):
        yield case("MaxPool", f"2d,opset{opset}", [x], "kernel_shape = [3,3], strides = [2,2]", opset=opset)
        yield case("AveragePool", f"2d,opset{opset}", [x], "kernel_shape = [3,3], strides = [2,2]", opset=opset)


def _large_windows() -> Iterator[Case]:
    """Kernels beyond what the pooling unit holds, square or not, with and without steps."""
    x = computed(1, 6, 38, 44)
    for (height, width), stride in product(
        ((9, 9), (10, 10), (12, 12), (20, 20), (9, 10), (10, 5), (4, 12), (38, 5), (38, 43), (37, 44)),
        ((1, 1), (2, 2), (1, 2)),
    ):
        attributes = f"kernel_shape = [{height},{width}], strides = [{stride[0]},{stride[1]}]"
        for op in ("MaxPool", "AveragePool"):
            yield case(op, f"2d,large{height}x{width},stride{stride[0]}x{stride[1]}", [x], attributes)
    for (height, width), strides in product(
        ((2, 1), (3, 2), (5, 7), (8, 3), (1, 9), (2, 9), (16, 1), (1, 16), (11, 9)), ("", "1,1", "2,2", "2,1")
    ):
        attributes = f"kernel_shape = [{height},{width}]" + (f", strides = [{strides}]" if strides else "")
        yield case("MaxPool", f"2d,oblong{height}x{width},stride{strides or 'less'}", [x], attributes)
    for size in (10, 40):
        yield case("MaxPool", f"2d,global{size}", [computed(1, 6, size, size)], f"kernel_shape = [{size},{size}]")
        strides = f"kernel_shape = [{size},{size}], strides = [{size},{size}]"
        yield case("MaxPool", f"2d,global{size},tiled", [computed(1, 6, size, size)], strides)


def _padding() -> Iterator[Case]:
    """Pads, rounding and dilations, in every combination that decides where a window ends."""
    x = computed(1, 6, 21, 27)
    pads = {"none": "", "one": "pads = [1,1,1,1]", "two": "pads = [2,2,2,2]", "asymmetric": "pads = [0,1,1,2]"}
    pads |= {"end": "pads = [0,0,1,1]", "start": "pads = [1,1,0,0]"}
    pads |= {f"auto-{auto}": f'auto_pad = "{auto}"' for auto in ("SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET")}
    for (slug, text), stride, ceil in product(pads.items(), (1, 2), (0, 1)):
        for op in ("MaxPool", "AveragePool"):
            parts = ["kernel_shape = [5,5]", f"strides = [{stride},{stride}]", *([text] if text else [])]
            if ceil:
                parts.append("ceil_mode = 1")
            name = f"2d,pads-{slug},stride{stride}{',ceil' if ceil else ''}"
            yield case(op, name, [x], ", ".join(parts))
            if op == "AveragePool" and slug != "none":
                yield case(op, f"{name},count-pad", [x], ", ".join([*parts, "count_include_pad = 1"]))
    for size, stride in ((2, 2), (3, 2), (4, 3), (3, 3)):
        for height, width in ((20, 26), (21, 27), (20, 27)):
            for op in ("MaxPool", "AveragePool"):
                attributes = f"kernel_shape = [{size},{size}], strides = [{stride},{stride}], ceil_mode = 1"
                yield case(
                    op,
                    f"2d,ceil,{size}x{size},stride{stride},{height}x{width}",
                    [computed(1, 6, height, width)],
                    attributes,
                )
    for kernel, dilation, more in (
        *((2, 2, ""), (3, 3, ""), (2, 4, ""), (5, 2, ""), (2, 2, "strides = [2,2]"), (2, 2, "ceil_mode = 1")),
        *((3, 2, "pads = [1,1,1,1]"), (2, 2, "strides = [2,2], pads = [1,1,1,1]"), (3, 1, "pads = [1,1,1,1]")),
        *((3, 2, "pads = [1,1,1,1], strides = [2,2]"), (3, 2, "strides = [2,2]"), (2, 3, "pads = [1,1,1,1]")),
    ):
        attributes = (
            f"kernel_shape = [{kernel},{kernel}], dilations = [{dilation},{dilation}]{', ' if more else ''}{more}"
        )
        words = "".join(f",{part.split(' ')[0]}" for part in more.split("], ") if part)
        yield case("MaxPool", f"2d,dilation{dilation},kernel{kernel}{words}", [x], attributes)
        yield case("AveragePool", f"2d,dilation{dilation},kernel{kernel}{words}", [x], attributes, opset=19)
        if "ceil" not in more:
            yield case("LpPool", f"2d,dilation{dilation},kernel{kernel}{words}", [x], attributes, opset=18)
    for pad in (3, 7, 8):
        for op in ("MaxPool", "AveragePool"):
            attributes = f"kernel_shape = [{2 * pad + 1},{2 * pad + 1}], pads = [{pad},{pad},{pad},{pad}]"
            yield case(op, f"2d,same-by-pads{pad}", [x], attributes)
            yield case(op, f"2d,same-by-pads{pad},between", [x], attributes, position="between")


def _other_ranks() -> Iterator[Case]:
    for slug, attributes in {
        "k3,notset": 'kernel_shape = [3], auto_pad = "NOTSET"',
        "k12": "kernel_shape = [12]",
        "k20,stride2": "kernel_shape = [20], strides = [2]",
        "k2,stride2": "kernel_shape = [2], strides = [2]",
        "k3,pad1": "kernel_shape = [3], pads = [1,1]",
        "k3,stride2,pad1": "kernel_shape = [3], strides = [2], pads = [1,1]",
        "k3,stride2,ceil": "kernel_shape = [3], strides = [2], ceil_mode = 1",
        "k4,same": 'kernel_shape = [4], auto_pad = "SAME_UPPER"',
        "k8": "kernel_shape = [8]",
        "k16,stride16": "kernel_shape = [16], strides = [16]",
        "k40": "kernel_shape = [40]",
    }.items():
        for op in ("MaxPool", "AveragePool"):
            yield from positions(op, f"1d,{slug}", [computed(1, 6, 81)], attributes)
    for slug, attributes in {
        "k2,stride2": "kernel_shape = [2,2,2], strides = [2,2,2]",
        "k1x2x2": "kernel_shape = [1,2,2], strides = [1,2,2]",
        "k3,pad1": "kernel_shape = [3,3,3], pads = [1,1,1,1,1,1]",
        "k3,stride2,pad1": "kernel_shape = [3,3,3], strides = [2,2,2], pads = [1,1,1,1,1,1]",
        "k3,ceil": "kernel_shape = [3,3,3], strides = [2,2,2], ceil_mode = 1",
        "k3,count-pad": "kernel_shape = [3,3,3], pads = [1,1,1,1,1,1], count_include_pad = 1",
        "k3,same": 'kernel_shape = [3,3,3], auto_pad = "SAME_UPPER"',
        "k2,count-pad": "kernel_shape = [2,2,2], strides = [2,2,2], pads = [1,1,1,1,1,1], count_include_pad = 1",
        "k2,count": "kernel_shape = [2,2,2], count_include_pad = 1",
        "k2,same-lower": 'kernel_shape = [2,2,2], strides = [2,2,2], auto_pad = "SAME_LOWER"',
        "k2,valid": 'kernel_shape = [2,2,2], auto_pad = "VALID"',
        "full": "kernel_shape = [5,9,11]",
    }.items():
        for op in ("MaxPool", "AveragePool"):
            if "count" not in slug or op == "AveragePool":
                yield case(op, f"3d,{slug}", [computed(1, 6, 5, 9, 11)], attributes)
    for op in ("MaxPool", "AveragePool"):
        yield case(
            op, "1d,dilation2", [computed(1, 6, 81)], "kernel_shape = [3], dilations = [2], pads = [1,1]", opset=19
        )
        yield case(op, "1d,batch3", [computed(3, 6, 81)], "kernel_shape = [3]")
        yield case(op, "3d,batch2", [computed(2, 3, 5, 9, 11)], "kernel_shape = [2,2,2]")


def _types() -> Iterator[Case]:
    for dtype in ("float16", "double", "int8", "uint8"):
        for op in ("MaxPool", "AveragePool", "LpPool", *GLOBAL_POOLS):
            if dtype in ("int8", "uint8") and op != "MaxPool":
                continue
            attributes = "" if op.startswith("Global") else "kernel_shape = [3,3]"
            yield case(op, f"2d,{dtype}", [computed(1, 6, 21, 27, dtype=dtype)], attributes)
    for dtype in ("int8", "uint8"):
        yield case("MaxPool", f"1d,{dtype}", [computed(1, 6, 41, dtype=dtype)], "kernel_shape = [3]")
        for channels in (1, 4, 16):
            x = computed(1, channels, 20, 30, dtype=dtype)
            yield case("MaxPool", f"2d,{dtype},channels{channels}", [x], "kernel_shape = [2,2], strides = [2,2]")


def _indices() -> Iterator[Case]:
    for slug, attributes in {
        "k2": "kernel_shape = [2,2], strides = [2,2]",
        "k3": "kernel_shape = [3,3]",
        "k5,pad": "kernel_shape = [5,5], pads = [2,2,2,2]",
        "storage-order": "kernel_shape = [2,2], strides = [2,2], storage_order = 1",
        "ceil": "kernel_shape = [2,2], strides = [2,2], ceil_mode = 1",
        "dilation2": "kernel_shape = [2,2], dilations = [2,2]",
    }.items():
        yield from positions("MaxPool", f"2d,indices,{slug}", [computed(1, 6, 21, 27)], attributes, outputs=2)
    yield case("MaxPool", "1d,indices", [computed(1, 6, 81)], "kernel_shape = [3]", outputs=2)
    yield case("MaxPool", "3d,indices", [computed(1, 6, 5, 9, 11)], "kernel_shape = [2,2,2]", outputs=2)
    yield case("MaxPool", "2d,storage-order", [computed(1, 6, 21, 27)], "kernel_shape = [2,2], storage_order = 1")


def _global() -> Iterator[Case]:
    for op, shape in product(
        GLOBAL_POOLS,
        (
            *((1, 6, 7, 7), (1, 6, 8, 8), (1, 6, 1, 1), (1, 6, 3, 50), (2, 6, 9, 13), (5, 1, 9, 13), (1, 1, 9, 13)),
            *(
                (1, 9, 13),
                (3, 6, 41),
                (1, 6, 3000),
                (2, 3, 4, 5, 6),
                (1, 6, 2, 3, 4, 5),
                (1, 2048, 7, 7),
                (1, 8193, 5, 5),
            ),
            *((1, 6, 343, 343), (1, 6, 400, 600), (1, 6, 1, 8193), (1, 6, 31, 33), (1, 1280, 16, 16)),
        ),
    ):
        if op != "GlobalLpPool" or len(shape) > 3 or shape[0] > 1:
            yield case(op, "x".join(map(str, shape)), [computed(*shape)])
    yield case("GlobalLpPool", "p1", [computed(1, 6, 9, 13)], "p = 1")


def _unpooled() -> Iterator[Case]:
    x, places = computed(1, 6, 5, 7), computed(1, 6, 5, 7, dtype="int64")
    square = "kernel_shape = [2,2], strides = [2,2]"
    yield case("MaxUnpool", "2d,shape", [x, places, const(1, 6, 11, 15)], square, result=computed(1, 6, 11, 15))
    yield case(
        "MaxUnpool", "2d,computed-shape", [x, places, computed(4, dtype="int64")], square, result=computed(1, 6, 11, 15)
    )
    yield case("MaxUnpool", "2d,pads", [x, places], f"{square}, pads = [0,0,1,1]")
    yield case("MaxUnpool", "2d,stride3", [x, places], "kernel_shape = [3,3], strides = [3,3]")
    yield case("MaxUnpool", "2d,one-channel", [computed(1, 1, 3, 4), computed(1, 1, 3, 4, dtype="int64")], square)
    yield case(
        "MaxUnpool", "1d", [computed(1, 6, 20), computed(1, 6, 20, dtype="int64")], "kernel_shape = [2], strides = [2]"
    )
    yield case("MaxUnpool", "2d,batch2", [computed(2, 6, 5, 7), computed(2, 6, 5, 7, dtype="int64")], square)
    yield case("MaxUnpool", "2d,float16", [computed(1, 6, 5, 7, dtype="float16"), places], square)
