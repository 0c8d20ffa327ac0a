"""fp16 islands of a quantized model, chosen by measurement.

Each value's harm in int8 is measured in ONNX Runtime; the values that suffer most become islands until the toolkit's
simulator reaches the cosine that was asked for, or no more cycles may leave int8. How many that takes is found by
bisection, a handful of builds.

A tensor is kept float16 by keeping what reads it float16, too: a layer computes in the type of its result, and would
round its input first (measured: norms behind a float16 sum that stay int8 gain nothing).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rkgraph.compile.provenance import stands_for
from rkgraph.errors import UsageError
from rkgraph.toolkit.layers import FULL_NAME_LENGTH

if TYPE_CHECKING:
    import onnx

    from rkgraph.analysis.sensitivity import Harm
    from rkgraph.toolkit.layers import Layer

__all__ = ["Choice", "Goal", "Islands", "Trial", "choose", "cycles_of", "harmed_tensors", "int8_share"]

HELPERS = ("_rs", "-rs", "_sw", "_tp", "_mm", "_sdpa")
"""Suffixes of the toolkit's tensors that hold what the tensor without them does, in another layout (measured)."""


FREE = 0.01
"""Of all NPU cycles: what costs less counts as this much, so that harm decides among what is nearly free."""


@dataclass(frozen=True)
class Goal:
    """What islands are for: the lowest mean `cosine` of an output, with at least `share` of the NPU cycles in int8."""

    cosine: float = 0.98
    share: float = 0.5

    def __post_init__(self) -> None:
        if not 0.0 < self.cosine <= 1.0:
            raise UsageError(f"--islands-cosine {self.cosine:g}: is no cosine", "give one above 0, up to 1")
        if not 0.0 <= self.share <= 1.0:
            raise UsageError(f"--islands-int8 {self.share:g}: is no share", "give one from 0 to 1")


@dataclass(frozen=True)
class Trial:
    """One build.

    Attributes:
        values: how many of the most worthwhile values were islands.
        tensors: names in the optimised graph that were float16.
        lowest, mean: cosine of the worst output over the samples.
        share: of the NPU cycles that are int8.
    """

    values: int
    tensors: int
    lowest: float
    mean: float
    share: float


@dataclass(frozen=True)
class Choice:
    """The islands, the trials in their order, the harm of every value, and whether the goal was reached."""

    islands: tuple[str, ...]
    trials: tuple[Trial, ...]
    harms: tuple[Harm, ...]
    reached: bool

    @property
    def record(self) -> dict[str, Any]:
        """Plain data for the report."""
        return {
            "islands": list(self.islands),
            "trials": [asdict(trial) for trial in self.trials],
            "harms": [asdict(harm) for harm in self.harms],
            "reached": self.reached,
        }


@dataclass(frozen=True)
class Islands:
    """What may be kept float16, the most worthwhile first.

    Attributes:
        harms: of every value.
        tensors: value → the tensors of the optimised graph that it takes.
        cycles: tensor → NPU cycles of the layer that makes it; those of tensors that are not in it are nothing.
    """

    harms: tuple[Harm, ...]
    tensors: Mapping[str, tuple[str, ...]]
    cycles: Mapping[str, int]

    def of(self, values: int) -> tuple[str, ...]:
        """The tensors of the `values` most worthwhile values."""
        chosen = [name for harm in self.ranked[:values] for name in self.tensors[harm.value]]
        return tuple(dict.fromkeys(chosen))

    @cached_property
    def ranked(self) -> tuple[Harm, ...]:
        """The values by harm for each cycle that leaves int8: sums and norms cost next to none, and go first."""
        least = FREE * max(sum(self.cycles.values()), 1)
        return tuple(sorted(self.harms, key=lambda harm: -harm.loss / max(self._cost(harm.value), least)))

    def _cost(self, value: str) -> int:
        return sum(self.cycles.get(name, 0) for name in self.tensors[value])


Measure = Callable[[tuple[str, ...]], tuple[float, float, float]]
"""Builds with these islands; lowest and mean cosine of the worst output, and the share of int8."""


