"""Arrays of other sizes fitted to models of fixed size: only by the rules of the manifest, and always told."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rkgraph.compile.tensors import describe_shape, fits
from rkgraph.errors import UsageError

if TYPE_CHECKING:
    import numpy.typing as npt

    from rkgraph.compile.manifest import BundleStage, Crop, Padding

    Array = npt.NDArray[Any]

__all__ = ["Padded", "crop", "fit"]


@dataclass(frozen=True)
class Padded:
    """An input that was filled up: `given` elements along `axis` became `filled`."""

    input: str
    axis: int
    given: int
    filled: int

    @property
    def share(self) -> float:
        """The part of the axis that is padding, 0 to 1."""
        return 1 - self.given / self.filled


def fit(
    values: Mapping[str, Array], buckets: Sequence[BundleStage], rules: Sequence[Padding]
) -> tuple[BundleStage, dict[str, Array], tuple[Padded, ...]]:
    """The smallest bucket that takes the arrays, the arrays of its inputs fitted to it, and what was padded.

    Raises:
        UsageError: no bucket takes them; they are too long, or no rule allows to pad them.
    """
    for stage in sorted(buckets, key=_size):
        found = _fitted(values, stage, rules)
        if found is not None:
            return stage, *found
    largest = max(buckets, key=_size)
    for tensor in largest.inputs:
        array = values[tensor.name]
        padded_axes = {rule.axis for rule in rules if rule.input == tensor.name}
        if not _paddable(array.shape, tensor.shape, padded_axes):
            hint = "it is too long: cut it yourself, or compile a longer bucket" if padded_axes else ""
            raise UsageError(
                f"input {tensor.name} is {describe_shape(array.shape)}, the model takes {describe_shape(tensor.shape)}",
                hint or "nothing is padded or cut unasked: bring it to that shape",
            )
    raise UsageError(f"the inputs do not fit any size of {largest.name}", "give inputs of equal length")


def crop(outputs: Mapping[str, Array], feeds: Mapping[str, Array], rules: Sequence[Crop]) -> dict[str, Array]:
    """Outputs cut back to the sizes that the inputs had before they were padded."""
    cut = dict(outputs)
    for rule in rules:
        if rule.output in cut:
            keep = (slice(None),) * rule.axis + (slice(feeds[rule.input].shape[rule.input_axis]),)
            cut[rule.output] = cut[rule.output][keep]
    return cut


def _size(stage: BundleStage) -> int:
    return sum(math.prod(n for n in tensor.shape or () if isinstance(n, int)) for tensor in stage.inputs)


def _fitted(
    values: Mapping[str, Array], stage: BundleStage, rules: Sequence[Padding]
) -> tuple[dict[str, Array], tuple[Padded, ...]] | None:
    fitted: dict[str, Array] = {}
    told: list[Padded] = []
    for tensor in stage.inputs:
        own = [rule for rule in rules if rule.input == tensor.name]
        array = values[tensor.name]
        if not _paddable(array.shape, tensor.shape, {rule.axis for rule in own}):
            return None
        for rule in own:
            array, padded = _pad(array, rule, (tensor.shape or ())[rule.axis])
            told += [padded] if padded is not None else []
        fitted[tensor.name] = array
    return fitted, tuple(told)


def _pad(array: Array, rule: Padding, size: int | str | None) -> tuple[Array, Padded | None]:
    import numpy as np

    given = array.shape[rule.axis]
    if not isinstance(size, int) or given == size:
        return array, None
    widths = [(0, size - given if axis == rule.axis else 0) for axis in range(array.ndim)]
    filled = np.pad(array, widths, constant_values=array.dtype.type(rule.value))
    return filled, Padded(rule.input, rule.axis, given, size)


def _paddable(shape: Sequence[int], wanted: Sequence[int | str | None] | None, axes: set[int]) -> bool:
    """Whether the shape is the wanted one but for axes that may be, and are, shorter (and not empty)."""
    if wanted is None or len(shape) != len(wanted):
        return wanted is None
    rest = [
        want if axis in axes and isinstance(want, int) and 0 < have <= want else have
        for axis, (have, want) in enumerate(zip(shape, wanted, strict=True))
    ]
    return fits(rest, wanted)
