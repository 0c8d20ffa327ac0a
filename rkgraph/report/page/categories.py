"""Findings as audits in categories, each with its cure and what to paste; what is cured counts as passed."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from rkgraph.diagnostics import Diagnostic, Safety, Severity
from rkgraph.report.groups import FindingGroup
from rkgraph.report.next_step import allowing, next_words
from rkgraph.report.story import Story
from rkgraph.rulebook.rule import Options

__all__ = ["Audit", "Category", "Paste", "categories_of", "cure_of", "passed_of"]

FAMILIES = {
    "RK1": ("Operators", "What the compiler and the board have kernels for."),
    "RK2": ("Types and fp16 range", "Element types, and numbers that fp16 does not hold."),
    "RK3": ("Shapes and control flow", "Shapes have to be fixed, and the graph straight."),
    "RK4": ("Layout and performance", "What costs time without need."),
    "RK5": ("Transformer structure", "Attention, norms and heads that the compiler has layers for."),
    "RK6": ("Placement", "What runs where, and what crosses between NPU and CPU."),
    "RK7": ("Quantization", "What 8 bits do to the numbers."),
    "RK9": ("Toolchain and proof", "What the toolkit said, and what proofs said."),
}
OTHER = ("Other", "Findings of other families.")

MOST_PLACES = 40
"""Places of one rule on the page; the graph and the table of nodes find the others by the rule's code."""


@dataclass(frozen=True)
class Paste:
    """Something to copy: what it does, and the text."""

    what: str
    text: str


@dataclass(frozen=True)
class Audit:
    """All findings of one rule, with what to do about them.

    `roots` are the rules that those which are no causes follow from; `passed`: the fixes did what is to be done.
    """

    group: FindingGroup
    fixes: tuple[str, ...]
    safety: tuple[Safety, ...]
    pastes: tuple[Paste, ...]
    roots: tuple[str, ...] = ()
    passed: bool = False

    @property
    def causes(self) -> tuple[Diagnostic, ...]:
        """The findings that nothing else explains."""
        return tuple(finding for finding in self.group.findings if finding.cause)

    @property
    def shown(self) -> tuple[Diagnostic, ...]:
        """The places that are on the page, causes first."""
        return self.group.findings[:MOST_PLACES]

    @property
    def hidden(self) -> int:
        """How many places are not."""
        return len(self.group.findings) - len(self.shown)


@dataclass(frozen=True)
class Category:
    """Audits of one family of rules."""

    name: str
    about: str
    audits: tuple[Audit, ...]

    @property
    def severity(self) -> Severity:
        """The highest of its audits."""
        return max((audit.group.severity for audit in self.audits), key=lambda severity: severity.rank)


def categories_of(story: Story) -> tuple[Category, ...]:
    """What is open, by family of rules."""
    families: dict[tuple[str, str], list[Audit]] = {}
    for group in story.open_findings:
        families.setdefault(FAMILIES.get(group.code[:3], OTHER), []).append(_audit(group, story))
    order = [*FAMILIES.values(), OTHER]
    return tuple(Category(*family, _causes_first(families[family])) for family in order if family in families)


def cure_of(categories: Iterable[Category], code: str) -> Paste | None:
    """What to paste to mend what a rule found; where no fix is applied by itself, to be told how."""
    found = (audit for category in categories for audit in category.audits if audit.group.code == code)
    return next((audit.pastes[0] for audit in found), None)


def _causes_first(audits: Iterable[Audit]) -> tuple[Audit, ...]:
    """What only follows from other findings comes last: it goes away with them."""
    return tuple(sorted(audits, key=lambda audit: not audit.causes))


def passed_of(story: Story) -> tuple[Audit, ...]:
    """What the fixes resolved."""
    return tuple(
        replace(_audit(group, story), pastes=(_look_up(group.code),), passed=True) for group in story.resolved_findings
    )


def _audit(group: FindingGroup, story: Story) -> Audit:
    offers = [finding.fix for finding in group.findings if finding.fix is not None]
    titles = tuple(dict.fromkeys(offer.title for offer in offers))
    safety = tuple(dict.fromkeys(offer.safety for offer in offers))
    codes = {finding.fingerprint: finding.code for result in story.results for finding in result.diagnostics}
    roots = sorted({codes[f.induced_by] for f in group.findings if f.induced_by in codes})
    return Audit(group, titles, safety, tuple(_pastes(group, story, set(safety))), tuple(roots))


def _pastes(group: FindingGroup, story: Story, safety: set[Safety]) -> Iterable[Paste]:
    last = story.last_linted
    able = safety - {Safety.MANUAL}
    needed = sorted({each.value for each in able} & {"interface", "split", "approximate"})
    if able and (command := fix_command(story, needed)).startswith("rkgraph fix "):
        yield Paste("mend it", command)
    first = group.findings[0]
    yield Paste("say more about the first place", shlex.join(["rkgraph", "explain", "report.json", first.fingerprint]))
    yield _look_up(group.code)
    target = f"{last.target.platform}, {last.target.toolkit}"
    yield Paste("accept the first place, in pyproject.toml", suppression(first, f"why this is fine on {target}"))


def _look_up(code: str) -> Paste:
    return Paste("look it up", f"rkgraph rule {code}")


def fix_command(story: Story, allow: Sequence[str] = ()) -> str:
    """The command that comes next for the model that was linted last, with what else is to be allowed; "" for none."""
    result = story.last_linted
    words = next_words(result, f"rknn-{result.target.toolkit}", Options())
    return shlex.join(allowing(words, allow) if words[1:2] == ["fix"] else words)


def suppression(finding: Diagnostic, reason: str) -> str:
    """The lines that accept one finding at its place."""
    keys = {"code": finding.code, "fingerprint": finding.fingerprint, "reason": reason}
    return "\n".join(["[[tool.rkgraph.suppress]]", *(f'{key} = "{value}"' for key, value in keys.items())])
