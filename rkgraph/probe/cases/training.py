"""Dropout in all its opsets, and operators that draw random numbers or fill a shape."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.probe.case import ABSENT, CODES, COMPANION, Arg, Case, case, computed, const, weight
from rkgraph.probe.schemas import TAKEN, allowed_types

X = computed(1, 6, 9, 14)
SHAPES = ((34,), (5, 18), (2, 9, 14), (1, 2, 3, 4, 5), (2, 6, 9, 14), (1, 2, 3, 4, 5, 6))


def cases() -> Iterator[Case]:
    """All cases of this file."""
    yield from _dropout_forms()
    yield from _dropout_inputs()
    yield from _random()
    yield from _eye_like()
    yield from _ranges_and_fills()


def _dropout_forms() -> Iterator[Case]:
    for opset, texts in {
        1: ("is_test = 1", "is_test = 0", "ratio = 0.3, is_test = 1, consumed_inputs = [0]"),
        6: ("", "is_test = 1", "is_test = 0", "ratio = 0.3", "ratio = 0.3, is_test = 1"),
        7: ("", "ratio = 0.3"),
        10: ("", "ratio = 0.3"),
        11: ("", "ratio = 0.1"),
        12: ("", "seed = 3"),
        13: ("", "seed = 3"),
        19: ("", "seed = 3"),
    }.items():
        for text in texts:
            slug = text.replace(" = ", "").replace(", ", ",") or "bare"
            result = X if opset == 1 else None
            for outputs in (1, 2) if opset >= 10 else (1,):  # older masks have no inferred type
                name = f"opset{opset},{slug},outputs{outputs}"
                yield case("Dropout", name, [X], text, outputs=outputs, opset=opset, result=result)
            if opset > 1:
                yield case(
                    "Dropout",
                    f"opset{opset},{slug},between",
                    [computed(1, 9, 14)],
                    text,
                    opset=opset,
                    position="between",
                )


def _dropout_inputs() -> Iterator[Case]:
    ratio, none = const(0.4, dtype="float", shape=()), const(0.0, dtype="float", shape=())
    on, off = const(1, dtype="bool", shape=()), const(0, dtype="bool", shape=())
    forms: dict[str, list[Arg]] = {
        "ratio": [ratio],
        "ratio0": [none],
        "ratio,off": [ratio, off],
        "ratio,on": [ratio, on],
        "ratio0,on": [none, on],
        "no-ratio,off": [ABSENT, off],
        "no-ratio,on": [ABSENT, on],
        "ratio-computed": [computed()],
        "ratio-computed,off": [computed(), off],
        "ratio,mode-computed": [ratio, computed(dtype="bool")],
    }
    for slug, more in forms.items():
        for outputs in (1, 2):
            yield case("Dropout", f"inputs,{slug},outputs{outputs}", [X, *more], outputs=outputs)
        yield case("Dropout", f"inputs,{slug},r3", [computed(2, 9, 14), *more])
        yield case("Dropout", f"inputs,{slug},r3,between", [computed(2, 9, 14), *more], position="between")
    for dtype in allowed_types("Dropout"):
        for shape in SHAPES if dtype == "float" else SHAPES[::2] if dtype in TAKEN else ((2, 9, 14),):
            for outputs in (1, 2):
                yield case(
                    "Dropout",
                    f"{dtype},r{len(shape)},outputs{outputs}",
                    [computed(*shape, dtype=dtype)],
                    outputs=outputs,
                )


def _random() -> Iterator[Case]:
    for op in ("Bernoulli", "RandomNormalLike", "RandomUniformLike"):
        for source in allowed_types(op):
            needs = op != "Bernoulli" and source not in ("float", "float16", "double")
            yield case(op, f"{source}", [computed(2, 9, 14, dtype=source)], "dtype = 1" if needs else "")
        for target in ("float", "float16", "double", "int32", "bool"):
            if op == "Bernoulli" or target.startswith(("float", "double")):
                for source in ("float", "float16", "double"):
                    args = [computed(2, 9, 14, dtype=source)]
                    yield case(op, f"{source}-to-{target}", args, f"dtype = {CODES[target]}")
        for shape in ((34,), (5, 18), (1, 6, 9, 14), (1, 2, 3, 4, 5)):
            yield case(op, f"float,r{len(shape)},seed", [computed(*shape)], "seed = 1.5")
            yield case(op, f"float,r{len(shape)}", [computed(*shape)], position="between")
    for op, text in (("RandomNormal", "mean = 1.0, scale = 0.5"), ("RandomUniform", "low = -1.0, high = 1.0")):
        for slug, more in {"bare": "", "seed": ", seed = 2.0", "range": f", {text}", "float16": ", dtype = 10"}.items():
            yield case(op, f"r3,{slug}", [], f"shape = [2, 9, 14]{more}")
    for source in ("float", "float16", "double"):
        for slug, text in {"bare": "", "many": "sample_size = 20", "int64": "dtype = 7", "seed": "seed = 1.0"}.items():
            yield case("Multinomial", f"{source},{slug}", [computed(3, 12, dtype=source)], text)


def _eye_like() -> Iterator[Case]:
    for dtype in allowed_types("EyeLike"):
        yield case("EyeLike", f"{dtype},bare", [computed(7, 9, dtype=dtype)])
        for target in ("float", "float16", "double", "int64", "int32", "bool"):
            if dtype in ("float", "int32", "int64", "double"):
                yield case("EyeLike", f"{dtype}-to-{target}", [computed(7, 9, dtype=dtype)], f"dtype = {CODES[target]}")
    for k in (-2, 0, 1, 8, 20):
        yield case("EyeLike", f"float,k{k}", [computed(8, 8)], f"k = {k}")
    yield case("EyeLike", "float,between", [computed(8, 8)], position="between")


def _ranges_and_fills() -> Iterator[Case]:
    scalar = ()
    for dtype in allowed_types("Range"):
        number = float if dtype in ("float", "double") else int
        parts = [const(number(v), dtype=dtype, shape=scalar) for v in (1, 20, 2)]
        yield case("Range", f"{dtype},const", parts)
        for computed_one, name in enumerate(("start", "limit", "delta")):
            made = computed(dtype=dtype)
            args = [made if i == computed_one else part for i, part in enumerate(parts)]
            yield case("Range", f"{dtype},{name}-computed", args)
    for dtype in ("float", "int64", "int32", "float16", "bool", "double", "uint8"):
        value = "15360" if dtype == "float16" else "1.5" if dtype in ("float", "double") else "1"
        yield case("ConstantOfShape", f"{dtype},const", [const(2, 9, 14)], f"value = {dtype}[1] {{{value}}}")
    for slug, source in {"input": "Identity(n)", "cast": "Cast<to = 7>(n)", "sum": "Add(n, n)"}.items():
        first, stored, node, kin = COMPANION
        kind = "float" if slug == "cast" else "int64"
        head = f'<ir_version: 8, opset_import: ["" : 17]> rk ({first}, {stored}, {kind}[3] n, float[1] x) => (y, {kin})'
        nodes = f"s = {source} [probe] f = ConstantOfShape<value = float[1] {{1.5}}>(s) y = Add(f, x)"
        yield Case(f"ConstantOfShape/in-consumed,{slug}", "ConstantOfShape", f"{head} {{ {node} {nodes} }}")
    yield case("ConstantOfShape", "bare,const", [const(2, 9, 14)])
    yield case("ConstantOfShape", "scalar,const", [weight(2, dtype="int64")])
