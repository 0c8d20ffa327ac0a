"""RK332: an input or output whose name is longer than the toolkit keeps it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from rkgraph.diagnostics import Severity, Verdict
from rkgraph.graph.rewrite import Edit, Refusal, RenameOutputs
from rkgraph.rulebook.rule import Finding, LintContext

LONGEST = 127
"""Bytes of a name that the compiler keeps; what follows is cut off."""

_KEPT = 96


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each input and output of the model with a longer name."""
    main = lint.model.main
    for name in dict.fromkeys((*main.inputs, *main.outputs)):
        length = len(name.encode())
        if length > LONGEST:
            is_input = name in main.inputs
            what = "input" if is_input else "output"
            yield Finding(
                f"the name of the {what} '{name[:24]}…' has {length} bytes; the compiler cuts it after {LONGEST}, and "
                + ("does not find the input again" if is_input else "the simulator does not find the output again"),
                value=name,
                observed={"bytes": length},
                limit={"bytes": LONGEST},
                evidence=("facts:cards",),
                severity=Severity.ERROR if is_input else None,
                verdict=Verdict.BUILD_FAILS if is_input else None,
                fixable=not is_input,
                explains=frozenset(),
            )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The beginning of the name, and a digest of it that tells it from others which begin so."""
    main, name = lint.model.main, finding.value or ""
    if main.producer(name) is None:
        return Refusal(f"no node makes '{name[:24]}…'; give it a shorter name where the model is exported")
    start = name.encode()[:_KEPT].decode(errors="ignore")
    return RenameOutputs({name: f"{start}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"})
