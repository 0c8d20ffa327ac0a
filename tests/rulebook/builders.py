"""Small op tables and rules for tests that must not depend on what was measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rkgraph.diagnostics import Severity
from rkgraph.rulebook.card import HEADINGS, Card
from rkgraph.rulebook.registry import Rule
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.tables.table import OpTable

EVIDENCE = ["probe:invented-for-a-test"]


def op(name: str, outcome: str, *limits: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """An entry of an op table, as in its TOML source."""
    return {"op": name, "outcome": outcome, "evidence": EVIDENCE, "limit": list(limits), **more}


def dtype_limit(outcome: str, *allowed: str, index: int = 0, **more: Any) -> dict[str, Any]:
    """A limit on the dtype of an input."""
    return {"kind": "dtype", "index": index, "allowed": list(allowed), "outcome": outcome, "evidence": EVIDENCE, **more}


def table(*entries: Mapping[str, Any]) -> OpTable:
    """A table that was measured on rk3588 in fp16."""
    ops: dict[str, list[Mapping[str, Any]]] = {}
    for entry in entries:
        ops.setdefault(entry["op"], []).append(entry)
    measured = [{"platform": "rk3588", "precision": "fp16", "cases": 1}]
    return OpTable({"toolkit": "2.3.2", "digest": "0" * 64, "measured": measured, "ops": ops}, "invented.toml")


def rule(
    code: str,
    check: Callable[[LintContext], Iterator[Finding]] | None = None,
    *,
    after: Sequence[str] = (),
    name: str = "",
) -> Rule:
    """A rule that is not in the registry; it finds nothing unless it is told how."""
    title = name or f"invented-{code.lower()}"
    body = "\n".join(f"## {heading}\n\nText.\n" for heading in HEADINGS)
    stem = f"{code}_{title}".lower().replace("-", "_")
    card = Card(stem, code, title, Severity.WARNING, ("*",), body, after=tuple(after))
    return Rule(card, check or (lambda _lint: iter(())))
