"""Where, Clip, PRelu, Dropout, Max, Min, Sum and Mean: operators whose inputs come and go, or are bounds and slopes."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.probe.case import ABSENT, AGAIN, Arg, Case, case, computed, const, node, weight
from rkgraph.probe.schemas import NEWEST, TAKEN, allowed_types, versions

RANKS = {1: (34,), 2: (5, 18), 3: (2, 9, 14), 4: (2, 6, 9, 14), 5: (1, 2, 6, 7, 9), 6: (1, 2, 3, 4, 5, 6)}
X4 = computed(1, 6, 9, 14)


def cases() -> Iterator[Case]:
    """All cases of this file."""
    yield from _where()
    yield from _clip_types()
    yield from _clip_forms()
    yield from _prelu()
    yield from _variadic()


def _where() -> Iterator[Case]:
    for dtype in allowed_types("Where", 1):
        for rank in (1, 3, 4) if dtype in TAKEN else (3,):
            condition, x = computed(*RANKS[rank], dtype="bool"), computed(*RANKS[rank], dtype=dtype)
            yield case("Where", f"{dtype},rank{rank},all-computed", [condition, x, x])
    mask = computed(1, 6, 9, 14, dtype="bool")
    fill, low = const(-30.0, dtype="float", shape=()), const(-3.4e38, dtype="float")
    forms: dict[str, list[Arg]] = {
        "both-const": [mask, fill, const(0.0, dtype="float", shape=())],
        "both-const-whole": [mask, weight(1, 6, 9, 14), weight(1, 6, 9, 14)],
        "fill-lowest": [mask, low, X4],
        "fill-node": [mask, node(-30.0, dtype="float", shape=()), X4],
        "const-x": [mask, weight(1, 6, 9, 14), X4],
        "const-channel": [mask, weight(1, 6, 1, 1), X4],
        "const-mask": [weight(1, 6, 9, 14, dtype="bool"), X4, X4],
        "const-mask-plane": [weight(9, 14, dtype="bool"), X4, fill],
        "mask-plane": [computed(9, 14, dtype="bool"), X4, fill],
        "mask-channel": [computed(1, 6, 1, 1, dtype="bool"), X4, X4],
        "mask-row": [computed(14, dtype="bool"), X4, X4],
        "mask-one": [computed(1, dtype="bool"), X4, X4],
        "mask-wider": [mask, computed(1, 6, 1, 1), fill],
        "outer": [computed(1, 1, 9, 1, dtype="bool"), computed(1, 6, 1, 14), fill],
        "batch3": [computed(3, 6, 9, 14, dtype="bool"), computed(3, 6, 9, 14), fill],
        "lower-rank-x": [mask, computed(9, 14), X4],
        "r2": [computed(5, 18, dtype="bool"), computed(5, 18), fill],
        "r5": [computed(1, 2, 6, 7, 9, dtype="bool"), computed(1, 2, 6, 7, 9), computed(1, 2, 6, 7, 9)],
        "r6": [computed(*RANKS[6], dtype="bool"), computed(*RANKS[6]), computed(*RANKS[6])],
        "r3,mask-r1": [computed(14, dtype="bool"), computed(2, 9, 14), fill],
        "r3,mask-column": [computed(2, 9, 1, dtype="bool"), computed(2, 9, 14), computed(2, 9, 14)],
        "long": [computed(1, 9000, dtype="bool"), computed(1, 9000), fill],
    }
    for slug, args in forms.items():
        yield case("Where", f"form,{slug}", args)
        if slug in ("both-const", "const-mask", "mask-plane", "mask-channel", "outer", "r5"):
            yield case("Where", f"form,{slug}", args, position="between")
    for opset in (9, 16, 19):
        yield case("Where", f"opset{opset}", [mask, X4, X4], opset=opset)


def _bound(value: float, dtype: str, how: str = "c") -> Arg:
    whole = dtype not in ("float", "float16", "double", "bfloat16")
    return Arg(how, dtype, (), (int(value) if whole else value,))


def _clip_types() -> Iterator[Case]:
    for dtype in allowed_types("Clip"):
        opset = 17 if dtype in allowed_types("Clip", opset=17) else NEWEST
        low, high = _bound(1, dtype), _bound(5, dtype)
        for rank in (1, 3, 4) if dtype in TAKEN else (3,):
            x = computed(*RANKS[rank], dtype=dtype)
            yield case("Clip", f"{dtype},rank{rank},two", [x, low, high], opset=opset)
            if rank == 3:
                yield case("Clip", f"{dtype},rank{rank},none", [x], opset=opset)
                yield case("Clip", f"{dtype},rank{rank},lowest", [x, low], opset=opset)
                yield case("Clip", f"{dtype},rank{rank},highest", [x, ABSENT, high], opset=opset)
        if dtype in ("int64", "int32", "int16", "int8", "float16"):
            x = computed(*RANKS[4], dtype=dtype)
            yield case("Clip", f"{dtype},rank4,two", [x, low, high], position="between")
    for rank in (1, 2, 5, 6):
        x, bounds = computed(*RANKS[rank]), [_bound(-1, "float"), _bound(2, "float")]
        yield case("Clip", f"float,rank{rank},range", [x, *bounds])
        yield case("Clip", f"float,rank{rank},bare", [x])


def _clip_forms() -> Iterator[Case]:
    for opset in (6, 7, 10):
        for slug, text in {
            "both": "max = 5.0, min = -2.0",
            "low": "min = 0.0",
            "high": "max = 6.0",
            "none": "",
        }.items():
            yield case("Clip", f"r4,attributes,{slug},opset{opset}", [X4], text, opset=opset)
            if opset == 6:
                yield case("Clip", f"r2,attributes,{slug},opset{opset}", [computed(5, 18)], text, opset=opset)
    for opset in (11, 12, 13, 19):
        for how in ("c", "n"):
            bounds = [_bound(-2.0, "float", how), _bound(5.0, "float", how)]
            yield case("Clip", f"r4,inputs-{how},opset{opset}", [X4, *bounds], opset=opset)
    forms = {
        "relu6": (0.0, 6.0),
        "relu": (0.0, None),
        "relu-n": (0.0, 3.5),
        "negative": (-6.0, -1.0),
        "signs": (-1.0, 1.0),
        "wide": (-3.4e38, 3.4e38),
        "tiny": (1e-12, None),
        "same": (2.0, 2.0),
        "crossed": (3.0, 1.0),
        "low-only": (-2.5, None),
        "high-only": (None, 2.5),
    }
    for slug, (low, high) in forms.items():
        bounds = [ABSENT if b is None else const(b, dtype="float", shape=()) for b in (low, high)]
        yield case("Clip", f"bounds,{slug}", [X4, *bounds])
        yield case("Clip", f"bounds,{slug}", [X4, *bounds], position="between")
    one = const(0.5, dtype="float")
    yield case("Clip", "bounds,one-element", [X4, one, const(2.0, dtype="float")])
    yield case("Clip", "bounds,computed", [X4, computed(), computed()])
    for shape in ((21,), (5, 18), (2, 9, 14), (1, 2, 3, 5, 7)):
        x, rank = computed(*shape), len(shape)
        yield case("Clip", f"bounds,computed,r{rank}", [x, computed(), computed()])
        yield case("Clip", f"bounds,low-computed,r{rank}", [x, computed()])
        yield case("Clip", f"bounds,both-computed,r{rank}", [x, computed(), computed()], position="between")
    yield case("Clip", "bounds,low-computed", [X4, computed(), _bound(2, "float")])
    yield case("Clip", "bounds,high-computed", [X4, _bound(-2, "float"), computed()])


def _prelu() -> Iterator[Case]:
    slopes = {
        1: ((1,), (34,)),
        2: ((1,), (18,), (1, 18), (5, 18), (5, 1), (1, 1)),
        3: ((1,), (14,), (9, 1), (1, 9, 1), (9, 14), (2, 9, 14), (1, 1, 1), (2, 9, 1)),
        4: ((1,), (14,), (6, 1, 1), (1, 6, 1, 1), (1, 1, 1), (1, 1, 1, 1), (9, 14), (6, 9, 14), (2, 6, 9, 14), (9, 1)),
        5: ((1,), (2, 1, 1, 1), (1, 2, 1, 1, 1), (9,)),
        6: ((1,), (2, 1, 1, 1, 1)),
    }
    for rank, shapes in slopes.items():
        for shape in shapes:
            slug = f"r{rank},{'x'.join(map(str, shape))}"
            yield case("PRelu", f"{slug},const", [computed(*RANKS[rank]), weight(*shape)])
            yield case("PRelu", f"{slug},computed", [computed(*RANKS[rank]), computed(*shape)])
    yield case("PRelu", "r4,scalar", [X4, const(0.3, dtype="float", shape=())])
    yield case("PRelu", "r4,node", [X4, node(0.3, dtype="float", shape=(1,))])
    yield case("PRelu", "r4,again", [X4, AGAIN])
    for batch, channels in ((1, 1), (1, 64), (3, 6), (1, 6)):
        for position in ("alone", "between"):
            args = [computed(batch, channels, 8, 10), weight(channels, 1, 1)]
            yield case("PRelu", f"r4,batch{batch},channels{channels}", args, position=position)
    for dtype in allowed_types("PRelu"):
        for rank in (3, 4) if dtype in TAKEN else (3,):
            slope = (
                weight(*RANKS[rank][1:2], *([1] * (rank - 2)), dtype=dtype)
                if dtype in TAKEN
                else computed(1, dtype=dtype)
            )
            yield case("PRelu", f"{dtype},rank{rank}", [computed(*RANKS[rank], dtype=dtype), slope])
    for opset in (6, 7, 9, 16, 19):
        slope = weight(1) if opset == 6 else weight(6, 1, 1)
        yield case("PRelu", f"r4,opset{opset}", [X4, slope], opset=opset)
    for shape in ((4, 20), (2, 9, 14), (1, 6, 9, 14), (1, 2, 6, 7, 9), (2, 9, 9)):  # numpy's rule came with opset 7
        yield case(
            "PRelu", f"r{len(shape)},{shape[1]}of{shape[-1]},opset6", [computed(*shape), weight(shape[1])], opset=6
        )
    yield case("PRelu", "r3,last,opset6", [computed(2, 9, 14), weight(14)], opset=6)
    yield case("PRelu", "r3,one,opset6", [computed(2, 9, 14), weight(1)], opset=6)


def _variadic() -> Iterator[Case]:
    for op in ("Max", "Min", "Sum", "Mean"):
        for count in (1, 2, 3, 5):
            for rank in (1, 3, 4):
                yield case(op, f"count{count},rank{rank}", [computed(*RANKS[rank])] * count)
                if rank != 1 and count != 2:
                    yield case(op, f"count{count},rank{rank}", [computed(*RANKS[rank])] * count, position="between")
        for rank in (2, 5, 6):
            yield case(op, f"count2,rank{rank}", [computed(*RANKS[rank])] * 2)
            yield case(op, f"count1,rank{rank}", [computed(*RANKS[rank])])
            lower = [computed(*RANKS[rank]), computed(*RANKS[rank][1:]), computed(*[1] * rank)]
            yield case(op, f"count3,rank{rank},lower", lower)
            yield case(op, f"count4,rank{rank},lower", [computed(1), *reversed(lower)])
        for opset in sorted({max(6, since) for since in versions(op)} | {NEWEST}):
            yield case(op, f"three,opset{opset}", [X4] * 3, opset=opset)
            yield case(op, f"one,opset{opset}", [X4], opset=opset)
        for slug, other in {
            "row": (14,),
            "channel": (6, 1, 1),
            "plane": (9, 14),
            "one": (1,),
            "batch": (3, 6, 9, 14),
        }.items():
            yield case(op, f"three,{slug}", [X4, computed(*other), X4])
            yield case(op, f"two-const,{slug}", [X4, weight(*other)])
        yield case(op, "two-const,scalar", [X4, const(0.5, dtype="float", shape=())])
        yield case(op, "two-const,r3-scalar", [computed(2, 9, 14), const(0.5, dtype="float", shape=())])
        yield case(op, "two-const,scalar,between", [X4, const(0.5, dtype="float", shape=())], position="between")
        yield case(op, "three,two-const", [X4, weight(6, 1, 1), const(0.5, dtype="float", shape=())])
        yield case(op, "again", [X4, AGAIN])
        yield case(op, "again,r3", [computed(2, 9, 14), AGAIN, AGAIN])
        for dtype in allowed_types(op):
            x = computed(*RANKS[3], dtype=dtype)
            for count in (1, 3) if dtype in TAKEN else (1,):
                yield case(op, f"count{count},{dtype}", [x] * count)
