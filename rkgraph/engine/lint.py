"""Lint: run the rules over a view, and make a result of what they find.

The model is only read. The result depends on nothing but the view, the target, the rules and the options: the same
input gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from rkgraph.analysis.folding import Folding, constancy, fold
from rkgraph.analysis.observed import NOTHING_OBSERVED, Observations
from rkgraph.analysis.origins import subgraphs, value_origins
from rkgraph.cost.estimate import costs_of
from rkgraph.diagnostics import Diagnostic, Location, fingerprint
from rkgraph.engine.causes import causes
from rkgraph.engine.divisions import guarded_division
from rkgraph.engine.graph_record import graph_record
from rkgraph.engine.identity import Identities, identities_of, numbered
from rkgraph.engine.placement import place
from rkgraph.engine.verdict import decide
from rkgraph.errors import RkgraphError
from rkgraph.graph.view import GraphView, ModelView
from rkgraph.records import Record
from rkgraph.results import ModelInfo, Result, TableInfo, TensorInfo
from rkgraph.rulebook.card import NEEDS
from rkgraph.rulebook.registry import Rule, load_rules
from rkgraph.rulebook.rule import Finding, LintContext, Options
from rkgraph.rulebook.ruleset import RuleSet
from rkgraph.tables.table import Judgement, OpTable, load_table
from rkgraph.tables.user_table import UserTable
from rkgraph.targets import Target, largest_activation, model_facts, precision_config

__all__ = ["Found", "failed", "find", "lint_view", "make_context", "result_of", "with_troubles"]

CHECKED = 8
"""Samples that are run beside a copy in fp16; each takes as long as two runs of the model and more."""


class Found(Record):
    """A finding, the rule that made it, and the diagnostic that the report shows of it.

    What is not `listed` was not selected: it decides verdict and placement, is not shown, and nothing is done about it.
    """

    rule: Rule
    finding: Finding
    diagnostic: Diagnostic
    listed: bool = True


def lint_view(
    view: ModelView,
    target: Target,
    ruleset: RuleSet,
    options: Options | None = None,
    *,
    rules: Sequence[Rule] | None = None,
    table: OpTable | None = None,
    user: UserTable | None = None,
    observed: Observations = NOTHING_OBSERVED,
) -> Result:
    """Lint one model. `rules` and `table` default to all rules, and the table of the target's toolkit.

    `user` is what the user has measured; nothing unless given, so that the same file gives the same report everywhere.

    Raises:
        TargetError: there is no op table of that toolkit.
    """
    context = make_context(view, target, options or Options(), table, user, observed=observed)
    return result_of(context, find(context, ruleset, rules))


def make_context(
    view: ModelView,
    target: Target,
    options: Options,
    table: OpTable | None = None,
    user: UserTable | None = None,
    *,
    observed: Observations = NOTHING_OBSERVED,
) -> LintContext:
    """What rules may look at. Raises TargetError where there is no op table of the target's toolkit."""
    table = table or load_table(target.toolkit)
    origins = value_origins(view)
    folding = fold(view, origins, folds_random=model_facts(target.toolkit).folds_random)
    judgements: dict[tuple[str, int], Judgement] = {}
    for graph in (view.main, *view.functions):
        _judge(graph, (table, user or UserTable()), target, folding, judgements)
    return LintContext(view, target, table, options, folding, origins, judgements, observed)


def with_troubles(
    observed: Observations, target: Target, tell: Callable[[str], None] = lambda _text: None
) -> Observations:
    """The observations, and what goes wrong in fp16 on the samples, where the target computes in fp16.

    A model that does not run on the samples has none: the proofs, and what is observed, say so.
    """
    if observed.model is None or not observed.samples or largest_activation(target) is None:
        return observed
    from rkgraph.analysis.evaluator import EvaluationError
    from rkgraph.analysis.fp16_trouble import fp16_troubles
    from rkgraph.rulebook.one_layer import values_within_layers

    try:
        within = values_within_layers(observed.model.view().main, target.toolkit)
        return observed.with_troubles(fp16_troubles(observed.model, observed.samples[:CHECKED], within, tell))
    except EvaluationError as error:
        tell(f"the model does not run on the samples: {error.message}")
        return observed


def _judge(
    graph: GraphView,
    tables: tuple[OpTable, UserTable],
    target: Target,
    folding: Folding,
    judgements: dict[tuple[str, int], Judgement],
) -> None:
    """Judge the nodes of a graph that are not constant; what is in their bodies goes where they go."""
    table, user = tables
    is_constant = constancy(graph, folding.constant)
    for node in graph.nodes:
        if (node.path, node.index) not in folding.constant:
            judgement = user.consult(table.judge(node, graph, target, is_constant), node, graph, target, is_constant)
            judgement = guarded_division(graph, node, judgement)
            judgements[node.path, node.index] = judgement
            inherited = Judgement(judgement.outcome, (), judgement.evidence, judgement.confidence)
            for inner in subgraphs(node):
                judgements.update((place, inherited) for place in _places(inner))


