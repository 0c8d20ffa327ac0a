"""What a rule is: a card (contract and documentation), a check, and optionally a fix.

A rule's module `rkgraph/rules/rk201_int64_tensor.py` defines

    def check(lint: LintContext) -> Iterator[Finding]: ...      # all findings, not the first
    def fix(lint: LintContext, finding: Finding) -> Edit | Cut | Refusal: ...      # optional

and nothing else that the engine reads: code, name, severity, applicable operators, fix title and safety class
come from the card `rules/rk201_int64_tensor.md`. Rules hold no state and never import each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from rkgraph.analysis.observed import NOTHING_OBSERVED, Observations
from rkgraph.diagnostics import Confidence, Device, Severity, Verdict
from rkgraph.records import Record

if TYPE_CHECKING:
    import numpy.typing as npt

    from rkgraph.analysis.folding import Folding
    from rkgraph.analysis.origins import Origin
    from rkgraph.graph.view import GraphView, ModelView, Node
    from rkgraph.tables.table import Judgement, OpTable
    from rkgraph.targets import Target

__all__ = ["EXPLAINED", "Finding", "LintContext", "Options"]


class Options(Record):
    """What the user asked for that rules and fixes may need to know.

    `shapes` input → shape and `dims` symbolic name → size, as given; `frozen` input → array; `suggested_shapes` come
    from files beside the model (tokenizer, config), for suggestions only. `lm_head_shards` are the parts that an
    output projection is to be computed in; 0: on the host. `with_graph`: the result has the edges of the graph, too.
    `rules` has what the user set of single rules: code → name of the option, as the card declares it → value.
    `absent` inputs hold nothing: sequences without elements, optional values without content.
    """

    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    dims: Mapping[str, int] = field(default_factory=dict)
    frozen: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    suggested_shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    lm_head_shards: int = 0
    with_graph: bool = False
    rules: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    absent: frozenset[str] = frozenset()


class LintContext(Record):
    """All that a rule may look at: the model, the target, the op table of its toolkit, and what was asked for.

    `folding` says which nodes disappear before lowering. `origins` is by graph path and value name; `judgements` by
    graph path and node index, all nodes but constant ones: a dead node is checked before it is dropped. What lies in
    the body of a node (Scan, Loop, If) goes where that node goes. `observed` is what values hold on the user's samples.
    `settings` are the options that the card of the rule declares which looks: what the user set, else the defaults.
    """

    model: ModelView
    target: Target
    table: OpTable
    options: Options
    folding: Folding
    origins: Mapping[str, Mapping[str, Origin]]
    judgements: Mapping[tuple[str, int], Judgement]
    observed: Observations = NOTHING_OBSERVED
    settings: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def folded(self) -> frozenset[tuple[str, int]]:
        """(graph path, node index) of the nodes that disappear before lowering: constant ones and dead ones."""
        return self.folding.gone

    def is_constant(self, graph: GraphView, name: str) -> bool:
        """Whether the value of `graph` is a constant, or what folds makes it."""
        producer = graph.producer(name)
        if producer is not None:
            return (producer.path, producer.index) in self.folding.constant
        return graph.is_constant(name)

    def is_read(self, name: str, *, alive: bool = False) -> bool:
        """Whether a node of the main graph, or a body in it, reads the value; `alive`: one that is lowered."""
        main = self.model.main
        readers = main.consumers(name)
        if alive:
            readers = tuple(node for node in readers if (node.path, node.index) not in self.folded)
        return bool(readers) or name in main.captured

    def live_nodes(self, graph: GraphView) -> tuple[Node, ...]:
        """The nodes of `graph` that reach the compiler's lowering, in file order."""
        return self.folding.alive(graph)

    def judgement(self, node: Node) -> Judgement:
        """What the op table says of a node that is not constant. Raises KeyError for one that is."""
        return self.judgements[node.path, node.index]

    def origin(self, graph: GraphView, name: str) -> Origin:
        """What the value of `graph` depends on: nothing but constants and static shapes, dynamic shapes, or data."""
        return self.origins[graph.path][name]


EXPLAINED = "explained"
"""In `Finding.roots`: any finding that says so of this place in its `explains`."""


class Finding(Record):
    """What a rule found: a place, a message, and the data behind it. The engine makes a Diagnostic of it.

    `node` or `value` says where (both None: the whole model). `device` and `verdict`, where given, are what the
    finding means for placement and for the model; `wrong_numbers`: it builds, runs, and computes something else.
    `severity` overrides the card's. `key` tells apart several findings of one rule at one place. `among` are all nodes
    that it is about, where `node` is but the first of them in the file: the fingerprint is that of all, whatever their
    order.

    Causes: `roots` are codes of rules whose finding, where it lies upstream, is the reason for this one; this one is
    then reported as induced by it. `explains` are the nodes, by graph path and index, for which a finding is the
    reason; None means all that lie downstream of its place.
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
    wrong_numbers: bool = False
    fixable: bool = True
    key: str = ""
    among: tuple[Node, ...] = ()
    roots: tuple[str, ...] = ()
    explains: frozenset[tuple[str, int]] | None = None
