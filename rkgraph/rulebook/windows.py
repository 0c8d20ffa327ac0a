"""Windows of pools and convolutions: pads by number where a node names a kind of padding, and sizes of results.

Formulas of https://onnx.ai/onnx/operators/onnx__MaxPool.html and onnx__ConvTranspose.html.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rkgraph.rulebook.known import NotKnown

if TYPE_CHECKING:
    from rkgraph.graph.view import Node

__all__ = ["Windows", "windows_of"]


@dataclass(frozen=True)
class Windows:
    """How windows lie over the spatial axes; one number an axis. `begins` and `ends` are pads."""

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    begins: tuple[int, ...]
    ends: tuple[int, ...]
    ceil: bool = False

    @property
    def pads(self) -> tuple[int, ...]:
        """As the attribute has them: all begins, then all ends."""
        return (*self.begins, *self.ends)

    @property
    def reach(self) -> tuple[int, ...]:
        """How many elements a window spans, dilations counted."""
        return tuple((k - 1) * d + 1 for k, d in zip(self.kernel, self.dilations, strict=True))

    def results(self, sizes: Sequence[int]) -> tuple[int, ...]:
        """How many windows there are along each axis; one that begins in the padding at the end does not count."""
        found = []
        for size, reach, stride, begin, end in zip(
            sizes, self.reach, self.strides, self.begins, self.ends, strict=True
        ):
            room = size + begin + end - reach
            count = (-(-room // stride) if self.ceil else room // stride) + 1
            if self.ceil and (count - 1) * stride >= size + begin:
                count -= 1
            found.append(count)
        return tuple(found)

    def covered(self, sizes: Sequence[int]) -> Windows:
        """The same windows without `ceil`: padding at the end reaches to the end of the last one."""
        ends = [
            max((count - 1) * stride + reach - size - begin, 0)
            for size, count, reach, stride, begin in zip(
                sizes, self.results(sizes), self.reach, self.strides, self.begins, strict=True
            )
        ]
        return Windows(self.kernel, self.strides, self.dilations, self.begins, tuple(ends))


def windows_of(node: Node, sizes: Sequence[int], kernel: Sequence[int] = ()) -> Windows:
    """The windows of a pool or convolution over spatial axes of these sizes; `kernel` where it is no attribute.

    Raises:
        NotKnown: attributes do not fit the axes, the padding is of an unknown kind, or would be negative.
    """
    rank = len(sizes)
    shape = tuple(node.attributes.get("kernel_shape", kernel))
    strides = tuple(node.attributes.get("strides", (1,) * rank))
    dilations = tuple(node.attributes.get("dilations", (1,) * rank))
    pads = tuple(node.attributes.get("pads", (0,) * 2 * rank))
    if not len(shape) == len(strides) == len(dilations) == rank or len(pads) != 2 * rank:
        raise NotKnown(f"{node.label} has attributes of other lengths than its {rank} spatial axes")
    kind = _text(node.attributes.get("auto_pad", "NOTSET"))
    ceil = bool(node.attributes.get("ceil_mode", 0))
    if kind == "NOTSET":
        return Windows(shape, strides, dilations, pads[:rank], pads[rank:], ceil)
    if kind == "VALID":
        return Windows(shape, strides, dilations, (0,) * rank, (0,) * rank, ceil)
    if kind not in ("SAME_UPPER", "SAME_LOWER"):
        raise NotKnown(f"{node.label} pads in the way {kind!r}")
    reach = [(k - 1) * d + 1 for k, d in zip(shape, dilations, strict=True)]
    total = [(-(-n // s) - 1) * s + r - n for n, s, r in zip(sizes, strides, reach, strict=True)]
    if min(total, default=0) < 0:  # ONNX Runtime leaves elements out in front, others at the end
        raise NotKnown(f"{node.label} pads to the same size where windows leave elements out")
    less, more = tuple(t // 2 for t in total), tuple(t - t // 2 for t in total)
    begins, ends = (less, more) if kind == "SAME_UPPER" else (more, less)
    return Windows(shape, strides, dilations, begins, ends)


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
