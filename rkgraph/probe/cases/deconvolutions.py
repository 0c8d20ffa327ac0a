"""ConvTranspose and DeformConv."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.probe.case import Case, case, computed, positions, weight

__all__ = ["cases"]


def cases() -> Iterator[Case]:
    """All cases of this file."""
    yield from _common()
    yield from _two_dimensional()
    yield from _other_ranks()
    yield from _computed()
    yield from _deformed()


def _common() -> Iterator[Case]:
    x = computed(1, 8, 12, 24)
    for slug, args, attributes in (
        ("2d,2x2", [x, weight(8, 16, 2, 2)], "strides = [2,2]"),
        ("2d,4x4", [x, weight(8, 16, 4, 4)], "strides = [2,2], pads = [1,1,1,1]"),
        (
            "2d,3x3,output-padding",
            [x, weight(8, 16, 3, 3)],
            "strides = [2,2], pads = [1,1,1,1], output_padding = [1,1]",
        ),
        ("2d,group2", [x, weight(8, 8, 3, 3)], "group = 2"),
        ("2d,depthwise", [x, weight(8, 1, 4, 4)], "group = 8, strides = [2,2]"),
        ("2d,dilation2", [x, weight(8, 16, 3, 3)], "dilations = [2,2]"),
        ("1d", [computed(1, 8, 24), weight(8, 16, 4)], "strides = [2]"),
        ("3d", [computed(1, 4, 6, 8, 10), weight(4, 8, 2, 2, 2)], "strides = [2,2,2]"),
        ("2d,computed-weight", [x, computed(8, 16, 2, 2)], "strides = [2,2]"),
    ):
        yield from positions("ConvTranspose", slug, args, attributes)


FORMS = {
    "bare": "",
    "stride1,pad1": "pads = [1,1,1,1]",
    "stride2": "strides = [2,2]",
    "stride2,pad1": "strides = [2,2], pads = [1,1,1,1]",
    "stride2,asymmetric": "strides = [2,2], pads = [0,1,1,0]",
    "stride2,output-padding": "strides = [2,2], pads = [1,1,1,1], output_padding = [1,1]",
    "stride1x2": "strides = [1,2]",
    "stride3": "strides = [3,3]",
    "stride3,pad2": "strides = [3,3], pads = [2,2,2,2]",
    "stride3x2": "strides = [3,2]",
    "stride3x2,output-padding": "strides = [3,2], output_padding = [1,1]",
    "stride3x2,kernel-shape": "strides = [3,2], output_padding = [1,1], kernel_shape = [3,3]",
    "stride4": "strides = [4,4]",
    "stride5": "strides = [5,5]",
    "stride8": "strides = [8,8]",
    "stride9": "strides = [9,9]",
    "dilation2": "dilations = [2,2]",
    "dilation3": "dilations = [3,3]",
    "dilation2,stride2": "dilations = [2,2], strides = [2,2]",
    "same-upper": 'auto_pad = "SAME_UPPER"',
    "same-upper,stride2": 'auto_pad = "SAME_UPPER", strides = [2,2]',
    "same-lower,stride2": 'auto_pad = "SAME_LOWER", strides = [2,2]',
    "same-upper,stride3": 'auto_pad = "SAME_UPPER", strides = [3,3]',
    "valid,stride2": 'auto_pad = "VALID", strides = [2,2]',
    "notset,stride2": 'auto_pad = "NOTSET", strides = [2,2]',
}
"""Attributes of a transposed convolution over two dimensions, by a word."""


def _two_dimensional() -> Iterator[Case]:
    for size in (2, 3, 4):
        for slug, attributes in FORMS.items():
            if size != 3 and slug not in ("bare", "stride2", "stride3", "stride4", "same-upper,stride2"):
                continue
            args = [computed(1, 6, 9, 14), weight(6, 10, size, size)]
            yield case("ConvTranspose", f"2d,{size}x{size},{slug}", args, attributes)
    x = computed(1, 6, 9, 14)
    for slug, text in {"stride2": "20,30", "larger": "22,32", "uneven": "19,31"}.items():
        args = [x, weight(6, 10, 3, 3)]
        yield case("ConvTranspose", f"2d,output-shape,{slug}", args, f"strides = [2,2], output_shape = [{text}]")
        more = f'strides = [2,2], output_shape = [{text}], auto_pad = "SAME_UPPER"'
        yield case("ConvTranspose", f"2d,output-shape,same,{slug}", args, more)
    yield from _sizes()


def _sizes() -> Iterator[Case]:
    """Kernels, pads, groups, batches, dimensions and types of a transposed convolution over two dimensions."""
    x = computed(1, 6, 9, 14)
    for size in (1, 5, 6, 7, 8, 9, 16, 31, 32):
        yield case("ConvTranspose", f"2d,kernel{size}", [x, weight(6, 10, size, size)], "strides = [2,2]")
    for height, width in ((1, 4), (4, 1), (2, 3)):
        args = [x, weight(6, 10, height, width), weight(10)]
        yield from positions("ConvTranspose", f"2d,kernel{height}x{width}", args, f"strides = [{height},{width}]")
    for pad in (2, 3, 7, 8, 15, 16):
        args = [x, weight(6, 10, 17, 17)]
        yield case("ConvTranspose", f"2d,pad{pad}", args, f"strides = [2,2], pads = [{pad},{pad},{pad},{pad}]")
    for channels, out, group in ((6, 6, 6), (6, 12, 6), (6, 10, 2), (8, 8, 4), (64, 64, 64), (1, 1, 1), (3, 17, 1)):
        for size, stride in ((3, 1), (4, 2)):
            args = [computed(1, channels, 9, 14), weight(channels, out // group, size, size), weight(out)]
            slug = f"2d,group{group},{channels}to{out},{size}x{size},stride{stride}"
            yield case("ConvTranspose", slug, args, f"group = {group}, strides = [{stride},{stride}]")
    for batch in (2, 3, 8):
        args = [computed(batch, 6, 9, 14), weight(6, 10, 4, 4)]
        yield case("ConvTranspose", f"2d,batch{batch}", args, "strides = [2,2], pads = [1,1,1,1]")
    for height, width in ((1, 1), (1, 30), (4096, 4), (8192, 4), (4, 4096), (4, 8192)):
        args = [computed(1, 6, height, width), weight(6, 10, 2, 2)]
        yield case("ConvTranspose", f"2d,{height}x{width}", args, "strides = [2,2]")
    for dtype in ("float16", "double"):
        args = [computed(1, 6, 9, 14, dtype=dtype), weight(6, 10, 4, 4, dtype=dtype)]
        yield case("ConvTranspose", f"2d,{dtype}", args, "strides = [2,2]")


def _other_ranks() -> Iterator[Case]:
    slug: str
    kernel: tuple[int, ...]
    for slug, kernel, attributes in (
        ("bare", (10, 3), ""),
        ("k4,stride2,pad1", (10, 4), "strides = [2], pads = [1,1]"),
        ("k3,stride2,output-padding", (10, 3), "strides = [2], pads = [1,1], output_padding = [1]"),
        ("k16,stride8,pad4", (10, 16), "strides = [8], pads = [4,4]"),
        ("k10,stride5", (10, 10), "strides = [5]"),
        ("k3,dilation2", (10, 3), "dilations = [2]"),
        ("k4,same", (10, 4), 'auto_pad = "SAME_UPPER", strides = [2]'),
        ("k3,group2", (5, 3), "group = 2"),
        ("k4,depthwise", (1, 4), "group = 6, strides = [2]"),
        ("k3,output-shape", (10, 3), "strides = [2], output_shape = [50]"),
    ):
        yield from positions("ConvTranspose", f"1d,{slug}", [computed(1, 6, 25), weight(6, *kernel)], attributes)
    for slug, kernel, attributes in (
        ("bare", (5, 3, 3, 3), ""),
        ("1x2x2", (5, 1, 2, 2), "strides = [1,2,2]"),
        ("1x1x1", (5, 1, 1, 1), ""),
        ("3x3x3,pad", (5, 3, 3, 3), "strides = [2,2,2], pads = [1,1,1,1,1,1], output_padding = [1,1,1]"),
        ("depthwise", (1, 2, 2, 2), "group = 4, strides = [2,2,2]"),
        ("group2", (3, 2, 2, 2), "group = 2, strides = [2,2,2]"),
        ("pad1", (5, 3, 3, 3), "pads = [1,1,1,1,1,1]"),
        ("output-padding", (5, 3, 3, 3), "strides = [2,2,2], output_padding = [1,1,1]"),
        ("stride3", (5, 3, 3, 3), "strides = [3,3,3]"),
        ("dilation2", (5, 3, 3, 3), "dilations = [2,2,2]"),
        ("same", (5, 3, 3, 3), 'strides = [2,2,2], auto_pad = "SAME_UPPER"'),
    ):
        yield from positions("ConvTranspose", f"3d,{slug}", [computed(1, 4, 5, 7, 9), weight(4, *kernel)], attributes)
        yield case(
            "ConvTranspose", f"3d,{slug},computed-weight", [computed(1, 4, 5, 7, 9), computed(4, *kernel)], attributes
        )


def _computed() -> Iterator[Case]:
    """The kernel, the bias or both from other operators."""
    for slug, attributes in FORMS.items():
        args = [computed(1, 6, 9, 14), computed(6, 10, 3, 3)]
        yield case("ConvTranspose", f"2d,computed-weight,3x3,{slug}", args, attributes)
    for slug, text in {"stride2": "20,30", "uneven": "19,31"}.items():
        args = [computed(1, 6, 9, 14), computed(6, 10, 3, 3)]
        attributes = f"strides = [2,2], output_shape = [{text}]"
        yield case("ConvTranspose", f"2d,computed-weight,output-shape,{slug}", args, attributes)
    for channels, out, group in ((6, 6, 6), (6, 10, 2), (9, 9, 3), (8, 4, 4), (6, 12, 6), (1, 1, 1), (3, 1, 1)):
        args = [computed(1, channels, 9, 14), computed(channels, out // group, 4, 4)]
        slug = f"2d,computed-weight,group{group},{channels}to{out}"
        yield case("ConvTranspose", slug, args, f"group = {group}, strides = [2,2]")
    for slug, data, kernel, attributes in (
        ("1d", (1, 6, 25), (6, 10, 4), "strides = [2]"),
        ("1d,bare", (1, 1, 7), (1, 3, 3), ""),
        ("1d,same", (1, 6, 25), (6, 10, 4), 'strides = [2], auto_pad = "SAME_UPPER"'),
        ("2d,batch3", (3, 6, 9, 14), (6, 10, 4, 4), "strides = [2,2]"),
    ):
        yield case("ConvTranspose", f"{slug},computed-weight", [computed(*data), computed(*kernel)], attributes)
    x, kernel = (1, 6, 9, 14), (6, 10, 4, 4)
    yield case(
        "ConvTranspose", "2d,computed-weight,bias", [computed(*x), computed(*kernel), weight(10)], "strides = [2,2]"
    )
    yield case("ConvTranspose", "2d,computed-both", [computed(*x), computed(*kernel), computed(10)], "strides = [2,2]")
    yield case("ConvTranspose", "2d,computed-bias", [computed(*x), weight(*kernel), computed(10)], "strides = [2,2]")


def _deformed() -> Iterator[Case]:
    """DeformConv, which the toolkit's ONNX Runtime does not have."""
    x, kernel = computed(1, 4, 9, 13), weight(6, 4, 3, 3)
    offset, mask = computed(1, 18, 7, 11), computed(1, 9, 7, 11)
    for slug, args, attributes in (
        ("offset", [x, kernel, offset], ""),
        ("bias", [x, kernel, offset, weight(6)], ""),
        ("mask", [x, kernel, offset, weight(6), mask], "kernel_shape = [3,3]"),
        ("constant-offset", [x, kernel, weight(1, 18, 7, 11)], ""),
        ("all-computed", [x, computed(6, 4, 3, 3), offset], "kernel_shape = [3,3]"),
        ("groups", [x, kernel, computed(1, 36, 7, 11)], "offset_group = 2"),
        ("pads", [x, kernel, computed(1, 18, 9, 13)], "pads = [1,1,1,1]"),
        ("pads,computed", [x, computed(6, 4, 3, 3), computed(1, 18, 9, 13)], "pads = [1,1,1,1], kernel_shape = [3,3]"),
    ):
        yield case("DeformConv", slug, args, attributes, opset=19)
