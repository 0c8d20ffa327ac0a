"""The vendor's Markdown list of ONNX operators: a row each, with a remark or none, and no device."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

__all__ = ["read_rows", "row_claim"]

_ROW = re.compile(r"^\| *(\w+) *\| *(.*?) *\| *$")


def read_rows(text: str) -> Iterator[tuple[str, str]]:
    """(operator, remark) of the first table: that of ONNX."""
    for line in text.split("\n## ")[1].splitlines():
        row = _ROW.match(line)
        if row:
            yield row[1], row[2]


def row_claim(op: str, remark: str) -> dict[str, Any]:
    """`claim`, and `limits` and `note` where there are any.

    Raises:
        ValueError: the remark says something that no rule here reads.
    """
    if remark == "Not Supported":
        return {"claim": "unsupported"}
    found: list[dict[str, Any]] = []
    words: list[str] = []
    for said in filter(None, re.split(r"<br */>", remark)):
        if said == "batchsize: 1":
            found.append({"kind": "batch", "index": 0})
        elif said == "only support constant input":
            found.append({"kind": "constant", "index": 0})
        elif said == "pool type: average":
            found.append({"kind": "attribute-in", "attribute": "mode", "allowed": ["avg"], "default": "avg"})
        elif said == "mode: nearest2d/bilinear":
            modes = ["linear", "nearest"]
            found.append({"kind": "attribute-in", "attribute": "mode", "allowed": modes, "default": "nearest"})
        elif said == "not support broadcast":
            words.append("without broadcasting")
        else:
            raise ValueError(f"{op}: nothing here reads the remark {said!r}")
    if not (found or words):
        return {"claim": "supported"}
    return {"claim": "restricted", "limits": found, "note": "; ".join(words)}
