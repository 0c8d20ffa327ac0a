"""The engine's proof of mask rewrites: the rules' own are proved, wrong ones are refuted and taken back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rkgraph.diagnostics import Safety
from rkgraph.engine.fix import FixOutcome, FixSettings, fix_model
from rkgraph.graph.model import Model
from rkgraph.graph.rewrite import Rewrite, Tape
from rkgraph.rulebook.registry import Rule, load_rules
from rkgraph.rulebook.rule import Finding, LintContext, Options
from rkgraph.rulebook.ruleset import RuleSet
from rkgraph.targets import Target
from tests.rules.attention_block import block

RULES = {rule.code: rule for rule in load_rules()}
FORMS = {
    "RK202": {"mask": "sdpa"},
    "RK203": {"mask": "added"},
    "RK502": {"attention": "3d"},
    "RK503": {"gelu": "erf"},
    "RK504": {"mask": "chosen"},
    "RK505": {"mask": "parts"},
}


def fix(folder: Path, code: str, rule: Rule | None = None) -> FixOutcome:
    path = folder / "block.onnx"
    path.write_bytes(block(**FORMS[code]).SerializeToString())  # type: ignore[arg-type]
    rules = [replace(rule or RULES[code], card=replace((rule or RULES[code]).card, after=()))]
    ruleset = RuleSet("test", "2.3.2", (code,), allow=frozenset({Safety.FP16_RANGE}))
    return fix_model(Model.load(path), Target(), ruleset, Options(), settings=FixSettings(rules=rules))


@pytest.mark.parametrize("code", FORMS)
def test_a_rule_proves_its_rewrite(tmp_path: Path, code: str) -> None:
    outcome = fix(tmp_path, code)
    assert outcome.fixes.applied
    assert not outcome.is_refuted
    assert all(applied.proofs for applied in outcome.fixes.applied)


@pytest.mark.parametrize("code", FORMS)
def test_the_same_rewrite_gone_wrong_is_refuted(tmp_path: Path, code: str) -> None:
    rule = RULES[code]

    def wrong(lint: LintContext, finding: Finding) -> Rewrite:
        assert rule.fix is not None
        edit = rule.fix(lint, finding)
        assert isinstance(edit, Rewrite)
        return replace(edit, tape=spoiled(edit.tape))

    outcome = fix(tmp_path, code, replace(rule, fix=wrong))
    assert outcome.is_refuted
    assert outcome.fixes.applied == ()


def spoiled(tape: Tape) -> Tape:
    """The tape with other float constants; one without constants adds a value to itself instead of another."""
    other = Tape(tape.prefix)
    other.nodes = list(tape.nodes)
    for name, array in tape.constants.items():
        other.constants[name] = (array * 0.5 + 0.1).astype(array.dtype) if array.dtype.kind == "f" else array
    if not tape.constants:
        first = tape.nodes[0]
        other.nodes[0] = replace(first, inputs=(first.inputs[0], first.inputs[0]))
    return other
