"""RK701: a mask whose fill takes up the range that a quantized build has for the scores."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.analysis.attention import MOVES, PASSES, softmaxes_behind
from rkgraph.analysis.intervals import Intervals
from rkgraph.analysis.mask_gaps import FAR, Gap, Masked, observed_gaps
from rkgraph.fp16 import FP16_MAX
from rkgraph.graph.rewrite import Between, Edit, Refusal, Tolerance
from rkgraph.rulebook.pattern import scalar
from rkgraph.rulebook.place import place_of
from rkgraph.rulebook.rule import Finding
from rkgraph.rulebook.writer import Writer
from rkgraph.targets import precision_config

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.rulebook.rule import LintContext

LEFT = 2.0**-12
"""What the masked scores of a row may take of its softmax, all together."""

SLACK = 0.25
"""By how much more than observed a masked score may exceed the others: a quarter."""

LONGEST = 64  # operators between a fill and the scores


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each value that brings a fill to the scores of softmaxes, where the build quantizes."""
    if not precision_config(lint.target)["do_quantization"]:
        return
    for graph in lint.model.graphs():
        for node, mask in _masks(graph):
            fill = _fill_behind(graph, mask)
            if fill is not None:
                yield Finding(
                    f"the mask {mask} goes down to {fill:.4g}; quantized over that, scores that differ become equal",
                    graph=graph.path,
                    node=node,
                    value=mask,
                    observed={"fill": f"{fill:.6g}"},
                    limit={"fill without samples": FAR},
                )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The same mask, with a fill no lower than the softmaxes need."""
    at = place_of(lint, finding)
    if isinstance(at, Refusal):
        return at
    graph, node = at
    return _chosen(lint, graph, node) if node.op == "Where" else _shared(lint, graph, finding.value or "")


def _masks(graph: GraphView) -> Iterator[tuple[Node, str]]:
    """What adds a mask to scores, or chooses between them, and the mask: each mask once."""
    seen: set[str] = set()
    for softmax in graph.nodes_of("Softmax"):
        node = graph.producer(softmax.inputs[0])
        if node is None or node.domain not in ("", "ai.onnx"):
            continue
        if node.op == "Where" and graph.consumers(node.outputs[0]) == (softmax,):
            yield node, node.outputs[0]
        for name in node.inputs if node.op == "Add" else ():
            if name not in seen and _fill_behind(graph, name) is not None:
                seen.add(name)
                yield node, name


def _fill_behind(graph: GraphView, name: str) -> float | None:
    """The fill that comes with a value: the lowest constant behind it, where it is as low as fills are."""
    lowest, waiting, seen = 0.0, [name], {name}
    while waiting and len(seen) < LONGEST:
        value = waiting.pop()
        constant, node = graph.constant(value), graph.producer(value)
        if constant is not None and constant.dtype.startswith("float"):
            lowest = min([lowest, *(float(v) for v in constant.values)])
        elif node is not None and node.domain in ("", "ai.onnx"):
            fresh = [each for each in _carried(graph, node) if each and each not in seen]
            seen.update(fresh)
            waiting.extend(fresh)
    return lowest if lowest <= FAR else None


def _carried(graph: GraphView, node: Node) -> tuple[str, ...]:
    """The inputs of a node whose low numbers come out of it as low numbers."""
    if node.op in ("Max", "Clip"):
        floors = [constant for name in node.inputs[:2] if (constant := graph.constant(name)) is not None]
        return () if any(min(map(float, floor.values), default=FAR) > FAR for floor in floors) else node.inputs[:1]
    if node.op == "Where":
        return node.inputs[1:]
    if node.op in MOVES:
        return node.inputs if node.op == "Concat" else node.inputs[:1]
    return node.inputs if node.op in PASSES else ()


def _is_sum(graph: GraphView, node: Node) -> bool:
    readers = graph.consumers(node.outputs[0])
    return node.op == "Add" and bool(readers) and all(reader.op == "Softmax" for reader in readers)


def _other(node: Node, name: str) -> str:
    return node.inputs[1] if node.inputs[0] == name else node.inputs[0]


def _gap(lint: LintContext, graph: GraphView, pair: Masked) -> Gap | None:
    """What is observed of masked scores, with slack; or what is derived, where their interval is bounded."""
    if lint.observed:
        seen = observed_gaps(lint.observed, (pair,)).get(pair)
        return seen if seen is None else seen.widened(SLACK)
    interval, shape = Intervals(graph).of(pair.scores), graph.value(pair.scores).shape
    keys = shape[-1] if shape else None
    bounded = interval.low >= -FP16_MAX and interval.high <= FP16_MAX  # NaN stays NaN, whatever the fill
    if not bounded or not isinstance(keys, int) or not _is_plain(graph, pair):
        return None
    return Gap(interval.high - interval.low, interval.low, 0.0, keys)


def _is_plain(graph: GraphView, pair: Masked) -> bool:
    """Whether a mask that is added is known to hold nothing but 0 and its fill."""
    node = graph.producer(pair.mask)
    if pair.kind != "added" or node is None:
        return pair.kind != "added"
    return node.op == "Where" and all(scalar(graph, name) is not None for name in node.inputs[1:])


def _unknown(lint: LintContext) -> Refusal:
    if lint.observed:
        return Refusal("its scores could not be observed on the samples")
    return Refusal("how low the fill has to be follows from the scores", "--calibration SAMPLES.npz")


def _depth(gap: Gap) -> float:
    """How far below the highest score that counts a masked one must end: keys · exp(−depth) = LEFT."""
    return max(gap.above, 0.0) + math.log(gap.keys / LEFT)


def _shared(lint: LintContext, graph: GraphView, mask: str) -> Edit | Refusal:
    """One mask for all scores that it is added to, as low as the neediest of them need."""
    arrival, readers = softmaxes_behind(graph, mask), graph.consumers(mask)
    if arrival.elsewhere or not all(_is_sum(graph, reader) for reader in readers):
        return Refusal(f"the mask is more than one that is added to scores: {arrival.elsewhere or mask}")
    pairs = [Masked(_other(reader, mask), mask) for reader in readers]
    gaps = [_gap(lint, graph, pair) for pair in pairs]
    if None in gaps:
        return _unknown(lint)
    return _added(lint, graph, mask, math.floor(min(min(-_depth(gap), gap.bias) for gap in gaps if gap is not None)))


def _added(lint: LintContext, graph: GraphView, mask: str, fill: int) -> Edit | Refusal:
    """A mask that is added, but no lower than `fill`: by its own constant where that is possible."""
    w = Writer(graph, f"rk701/{mask}")
    number = w.constant(float(fill), graph.value(mask).dtype or "float32", "fill")
    node, within = graph.producer(mask), dict[str, Between]()
    place = None if node is None else _place_of_fill(graph, node)
    if node is None or place is None:
        new = w.op("Max", mask, number)
    else:
        others = [name for i, name in enumerate(node.inputs) if i != place]
        new = w.op(node.op, *(number if i == place else name for i, name in enumerate(node.inputs)))
        if node.op == "Mul":
            seen = lint.observed.of(others).get(others[0])
            if seen is None or not seen.whole or seen.low < 0:
                return _unknown(lint)
            within = {others[0]: Between(seen.low, seen.high, integer=True)}
    tolerance = Tolerance(0.0, 0.0, beyond=float(-fill))
    return w.rewrite({mask: new}, tolerance, f"as low as the scores need: {fill}", within=within)


def _place_of_fill(graph: GraphView, node: Node) -> int | None:
    """The input of Where or Mul that is the fill, one number, where no other brings one."""
    places = {"Where": (1, 2), "Mul": (0, 1)}.get(node.op, ()) if node.domain in ("", "ai.onnx") else ()
    fills = [place for place in places if _fill_behind(graph, node.inputs[place]) is not None]
    return fills[0] if len(fills) == 1 and scalar(graph, node.inputs[fills[0]]) is not None else None


def _chosen(lint: LintContext, graph: GraphView, node: Node) -> Edit | Refusal:
    """A choice between scores and a fill, with a fill as low as the scores need."""
    condition, *branches = node.inputs
    place = next((i for i in (1, 0) if scalar(graph, branches[i]) is not None), None)
    if place is None:
        return Refusal("the mask chooses between scores and something else than one number")
    scores, old = branches[1 - place], branches[place]
    pair = Masked(scores, condition, "true counts" if place else "false counts")
    gap = _gap(lint, graph, pair)
    if gap is None:
        return _unknown(lint)
    # The fill takes the place of the score, so it has to lie below the least of the highest scores of rows.
    fill = math.floor(min(gap.lowest, 0.0) - math.log(gap.keys / LEFT))
    w = Writer(graph, f"rk701/{node.outputs[0]}")
    new = w.constant(float(fill), graph.value(old).dtype or "float32", "fill")
    chosen = w.op("Where", condition, *((scores, new) if place else (new, scores)))
    tolerance = Tolerance(0.0, 0.0, beyond=float(-fill))
    return w.rewrite({node.outputs[0]: chosen}, tolerance, f"{scalar(graph, old):.4g} → {fill}")
