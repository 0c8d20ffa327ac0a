"""Records nodes for a rewrite as the model's opset wants them written.

Between opsets 9 and 23 the same operation is spelled differently: axes of reductions, bounds of Clip, sizes of Split
moved from attributes to inputs. A rule says what it means, and `Writer` how that is said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rkgraph.graph.rewrite import Between, Rewrite, Tape, Tolerance
from rkgraph.graph.tensors import dtype_code

if TYPE_CHECKING:
    import numpy.typing as npt

    from rkgraph.graph.view import GraphView

__all__ = ["Writer"]

# Opset from which axes are an input: https://onnx.ai/onnx/operators/
_AXES_INPUT: Mapping[str, int] = {"ReduceSum": 13, "Squeeze": 13, "Unsqueeze": 13}
_AXES_INPUT_OF_REDUCTIONS = 18
_BOUNDS_INPUT = 11  # Clip, Pad
_SIZES_INPUT = 13  # Split
_BOUNDS_OF_SLICE_INPUT = 10


class Writer:
    """Records nodes on a tape, spelled for the opset of `graph`. Values are names; new ones begin with `prefix`."""

    def __init__(self, graph: GraphView, prefix: str) -> None:
        self.graph = graph
        self.opset = graph.opset or 0
        self.tape = Tape(prefix)

    def op(self, op: str, *inputs: str, **attributes: Any) -> str:
        """A node as it stands, with one output. Attributes that are None are left out."""
        return self.tape.op(op, *inputs, **{name: value for name, value in attributes.items() if value is not None})

    def constant(self, array: npt.ArrayLike, dtype: str, hint: str = "const") -> str:
        """A constant of numpy dtype `dtype`."""
        return self.tape.constant(array, dtype, hint)

    def integers(self, values: Sequence[int], hint: str = "const") -> str:
        """An int64 constant of rank 1: shapes, axes, sizes."""
        return self.tape.constant(list(values), "int64", hint)

    def cast(self, x: str, dtype: str) -> str:
        """`x` as numpy dtype `dtype`."""
        return self.op("Cast", x, to=dtype_code(dtype))

    def reshape(self, x: str, shape: Sequence[int]) -> str:
        """`x` in another shape; 0 and -1 as Reshape has them."""
        return self.op("Reshape", x, self.integers(shape, "shape"))

    def transpose(self, x: str, perm: Sequence[int]) -> str:
        """`x` with its axes in another order; `x` itself where that is the order already."""
        return x if list(perm) == list(range(len(perm))) else self.op("Transpose", x, perm=tuple(perm))

    def squeeze(self, x: str, axes: Sequence[int]) -> str:
        """`x` without the axes, each of size 1."""
        return self._on_axes("Squeeze", x, axes)

    def unsqueeze(self, x: str, axes: Sequence[int]) -> str:
        """`x` with new axes of size 1, at these places of the result."""
        return self._on_axes("Unsqueeze", x, axes)

    def reduce(self, op: str, x: str, axes: Sequence[int], *, keepdims: bool = True) -> str:
        """ReduceSum, ReduceMean … over `axes`; `x` itself where there are none."""
        return self._on_axes(op, x, axes, keepdims=int(keepdims)) if axes else x

    def clip(self, x: str, dtype: str, low: float | None = None, high: float | None = None) -> str:
        """`x` no less than `low` and no more than `high`."""
        if self.opset < _BOUNDS_INPUT:
            return self.op("Clip", x, min=low, max=high)
        bounds = ["" if bound is None else self.constant(bound, dtype, "bound") for bound in (low, high)]
        return self.op("Clip", x, *(bounds if bounds[1] else bounds[:1]))

    def slice(
        self, x: str, axes: Sequence[int], starts: Sequence[int], ends: Sequence[int], steps: Sequence[int] = ()
    ) -> str:
        """A part of `x`, ends excluded. Raises ValueError for steps below opset 10, which has none."""
        if self.opset >= _BOUNDS_OF_SLICE_INPUT:
            return self.op("Slice", x, *(self.integers(v) for v in (starts, ends, axes, *([steps] if steps else []))))
        if any(step != 1 for step in steps):
            raise ValueError(f"Slice of opset {self.opset} has no steps")
        return self.op("Slice", x, starts=tuple(starts), ends=tuple(ends), axes=tuple(axes))

    def pad(self, x: str, dtype: str, pads: Sequence[int], value: float = 0.0) -> str:
        """`x` with constants around it; `pads` as Pad has them: all begins, then all ends."""
        if self.opset < _BOUNDS_INPUT:
            return self.op("Pad", x, pads=tuple(pads), value=float(value))
        return self.op("Pad", x, self.integers(pads, "pads"), self.constant(value, dtype, "fill"))

    def split(self, x: str, axis: int, sizes: Sequence[int]) -> tuple[str, ...]:
        """`x` cut along `axis` into parts of these sizes; `x` itself for one part."""
        if len(sizes) == 1:
            return (x,)
        if self.opset < _SIZES_INPUT:
            return self.tape.ops("Split", x, count=len(sizes), axis=axis, split=tuple(sizes))
        return self.tape.ops("Split", x, self.integers(sizes, "sizes"), count=len(sizes), axis=axis)

    def concat(self, parts: Sequence[str], axis: int) -> str:
        """The parts one after the other; the only one itself."""
        return parts[0] if len(parts) == 1 else self.op("Concat", *parts, axis=axis)

    def rewrite(
        self,
        replaces: Mapping[str, str],
        tolerance: Tolerance,
        detail: str = "",
        *,
        assumes: Mapping[str, Between] | None = None,
        within: Mapping[str, Between] | None = None,
    ) -> Rewrite:
        """What was recorded, as a rewrite that replaces old values by new ones."""
        return Rewrite(dict(replaces), self.tape, tolerance, detail, assumes or {}, within or {})

    def _on_axes(self, op: str, x: str, axes: Sequence[int], **attributes: Any) -> str:
        default = _AXES_INPUT_OF_REDUCTIONS if op.startswith("Reduce") else self.opset + 1
        if self.opset >= _AXES_INPUT.get(op, default):
            return self.op(op, x, self.integers(axes, "axes"), **attributes)
        return self.op(op, x, axes=tuple(axes), **attributes)
