"""Inputs for equivalence proofs: adversarial and random, drawn from what is known of each value.

What a value may hold is derived, never guessed: row numbers where it ends as indices of a Gather, no zeros where
whole numbers are divided by it, its interval where one is known (dtypes, constants, `assumes`), else everything its
dtype holds. Where the rewrite is held to a tolerance, numbers stay within fp16, since no target computes beyond it; one
that claims to be exact meets ±3e38, ±inf and NaN too.

Everything is seeded: the same model gives the same cases.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from rkgraph.analysis.evaluator import Array
from rkgraph.analysis.intervals import DTYPE_RANGES, Interval, Intervals
from rkgraph.fp16 import FP16_MAX
from rkgraph.graph.view import Dim, GraphView, Node
from rkgraph.records import Record

__all__ = ["Case", "Domain", "domains_of", "local_cases", "model_cases"]

_DTYPES = frozenset({*DTYPE_RANGES, "float16", "float32", "float64"})
_SAME_ELEMENTS = frozenset({
    "Cast", "Identity", "Reshape", "Transpose", "Unsqueeze", "Squeeze", "Expand", "Flatten", "Slice", "Tile", "Concat",
    "Split", "Dropout",
})  # fmt: skip
_DIVISIONS = ("Div", "Mod")
_INDEX_INPUT = {
    "Gather": 1, "GatherElements": 1, "GatherND": 1, "Scatter": 1, "ScatterElements": 1, "ScatterND": 1,
    "NegativeLogLikelihoodLoss": 1, "SoftmaxCrossEntropyLoss": 1,
}  # fmt: skip
_CLASSES = 1  # the axis of what labels of losses number


class Domain(Record):
    """What a value may hold: dtype and shape, an interval, and `rows` where it indexes that many rows.

    `divides`: whole numbers are divided by it. By 0 that is an error, and the least number of its dtype by −1 ends the
    whole process.
    """

    dtype: str
    shape: tuple[int, ...]
    interval: Interval
    rows: int | None = None
    divides: bool = False

    @property
    def is_float(self) -> bool:
        """True for floating point."""
        return self.dtype.startswith(("float", "bfloat"))


class Case(Record):
    """Feeds by input name, and what is special about them."""

    label: str
    feeds: Mapping[str, Array]


def domains_of(names: Sequence[str], intervals: Intervals) -> dict[str, Domain] | str:
    """The domain of each of the values `names`, or why one has none (not a tensor of known dtype and static shape)."""
    graph = intervals.graph
    domains: dict[str, Domain] = {}
    for name in names:
        value = graph.value(name)
        if value.dtype is None or value.shape is None:
            return f"nothing is known of the dtype or rank of {name}"
        if value.dtype not in _DTYPES:
            return f"{name} is {value.dtype}, of which no inputs can be made"
        shape = tuple(size for size in value.shape if isinstance(size, int))
        if len(shape) < len(value.shape):
            return f"the shape of {name} is dynamic"
        interval, rows, counts_back = intervals.of(name), *_rows(graph, name)
        if not counts_back:  # to a loss a negative label is an error, or memory in front of the scores
            interval = replace(interval, low=max(interval.low, 0.0), high=max(interval.high, 0.0))
        domains[name] = Domain(value.dtype, shape, interval, rows, _divides(graph, name, value.dtype))
    return domains


def local_cases(domains: Mapping[str, Domain], *, extremes: bool) -> Iterator[Case]:
    """Cases for a region whose inputs have these domains; `extremes`: also beyond fp16, infinite and NaN."""
    patterns = _PATTERNS + (_EXTREMES if extremes else ())
    for label, pattern in patterns:
        yield Case(
            label,
            {
                name: _draw(name, label, domain if extremes else _within_fp16(domain), pattern)
                for name, domain in domains.items()
            },
        )


def model_cases(domains: Mapping[str, Domain], count: int) -> Iterator[Case]:
    """Cases for a whole model: floats of a normal distribution, rows at random, masks of growing length.

    Whole numbers without a known interval that index nothing are taken for masks: ones, then zeros to the end of the
    last axis, the first element always one.
    """
    for number in range(count):
        keep = 1.0 - number / count
        feeds = {name: _realistic(name, number, keep, domain) for name, domain in domains.items()}
        yield Case(f"random {number}, {keep:.0%} of the mask set", feeds)


def _divides(graph: GraphView, name: str, dtype: str) -> bool:
    """Whether something is divided by the whole numbers `name`, or by the same numbers in another shape or dtype.

    Also where something is added in between: RK208 divides by x + (x = 0), and the model before it by x.
    """
    if dtype not in DTYPE_RANGES:
        return False
    waiting, seen = [name], {name}
    while waiting:
        value = waiting.pop()
        for node in graph.consumers(value):
            if node.op in _DIVISIONS and value == node.inputs[1]:
                return True
            if node.op in _SAME_ELEMENTS or node.op == "Add":
                fresh = [output for output in node.outputs if output and output not in seen]
                seen.update(fresh)
                waiting.extend(fresh)
    return False


def _rows(graph: GraphView, name: str) -> tuple[int | None, bool]:
    """How many rows the value may name as an index, the fewest of several tables; whether -1 may name the last."""
    fewest: int | None = None
    counts_back = True
    waiting, seen = [name], {name}
    while waiting:
        value = waiting.pop()
        for node in graph.consumers(value):
            size = _indexed_size(graph, node, value)
            if size is not None:
                counts_back = counts_back and not node.op.endswith("Loss")
                fewest = size if fewest is None else min(fewest, size)
            elif node.op in _SAME_ELEMENTS and value in (node.inputs if node.op == "Concat" else node.inputs[:1]):
                fresh = [output for output in node.outputs if output and output not in seen]
                seen.update(fresh)
                waiting.extend(fresh)
    return fewest, counts_back


def _indexed_size(graph: GraphView, node: Node, value: str) -> int | None:
    place = _INDEX_INPUT.get(node.op)
    if place is None or node.inputs[place] != value:
        return None
    shape = graph.value(node.inputs[0]).shape
    if shape and node.op.endswith("ND"):
        return _fewest_of_tuples(graph, node, shape)
    axis = _CLASSES if node.op.endswith("Loss") else node.attributes.get("axis", 0)
    if not shape or not -len(shape) <= axis < len(shape):
        return None
    size = shape[axis]
    return size if isinstance(size, int) else None


def _fewest_of_tuples(graph: GraphView, node: Node, shape: Sequence[Dim]) -> int | None:
    """The shortest of the axes that the tuples along the last axis of the indices (GatherND, ScatterND) speak of."""
    indices = graph.value(node.inputs[1]).shape
    first = int(node.attributes.get("batch_dims", 0))
    count = indices[-1] if indices else None
    named = shape[first : first + count] if isinstance(count, int) else ()
    sizes = [size for size in named if isinstance(size, int)]
    return min(sizes) if sizes and len(sizes) == len(named) else None


def _within_fp16(domain: Domain) -> Domain:
    """The domain without what fp16 cannot hold; one that lies wholly beyond it stays as it is."""
    low, high = max(domain.interval.low, -FP16_MAX), min(domain.interval.high, FP16_MAX)
    if low > high:
        return domain
    return replace(domain, interval=replace(domain.interval, low=low, high=high, nan=False))


_Pattern = Callable[[np.random.Generator, int, Interval], Array]
"""Makes `count` numbers (float64) for a value without a known interval; they are fitted to the domain afterwards."""


def _special(*numbers: float) -> _Pattern:
    table = np.asarray(numbers, dtype=np.float64)

    def pattern(random: np.random.Generator, count: int, _interval: Interval) -> Array:
        if len(table) == 1:
            return np.full(count, table[0])
        chosen: Array = table[random.integers(0, len(table), count)]
        chosen[: len(table)] = table[:count]
        return chosen

    return pattern


def _normal(scale: float) -> _Pattern:
    return lambda random, count, _interval: random.normal(0.0, scale, count)


def _everywhere(random: np.random.Generator, count: int, interval: Interval) -> Array:
    low, high = _drawn_from(interval)
    return random.uniform(low, high + (1.0 if interval.integer else 0.0), count)


def _drawn_from(interval: Interval) -> tuple[float, float]:
    """The interval where it is bounded; else, and where whole numbers lie far apart, a part of it, near 0 if it can."""
    low = interval.low if math.isfinite(interval.low) else min(-3.0, interval.high - 6.0)
    high = interval.high if math.isfinite(interval.high) else max(3.0, low + 6.0)
    if not interval.integer or high - low <= 2**16:
        return low, high
    low = min(max(low, -3.0), high - 6.0)
    return low, min(high, low + 6.0)


def _bounds(random: np.random.Generator, count: int, interval: Interval) -> Array:
    bounds = [b for b in (interval.low, interval.high) if math.isfinite(b)] or [0.0]
    return _special(*bounds)(random, count, interval)


_PATTERNS: tuple[tuple[str, _Pattern], ...] = (
    ("normal", _normal(1.0)),
    ("from its whole interval", _everywhere),
    ("at the bounds of its interval", _bounds),
    ("zeros and ones", _special(0.0, 1.0)),
    ("zeros", _special(0.0)),
    ("ones", _special(1.0)),
    ("one repeated value", _special(1.5)),
    ("tiny, large, signed zeros", _special(0.0, -0.0, 1e-7, -1e-7, 6e-5, -6e-5, 1.0, -1.0, 12.0, -12.0, 1e4, -1e4)),
)
_EXTREMES: tuple[tuple[str, _Pattern], ...] = (
    ("not finite", _special(math.nan, math.inf, -math.inf, 0.0, -0.0, 1.0, -2.5, 3.4e38, -3.4e38, 1e-40)),
    ("beyond 2^24", _special(2.0**24 + 1, -(2.0**24) - 1, 2.0**31, -(2.0**31), 2.0**62, -(2.0**62), 7.0)),
)


def _draw(name: str, label: str, domain: Domain, pattern: _Pattern) -> Array:
    random = np.random.default_rng(zlib.crc32(f"{name}\0{label}".encode()))
    count = math.prod(domain.shape)
    if domain.rows is not None:
        rows = max(domain.rows, 1)
        at_bounds = label == "at the bounds of its interval"
        lowest = -rows if at_bounds and domain.interval.low < 0 else 0
        numbers = random.integers(lowest, rows, count).astype(np.float64)
        if at_bounds:  # by lot, a few indices might all be of one sign
            numbers[:2] = (lowest, rows - 1)[:count]
    else:
        numbers = pattern(random, count, domain.interval)
    return _fit(numbers, domain)


def _fit(numbers: Array, domain: Domain) -> Array:
    """The numbers as an array of the domain: within the interval, whole where it says so, of its dtype and shape."""
    low, high = domain.interval.low, domain.interval.high
    if not domain.interval.nan:
        numbers = np.where(np.isnan(numbers), 0.0, numbers)
    if domain.dtype == "bool":
        return (numbers > 0.5).reshape(domain.shape)
    if domain.interval.integer:
        numbers = np.floor(numbers)
    with np.errstate(invalid="ignore", over="ignore"):
        numbers = np.clip(numbers, low, high)
        if domain.is_float:
            return numbers.astype(domain.dtype).reshape(domain.shape)
        if domain.divides and high >= 2:
            numbers = np.where((numbers == 0) | (numbers == -1), numbers + 2, numbers)
        return _whole(numbers, domain.dtype).reshape(domain.shape)


def _whole(numbers: Array, dtype: str) -> Array:
    """float64 → a whole-number dtype, saturating: float64 has no number for the largest int64, only one above it."""
    info = np.iinfo(dtype)
    numbers = np.nan_to_num(numbers, nan=0.0)
    above, below = numbers >= float(info.max), numbers <= float(info.min)
    whole = np.where(above | below, 0.0, numbers).astype(dtype)
    whole[above], whole[below] = info.max, info.min
    return whole


def _realistic(name: str, number: int, keep: float, domain: Domain) -> Array:
    random = np.random.default_rng(zlib.crc32(f"{name}\0{number}".encode()))
    count = math.prod(domain.shape)
    known = math.isfinite(domain.interval.low) and math.isfinite(domain.interval.high)
    wide = domain.interval.high - domain.interval.low > 2**16
    if domain.rows is not None:
        return _fit(random.integers(0, max(domain.rows, 1), count).astype(np.float64), domain)
    if domain.is_float and not known:
        return _fit(random.normal(0.0, 1.0, count), domain)
    if domain.is_float or (not wide and domain.dtype != "bool"):
        return _fit(_everywhere(random, count, domain.interval), domain)
    last = domain.shape[-1] if domain.shape else 1
    ones = np.arange(last) < max(1, round(keep * last))
    return _fit(np.tile(ones, count // max(last, 1)).astype(np.float64), domain)
