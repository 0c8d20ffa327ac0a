"""Reductions that drop their dimensions, by what reads the result: the compiler turns some into poolings of rank 4."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.probe.case import Case
from rkgraph.probe.pattern import Pattern, cases_of

__all__ = ["cases"]

READERS = {
    "nothing": "",
    "relu": "y = Relu(m)",
    "sigmoid": "y = Sigmoid(m)",
    "softmax": "y = Softmax<axis = 1>(m)",
    "gemm": "y = Gemm<transB = 1>(m, w1, w2)",
    "matmul": "y = MatMul(m, w3)",
    "flatten": "y = Flatten(m)",
    "unsqueeze": "y = Unsqueeze(m, last)",
    "reshape": "y = Reshape(m, four)",
    "add": "y = Add(m, w4)",
    "concat": "y = Concat<axis = 1>(m, m)",
    "identity": "y = Identity(m)",
    "transpose": "y = Transpose<perm = [1,0]>(m)",
    "cast": "y = Cast<to = 10>(m)",
}
"""What reads the mean of an image, of shape [1, 18]."""

WEIGHTS = {"w1": "float[7,18] w1", "w2": "float[7] w2", "w3": "float[18,7] w3", "w4": "float[18] w4"}
CONSTANTS = {"last": "int64[1] last = {-1}", "four": "int64[4] four = {1, 18, 1, 1}"}


def cases() -> Iterator[Case]:
    """One case for every pair: who reduces and who reads, over which axes, at which size."""
    for reader in READERS:
        yield from _image("ReduceMean", "2,3", reader)
    for op in ("ReduceMax", "ReduceSum", "ReduceL2", "ReduceMin"):
        for reader in ("nothing", "relu", "gemm"):
            yield from _image(op, "2,3", reader)
    for axes in ("-2,-1", "3,2", "-1,-2"):
        for reader in ("nothing", "relu", "gemm"):
            yield from _image("ReduceMean", axes, reader)
    for opset in (11, 18):
        for reader in ("nothing", "relu", "gemm"):
            yield from _image("ReduceMean", "2,3", reader, opset=opset)
    for size in ("1,1", "7,7", "8,8", "64,48"):
        yield from _image("ReduceMean", "2,3", "relu", size=size)
    yield from _image("ReduceMean", "2,3", "gemm", before="Conv")
    for shape, axes in (
        *(("1,18,9,13", axes) for axes in ("1", "2", "3", "1,2", "1,3", "1,2,3")),
        *(("4,18,9,13", axes) for axes in ("2,3", "0", "1", "0,2,3")),
        *(("1,14,30", axes) for axes in ("1", "2", "1,2")),
        *(("1,6,4,5,7", axes) for axes in ("2,3,4", "3,4", "2,3", "4")),
        *(("6,20", axes) for axes in ("0", "1")),
    ):
        for reader in ("", "y = Relu(m)"):
            word = "relu" if reader else "nothing"
            name = f"reduced-{shape.replace(',', 'x')}-over-{axes.replace(',', '.')}-by-{word}"
            yield from _one(name, f"float[{shape}] x", f"m = ReduceMean<axes = [{axes}], keepdims = 0>(x)\n{reader}")


def _image(op: str, axes: str, reader: str, *, opset: int = 17, size: str = "9,13", before: str = "") -> Iterator[Case]:
    """A reduction of an image of 18 channels."""
    read = READERS[reader]
    as_input = opset >= (13 if op == "ReduceSum" else 18)
    reduced = f"{op}<keepdims = 0>(#, axes)" if as_input else f"{op}<axes = [{axes}], keepdims = 0>(#)"
    body = f"m = {reduced.replace('#', 'c' if before else 'x')}\n{read}"
    inputs = [f"float[1,18,{size}] x", *(text for name, text in WEIGHTS.items() if f" {name}" in read)]
    constants = [text for name, text in CONSTANTS.items() if f" {name}" in read]
    if as_input:
        constants.append(f"int64[2] axes = {{{axes}}}")
    if before:
        inputs.append("float[18,18,1,1] w5")
        body = f"c = {before}(x, w5)\n{body}"
    name = f"reduced-image-{axes.replace(',', '.')}-{size.replace(',', 'x')}-opset{opset}-{before.lower()}-by-{reader}"
    return _one(name, ", ".join(inputs), body, ", ".join(constants), opset)


def _one(name: str, inputs: str, body: str, constants: str = "", opset: int = 17) -> Iterator[Case]:
    outputs = "y" if "\ny = " in body else "m"
    return cases_of(Pattern(name, inputs, body, outputs, constants, opset, probes="m"))
