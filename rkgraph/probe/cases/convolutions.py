"""Conv: kernels, strides, pads, dilations, groups, channels, ranks, types, and weights that are computed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from rkgraph.probe.case import Case, case, computed, positions, weight

__all__ = ["cases"]


def cases() -> Iterator[Case]:
    """All cases of this file."""
    yield from _common()
    yield from _two_dimensional()
    yield from _grouped()
    yield from _one_dimensional()
    yield from _three_dimensional()
    yield from _computed()
    yield from _sizes()
    yield from _types()
    yield from _integers()
    yield from _padded()


def _common() -> Iterator[Case]:
    x, bias = computed(1, 8, 12, 24), weight(16)
    k3 = weight(16, 8, 3, 3)
    yield from positions("Conv", "2d,3x3", [x, k3])
    yield from positions("Conv", "2d,3x3,bias", [x, k3, bias], "pads = [1,1,1,1]")
    yield from positions("Conv", "2d,stride2", [x, k3], "strides = [2,2], pads = [1,1,1,1]")
    yield from positions("Conv", "2d,dilation2", [x, k3], "dilations = [2,2]")
    yield from positions("Conv", "2d,depthwise", [x, weight(8, 1, 3, 3)], "group = 8")
    yield from positions("Conv", "2d,group2", [x, weight(16, 4, 3, 3)], "group = 2")
    yield from positions("Conv", "2d,1x7", [x, weight(16, 8, 1, 7)], "pads = [0,3,0,3]")
    yield from positions("Conv", "2d,patch8", [computed(1, 3, 32, 32), weight(16, 3, 8, 8)], "strides = [8,8]")
    yield from positions("Conv", "2d,patch16", [computed(1, 3, 64, 64), weight(16, 3, 16, 16)], "strides = [16,16]")
    yield from positions("Conv", "2d,batch3", [computed(3, 8, 12, 24), k3])
    yield from positions("Conv", "2d,auto-pad", [x, k3], 'auto_pad = "SAME_UPPER"')
    yield from positions("Conv", "2d,computed-weight", [x, computed(16, 8, 3, 3)])
    yield from positions("Conv", "1d,k3", [computed(1, 8, 24), weight(16, 8, 3)], "pads = [1,1]")
    yield from positions("Conv", "1d,depthwise", [computed(1, 8, 24), weight(8, 1, 3)], "group = 8")
    yield case("Conv", "1d,long", [computed(1, 8, 9000), weight(16, 8, 3)])
    yield from positions("Conv", "3d", [computed(1, 4, 6, 8, 10), weight(8, 4, 3, 3, 3)])
    yield case("Conv", "2d,float16", [computed(1, 8, 12, 24, dtype="float16"), weight(16, 8, 3, 3, dtype="float16")])


def _two_dimensional() -> Iterator[Case]:
    """One factor at a time around a 5 × 5 kernel over 20 × 36."""
    for height, width in (
        *((k, k) for k in (1, 2, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33)),
        *((1, 3), (3, 1), (1, 31), (1, 32), (1, 48), (32, 1), (5, 2)),
    ):
        yield case("Conv", f"2d,kernel{height}x{width}", [computed(1, 6, 35, 50), weight(10, 6, height, width)])
    x, k5 = computed(1, 6, 35, 50), weight(10, 6, 5, 5)
    for stride in ((2, 2), (3, 3), (4, 4), (5, 5), (7, 7), (8, 8), (9, 9), (16, 16), (1, 2), (3, 1)):
        yield case("Conv", f"2d,strides{stride[0]}x{stride[1]}", [x, k5], f"strides = [{stride[0]},{stride[1]}]")
    for pads in ("2,2,2,2", "0,1,2,3", "1,0,0,0", "5,5,5,5", "8,8,8,8", "15,15,15,15", "16,16,16,16", "0,0,17,0"):
        yield case("Conv", f"2d,pads{pads.replace(',', '-')}", [x, k5], f"pads = [{pads}]")
    for dilation in ((1, 1), (3, 3), (4, 4), (8, 8), (1, 2), (3, 1), (1, 12)):
        attributes = f"dilations = [{dilation[0]},{dilation[1]}]"
        yield case("Conv", f"2d,dilations{dilation[0]}x{dilation[1]}", [x, k5], attributes)
    for step in (16, 31, 32, 33):
        large = [computed(1, 3, 70, 70), weight(5, 3, 3, 3)]
        yield case("Conv", f"2d,dilations{step}", large, f"dilations = [{step},{step}]")
    for auto in ("SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET"):
        yield case("Conv", f"2d,auto-pad-{auto}", [x, k5], f'auto_pad = "{auto}"')
        yield case("Conv", f"2d,auto-pad-{auto},stride2", [x, k5], f'auto_pad = "{auto}", strides = [2,2]')
    yield case("Conv", "2d,kernel-shape", [x, k5, weight(10)], "kernel_shape = [5,5], pads = [2,2,2,2]")
    for opset in (7, 9, 11, 13, 19):
        yield case("Conv", f"2d,opset{opset}", [x, k5, weight(10)], "kernel_shape = [5,5]", opset=opset)


def _grouped() -> Iterator[Case]:
    for channels, out, group in ((12, 24, 3), (12, 12, 4), (32, 64, 4), (30, 60, 5), (6, 12, 6), (20, 60, 20)):
        slug = f"2d,group{group},{channels}to{out}"
        yield case(
            "Conv", slug, [computed(1, channels, 18, 22), weight(out, channels // group, 3, 3)], f"group = {group}"
        )
    for spatial, group in product(
        ((7,), (40,), (6, 9), (9, 6), (21, 30), (4, 20, 16), (9, 6, 9), (3, 9, 30)), (2, 3, 4, 12)
    ):
        for size, out in ((3, 12), (1, 24)):
            kernel = weight(out, 12 // group, *[size] * len(spatial))
            slug = f"{len(spatial)}d,group{group},12to{out},{size},over{'x'.join(map(str, spatial))}"
            yield case("Conv", slug, [computed(1, 12, *spatial), kernel], f"group = {group}")
    for spatial, (channels, out, group), how in product(
        ((11,), (8, 13), (4, 7, 9)), ((4, 4, 2), (6, 8, 2), (9, 6, 3), (4, 10, 2), (16, 32, 4)), (weight, computed)
    ):
        args = [computed(1, channels, *spatial), how(out, channels // group, *[3] * len(spatial))]
        slug = f"{len(spatial)}d,group{group},{channels}into{out},{how.__name__}"
        yield case("Conv", slug, args, f"group = {group}, pads = [{', '.join(['1'] * 2 * len(spatial))}]")
    for spatial, batch, group in product(((40,), (9, 14), (4, 9, 7)), (2, 5), (2, 3, 12)):
        args = [computed(batch, 12, *spatial), weight(12, 12 // group, *[3] * len(spatial))]
        yield case("Conv", f"{len(spatial)}d,group{group},batch{batch}", args, f"group = {group}")
    for size in (2, 5, 7, 8, 9, 11, 31):
        args = [computed(1, 20, 33, 40), weight(20, 1, size, size), weight(20)]
        pads = ",".join([str(size // 2)] * 4)
        yield case("Conv", f"2d,depthwise,{size}x{size}", args, f"group = 20, pads = [{pads}]")
    for factor, text in {
        "stride2": "strides = [2,2]",
        "dilation2": "dilations = [2,2]",
        "stride8": "strides = [8,8]",
    }.items():
        args = [computed(1, 20, 33, 40), weight(20, 1, 3, 3)]
        yield case("Conv", f"2d,depthwise,{factor}", args, f"group = 20, {text}")
    for channels in (1, 3, 16, 17):
        for out in (1, 16, 33):
            args = [computed(1, channels, 14, 26), weight(out, channels, 3, 3), weight(out)]
            yield case("Conv", f"2d,channels{channels}to{out}", args)


def _one_dimensional() -> Iterator[Case]:
    for size, stride, pad, dilation, group in (
        *((1, 1, 0, 1, 1), (2, 2, 0, 1, 1), (5, 1, 2, 1, 1), (10, 5, 0, 1, 1), (3, 1, 2, 2, 1), (3, 1, 4, 4, 1)),
        *(
            (3, 1, 0, 1, 4),
            (16, 1, 8, 1, 4),
            (31, 1, 15, 1, 1),
            (32, 1, 16, 1, 1),
            (33, 1, 16, 1, 1),
            (64, 1, 32, 1, 4),
        ),
        *(
            (128, 1, 64, 1, 4),
            (25, 10, 0, 1, 1),
            (80, 16, 0, 1, 1),
            (7, 1, 3, 1, 12),
            (15, 1, 7, 1, 12),
            (31, 1, 15, 1, 12),
        ),
        *((3, 8, 0, 1, 1), (3, 9, 0, 1, 1), (3, 1, 0, 32, 1)),
    ):
        slug = f"1d,kernel{size},stride{stride},pad{pad},dilation{dilation},group{group}"
        attributes = f"strides = [{stride}], pads = [{pad},{pad}], dilations = [{dilation}], group = {group}"
        args = [computed(1, 12, 150), weight(12, 12 // group, size), weight(12)]
        yield from positions("Conv", slug, args, attributes)
    for auto in ("SAME_UPPER", "SAME_LOWER", "VALID"):
        yield case("Conv", f"1d,auto-pad-{auto}", [computed(1, 6, 31), weight(10, 6, 5)], f'auto_pad = "{auto}"')
    for batch, channels, length in (
        (2, 6, 40),
        (5, 6, 40),
        (1, 1, 400),
        (1, 6, 1),
        (1, 40, 8191),
        (1, 40, 8192),
        (1, 1, 16000),
    ):
        args = [computed(batch, channels, length), weight(10, channels, 3)]
        yield case("Conv", f"1d,batch{batch},{channels}x{length}", args, "pads = [1,1]")
    yield case("Conv", "1d,asymmetric", [computed(1, 6, 31), weight(10, 6, 3)], "pads = [2,0]")
    yield case("Conv", "1d,causal-kernel", [computed(1, 1, 640), weight(258, 1, 256)], "strides = [64]")


def _padded() -> Iterator[Case]:
    """Large pads, with small and with large kernels, over one dimension and two, with a bias or without."""
    for (size, pad), bias in product(
        (
            (5, 8),
            (5, 9),
            (5, 15),
            (5, 16),
            (9, 8),
            (17, 8),
            (25, 12),
            (31, 0),
            (31, 2),
            (31, 8),
            (31, 15),
            (33, 8),
            (20, 10),
        ),
        (True, False),
    ):
        word = "bias" if bias else "no-bias"
        for dimensions, place in ((1, "alone"), (1, "between"), (2, "alone")):
            data = (1, 6, *[64] * dimensions)
            args = [computed(*data), weight(10, 6, *[size] * dimensions), *([weight(10)] if bias else [])]
            pads = ",".join([str(pad)] * 2 * dimensions)
            if place == "alone" or bias:
                yield case(
                    "Conv", f"{dimensions}d,kernel{size},padded{pad},{word}", args, f"pads = [{pads}]", position=place
                )


def _three_dimensional() -> Iterator[Case]:
    slug: str
    kernel: tuple[int, ...]
    for slug, kernel, attributes in (
        ("1x1x1", (1, 1, 1), ""),
        ("1x3x3", (1, 3, 3), "pads = [0,1,1,0,1,1]"),
        ("3x1x1", (3, 1, 1), "pads = [1,0,0,1,0,0]"),
        ("2x2x2,stride2", (2, 2, 2), "strides = [2,2,2]"),
        ("3x3x3,pad", (3, 3, 3), "pads = [1,1,1,1,1,1]"),
        ("3x3x3,stride2,pad", (3, 3, 3), "strides = [2,2,2], pads = [1,1,1,1,1,1]"),
        ("3x3x3,stride1x2x2", (3, 3, 3), "strides = [1,2,2], pads = [1,1,1,1,1,1]"),
        ("3x3x3,dilation2", (3, 3, 3), "dilations = [2,2,2]"),
        ("2x3x4", (2, 3, 4), ""),
        ("full-depth", (7, 3, 3), ""),
        ("asymmetric", (3, 3, 3), "pads = [1,0,0,0,1,1]"),
        ("same", (3, 3, 3), 'auto_pad = "SAME_UPPER"'),
    ):
        yield case("Conv", f"3d,{slug}", [computed(1, 6, 7, 9, 11), weight(10, 6, *kernel), weight(10)], attributes)
    for channels, out, group in ((6, 12, 2), (8, 8, 4), (9, 6, 3), (6, 6, 6), (6, 12, 6), (16, 16, 16)):
        args = [computed(1, channels, 5, 9, 11), weight(out, channels // group, 3, 3, 3)]
        yield from positions("Conv", f"3d,group{group},{channels}to{out}", args, f"group = {group}")
        args = [computed(1, channels, 5, 9, 11), weight(out, channels // group, 1, 1, 1)]
        yield case("Conv", f"3d,1x1x1,group{group},{channels}to{out}", args, f"group = {group}")
    for batch, channels, depth in ((2, 6, 5), (1, 1, 5), (1, 3, 16), (1, 6, 1), (4, 3, 2)):
        args = [computed(batch, channels, depth, 14, 14), weight(8, channels, min(depth, 2), 3, 3)]
        yield case("Conv", f"3d,batch{batch},{channels}x{depth}", args)
    for slug, kernel, attributes in (
        ("computed-weight", (10, 6, 3, 3, 3), ""),
        ("computed-weight,pointwise", (10, 6, 1, 1, 1), ""),
        ("computed-weight,depthwise", (6, 1, 3, 3, 3), "group = 6"),
        ("computed-weight,stride2", (4, 6, 2, 2, 2), "strides = [2,2,2]"),
    ):
        yield case("Conv", f"3d,{slug}", [computed(1, 6, 5, 9, 11), computed(*kernel)], attributes)


def _computed() -> Iterator[Case]:
    """Weights, biases or both from other operators, by the rank and grouping of the convolution."""
    shapes = {
        "1d": ((1, 6, 40), (10, 6, 3), ""),
        "1d,depthwise": ((1, 6, 40), (6, 1, 3), "group = 6"),
        "2d,5x5": ((1, 6, 20, 36), (10, 6, 5, 5), ""),
        "2d,1x1": ((1, 6, 20, 36), (10, 6, 1, 1), ""),
        "2d,one-channel": ((1, 1, 9, 13), (1, 1, 3, 3), "kernel_shape = [3,3]"),
        "2d,group2": ((1, 6, 20, 36), (10, 3, 3, 3), "group = 2"),
        "2d,group3": ((1, 12, 15, 21), (9, 4, 3, 3), "group = 3, pads = [1,1,1,1]"),
        "2d,group4,pointwise": ((2, 8, 15, 21), (8, 2, 1, 1), "group = 4"),
        "1d,group2": ((1, 6, 40), (10, 3, 3), "group = 2"),
        "2d,depthwise": ((1, 6, 20, 36), (6, 1, 3, 3), "group = 6"),
        "2d,depthwise,twice": ((1, 6, 20, 36), (12, 1, 3, 3), "group = 6"),
        "2d,batch2": ((2, 6, 20, 36), (10, 6, 3, 3), ""),
        "2d,same": ((1, 6, 20, 36), (10, 6, 3, 3), 'auto_pad = "SAME_LOWER", strides = [2,2]'),
        "2d,asymmetric": ((1, 6, 20, 36), (10, 6, 3, 3), "pads = [1,0,1,0], strides = [2,2]"),
        "2d,dilated": ((1, 6, 20, 36), (10, 6, 3, 3), "dilations = [2,2]"),
        "2d,cross-correlation": ((1, 16, 22, 22), (16, 1, 6, 6), "group = 16"),
    }
    for (slug, (data, kernel, attributes)), (weights, biases) in product(
        shapes.items(), (("computed", ""), ("computed", "constant"), ("computed", "computed"), ("constant", "computed"))
    ):
        args = [computed(*data), (computed if weights == "computed" else weight)(*kernel)]
        if biases:
            args.append((computed if biases == "computed" else weight)(kernel[0]))
        name = f"{slug},{weights}-weight,{biases or 'no'}-bias"
        if biases == "":
            yield from positions("Conv", name, args, attributes)
        else:
            yield case("Conv", name, args, attributes)


def _sizes() -> Iterator[Case]:
    """Dimensions at and around the widths of registers."""
    for axis, name in ((1, "channels"), (2, "height"), (3, "width")):
        for size in (4096, 8191, 8192, 8193, 16384):
            shape = [1, 4, 6, 6]
            shape[axis] = size
            yield case("Conv", f"2d,{name}{size}", [computed(*shape), weight(4, shape[1], 1, 1)])
            if axis > 1:
                yield case("Conv", f"2d,{name}{size},3x3", [computed(*shape), weight(4, shape[1], 3, 3)])
    for out in (4096, 8191, 8192, 8193, 16384):
        yield case("Conv", f"2d,out{out}", [computed(1, 4, 6, 6), weight(out, 4, 1, 1)])
    for batch in (2, 4, 7, 16):
        yield case("Conv", f"2d,batch{batch}", [computed(batch, 6, 20, 36), weight(10, 6, 5, 5)])
    for height, width in ((1, 1), (1, 40), (40, 1), (3, 3)):
        args = [computed(1, 10, height, width), weight(14, 10, 1, 1)]
        yield from positions("Conv", f"2d,pointwise,{height}x{width}", args)


def _types() -> Iterator[Case]:
    for dtype in ("float16", "double"):
        for slug, data, kernel, attributes in (
            ("1d", (1, 6, 40), (10, 6, 3), ""),
            ("2d,5x5", (1, 6, 20, 36), (10, 6, 5, 5), ""),
            ("2d,depthwise", (1, 6, 20, 36), (6, 1, 5, 5), "group = 6"),
            ("3d", (1, 6, 5, 9, 11), (10, 6, 3, 3, 3), ""),
        ):
            args = [computed(*data, dtype=dtype), weight(*kernel, dtype=dtype), weight(kernel[0], dtype=dtype)]
            yield case("Conv", f"{slug},{dtype}", args, attributes)
        args = [computed(1, 6, 20, 36, dtype=dtype), computed(10, 6, 5, 5, dtype=dtype)]
        yield case("Conv", f"2d,computed-weight,{dtype}", args)


def _integers() -> Iterator[Case]:
    """ConvInteger of one channel and of more, which the compiler lays out in another way."""
    for channels in (1, 2, 3, 8):
        for how in (weight, computed):
            args = [computed(1, channels, 7, 9, dtype="uint8"), how(4, channels, 3, 3, dtype="uint8")]
            yield case("ConvInteger", f"channels{channels},{how.__name__}", args)
            if channels == 1:  # a scalar cannot be asked: what makes an unsigned one inside the model fails by itself
                yield case("ConvInteger", f"channels1,{how.__name__},zero", [*args, computed(1, dtype="uint8")])
                padded = "pads = [1,1,1,1]"
                yield case("ConvInteger", f"channels1,{how.__name__},pads", args, padded)
                batch = [computed(2, 1, 6, 8, dtype="uint8"), how(1, 1, 2, 2, dtype="uint8")]
                yield case("ConvInteger", f"channels1,{how.__name__},batch2", batch, padded)
