"""Spectra, windows and determinants: DFT, STFT, the window functions, MelWeightMatrix, Det."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.probe.case import ABSENT, Case, case, computed, const, positions, weight

__all__ = ["cases"]

WINDOWS = ("HannWindow", "HammingWindow", "BlackmanWindow")


def cases() -> Iterator[Case]:
    """All cases of this file."""
    yield from _transforms()
    yield from _windows()
    yield from _determinants()


def _transforms() -> Iterator[Case]:
    yield from positions("DFT", "r3", [computed(1, 24, 1)], "axis = 1")
    for slug, shape, attributes in (
        ("real", (1, 30, 1), ""),
        ("complex", (1, 30, 2), ""),
        ("inverse", (1, 30, 2), "inverse = 1"),
        ("onesided", (1, 30, 1), "onesided = 1"),
        ("axis2", (1, 14, 30, 1), "axis = 2"),
        ("axis1", (1, 14, 30, 1), "axis = 1"),
        ("axis1,complex,inverse", (1, 14, 30, 2), "axis = 1, inverse = 1"),
        ("batch3", (3, 30, 1), "axis = 1"),
        ("r5", (1, 3, 5, 30, 1), "axis = 3"),
    ):
        yield case("DFT", slug, [computed(*shape)], attributes)
    yield case("DFT", "length", [computed(1, 30, 1), const(16, shape=())], "axis = 1")
    scalar, spectrum = computed(dtype="int64"), computed(1, 16, 2)
    yield case("DFT", "computed-length", [computed(1, 30, 1), scalar], "axis = 1", result=spectrum)
    for dtype in ("float16", "double"):
        yield case("DFT", dtype, [computed(1, 30, 1, dtype=dtype)], "axis = 1")
    yield from positions("STFT", "r2", [computed(1, 240), const(40, shape=()), weight(80), const(80, shape=())])
    step, length = const(50, shape=()), const(100, shape=())
    for slug, args, attributes in (
        ("window", [computed(1, 400), step, weight(100)], ""),
        ("length", [computed(1, 400), step, ABSENT, length], ""),
        ("both", [computed(1, 400), step, weight(100), length], ""),
        ("twosided", [computed(1, 400), step, weight(100), length], "onesided = 0"),
        ("real-axis", [computed(1, 400, 1), step, weight(100), length], ""),
        ("complex", [computed(1, 400, 2), step, weight(100), length], "onesided = 0"),
        ("batch2", [computed(2, 400, 1), step, weight(100), length], ""),
        ("computed-window", [computed(1, 400, 1), step, computed(100), length], ""),
        ("constant-signal", [weight(1, 400, 1), step, computed(100), length], ""),
    ):
        yield case("STFT", slug, args, attributes)
    spectrum = computed(1, 7, 51, 2)
    for slug, args in (
        ("computed-step", [computed(1, 400, 1), scalar, weight(100), length]),
        ("computed-step,length", [computed(1, 400, 1), scalar, ABSENT, scalar]),
        ("computed-all", [computed(1, 400, 1), scalar, computed(100), scalar]),
        (
            "computed-all,vectors",
            [computed(1, 400, 1), computed(1, dtype="int64"), computed(100), computed(1, dtype="int64")],
        ),
    ):
        yield case("STFT", slug, args, result=spectrum)
    yield case("STFT", "double", [computed(1, 400, 1, dtype="double"), step, weight(100, dtype="double"), length])


def _windows() -> Iterator[Case]:
    for op in WINDOWS:
        for dtype in ("int32", "int64"):
            yield case(op, f"constant,{dtype}", [const(25, dtype=dtype, shape=())])
        yield case(op, "symmetric", [const(25, shape=())], "periodic = 0")
        yield case(op, "double", [const(25, shape=())], "output_datatype = 11")
        yield case(op, "float16", [const(25, shape=())], "output_datatype = 10")
        for dtype in ("int32", "int64"):
            for slug, form in {"computed": (), "computed-vector": (1,)}.items():
                yield case(op, f"{slug},{dtype}", [computed(*form, dtype=dtype)], result=computed(25))
    sizes = [const(40, shape=()), const(256, shape=()), const(16000, shape=())]
    low, high = const(20.0, dtype="float", shape=()), const(7600.0, dtype="float", shape=())
    yield case("MelWeightMatrix", "constant", [*sizes, low, high])
    yield case("MelWeightMatrix", "computed-edge", [*sizes, computed(1), high])
    bins = computed(dtype="int64")
    filters = computed(129, 40)
    yield case("MelWeightMatrix", "computed-bins", [bins, *sizes[1:], low, high], result=filters)
    whole = [computed(dtype="int64")] * 3
    yield case("MelWeightMatrix", "computed-all", [*whole, computed(), computed()], result=filters)


def _determinants() -> Iterator[Case]:
    yield from positions("Det", "r3", [computed(2, 6, 6)])
    for shape in ((5, 5), (1, 3, 3), (1, 2, 4, 4), (3, 2, 2, 7, 7)):
        yield case("Det", "x".join(map(str, shape)), [computed(*shape)])
    for dtype in ("float16", "double"):
        yield case("Det", dtype, [computed(2, 5, 5, dtype=dtype)])
    yield case("Det", "opset11", [computed(2, 5, 5)], opset=11)