def choose(islands: Islands, goal: Goal, measure: Measure) -> Choice:
    """Islands of the most worthwhile values that reach the goal and leave most in int8; how many is found by bisection.

    Where none do, those of the best mean cosine that keep the share.
    """
    trials: dict[int, Trial] = {}

    def tried(values: int) -> Trial:
        if values not in trials:
            tensors = islands.of(values)
            lowest, mean, share = measure(tensors)
            trials[values] = Trial(values, len(tensors), lowest, mean, share)
        return trials[values]

    low, high = 0, len(islands.harms)
    if tried(0).mean < goal.cosine:
        while high - low > 1:  # too few at `low`; `high` may be too many to keep the share
            middle = (low + high) // 2
            trial = tried(middle)
            enough = trial.mean >= goal.cosine or trial.share < goal.share
            low, high = (low, middle) if enough else (middle, high)
    kept = [trial for trial in trials.values() if trial.share >= goal.share]
    reached = [trial for trial in kept if trial.mean >= goal.cosine]
    # Of trials that leave as much in int8 the most alike one: to layers that are no longer int8, more is free.
    free = max(reached, key=lambda t: (round(t.share, 2), t.mean), default=None)
    best = free or max(kept, key=lambda t: t.mean, default=trials[0])
    return Choice(islands.of(best.values), tuple(trials.values()), islands.harms, bool(reached))


def harmed_tensors(optimised: onnx.ModelProto, names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Value of the original model → tensors of the optimised graph to keep float16 for it.

    These are the tensors that hold the value, in whatever layout, and the results of what reads them.

    Args:
        optimised: the toolkit's optimised graph.
        names: float values of the original model that are made by nodes.
    """
    known = set(names)
    holders: dict[str, list[str]] = {}
    for name in (name for node in optimised.graph.node for name in node.output):
        original = _original(name, known)
        if original is not None:
            holders.setdefault(original, []).append(name)
    return {value: tuple(dict.fromkeys(_with_readers(optimised, held))) for value, held in holders.items()}


def _original(name: str, known: set[str]) -> str | None:
    """The value that a tensor of the optimised graph holds, by its name without the toolkit's suffixes."""
    while name not in known:
        shorter = next((name.removesuffix(suffix) for suffix in HELPERS if name.endswith(suffix)), None)
        if shorter is None:
            return max((value for value in known if stands_for(name, value)), key=len, default=None)
        name = shorter
    return name


def _with_readers(optimised: onnx.ModelProto, held: Sequence[str]) -> Iterable[str]:
    yield from held
    for node in optimised.graph.node:
        if not set(held).isdisjoint(node.input):
            yield from node.output


def cycles_of(optimised: onnx.ModelProto, layers: Iterable[Layer]) -> dict[str, int]:
    """Tensor of the optimised graph → NPU cycles of the layer that makes it, where the layer's name leads to it."""
    found: dict[str, int] = {}
    busy = [layer for layer in layers if layer.npu_cycles]
    for node in optimised.graph.node:
        cycles = [layer.npu_cycles for layer in busy if _is_named_after(layer.name, node.name)]
        if cycles:
            found.update(dict.fromkeys(node.output, max(cycles)))
    return found


def _is_named_after(layer: str, node: str) -> bool:
    """Whether a layer's name, which the compiler may have cut or lengthened, is that of a node."""
    cut = len(layer) >= FULL_NAME_LENGTH - len("exSDPAttention:") and node.startswith(layer)
    return bool(node) and (stands_for(layer, node) or cut)


def int8_share(layers: Iterable[Layer]) -> float:
    """The share of the compiler's NPU cycles that its layer table gives to INT8; 1 where it gives none at all."""
    cycles = [(layer.npu_cycles, layer.dtype) for layer in layers]
    total = sum(count for count, _ in cycles)
    return sum(count for count, dtype in cycles if dtype == "INT8") / total if total else 1.0


def optimised_graph(path: Path) -> onnx.ModelProto:
    """The toolkit's optimised graph, without its weights' bytes being looked at."""
    import onnx

    return onnx.load(path, load_external_data=False)
