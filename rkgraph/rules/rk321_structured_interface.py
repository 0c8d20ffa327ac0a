"""RK321: an input or output that is a sequence or an optional value; boards take and give tensors only."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.analysis.sequences import Unclear, elements
from rkgraph.diagnostics import Verdict
from rkgraph.graph.rewrite import Edit, OpenInterface, Refusal
from rkgraph.graph.view import Held
from rkgraph.rulebook.rule import Finding, LintContext


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each input that a node reads, and for each output, that is no tensor."""
    main = lint.model.main
    for name in (*main.inputs, *main.outputs):
        held = main.value(name).held
        is_input = name in main.inputs
        if held is not None and (lint.is_read(name) or not is_input):
            yield Finding(
                f"the {'input' if is_input else 'output'} '{name}' is {_kind(held)}; a board knows tensors only",
                value=name,
                observed={"kind": _kind(held)},
                limit={"kind": "tensor"},
                verdict=Verdict.BUILD_FAILS,
            )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """An output sequence as the tensors that it is known to hold; what an input holds, only the user knows."""
    main, name = lint.model.main, finding.value or ""
    held = main.value(name).held
    if held is None or name in main.inputs:
        return _unknown(name, held)
    if not held.sequence:
        return Refusal(f"whether '{name}' holds something has to be known before")
    found = elements(main, name)
    if isinstance(found, Unclear):
        return Refusal(f"how many tensors '{name}' holds is not known: {found.reason}")
    if not found:
        return Refusal(f"'{name}' holds nothing")
    return OpenInterface(outputs={name: len(found)})


def _unknown(name: str, held: Held | None) -> Refusal:
    if held is not None and held.sequence:
        return Refusal(
            f"which tensors '{name}' holds is not known; one option for each, --freeze '{name}=none' if there are none",
            needs=f"--shape '{name}[0]=…' --shape '{name}[1]=…'",
        )
    return Refusal(
        f"whether '{name}' holds a tensor is not known; its shape says that it does, --freeze '{name}=none' that not",
        f"--shape {name}=…",
    )


def _kind(held: Held) -> str:
    return ("an optional " if held.optional else "a ") + ("sequence" if held.sequence else "tensor")
