"""One scheme of evidence ids (op_tables/evidence/README.md): whatever a card or a diagnostic cites can be looked up."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

import pytest

from rkgraph.resources import data_folder
from rkgraph.rulebook.registry import load_rules
from rkgraph.tables.table import load_table
from rkgraph.tables.wrong_numbers import wrong_numbers

ROOT = Path(__file__).resolve().parents[2]
EVIDENCE = data_folder("op_tables") / "evidence"


@lru_cache(maxsize=1)
def probes() -> frozenset[str]:
    lines = (line for path in EVIDENCE.glob("*.jsonl") for line in path.read_text().splitlines())
    rows = (json.loads(line) for line in lines)
    return frozenset(row["id"] for row in rows if "id" in row)  # cost.jsonl has layer tables, which nothing cites


def is_probe(name: str) -> bool:
    if name.endswith("*"):
        return any(known.startswith(name.removesuffix("*")) for known in probes())
    return name in probes() or name.removeprefix("targets/") in probes()


def is_fact(name: str) -> bool:
    return f"\n| `facts:{name}` |" in (EVIDENCE / "README.md").read_text()


def is_session(name: str) -> bool:
    return (ROOT / "tests" / "toolkit" / "sessions" / name / "log").is_file()


def is_rewrite(name: str) -> bool:
    return f"\n## {name}\n" in (ROOT / "benchmarks" / "rewrites.md").read_text()


def is_law(name: str) -> bool:
    return f"\n## {name}\n" in (ROOT / "benchmarks" / "silent_wrong.md").read_text()


RESOLVERS: dict[str, Callable[[str], bool]] = {
    "probe": is_probe,
    "facts": is_fact,
    "session": is_session,
    "rewrites": is_rewrite,
    "numbers": is_law,
    "doc": lambda name: "/" in name,
    "field": bool,
    "log": lambda name: name == "build",
}


def resolves(identifier: str) -> bool:
    kind, colon, name = identifier.partition(":")
    return bool(colon) and kind in RESOLVERS and RESOLVERS[kind](name)


def cited() -> Iterator[tuple[str, str]]:
    """Who cites, and what: cards, op tables, and literals `evidence=(…)` anywhere in the package."""
    for rule in load_rules():
        yield from ((rule.card.stem, name) for name in rule.card.evidence)
    for law in wrong_numbers().values():
        yield from ((law.name, name) for name in law.evidence)
    for entry in load_table("2.3.2").entries():
        for statement in (entry, *entry.limits):
            yield from ((entry.op, name) for name in statement.evidence)
    for path in sorted((ROOT / "rkgraph").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.keyword) and node.arg == "evidence" and isinstance(node.value, ast.Tuple):
                for element in node.value.elts:
                    if isinstance(element, ast.Constant):
                        yield path.stem, str(element.value)


def test_every_id_resolves() -> None:
    everything = list(cited())
    assert len({who for who, _ in everything}) > 100
    assert not sorted({(who, name) for who, name in everything if not resolves(name)})


def test_literals_in_rules_are_seen() -> None:
    assert ("rk502_late_score_scale", "rewrites:attention-forms") in set(cited())
    assert ("diagnosis", "log:build") in set(cited())


@pytest.mark.parametrize(
    "name",
    [
        "toolkit log",
        "rewrites/mask-forms",
        "rewrites:nowhere",
        "numbers:nowhere",
        "facts:nothing",
        "probe:Abs/none",
        "session:x",
        "log:x",
    ],
)
def test_strangers_do_not_resolve(name: str) -> None:
    assert not resolves(name)


def test_every_kind_is_documented() -> None:
    text = (EVIDENCE / "README.md").read_text()
    assert {kind for kind in RESOLVERS if f"`{kind}:" in text} == set(RESOLVERS)


def test_every_rule_cites_something() -> None:
    """On its card, or at each finding (rules that speak for the op table)."""
    in_code = {who for who, _ in cited()}
    silent = {r.card.stem for r in load_rules() if not r.card.evidence and r.card.stem not in in_code}
    assert silent <= {"rk103_unknown_operator"}, silent
