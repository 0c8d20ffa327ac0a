"""The compiler's layer table, memory totals and lowering lines as data.

The layer table is printed at `verbose=True`, several times in some versions; the last one counts. Two forms
exist: rk3576 and rv1126b print one more column (SparseRatio, in percent) before RW(KB).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Layer", "NoLowering", "read_layers", "read_memory", "read_no_lowering"]

FULL_NAME_LENGTH = 63
"""The compiler cuts `Type:name` at this many characters (measured)."""

_TITLE = "Network Layer Information Table"
_ROW = re.compile(
    r"(?P<id>\d+)\s+(?P<op>\S+)\s+(?P<dtype>\S+)\s+(?P<target>\S+)\s+(?P<inputs>\S+)\s+(?P<outputs>\S+)\s+"
    r"(?P<ddr>\d+)/(?P<npu>\d+)/(?P<total>\d+)\s+(?:(?P<sparse>[\d.]+)%\s+)?(?P<rw>[\d.]+)(?:\s+(?P<name>.*?))?\s*$"
)
_MEMORY = re.compile(r"Total (Internal|Weight) Memory Size:\s*([\d.]+)\s*KB")
_NO_LOWERING = re.compile(r"No lowering found for:?\s*(?P<name>.*?),\s*node type\s*=\s*(?P<op>[^,\s]+)")


@dataclass(frozen=True)
class Layer:
    """One row of the layer table.

    Attributes:
        id: position in the schedule, from 0.
        op: the compiler's operator type after fusion, e.g. "ConvExGelu".
        dtype: e.g. "FLOAT16".
        target: "NPU" or "CPU" (or "GPU").
        input_shape: as printed, e.g. "(1,384,1,256),(384),..." ("" where there is none).
        output_shape: as printed.
        ddr_cycles: cycles of memory traffic; 0 for layers that are not like a convolution.
        npu_cycles: cycles of arithmetic; 0 likewise.
        rw_kb: kB read and written.
        name: a node or tensor name of the ONNX model with the compiler's suffixes, after `Type:`;
            the compiler cuts `Type:name` at 63 characters.
        sparse_percent: the column SparseRatio where the platform's table has it.
    """

    id: int
    op: str
    dtype: str
    target: str
    input_shape: str
    output_shape: str
    ddr_cycles: int
    npu_cycles: int
    rw_kb: float
    name: str
    sparse_percent: float | None = None

    @property
    def is_boundary(self) -> bool:
        """An input or output of the model, not work."""
        return self.op in ("InputOperator", "OutputOperator")


@dataclass(frozen=True)
class NoLowering:
    """A node that the compiler made a custom operator: the board will refuse it."""

    name: str
    op: str


def read_layers(lines: Sequence[str]) -> tuple[Layer, ...]:
    """The rows of the last layer table in `lines` (prefixes removed); empty if there is none."""
    titles = [index for index, line in enumerate(lines) if _TITLE in line]
    if not titles:
        return ()
    layers: list[Layer] = []
    for line in lines[titles[-1] + 1 :]:
        row = _ROW.match(line)
        if row:
            layers.append(_layer(row))
        elif layers:
            break
    return tuple(layers)


def read_memory(lines: Sequence[str]) -> Mapping[str, float]:
    """`internal_kb` and `weight_kb`, the last of each that was printed."""
    found = (match for line in lines if (match := _MEMORY.search(line)))
    return {f"{match[1].lower()}_kb": float(match[2]) for match in found}


def read_no_lowering(lines: Sequence[str]) -> tuple[NoLowering, ...]:
    """Nodes without a kernel, each once, in order."""
    found = (NoLowering(match["name"], match["op"]) for line in lines if (match := _NO_LOWERING.search(line)))
    return tuple(dict.fromkeys(found))


def _layer(row: re.Match[str]) -> Layer:
    _, _, name = (row["name"] or "").partition(":")
    return Layer(
        id=int(row["id"]),
        op=row["op"],
        dtype=row["dtype"],
        target=row["target"],
        input_shape=row["inputs"].strip("\\"),
        output_shape=row["outputs"].strip("\\"),
        ddr_cycles=int(row["ddr"]),
        npu_cycles=int(row["npu"]),
        rw_kb=float(row["rw"]),
        name=name,
        sparse_percent=None if row["sparse"] is None else float(row["sparse"]),
    )
