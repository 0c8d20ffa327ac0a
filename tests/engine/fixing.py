"""Models of fix tests are ONNX text; rules made up here stand in for real ones, wrong ones above all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx

from rkgraph.diagnostics import FixOffer, Safety, Severity
from rkgraph.engine.fix import FixOutcome, FixSettings, fix_model
from rkgraph.graph.model import Model
from rkgraph.graph.rewrite import EXACT, Edit, Refusal, Rewrite, Tape, Tolerance
from rkgraph.rulebook.card import Card
from rkgraph.rulebook.registry import Rule
from rkgraph.rulebook.rule import Finding, LintContext, Options
from rkgraph.rulebook.ruleset import RuleSet
from rkgraph.targets import Target
from tests.rules.harness import parse


def fix_text(
    text: str | onnx.ModelProto,
    folder: Path,
    *codes: str,
    options: Options | None = None,
    allow: frozenset[Safety] = frozenset(),
    proof: str = "auto",
    settings: FixSettings | None = None,
) -> FixOutcome:
    """Fix a model with the rules whose codes (or prefixes) are named; with all rules if none is."""
    path = folder / "model.onnx"
    path.write_bytes((parse(text) if isinstance(text, str) else text).SerializeToString())
    ruleset = RuleSet("test", "2.3.2", codes or ("RK",))
    settings = settings or FixSettings(counterexamples=folder / "wrong")
    return fix_model(Model.load(path), Target(), ruleset, options or Options(), allow, proof=proof, settings=settings)


Write = Callable[[Tape, tuple[str, ...]], str]


def rule_for(
    op: str,
    write: Write,
    *,
    code: str = "RK801",
    safety: Safety = Safety.SAFE,
    tolerance: Tolerance = EXACT,
    **more: Mapping[str, object],
) -> Rule:
    """A rule that finds every node of `op` and replaces its output by what `write` records; `more` goes to Rewrite."""

    def check(lint: LintContext) -> Iterator[Finding]:
        for node in lint.model.main.nodes_of(op):
            yield Finding(f"there is a {op}", node=node)

    def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
        assert finding.node is not None
        tape = Tape(f"{code.lower()}/{finding.node.outputs[0]}")
        new = write(tape, finding.node.inputs)
        return Rewrite({finding.node.outputs[0]: new}, tape, tolerance, **more)  # type: ignore[arg-type]

    offer = FixOffer("Do it otherwise", safety)
    return Rule(Card("made_up", code, f"made-up-{code.lower()}", Severity.WARNING, (op,), "", fix=offer), check, fix)


def operators(outcome: FixOutcome) -> list[str]:
    """The operators of the fixed model, constants aside."""
    return [node.op for node in outcome.model.view().main.nodes if node.op != "Constant"]


def run(outcome: FixOutcome, feeds: Mapping[str, npt.NDArray[np.generic]]) -> dict[str, npt.NDArray[np.generic]]:
    """The outputs of the fixed model."""
    from rkgraph.analysis.evaluator import evaluate

    return evaluate(outcome.model.proto(weights=True), feeds)
