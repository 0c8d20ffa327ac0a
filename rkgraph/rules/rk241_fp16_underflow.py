"""RK241: a node whose result vanishes in fp16 on the user's samples, though what it reads does not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.fp16 import FP16_NORMAL
from rkgraph.rulebook.fp16_findings import subject_of, troubles_of
from rkgraph.rulebook.rescaling import rescaled

if TYPE_CHECKING:
    from rkgraph.analysis.fp16_trouble import Trouble
    from rkgraph.graph.rewrite import Edit, Refusal
    from rkgraph.rulebook.rule import Finding, LintContext


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each node where fp16 underflows first."""
    return troubles_of(lint, "underflow", _told)


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The same with numbers larger by a power of two, up to where they fit again."""
    return rescaled(lint, finding, "rk241", overflow=False)


def _told(trouble: Trouble) -> str:
    what, most = subject_of(trouble)
    return f"{what} is {most:.3g} at most on the samples; fp16 keeps all digits down to {FP16_NORMAL:.1e}"
