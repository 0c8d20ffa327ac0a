"""What a .rknn file says of itself, body included: compiler, tensors with their quantization, layers.

The body of format 6 is a FlatBuffer. Where its fields stand was worked out by the authors of rknncli
(https://github.com/hebangwen/rknncli, MIT licence) and held against files and logs of rknn-toolkit2 2.3.2 and 2.5.0.
A body in another format (that of rv1103 and rv1106) is not read: what its metadata says is known all the same.
"""

from __future__ import annotations

import ast
import json
import mmap
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rkgraph.errors import ModelError
from rkgraph.runtime.flat_buffer import BrokenBufferError, Table
from rkgraph.runtime.rknn_header import BODY, RknnHeader, read_header

__all__ = ["RknnFile", "RknnLayer", "RknnTensor", "read_rknn"]

FORMAT = 6
_COMPILER, _NPU, _SOURCE, _GENERATOR, _GRAPHS, _INPUTS, _OUTPUTS = 7, 1, 9, 3, 2, 12, 13
_TENSORS, _TENSOR_NAME, _SCALE, _ZERO_POINT = 0, 5, 10, 11
_NODES, _NODE_TYPE, _NODE_NAME, _NODE_DEVICE = 1, 1, 2, 3
_DEVICES = {0: "CPU", 2: "NPU"}
_DEEPEST = 32

_Facts = Mapping[str, Any]


@dataclass(frozen=True)
class RknnTensor:
    """An input or output.

    Attributes:
        name, shape: as the model calls and has it.
        dtype: in which the NPU holds it; None where the file does not say.
        given: the dtype of the model that was compiled.
        layout: "NCHW", "NHWC", or "" where it has none.
        scale, zero_point: of a quantized tensor; empty elsewhere.
    """

    name: str
    shape: tuple[int | str | None, ...]
    dtype: str | None = None
    given: str | None = None
    layout: str = ""
    scale: tuple[float, ...] = ()
    zero_point: tuple[int, ...] = ()


@dataclass(frozen=True)
class RknnLayer:
    """A layer in the order of the schedule; `device` is "NPU", "CPU" or "?"."""

    op: str
    name: str
    device: str


@dataclass(frozen=True)
class RknnFile:
    """All of it. Texts and layers are empty where the body is in a format that is not read; `note` says so."""

    header: RknnHeader
    size_bytes: int
    inputs: tuple[RknnTensor, ...]
    outputs: tuple[RknnTensor, ...]
    compiler: str = ""
    npu: str = ""
    source: str = ""
    layers: tuple[RknnLayer, ...] = ()
    note: str = ""


def read_rknn(path: Path) -> RknnFile:
    """Read a .rknn file. Its weights are not read.

    Raises:
        ModelError: no such file, not a .rknn, truncated, or metadata that is not as known.
    """
    header = read_header(path)
    size = path.stat().st_size
    plain = RknnFile(
        header,
        size,
        tuple(RknnTensor(t.name, t.shape or (), t.dtype) for t in header.inputs),
        tuple(RknnTensor(t.name, t.shape or (), t.dtype) for t in header.outputs),
    )
    if header.format != FORMAT:
        return replace(plain, note=f"its body has format {header.format:#x}, which is not read: no layers")
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            view = memoryview(data)
            body = view[BODY : BODY + header.body]
            try:
                return _with_body(plain, body)
            except BrokenBufferError as error:
                return replace(plain, note=f"its body is damaged ({error}): no layers")
            finally:
                body.release()
                view.release()
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: cannot be read ({error})", "copy or build it again") from error


def _with_body(plain: RknnFile, body: memoryview) -> RknnFile:
    root = Table.root(body)
    given = _table(_generator(root.text(_GENERATOR)).get("attrs"))
    graphs = tuple(root.tables(_GRAPHS))
    held = {tensor.text(_TENSOR_NAME): tensor for graph in graphs for tensor in graph.tables(_TENSORS)}
    sides = [_json(root.text(field)) for field in (_INPUTS, _OUTPUTS)]
    inputs, outputs = (
        tuple(_described(tensor, given, side, held.get(tensor.name)) for tensor in tensors)
        for tensors, side in zip((plain.inputs, plain.outputs), sides, strict=True)
    )
    layers = tuple(
        RknnLayer(
            node.text(_NODE_TYPE),
            node.text(_NODE_NAME).partition(":")[2],
            _DEVICES.get(node.byte(_NODE_DEVICE), "?"),
        )
        for graph in graphs
        for node in graph.tables(_NODES)
    )
    return replace(
        plain,
        inputs=inputs,
        outputs=outputs,
        compiler=root.text(_COMPILER),
        npu=root.text(_NPU),
        source=root.text(_SOURCE),
        layers=layers,
    )


def _described(tensor: RknnTensor, given: _Facts, side: _Facts, held: Table | None) -> RknnTensor:
    """The tensor with what the file's tables say of it; whatever is not as known is left out."""
    facts = _table(side.get(tensor.name))
    layout = _word(facts.get("layout")) or ""
    return replace(
        tensor,
        dtype=_word(facts.get("dtype")) or tensor.dtype,
        given=_word(_table(given.get(tensor.name)).get("dtype")),
        layout="" if layout == "UNDEFINED" else layout,
        scale=held.floats(_SCALE) if held is not None else (),
        zero_point=held.numbers(_ZERO_POINT) if held is not None else (),
    )


def _generator(text: str) -> Mapping[str, Any]:
    """The literal of a Python dict that the toolkit writes; empty where it is not one, or nested too deeply."""
    depth = deepest = 0
    for sign in text:
        depth += (sign in "([{") - (sign in ")]}")
        deepest = max(deepest, depth)
    if deepest > _DEEPEST:
        return {}
    try:
        return _table(ast.literal_eval(text or "{}"))
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return {}


def _json(text: str) -> Mapping[str, Any]:
    try:
        return _table(json.loads(text or "{}"))
    except (ValueError, RecursionError):
        return {}


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _word(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
