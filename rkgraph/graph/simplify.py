"""onnxsim as a first pass, in a process of its own: it is C++ that may crash on what it does not expect.

It folds, infers shapes and merges nodes of its own accord. What it gives is taken as it is but for the interface, which
stays that of the original to the letter; whether it computes the same is for a proof to say.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import onnx

from rkgraph.errors import UsageError
from rkgraph.graph.model import Model, Snapshot
from rkgraph.graph.tensors import is_external
from rkgraph.graph.walk import model_tensors

__all__ = ["NotSimplified", "simplified"]

SECONDS = 600.0
LARGEST = (1 << 31) - (1 << 20)
"""Bytes of a protobuf message, with room for what is no weight: onnxsim takes the model as one message."""


class NotSimplified(Exception):
    """onnxsim did not give a model that could take the place of the original; the message says why."""


def simplified(model: Model) -> Snapshot:
    """The state that onnxsim makes of `model`, which stays as it is; `model.restore` takes it over.

    Raises:
        UsageError: onnxsim is not installed.
        NotSimplified: the model is too large for it, it fails or runs longer than ten minutes, or what it gives has
            another interface, or has lost nodes of custom domains.
    """
    if importlib.util.find_spec("onnxsim") is None:
        raise UsageError("--presimplify needs onnxsim, which is not installed", "pip install 'rkgraph[simplify]'")
    size = _size(model)
    if size > LARGEST:
        raise NotSimplified(f"its weights, {size / 2**30:.1f} GB, do not fit into one protobuf message of 2 GB")
    before = model.proto(weights=False)
    with tempfile.TemporaryDirectory(prefix="rkgraph-") as folder:
        given, made = Path(folder) / "given.onnx", Path(folder) / "made.onnx"
        model.save(given, "inline")
        _run(given, made)
        after = onnx.load(made)
    _check(before, after)
    _take_interface(before, after)
    return model.adopted(after)


def _size(model: Model) -> int:
    """Bytes of the model as one message: what its protobuf holds, and the weights that it refers to."""
    proto = model.proto(weights=False)
    referred = (model.size_of(tensor) for tensor in model_tensors(proto) if is_external(tensor))
    return proto.ByteSize() + sum(referred)


def _run(given: Path, made: Path) -> None:
    command = [sys.executable, "-m", "rkgraph.graph.simplify", str(given), str(made)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False, cwd=given.parent)
    except subprocess.TimeoutExpired as error:
        raise NotSimplified(f"onnxsim was not ready after {SECONDS:g} s") from error
    if done.returncode or not made.is_file():
        told = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        raise NotSimplified(f"onnxsim failed: {told[-1]:.300}" if told else f"onnxsim died (code {done.returncode})")


def _check(before: onnx.ModelProto, after: onnx.ModelProto) -> None:
    for word in ("input", "output"):
        old, new = _interface(before, word), _interface(after, word)
        if old != new:
            raise NotSimplified(f"onnxsim changed the {word}s: {_told(old)} became {_told(new)}")
    old_nodes, new_nodes = Counter(_custom(before)), Counter(_custom(after))
    if old_nodes != new_nodes:
        lost = ", ".join(sorted(f"{domain}.{op}" for domain, op in (old_nodes - new_nodes) or (new_nodes - old_nodes)))
        raise NotSimplified(f"onnxsim changed how often there are nodes of custom domains: {lost}")
    if {(f.domain, f.name) for f in before.functions} != {(f.domain, f.name) for f in after.functions}:
        raise NotSimplified("onnxsim changed the functions of the model")


def _interface(model: onnx.ModelProto, word: str) -> list[tuple[str, int]]:
    """Names and element types; an initializer that is an input as well, as in old files, is no input."""
    constants = {tensor.name for tensor in model.graph.initializer} if word == "input" else set()
    return [(v.name, v.type.tensor_type.elem_type) for v in getattr(model.graph, word) if v.name not in constants]


def _told(interface: list[tuple[str, int]]) -> str:
    return ", ".join(name for name, _ in interface) or "nothing"


def _custom(model: onnx.ModelProto) -> Iterator[tuple[str, str]]:
    """Domain and operator of the nodes that are not the standard's, bodies included."""
    waiting = [model.graph]
    while waiting:
        graph = waiting.pop()
        for node in graph.node:
            if node.domain not in ("", "ai.onnx"):
                yield node.domain, node.op_type
            for attribute in node.attribute:
                waiting += [attribute.g] if attribute.HasField("g") else list(attribute.graphs)


def _take_interface(before: onnx.ModelProto, after: onnx.ModelProto) -> None:
    """The declared inputs, outputs and notes of the original, shapes as they were: onnxsim infers and drops some."""
    constants = {tensor.name for tensor in before.graph.initializer}
    inputs = [value for value in before.graph.input if value.name not in constants]
    for field, values in ((after.graph.input, inputs), (after.graph.output, before.graph.output)):
        del field[:]
        field.extend(values)
    after.graph.name, after.ir_version = before.graph.name, max(before.ir_version, 4)
    del after.metadata_props[:]
    after.metadata_props.extend(before.metadata_props)


def main(given: str, made: str) -> None:
    """Simplify the model at `given` into `made`; what goes wrong ends the process with an exception."""
    import onnxsim

    model, _ = onnxsim.simplify(onnx.load(given), check_n=0)
    onnx.save(model, made)


if __name__ == "__main__":
    main(*sys.argv[1:])
