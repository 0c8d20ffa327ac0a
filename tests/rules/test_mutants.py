"""Wrong versions of every rewrite are refuted: the proofs would notice its author's slips.

What survives is listed in `surviving_mutants.toml` with the reason why that slip changes nothing; anything else that
survives is a hole in a proof.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rkgraph.cli.common import parse_allow
from rkgraph.engine.fix import FixOutcome, fix_model
from rkgraph.graph.model import Model
from rkgraph.graph.rewrite import Edit, Refusal, Rewrite
from rkgraph.rulebook.card import Block
from rkgraph.rulebook.registry import Rule, load_rules
from rkgraph.rulebook.rule import Finding, LintContext, Options
from rkgraph.rulebook.ruleset import RuleSet
from tests.rules.harness import parse
from tests.rules.mutants import mutants
from tests.rules.test_cards import settings_of, told

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

LISTED = tomllib.loads(Path(__file__).with_name("surviving_mutants.toml").read_text(encoding="utf-8"))
AT_LEAST = 3
AT_MOST = 12
"""Mutants of one example that are tried, spread over all that there are."""

Change = Callable[[Rewrite], Rewrite]


def examples() -> list[object]:
    return [
        pytest.param(rule, example, fixed, id=f"{rule.card.stem}:{example.line}")
        for rule in load_rules()
        if rule.fix is not None
        for example, fixed in list(zip(rule.card.blocks("Example"), rule.card.blocks("Fixed"), strict=False))[:1]
    ]


def with_change(rule: Rule, change: Change, seen: list[Rewrite]) -> Rule:
    """The rule with `change` made to the first rewrite that it returns; `seen` receives it as it was."""

    def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
        assert rule.fix is not None
        edit = rule.fix(lint, finding)
        if not isinstance(edit, Rewrite) or seen:
            return edit
        seen.append(edit)
        return change(edit)

    return replace(rule, fix=fix)


def run(rule: Rule, example: Block, options: Block, change: Change, folder: Path) -> tuple[list[Rewrite], FixOutcome]:
    path = folder / "example.onnx"
    path.write_bytes(parse(example.text).SerializeToString())
    how = told(options)
    seen: list[Rewrite] = []
    settings = replace(settings_of(example), rules=[with_change(rule, change, seen)])
    allow = parse_allow(options.options.get("allow", ())) | ({rule.card.fix.safety} if rule.card.fix else set())
    asked = Options(shapes=how["shapes"], dims=how["dims"])
    alone = RuleSet("mutants", "2.3.2", (rule.code, *options.options.get("with", ())))
    return seen, fix_model(Model.load(path), how["target"], alone, asked, allow, settings=settings)


def is_noticed(rule: Rule, example: Block, options: Block, change: Change, folder: Path) -> bool:
    """A proof refuted or could not evaluate the mutant, or the graph refused it."""
    try:
        _, outcome = run(rule, example, options, change, folder)
    except ValueError:  # the graph says that the rewrite is none: a cycle, a name that is not there
        return True
    return outcome.is_refuted or any("taken back" in refused.reason for refused in outcome.fixes.refused)


def chosen(edit: Rewrite) -> Iterator[tuple[str, Rewrite]]:
    every = list(mutants(edit))
    step = max(1, -(-len(every) // AT_MOST))
    yield from every[::step]


@pytest.mark.parametrize(("rule", "example", "options"), examples())
def test_the_proofs_refute_wrong_versions(rule: Rule, example: Block, options: Block, tmp_path: Path) -> None:
    seen, right = run(rule, example, options, lambda edit: edit, tmp_path)
    if not seen:
        pytest.skip("the rule's edit is none of nodes: shapes, inputs or the opset")
    assert not right.is_refuted
    tried = dict(chosen(seen[0]))
    assert len(tried) >= AT_LEAST or not seen[0].tape.nodes
    survivors = {
        name
        for name, wrong in tried.items()
        if not is_noticed(rule, example, options, lambda _, wrong=wrong: wrong, tmp_path)
    }
    assert survivors == set(LISTED.get(rule.code, {}))


def test_only_rules_that_exist_are_listed() -> None:
    assert set(LISTED) <= {rule.code for rule in load_rules()}
    assert all(reason.strip() for rule in LISTED.values() for reason in rule.values())
