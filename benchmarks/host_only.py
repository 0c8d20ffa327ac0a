"""The operators for which a stage on the host counts (`host_only.toml`), and what of a split is not among them."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from rkgraph.engine.fix import FixOutcome
from rkgraph.engine.lint import make_context
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.hosting import host_only
from rkgraph.rulebook.rule import Options

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE = Path(__file__).with_name("host_only.toml")


@cache
def listed() -> Mapping[str, str]:
    """Operator → kind."""
    table = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return {op: entry["kind"] for op, entry in table["operators"].items()}


def unlisted(outcome: FixOutcome) -> tuple[str, ...]:
    """Operators that had to leave for the host although they are not listed and touch plain tensors only, sorted."""
    view = outcome.model.view()
    forced = {node.index for node in host_only(make_context(view, outcome.after.target, Options()))}
    moved = {index for stage in outcome.stages if stage.kind == "onnx" for index in stage.nodes}
    nodes = (view.main.nodes[index] for index in sorted(forced & moved))
    return tuple(sorted({node.op for node in nodes if node.op not in listed() and _is_plain(view.main, node)}))


def _is_plain(graph: GraphView, node: Node) -> bool:
    values = [graph.value(name) for name in (*node.reads, *filter(None, node.outputs))]
    return all(v.dtype not in (None, "string") and (v.is_static or graph.is_constant(v.name)) for v in values)
