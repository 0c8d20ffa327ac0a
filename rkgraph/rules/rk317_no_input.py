"""RK317: a model without inputs."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.diagnostics import Verdict
from rkgraph.graph.rewrite import AddInput, Edit, Refusal
from rkgraph.graph.view import Value
from rkgraph.rulebook.constant_outputs import tied_to_an_input
from rkgraph.rulebook.rule import Finding, LintContext

NAME = "unused"


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding where the model takes nothing: a constant, or one all of whose inputs were frozen."""
    main = lint.model.main
    are_tensors = all(main.value(name).dtype is not None for name in main.outputs)
    if main.nodes and not main.inputs and are_tensors:
        yield Finding(
            "the model has no input: it computes the same each time, and the compiler refuses it",
            observed={"inputs": 0},
            limit={"inputs": "at least 1"},
            verdict=Verdict.BUILD_FAILS,
        )


def fix(lint: LintContext, _finding: Finding) -> Edit | Refusal:
    """An input of one number, whatever it holds, and outputs that depend on it: plus a zero made of it."""
    main = lint.model.main
    names = (NAME, *(f"{NAME}_{number}" for number in range(len(main.nodes) + 1)))
    free = next((name for name in names if main.producer(name) is None and not main.is_constant(name)), None)
    if free is None:
        return Refusal("every name is taken")
    source = Value(free, "input", "float32", (1,))
    tied = tied_to_an_input(lint, main.outputs, f"rk317/{main.outputs[0]}", source)
    return tied if isinstance(tied, Refusal) else AddInput(free, "float32", (1,), tied)
