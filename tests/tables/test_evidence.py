"""The tables against what was measured: every line is predicted or listed, every id that is cited exists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

import pytest

from rkgraph.induction.induce import BASE
from rkgraph.induction.laws import fails_by_law
from rkgraph.induction.sample import place_of
from rkgraph.probe.evidence import evidence_folder, lines_of, measured_targets, models_of
from rkgraph.tables.entry import Entry
from rkgraph.tables.table import load_table
from rkgraph.targets import Target, toolkits

EVIDENCE = evidence_folder()
VERSIONS = [version for version in toolkits() if measured_targets(version)]
TARGETS = [target for version in VERSIONS for target in measured_targets(version)]


@lru_cache(maxsize=1)
def models():
    return models_of()


@lru_cache(maxsize=32)
def lines(target):
    return lines_of(target)


def listed(version: str) -> set[str]:
    return set((EVIDENCE / f"rknn-{version}" / "unexplained.txt").read_text().splitlines())


def disagreement(target: Target, name: str, outcome: str) -> str | None:
    """The line that says so, where the table predicts another outcome than was measured."""
    place = place_of(models()[name].text)
    judged = load_table(target.toolkit).judge(place.node, place.graph, target, place.is_constant)
    if judged.outcome == outcome or (outcome == "build-fails" and fails_by_law(place, target.toolkit)):
        return None
    return f"{target.platform} {name}: {outcome}"


def cited(entry: Entry) -> Iterator[str]:
    yield from entry.evidence
    for limit in entry.limits:
        yield from limit.evidence


@pytest.mark.parametrize("target", TARGETS, ids=str)
def test_the_table_predicts_its_evidence(target):
    found = {line for name, of in lines(target).items() if (line := disagreement(target, name, of["outcome"]))}
    assert found == {line for line in listed(target.toolkit) if line.startswith(f"{target.platform} ")}


@pytest.mark.parametrize("version", VERSIONS)
def test_what_no_limit_explains_is_little(version):
    measured = sum(len(lines(target)) for target in measured_targets(version))
    assert len(listed(version)) <= 0.05 * measured


def test_a_wrong_prediction_is_seen():
    """Negative control: a case that is misjudged gives a line."""
    name = next(
        name for name, line in lines(BASE).items() if name.startswith("Trilu/") and line["outcome"] == "no-kernel"
    )
    assert disagreement(BASE, name, "no-kernel") is None
    assert disagreement(BASE, name, "npu") == f"rk3588 {name}: npu"


@pytest.mark.parametrize("version", VERSIONS)
def test_every_id_that_is_cited_exists(version):
    facts = set(re.findall(r"`(facts:[a-z0-9-]+)`", (EVIDENCE / "README.md").read_text()))
    for entry in load_table(version).entries():
        for name in cited(entry):
            kind, _, rest = name.partition(":")
            assert rest in models() if kind == "probe" else name in facts or kind in ("doc", "field"), (
                f"{entry.op} cites {name}"
            )


def test_limits_cite_cases_of_their_own_outcome():
    """A case that a limit cites is of that operator, and had the outcome that the limit states (or marks an edge)."""
    for entry in load_table(BASE.toolkit).entries():
        if entry.platforms:
            continue
        for statement in (entry, *entry.limits):
            for name in statement.evidence:
                if statement.outcome != "unknown" and name.startswith("probe:"):
                    line = lines(BASE)[name.removeprefix("probe:")]
                    assert line["outcome"] == statement.outcome, f"{entry.op} cites {name}"


def test_the_evidence_names_no_place_of_the_machine_it_was_made_on():
    for path in (p for p in EVIDENCE.rglob("*") if p.is_file()):
        assert not re.search(r"/(tmp|root|home|usr|work)/", path.read_text()), path.name


def test_the_evidence_stays_small():
    assert sum(path.stat().st_size for path in EVIDENCE.rglob("*") if path.is_file()) < 10_000_000
