"""What a section of the operator list says of one attribute."""

from __future__ import annotations

import re
from collections.abc import Iterator

from vendor_documents.bounds import LAYOUT, RANK_4, Limit, bounds, intervals
from vendor_documents.sections import Part

__all__ = ["attribute_limits"]

_CALLED = {"pad": "pads"}
"""Attributes that the document calls otherwise than ONNX does."""

_ONLY_ZERO = {"ceil_mode": None, "input_forget": None, "storage_order": "MaxPool"}
"""Attributes of which only 0 is done, and the operator where the document gives them to others as well."""


def attribute_limits(op: str, part: Part) -> Iterator[Limit]:
    """Limits of one attribute. What ONNX does not have there (MaxPool: count_include_pad) is left out."""
    name = _CALLED.get(part.name, part.name.split()[0])
    text = " ".join(part.lines)
    default = _default(part.head)
    if name == "axis":
        yield from _axis(text)
    elif name in ("strides", "pads", "dilations", "kernel_shape"):
        yield from _sizes(name, text)
    elif "不支持设置" in text:
        yield _unset(name, default)
    elif op == "Resize" and name.endswith("mode"):
        words = re.findall(r"[a-z_]{6,}", text)
        yield {"kind": "attribute-in", "attribute": name, "allowed": words, "default": default}
    elif op == "Slice" and name == "steps":  # an input of ONNX since opset 10; a 1x1 map has exceptions, see the note
        wider = [RANK_4, {"kind": "product", "index": 0, "axes": [2, 3], "low": 2}]
        yield {"kind": "constant-range", "index": 4, "low": 1, "high": 1, "when": wider}
    elif op == "Pad" and name == "mode":
        yield from _pad_modes(text)
    elif name == "auto_pad":
        yield {"kind": "attribute-in", "attribute": name, "allowed": ["NOTSET"], "default": "NOTSET"}
    elif name in _ONLY_ZERO and _ONLY_ZERO[name] in (None, op):
        yield {"kind": "attribute-in", "attribute": name, "allowed": [0], "default": 0}
    elif name == "count_include_pad" and op == "AveragePool":
        padded = [{"kind": "attribute-presence", "attribute": "pads"}]
        yield {"kind": "attribute-in", "attribute": name, "allowed": [1], "default": 0, "when": padded}


def _axis(text: str) -> Iterator[Limit]:
    """The axes of a 4-D layout that are done, as one counts them from either end."""
    listed = re.search(r"∈ *\{(.*?)\}", text)
    if listed and listed[1].replace(" ", "") == "0,1,2,3":
        yield {"kind": "attribute-range", "attribute": "axis", "low": -4, "high": 3}
    elif "约束: 仅支持 1" in text:
        yield {"kind": "attribute-in", "attribute": "axis", "allowed": [1], "default": 1}
    elif re.search("1, *3", text):
        yield {"kind": "attribute-in", "attribute": "axis", "allowed": [-1, 1, 3], "when": [RANK_4]}


def _sizes(name: str, text: str) -> Iterator[Limit]:
    """An attribute with a number for each direction, all of them bounded alike."""
    found = {(low, high) for _, low, high in intervals(text)}
    if len(found) == 1:
        yield {"kind": "attribute-range", "attribute": name, **bounds(*found.pop(), least=0 if name == "pads" else 1)}
    if "仅支持 1,2,4,8" in text:
        pairs = [f"{h},{w}" for h in (1, 2, 4, 8) for w in (1, 2, 4, 8)]
        yield {"kind": "attribute-in", "attribute": name, "allowed": pairs}
    if "只支持 kernel=(1,1)" in text:
        for axis in (2, 3):
            wider = [{"kind": "dimension", "index": 1, "axis": axis, "low": 2}]
            yield {"kind": "attribute-in", "attribute": name, "allowed": ["1,1"], "when": wider}


def _unset(name: str, default: float | str | None) -> Limit:
    if default is None:
        return {"kind": "attribute-presence", "attribute": name, "present": False}
    return {"kind": "attribute-in", "attribute": name, "allowed": [default], "default": default}


def _pad_modes(text: str) -> Iterator[Limit]:
    yield {"kind": "attribute-in", "attribute": "mode", "allowed": ["constant", "reflect"], "default": "constant"}
    reflects = {"kind": "attribute-in", "attribute": "mode", "allowed": ["reflect"]}
    for name, low, high in intervals(text.rpartition("reflect")[2]):
        axis = LAYOUT.index(name)
        yield {"kind": "dimension", "index": 0, "axis": axis, **bounds(low, high), "when": [reflects, RANK_4]}


def _default(head: str) -> float | str | None:
    found = re.search(r"默认值?\s*(?:为|=)?\s*[”\"]?([\w.‑-]+)", head)
    if not found:
        return None
    text = found[1].replace("‑", "-")
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text
