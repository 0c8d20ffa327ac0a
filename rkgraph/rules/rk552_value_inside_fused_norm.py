"""RK552: a value inside a layer normalization that is wanted elsewhere, and that fusing the normalization destroys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.diagnostics import Verdict
from rkgraph.rulebook.norms import Norm, blockers, norms
from rkgraph.rulebook.rule import Finding

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView
    from rkgraph.rulebook.rule import LintContext


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each mean that something else reads, and for each output that a scale or shift goes on from."""
    main = lint.model.main
    for norm in norms(main):
        if (main.path, norm.root.index) in lint.folded or any(blockers(main, norm)):
            continue
        yield from _read_mean(main, norm)
        yield from _lost_outputs(main, norm)


def _read_mean(graph: GraphView, norm: Norm) -> Iterator[Finding]:
    others = [node for node in graph.consumers(norm.mean) if node not in norm.centring]
    maker = graph.producer(norm.mean)
    if others and maker is not None:
        yield Finding(
            f"the mean '{norm.mean}' is read by {others[0].label} ({others[0].op}), too: the compiler fuses the "
            "normalization, misses the value, and the build ends with a KeyError; compute the mean a second time from "
            "another value, or divide by a product with the Reciprocal of the deviation",
            node=maker,
            observed={"readers": [node.label for node in others]},
            verdict=Verdict.BUILD_FAILS,
            key="mean",
        )


def _lost_outputs(graph: GraphView, norm: Norm) -> Iterator[Finding]:
    for node in graph.consumers(norm.root.outputs[0]):
        if node.op != "Div" or node.inputs != (norm.centred, norm.root.outputs[0]):
            continue
        name = node.outputs[0]
        readers = [each for each in graph.consumers(name) if each.op in ("Mul", "Add")]
        scaled = [each for each in readers if any(map(graph.is_constant, each.inputs))]
        if name in graph.outputs and scaled:
            yield Finding(
                f"the output '{name}' is lost: {scaled[0].label} scales or shifts it, the compiler takes both for one "
                "normalization, and the compiled model has one output less; hand out what comes behind",
                node=node,
                observed={"output": name},
                key="output",
            )
