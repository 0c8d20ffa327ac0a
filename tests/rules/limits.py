"""Rules that speak for limits of the op table: an invented table, a model, and what one rule finds."""

from __future__ import annotations

from typing import Any

from rkgraph.engine.lint import lint_view
from rkgraph.results import Result
from rkgraph.rulebook.ruleset import RuleSet
from rkgraph.tables.table import OpTable
from rkgraph.targets import Target
from tests.rulebook.builders import EVIDENCE
from tests.rules.harness import view_of


def limit(kind: str, outcome: str, **fields: Any) -> dict[str, Any]:
    """A limit of any kind, as in the TOML source of a table."""
    return {"kind": kind, "outcome": outcome, "evidence": EVIDENCE, **fields}


def found_by(code: str, model: str, against: OpTable) -> Result:
    """What lint says of a model with this rule alone."""
    return lint_view(view_of(model), Target(), RuleSet("test", "2.3.2", (code,)), table=against)
