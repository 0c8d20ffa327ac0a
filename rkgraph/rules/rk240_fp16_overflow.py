"""RK240: a node whose result is beyond fp16 on the user's samples, though what it reads is not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.fp16 import FP16_MAX
from rkgraph.rulebook.fp16_findings import subject_of, troubles_of
from rkgraph.rulebook.rescaling import rescaled

if TYPE_CHECKING:
    from rkgraph.analysis.fp16_trouble import Trouble
    from rkgraph.graph.rewrite import Edit, Refusal
    from rkgraph.rulebook.rule import Finding, LintContext


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each node where fp16 overflows first."""
    return troubles_of(lint, "overflow", _told)


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The same with numbers smaller by a power of two, up to where they fit again."""
    return rescaled(lint, finding, "rk240", overflow=True)


def _told(trouble: Trouble) -> str:
    what, most = subject_of(trouble)
    return f"{what} reaches {most:.4g} on the samples; fp16 ends at {FP16_MAX:.0f}"
