"""Normalisations: axes, ranks, statistics and scales constant or computed, outputs, attributes left out, types."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from rkgraph.probe.case import Case, case, computed, positions, weight

__all__ = ["cases"]

EPSILON = "epsilon = 0.00001"
"""Written out: the toolkit fails on a LayerNormalization without it, see the cases named no-epsilon."""

SHAPES = {1: (20,), 2: (6, 20), 3: (1, 10, 20), 4: (1, 6, 10, 20), 5: (1, 3, 5, 6, 20), 6: (1, 2, 3, 5, 6, 20)}


def cases() -> Iterator[Case]:
    """All cases of this file."""
    yield from _common()
    yield from _layer()
    yield from _layer_sizes()
    yield from _batch()
    yield from _instance_and_group()
    yield from _others()


def _common() -> Iterator[Case]:
    for rank, shape in {2: (6, 24), 3: (1, 12, 24), 4: (1, 8, 12, 24), 5: (1, 4, 6, 8, 10)}.items():
        x, last = computed(*shape), weight(shape[-1])
        attributes = "axis = -1, " + EPSILON
        yield from positions("LayerNormalization", f"r{rank},last", [x, last, last], attributes)
        yield from positions("LayerNormalization", f"r{rank},last,no-bias", [x, last], attributes)
    x = computed(1, 12, 24)
    for slug, args, axis in (
        ("r3,batch3", [computed(3, 12, 24), weight(24), weight(24)], -1),
        ("r4,axes3", [computed(1, 8, 12, 24), *[weight(8, 12, 24)] * 2], 1),
        ("r3,axes2", [x, *[weight(12, 24)] * 2], 1),
        ("r3,computed-scale", [x, computed(24), computed(24)], -1),
    ):
        yield from positions("LayerNormalization", slug, args, f"axis = {axis}, {EPSILON}")
    yield from positions("LayerNormalization", "r3,no-epsilon", [x, weight(24), weight(24)], "axis = -1")
    yield from positions("LayerNormalization", "r3,no-attributes", [x, weight(24), weight(24)])
    for slug, shape in (
        ("1d", (1, 8, 24)),
        ("2d", (1, 8, 12, 24)),
        ("2d,batch3", (3, 8, 12, 24)),
        ("3d", (1, 8, 4, 6, 10)),
        ("0d", (6, 8)),
    ):
        yield from positions("BatchNormalization", slug, [computed(*shape), *[weight(8)] * 4])
        if slug != "0d":
            yield from positions("InstanceNormalization", slug, [computed(*shape), *[weight(8)] * 2])
            args = [computed(*shape), weight(2), weight(2)]
            yield from positions("GroupNormalization", slug, args, f"num_groups = 2, {EPSILON}", opset=18)
    for (slug, axis), p in product((("channel", 1), ("last", -1)), (1, 2)):
        args = [computed(1, 8, 12, 24)]
        yield from positions("LpNormalization", f"r4,{slug},p{p}", args, f"axis = {axis}, p = {p}")
    yield from positions("LRN", "r4", [computed(1, 8, 12, 24)], "size = 5")
    yield from positions("MeanVarianceNormalization", "r4", [computed(1, 8, 12, 24)])


def _layer() -> Iterator[Case]:
    """Rank and axis, with scales constant or computed; then epsilon, bias, outputs against each other."""
    for rank, shape in SHAPES.items():
        for axis in range(-rank, rank):
            tail = shape[axis % rank :]
            for slug, scale in (("constant", weight), ("computed", computed)):
                if slug == "constant" or axis < 0:
                    args = [computed(*shape), scale(*tail), scale(*tail)]
                    yield case("LayerNormalization", f"r{rank},axis{axis},{slug}", args, f"axis = {axis}, {EPSILON}")
    forms = {
        "plain": EPSILON,
        "no-epsilon": "",
        "stash": f"{EPSILON}, stash_type = 1",
        "small": "epsilon = 0.000000000001",
    }
    for (name, more), outputs, bias, (slug, scale), rank in product(
        forms.items(), (1, 3), (True, False), (("constant", weight), ("computed", computed)), (3, 4)
    ):
        if name in ("stash", "small") and (rank, outputs, bias) != (3, 1, True):
            continue
        args = [computed(*SHAPES[rank]), *[scale(20)] * (1 + bias)]
        text = f"axis = -1{', ' if more else ''}{more}"
        words = f"r{rank},{name},{'' if bias else 'no-bias,'}{slug},outputs{outputs}"
        yield case("LayerNormalization", words, args, text, outputs=outputs)
    for scale, shift in ((weight, computed), (computed, weight)):
        args = [computed(1, 10, 20), scale(20), shift(20)]
        yield case(
            "LayerNormalization", f"r3,{scale.__name__}-scale,{shift.__name__}-bias", args, f"axis = -1, {EPSILON}"
        )
    for axis in (0, 1, 2):
        tail = SHAPES[3][axis:]
        for outputs in (2, 3):
            args = [computed(1, 10, 20), weight(*tail), weight(*tail)]
            yield case(
                "LayerNormalization",
                f"r3,axis{axis},outputs{outputs}",
                args,
                f"axis = {axis}, {EPSILON}",
                outputs=outputs,
            )


def _layer_sizes() -> Iterator[Case]:
    for rows, width in (
        *(
            (4, 8191),
            (4, 8192),
            (4, 8193),
            (4, 4096),
            (4, 9000),
            (4, 16384),
            (8191, 16),
            (8193, 16),
            (4, 1),
            (1, 20),
            (1, 1),
        ),
        *((7, 17), (50, 768), (197, 192)),
    ):
        args = [computed(1, rows, width), weight(width), weight(width)]
        yield case("LayerNormalization", f"r3,{rows}x{width}", args, f"axis = -1, {EPSILON}")
    for shape in ((1, 3, 8, 8), (2, 4, 6, 10), (1, 16, 7, 9), (1, 1, 5, 20)):
        args = [computed(*shape), weight(*shape), weight(*shape)]
        slug = f"r4,axis0,{'x'.join(map(str, shape))}"
        yield case("LayerNormalization", slug, args, f"axis = 0, {EPSILON}")
        yield case("LayerNormalization", f"{slug},no-bias", args[:2], f"axis = 0, {EPSILON}")
    for batch in (2, 4, 9):
        for rank in (3, 4, 5):
            args = [computed(batch, *SHAPES[rank][1:]), weight(20), weight(20)]
            yield case("LayerNormalization", f"r{rank},batch{batch}", args, f"axis = -1, {EPSILON}")
    for dtype in ("float16", "double"):
        for rank in (2, 3, 4):
            args = [computed(*SHAPES[rank], dtype=dtype), *[weight(20, dtype=dtype)] * 2]
            yield case("LayerNormalization", f"r{rank},{dtype}", args, f"axis = -1, {EPSILON}")
    for channels, height, width in (
        *((6, 8, 8), (6, 8, 9), (6, 9, 8), (6, 16, 12), (6, 12, 16), (8, 10, 20), (16, 11, 20), (3, 7, 7), (5, 24, 10)),
        *((6, 20, 24), (6, 1, 20), (6, 10, 1), (6, 120, 160), (6, 100, 160)),
    ):
        whole, plane = (channels, height, width), (height, width)
        args = [computed(1, *whole), weight(*whole), weight(*whole)]
        yield case("LayerNormalization", f"r4,axes3,{channels}x{height}x{width}", args, f"axis = 1, {EPSILON}")
        args = [computed(1, *whole), weight(*plane), weight(*plane)]
        yield case("LayerNormalization", f"r4,axes2,{channels}x{height}x{width}", args, f"axis = 2, {EPSILON}")


def _batch() -> Iterator[Case]:
    shapes = {2: (6, 10), 3: (1, 10, 31), 4: (1, 10, 13, 17), 5: (1, 10, 5, 7, 9), 6: (1, 10, 2, 3, 4, 5)}
    for rank, shape in shapes.items():
        for opset in (7, 9, 14, 15):
            yield case(
                "BatchNormalization", f"r{rank},opset{opset}", [computed(*shape), *[weight(10)] * 4], opset=opset
            )
        for place, what in enumerate(("scale", "bias", "mean", "variance", "all")):
            if rank in (3, 4) or what in ("scale", "all"):
                statistics = [computed(10) if what == "all" or place == n else weight(10) for n in range(4)]
                yield case("BatchNormalization", f"r{rank},computed-{what}", [computed(*shape), *statistics])
    for opset in (7, 9, 14):
        yield case(
            "BatchNormalization",
            f"r4,opset{opset},computed-all",
            [computed(1, 10, 13, 17), *[computed(10)] * 4],
            opset=opset,
        )
    yield from _batch_forms(shapes)


def _batch_forms(shapes: dict[int, tuple[int, ...]]) -> Iterator[Case]:
    """Attributes, training, channels and types; `shapes` by rank."""
    x, statistics = computed(1, 10, 13, 17), [weight(10)] * 4
    for slug, attributes in {
        "epsilon": "epsilon = 0.001",
        "momentum": "momentum = 0.99, epsilon = 0.00001",
        "zero-epsilon": "epsilon = 0.0",
        "inference": "training_mode = 0",
    }.items():
        yield case("BatchNormalization", f"r4,{slug}", [x, *statistics], attributes)
        yield case("BatchNormalization", f"r4,{slug},computed-all", [x, *[computed(10)] * 4], attributes)
    for rank in (2, 3, 4):
        for how in (weight, computed):
            slug = f"r{rank},training,{how.__name__}"
            args = [computed(*shapes[rank]), *[how(10)] * 4]
            yield case("BatchNormalization", slug, args, "training_mode = 1", outputs=3)
    for batch, channels in ((2, 10), (5, 10), (1, 1), (1, 3), (1, 17), (1, 8193), (4, 1)):
        for how in (weight, computed):
            args = [computed(batch, channels, 5, 6), *[how(channels)] * 4]
            yield case("BatchNormalization", f"r4,batch{batch},channels{channels},{how.__name__}", args)
    for dtype in ("float16", "double"):
        for how in (weight, computed):
            args = [computed(1, 10, 13, 17, dtype=dtype), *[how(10, dtype=dtype)] * 4]
            yield case("BatchNormalization", f"r4,{dtype},{how.__name__}", args)


def _instance_and_group() -> Iterator[Case]:
    shapes = {3: (1, 12, 31), 4: (1, 12, 13, 17), 5: (1, 12, 5, 7, 9)}
    for rank, shape in shapes.items():
        for (scale, shift), more in product(
            ((weight, weight), (computed, weight), (weight, computed), (computed, computed)), ("", EPSILON)
        ):
            name = f"r{rank},{scale.__name__}-scale,{shift.__name__}-bias{',epsilon' if more else ''}"
            yield case("InstanceNormalization", name, [computed(*shape), scale(12), shift(12)], more)
            if scale is shift:
                text = f"num_groups = 3{', ' if more else ''}{more}"
                yield case("GroupNormalization", name, [computed(*shape), scale(3), shift(3)], text, opset=18)
        for batch in (2, 5):
            args = [computed(batch, *shape[1:]), weight(12), weight(12)]
            yield case("InstanceNormalization", f"r{rank},batch{batch}", args)
        for dtype in ("float16", "double"):
            args = [computed(*shape, dtype=dtype), weight(12, dtype=dtype), weight(12, dtype=dtype)]
            yield case("InstanceNormalization", f"r{rank},{dtype}", args)
    for channels, height, width in (
        (1, 13, 17),
        (3, 13, 17),
        (12, 1, 1),
        (12, 100, 100),
        (12, 128, 128),
        (8193, 3, 3),
        (12, 3, 8193),
    ):
        args = [computed(1, channels, height, width), weight(channels), weight(channels)]
        yield case("InstanceNormalization", f"r4,{channels}x{height}x{width}", args, EPSILON)
    for groups in (1, 2, 12):
        args = [computed(1, 12, 13, 17), weight(groups), weight(groups)]
        yield case("GroupNormalization", f"r4,groups{groups}", args, f"num_groups = {groups}", opset=18)
    yield case("InstanceNormalization", "r4,opset7", [computed(1, 12, 13, 17), weight(12), weight(12)], opset=7)


def _others() -> Iterator[Case]:
    x = computed(1, 10, 13, 17)
    for slug, attributes in {
        "size3": "size = 3",
        "size5,all": "size = 5, alpha = 0.0002, beta = 0.5, bias = 2.0",
        "size1": "size = 1",
        "size9": "size = 9, alpha = 0.0001",
        "size13": "size = 13",
    }.items():
        yield case("LRN", f"r4,{slug}", [x], attributes)
    for shape in ((3, 10, 13, 17), (1, 1, 13, 17), (1, 10, 31), (1, 10, 4, 5, 6), (1, 8193, 3, 3)):
        yield case("LRN", "x".join(map(str, shape)), [computed(*shape)], "size = 3")
    for dtype in ("float16", "double"):
        yield case("LRN", f"r4,{dtype}", [computed(1, 10, 13, 17, dtype=dtype)], "size = 3")
        yield case("LpNormalization", f"r4,{dtype}", [computed(1, 10, 13, 17, dtype=dtype)], "axis = 1")
        yield case("MeanVarianceNormalization", f"r4,{dtype}", [computed(1, 10, 13, 17, dtype=dtype)])
    for axes in ("0,2,3", "2,3", "1", "0,1,2,3", "3"):
        for opset in (9, 13):
            slug = f"r4,axes{axes.replace(',', '-')},opset{opset}"
            yield case("MeanVarianceNormalization", slug, [x], f"axes = [{axes}]", opset=opset)
    for rank in range(1, 6):
        for axis in range(-1, rank):
            yield case("LpNormalization", f"r{rank},axis{axis}", [computed(*SHAPES[rank])], f"axis = {axis}")
    for p in (1, 2):
        yield case("LpNormalization", f"r3,p{p},batch3", [computed(3, 10, 20)], f"p = {p}")
    yield case("LpNormalization", "r3,defaults", [computed(1, 10, 20)])
