"""RK330: an output of two or three dimensions whose rows fill no whole registers: its last Reshape runs on the CPU."""

from __future__ import annotations

import math
from collections.abc import Iterator

from rkgraph.analysis.origins import DATA_SHAPED
from rkgraph.diagnostics import Device
from rkgraph.graph.rewrite import Edit, Refusal, ReshapeOutputs
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.known import NotKnown, shape_of
from rkgraph.rulebook.rule import Finding, LintContext

# fp16 numbers of a row that the NPU writes at once, by platform: measured, see the card.
ALIGNMENT = {"rk3588": 8, "rk3566": 4, "rk3568": 4}
FLOATS = frozenset({"float16", "float32"})
RANKS = (2, 3)
CHANNELS = 16  # that the NPU writes at least, whatever an output of four dimensions has
FEW_NUMBERS, LITTLE = 4096, 0.01
"""Padding up to so many numbers, or to this part of all that the model computes, is no matter."""
NOT_ON_THE_NPU = frozenset({"cpu", "no-kernel", "build-fails"})
SHAPING = frozenset({"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity"})


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each such output of floats that is made by a node which runs on the NPU."""
    main, alignment = lint.model.main, ALIGNMENT.get(lint.target.platform, 1)
    if lint.target.precision != "fp16":
        return
    # Behind what is sized by data a shape is a promise of the file that a run need not keep.
    if next(main.nodes_of(*DATA_SHAPED), None) is not None:
        return
    for name in main.outputs:
        value, maker = main.value(name), _computed_for(main, name)
        if maker is None or lint.is_constant(main, name) or value.dtype not in FLOATS:
            continue
        if main.outputs.count(name) > 1 or _new_shape(main, name, alignment) is None:
            continue
        if lint.judgement(maker).outcome in NOT_ON_THE_NPU or _is_mostly_padding(lint, name):
            continue
        yield Finding(
            f"the rows of the output '{name}', {list(value.shape or ())}, are no multiple of {alignment} numbers: the "
            "Reshape that makes it of four dimensions runs on the CPU",
            value=name,
            observed={"shape": tuple(value.shape or ())},
            limit={"multiple_of": alignment, "or_rank": 4},
            evidence=("facts:cards",),
            device=Device.CPU,
            explains=frozenset(),
        )


def _is_mostly_padding(lint: LintContext, name: str) -> bool:
    """Whether four dimensions cost more than they gain: a wave [1, 1, n] is written with 15 channels of nothing."""
    main = lint.model.main
    shape = shape_of(main, name)
    if len(shape) == RANKS[0]:
        return False
    padding = shape[0] * (-shape[1] % CHANNELS) * shape[2]
    if padding <= FEW_NUMBERS:
        return False
    made = (main.value(output).shape for node in lint.live_nodes(main) for output in node.outputs if output)
    sizes = ([size for size in each if isinstance(size, int)] for each in made if each is not None)
    return padding > LITTLE * sum(map(math.prod, sizes))


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The output in four dimensions."""
    name = finding.value or ""
    shape = _new_shape(lint.model.main, name, ALIGNMENT.get(lint.target.platform, 1))
    if shape is None:
        return Refusal(f"{name} is no output of static shape whose rows are unaligned")
    return ReshapeOutputs({name: shape}, {name: f"rk330/{name}"})


def _new_shape(graph: GraphView, name: str, alignment: int) -> tuple[int, ...] | None:
    """The shape as the compiler has it on the NPU, channels second; None where there is nothing to gain."""
    try:
        shape = shape_of(graph, name)
    except NotKnown:
        return None
    if len(shape) not in RANKS or shape[-1] % alignment == 0:
        return None
    return (*shape, 1, 1) if len(shape) == RANKS[0] else (*shape[:2], 1, shape[2])


def _computed_for(graph: GraphView, name: str) -> Node | None:
    """The node that computes the value, those left out that only give it another shape; None where others read it.

    With a Reshape to four dimensions left as the only difference between an output and what other nodes read, the
    simulator of 2.3.2 hands out one output too few.
    """
    if graph.consumers(name):
        return None
    node = graph.producer(name)
    while node is not None and node.op in SHAPING and node.domain in ("", "ai.onnx"):
        if len(graph.consumers(node.inputs[0])) > 1 or node.inputs[0] in graph.outputs:
            return None
        node = graph.producer(node.inputs[0])
    return node
