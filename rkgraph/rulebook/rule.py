"""What a rule is: a card (contract and documentation), a check, and optionally a fix.

A rule's module `rkgraph/rules/rk201_int64_tensor.py` defines

    def check(lint: LintContext) -> Iterator[Finding]: ...      # all findings, not the first
    def fix(lint: LintContext, finding: Finding) -> Edit | Refusal: ...      # optional

and nothing else that the engine reads: code, name, severity, applicable operators, fix title and safety class
come from the card `rules/rk201_int64_tensor.md`. Rules hold no state and never import each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rkgraph.diagnostics import Confidence, Device, Severity, Verdict

if TYPE_CHECKING:
    import numpy.typing as npt

    from rkgraph.graph.view import GraphView, ModelView, Node
    from rkgraph.tables.table import OpTable
    from rkgraph.targets import Target

__all__ = ["Finding", "LintContext", "Options"]


@dataclass(frozen=True)
class Options:
    """What the user asked for that rules and fixes may need to know.

    `shapes` input → shape and `dims` symbolic name → size, as given; `frozen` input → array; `suggested_shapes` come
    from files beside the model (tokenizer, config), for suggestions only.
    """

    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    dims: Mapping[str, int] = field(default_factory=dict)
    frozen: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    suggested_shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class LintContext:
    """All that a rule may look at: the model, the target, the op table of its toolkit, and what was asked for.

    `folded` holds (graph path, node index) of the nodes that disappear before lowering: constants and shapes only.
    """

    model: ModelView
    target: Target
    table: OpTable
    options: Options
    folded: frozenset[tuple[str, int]]

    def live_nodes(self, graph: GraphView) -> tuple[Node, ...]:
        """The nodes of `graph` that reach the compiler's lowering, in file order."""
        return tuple(n for n in graph.nodes if (n.path, n.index) not in self.folded)


@dataclass(frozen=True)
class Finding:
    """What a rule found: a place, a message, and the data behind it. The engine makes a Diagnostic of it.

    `node` or `value` says where (both None: the whole model). `device` and `verdict`, where given, are what the
    finding means for placement and for the model. `severity` overrides the card's. `key` tells apart several
    findings of one rule at one place.
    """

    message: str
    graph: str = "main"
    node: Node | None = None
    value: str | None = None
    observed: Mapping[str, Any] = field(default_factory=dict)
    limit: Mapping[str, Any] = field(default_factory=dict)
    evidence: tuple[str, ...] = ()
    confidence: Confidence = Confidence.PROBED
    severity: Severity | None = None
    device: Device | None = None
    verdict: Verdict | None = None
    fixable: bool = True
    key: str = ""
