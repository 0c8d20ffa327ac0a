"""What a build costs, as far as its layer table says, and which of two builds is the better one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from rkgraph.records import Record

if TYPE_CHECKING:
    from rkgraph.toolkit.layers import Layer

__all__ = ["Part", "Score", "score_of"]


@dataclass(frozen=True, order=True)
class Score:
    """The smaller, the better, field by field in this order.

    Attributes:
        no_kernel: nodes without a kernel: the board refuses a model that has any.
        cpu: layers on the board's CPU, and nodes of stages on the host.
        crossings: how often the work goes over from NPU to CPU or host, or back, in the order of the schedule.
        cycles: the compiler's estimate, the larger of memory and arithmetic of every layer; of layers like
            convolutions only, the others count 0.
        rw_kb: kB that layers read and write, and what crosses between stages.
    """

    no_kernel: int
    cpu: int
    crossings: int
    cycles: int
    rw_kb: float

    @property
    def record(self) -> dict[str, Any]:
        """Plain data for the report."""
        return {each.name: getattr(self, each.name) for each in fields(self)}


class Part(Record):
    """One stage: the layers of its build, or the nodes that the host computes; `crossing_kb` comes in from others."""

    layers: Sequence[Layer] = ()
    no_kernel: int = 0
    host_nodes: int = 0
    crossing_kb: float = 0.0


def score_of(parts: Iterable[Part]) -> Score:
    """The score of all stages together, in their order."""
    stages = tuple(parts)
    work = [layer for stage in stages for layer in stage.layers if not layer.is_boundary]
    places = [place for stage in stages for place in _places(stage)]
    every = [layer for stage in stages for layer in stage.layers]
    return Score(
        no_kernel=sum(stage.no_kernel for stage in stages),
        cpu=sum(layer.target != "NPU" for layer in work) + sum(stage.host_nodes for stage in stages),
        crossings=sum(first != second for first, second in pairwise(places)),
        cycles=sum(max(layer.ddr_cycles, layer.npu_cycles) for layer in every),
        # What crosses is written by one stage and read by another.
        rw_kb=round(sum(layer.rw_kb for layer in every) + 2 * sum(stage.crossing_kb for stage in stages), 3),
    )


def _places(stage: Part) -> Iterable[str]:
    if stage.host_nodes:
        return ("host",)
    return (layer.target for layer in stage.layers if not layer.is_boundary)