def _places(graph: GraphView) -> Iterator[tuple[str, int]]:
    """All nodes of a graph and of the bodies in it."""
    for node in graph.nodes:
        yield node.path, node.index
        for inner in subgraphs(node):
            yield from _places(inner)


def find(context: LintContext, ruleset: RuleSet, rules: Sequence[Rule] | None = None) -> tuple[Found, ...]:
    """All findings of the rules of `ruleset`, in the order of the report: by place in the file, then by code."""
    graphs = {graph.path: index for index, graph in enumerate(context.model.graphs())}
    ops = frozenset().union(*(graph.ops for graph in context.model.graphs()))
    every = load_rules() if rules is None else rules
    given = _given(context)
    selected = [rule for rule in every if ruleset.includes(rule.code) and rule.applies_to(ops, given)]
    found = [(rule, finding) for rule in selected for finding in rule.check(context)]
    found.sort(key=lambda pair: _position(pair[0], pair[1], graphs))
    fingerprints = _fingerprints(context.model, found)
    listed = [index for index, (rule, _) in enumerate(found) if ruleset.lists(rule.code)]
    among = causes(context.model, [(found[index][0].code, found[index][1]) for index in listed])
    roots = {listed[index]: fingerprints[listed[root]] for index, root in among.items()}
    shown = frozenset(listed)
    return tuple(
        Found(
            rule,
            finding,
            _diagnostic(rule, finding, ruleset, fingerprints[index], roots.get(index), listed=index in shown),
            listed=index in shown,
        )
        for index, (rule, finding) in enumerate(found)
    )


def _given(context: LintContext) -> frozenset[str]:
    """What of the card's NEEDS there is."""
    there = {"samples": bool(context.observed), "quantized": precision_config(context.target)["do_quantization"]}
    return frozenset(name for name in NEEDS if there[name])


def result_of(context: LintContext, found: Sequence[Found]) -> Result:
    """The result that states what was found: placement, verdict, diagnostics, what it costs, and what to mend first."""
    verdict, confidence = decide(context, [f.finding for f in found])
    placement = place(context, [(f.rule.code, f.finding) for f in found])
    costs = costs_of(context, placement, found)
    return Result(
        model=_model_info(context.model),
        target=context.target,
        table=TableInfo(context.table.version, context.table.digest),
        verdict=verdict,
        confidence=confidence,
        placement=placement,
        diagnostics=tuple(f.diagnostic for f in found if f.listed),
        cost={"estimate": costs.estimate},
        causes=costs.causes,
        opportunities=costs.opportunities,
        graph=graph_record(context.model.main) if context.options.with_graph else None,
    )


def failed(path: str, target: Target, error: RkgraphError) -> Result:
    """The result of a model that could not be read, so that the other models of the run keep theirs."""
    return Result(model=ModelInfo(path), target=target, error=str(error))


def _position(rule: Rule, finding: Finding, graphs: Mapping[str, int]) -> tuple[int, int, str, str, str, str]:
    index = finding.node.index if finding.node else -1
    return (graphs[finding.graph], index, rule.code, finding.value or "", finding.key, finding.message)


def _fingerprints(model: ModelView, found: Sequence[tuple[Rule, Finding]]) -> list[str]:
    if not found:
        return []
    identities = identities_of(model)
    return numbered(_fingerprint(rule.code, finding, identities[finding.graph]) for rule, finding in found)


def _fingerprint(code: str, finding: Finding, known: Identities) -> str:
    """Of the place and its key; "#N" behind it tells which of the places that look alike."""
    nodes = finding.among or (() if finding.node is None else (finding.node,))
    places = sorted(map(known.of_node, nodes))
    places += [] if finding.value is None else [known.of_value(finding.value)]
    own = fingerprint(code, known.around, finding.key, *(place.digest for place in places))
    return own if not places or places[0].place == 1 else f"{own}#{places[0].place}"


def _diagnostic(
    rule: Rule, finding: Finding, ruleset: RuleSet, own: str, root: str | None, *, listed: bool
) -> Diagnostic:
    node = finding.node
    return Diagnostic(
        code=rule.code,
        severity=ruleset.severities.get(rule.code) or finding.severity or rule.card.severity,
        at=Location(finding.graph, node.label if node else None, node.op if node else None, finding.value),
        message=finding.message,
        fingerprint=own,
        cause=root is None,
        induced_by=root,
        observed=finding.observed,
        limit=finding.limit,
        evidence=finding.evidence or rule.card.evidence,
        confidence=finding.confidence,
        fix=rule.card.fix if finding.fixable and listed else None,
        numerics="wrong" if finding.wrong_numbers else None,
    )


def _model_info(view: ModelView) -> ModelInfo:
    main = view.main
    return ModelInfo(
        path=view.path,
        sha256=view.sha256,
        opset=view.opset,
        nodes=len(main.nodes),
        inputs=tuple(_tensor(main, name) for name in main.inputs),
        outputs=tuple(_tensor(main, name) for name in main.outputs),
    )


def _tensor(graph: GraphView, name: str) -> TensorInfo:
    value = graph.value(name)
    return TensorInfo(name, value.dtype, value.shape)
