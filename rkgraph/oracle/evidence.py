"""What the compiler did and lint did not foresee, as lines of evidence: what a user sends in to mend the op table.

A node that was mispredicted is made a case of its own, and that is built: where it shows what the model showed, the
line is evidence like any other (`model` is the case in ONNX text, measured on its own). Where it does not, its
surroundings matter, or it cannot be cut out: then the line tells the facts of the node in the model (`instance`).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from rkgraph.compile.diagnosis import node_named_in
from rkgraph.diagnostics import Device, Verdict
from rkgraph.probe.facts import Facts
from rkgraph.probe.measure import measure
from rkgraph.probe.node_case import cases_of, describe
from rkgraph.probe.outcome import line_of

if TYPE_CHECKING:
    from rkgraph.compile.toolchain import Toolchain
    from rkgraph.graph.view import Node
    from rkgraph.oracle.verify import Verified
    from rkgraph.probe.store import ProbeStore
    from rkgraph.targets import Target

__all__ = ["evidence_lines"]

MOST_CASES = 60
"""Distinct nodes of one model that are built on their own (0.3 s each); the others are told as facts."""

_OUTCOMES = {Device.NPU: "npu", Device.CPU: "cpu", Device.NO_KERNEL: "no-kernel", Device.FOLDED: "npu"}
"""What evidence says of a node that came out there; one without a layer of its own counts as npu."""


def evidence_lines(
    done: Verified, chain: Toolchain, store: ProbeStore, tell: Callable[[str], None] = lambda _text: None
) -> tuple[str, ...]:
    """One JSON line for each distinct operator instance that was mispredicted, in file order; none where all is right.

    Args:
        done: a model that was verified.
        chain: the toolkit, for cases that `store` does not have.
        store: facts of cases that were built before.
        tell: called with a few words as each case is built.

    Raises:
        ToolkitMissing, ToolkitFailed: a case has to be built, and the toolkit is not installed or cannot be started.
    """
    graph = done.view.main
    instances: dict[str, dict[str, Any]] = {}
    for node, outcome, seen in _mispredicted(done):
        facts = {"op": node.full_op, "outcome": outcome, **seen, "instance": describe(node, graph)}
        instances.setdefault(json.dumps(facts, sort_keys=True), {**facts, "node": node})
    lines = []
    for number, facts in enumerate(instances.values()):
        node = facts.pop("node")
        tell(f"evidence {number + 1}/{len(instances)}: {node.op}")
        case = _reproduced(node, facts["outcome"], done, chain, store) if number < MOST_CASES else None
        lines.append({**_where(done), **(case or {**facts, "node": node.label})})
    if not lines and done.truth.verdict is not done.predicted.verdict:
        lines.append({**_where(done), **_whole(done)})
    return tuple(json.dumps(line, ensure_ascii=False, separators=(",", ":")) for line in lines)


def _mispredicted(done: Verified) -> Iterator[tuple[Node, str, dict[str, Any]]]:
    """Nodes, what became of each, and what the log says of it."""
    for each in done.mismatches:
        seen = {} if each.layer is None else {"layers": [f"{each.layer.op}@{each.layer.target}"]}
        yield each.node, _OUTCOMES[each.real], seen
    if done.truth.verdict is Verdict.BUILD_FAILS and done.predicted.verdict is not Verdict.BUILD_FAILS:
        node = node_named_in(done.truth.error or "", done.view.main)
        if node is not None:
            yield node, "build-fails", {"error": f"{done.truth.stage}: {done.truth.error}"}


def _reproduced(node: Node, outcome: str, done: Verified, chain: Toolchain, store: ProbeStore) -> dict[str, Any] | None:
    """The evidence of the first case of the node that shows this outcome; None where none does."""
    for case in cases_of(node, done.view.main):
        line = line_of(case, _facts(case.text, done.result.target, chain, store))
        if line["outcome"] == outcome:
            return {**line, "model": case.text}
    return None


def _facts(text: str, target: Target, chain: Toolchain, store: ProbeStore) -> Facts:
    known = store.find(text, target)
    if known is None:
        known = measure(text, target, chain.start())
        store.keep(text, target, known)
    return known


def _where(done: Verified) -> dict[str, Any]:
    target = done.result.target
    return {"toolkit": target.toolkit, "platform": target.platform, "precision": target.precision}


def _whole(done: Verified) -> dict[str, Any]:
    """A verdict that no node explains: what the model is made of, and what the compiler said."""
    return {
        "outcome": done.truth.verdict.value,
        "predicted": done.predicted.verdict.value,
        "error": f"{done.truth.stage}: {done.truth.error}" if done.truth.error else "",
        "lost": sorted({entry.op for entry in done.truth.facts.no_lowering}),
        "sha256": done.view.sha256,
        "opset": done.view.opset,
        "operators": dict(sorted(Counter(node.full_op for node in done.view.main.nodes).items())),
    }
