"""RK205: an input of a dtype that the toolkit builds nothing with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.diagnostics import Verdict
from rkgraph.rulebook.retyping import retype_input
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.targets import refused_inputs

if TYPE_CHECKING:
    from rkgraph.graph.rewrite import Edit, Refusal


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each input of a refused dtype that a node reads; what nothing reads is dropped."""
    refused = refused_inputs(lint.target.toolkit)
    main = lint.model.main
    for name in main.inputs:
        dtype = main.value(name).dtype
        if dtype in refused and lint.is_read(name):
            yield Finding(
                f"the input '{name}' is {dtype}, which rknn-toolkit2 {lint.target.toolkit} does not take as an input",
                value=name,
                observed={"dtype": dtype},
                limit={"refused": sorted(refused)},
                verdict=Verdict.BUILD_FAILS,
            )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The same numbers as float32, int32 or int64, once nothing but Casts reads the input."""
    return retype_input(lint.model.main, finding.value or "")
