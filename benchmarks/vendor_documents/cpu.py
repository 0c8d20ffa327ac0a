"""What the chapter on the runtime's own CPU operators says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from vendor_documents.sections import Section

__all__ = ["cpu_limits", "cpu_notes", "cpu_platforms"]

Limit = dict[str, Any]

_ONNX_TYPES = {"float32": 1, "int8": 3, "int32": 6, "int64": 7, "bool": 9, "float16": 10}


def cpu_limits(op: str, section: Section) -> Iterator[Limit]:
    """Limits of the closed set of kinds."""
    text = " ".join(section.lines)
    if "batchsize 仅支持 1" in text:
        yield {"kind": "batch", "index": 0}
    if "输出维度不能超过 4 维" in text:
        yield {"kind": "rank", "index": 0, "side": "output", "allowed": [0, 1, 2, 3, 4]}
    if "仅支持 {0,1, 2, 3}" in text:
        yield {"kind": "attribute-range", "attribute": "axis", "low": -4, "high": 3}
    if "bilinear; nearest2d" in text:
        yield {"kind": "attribute-in", "attribute": "mode", "allowed": ["linear", "nearest"], "default": "nearest"}
    if "仅支持 Avg Pool Mode" in text:
        yield {"kind": "attribute-in", "attribute": "mode", "allowed": ["avg"], "default": "avg"}
    given, made = (re.search(rf"{side} 支持: *([\w/]+)", text) for side in ("SRC", "DST"))
    if op == "Cast" and given and made:
        yield {"kind": "dtype", "index": 0, "allowed": given[1].split("/")}
        yield {"kind": "attribute-in", "attribute": "to", "allowed": [_ONNX_TYPES[t] for t in made[1].split("/")]}


def cpu_notes(section: Section) -> str:
    """What no kind of limit can say, in our words."""
    text = " ".join(section.lines)
    said = (
        ("不支持 broadcasting", "without broadcasting"),
        ("四维 x 三维", "4-D with 4-D or 3-D operands"),
        ("bool/int8/float 类型", "between bool, int8 and float only"),
        ("OPSET 11", "as Softmax was up to opset 12"),
    )
    return "; ".join(words for pattern, words in said if pattern in text)


def cpu_platforms(note: Section, title: str, platforms: list[str]) -> list[str]:
    """Which of the `platforms` have an operator on their CPU: the chapter's first section limits some of them."""
    text = " ".join(note.lines)
    few = re.search(r"([\w/]+) *仅支持部分 CPU", text)
    none = re.search(r"(\w+) *不支持所有 CPU", text)
    listed = re.search(r"– *([\w, ]+)$", text)
    limited = few[1].lower().split("/") if few else []
    absent = none[1].lower().split("/") if none else []
    theirs = [name.strip() for name in listed[1].split(",")] if listed else []
    return [p for p in platforms if p not in absent and (p not in limited or title in theirs)]
