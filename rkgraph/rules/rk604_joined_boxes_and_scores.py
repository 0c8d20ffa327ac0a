"""RK604: a detector that decodes boxes and joins them with scores to one output."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.analysis.heads import detection_heads
from rkgraph.diagnostics import Severity
from rkgraph.graph.cut import Cut
from rkgraph.graph.rewrite import Refusal
from rkgraph.graph.view import Node
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.targets import precision_config

SHOWN = 3


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each output that joins them."""
    main = lint.model.main
    quantized = bool(precision_config(lint.target)["do_quantization"])
    for head in detection_heads(main):
        live = [node for node in head.decode if (node.path, node.index) not in lint.folded]
        on_cpu = sum(_is_on_cpu(lint, node) for node in live)
        cpu = f", {on_cpu} of them on the CPU" if on_cpu else ""
        scale = "; in 8 bits they share one scale, and the scores become zero" if quantized else ""
        yield Finding(
            f"the output '{head.output}' joins boxes ({_named(head.boxes)}) and scores ({_named(head.scores)}){scale}; "
            f"{len(live)} nodes decode the boxes{cpu}; recommended: cut before they are decoded and joined",
            node=head.joins[0],
            observed={"boxes": list(head.boxes), "scores": list(head.scores), "decode": len(live)},
            severity=Severity.WARNING if quantized else None,
        )


def fix(lint: LintContext, finding: Finding) -> Cut | Refusal:
    """The host decodes and joins; the NPU gives what the last convolutions made, boxes and scores apart."""
    heads = detection_heads(lint.model.main)
    found = next(
        (head for head in heads if finding.node is not None and head.joins[0].index == finding.node.index), None
    )
    if found is None:
        return Refusal("there is no such head any more")
    moved = (*found.decode, *found.joins, *found.behind)
    names = frozenset(next(filter(None, node.outputs)) for node in moved)
    return Cut(names, f"decoding and joining of {found.output} on the host")


def _is_on_cpu(lint: LintContext, node: Node) -> bool:
    judged = lint.judgements.get((node.path, node.index))
    return judged is not None and judged.outcome == "cpu"


def _named(names: tuple[str, ...]) -> str:
    return ", ".join(names[:SHOWN]) + (" …" if len(names) > SHOWN else "")
