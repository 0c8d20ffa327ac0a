"""RK307: an input of 8-bit numbers that the compiler cannot bring into the layout of the NPU."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.diagnostics import Verdict
from rkgraph.rulebook.retyping import no_input_for, retype_input
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.targets import precision_config

if TYPE_CHECKING:
    from rkgraph.graph.rewrite import Edit, Refusal


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each such input that a node which is lowered reads. Measured without quantization only."""
    if precision_config(lint.target)["do_quantization"]:
        return
    main = lint.model.main
    for name in main.inputs:
        value, why = main.value(name), no_input_for(main, name)
        if why is not None and lint.is_read(name, alive=True):
            yield Finding(
                f"the input '{name}' is {value.dtype} {why}; the compiler puts a convolution behind it that has no "
                "8-bit form, and dies",
                value=name,
                observed={"dtype": value.dtype, "shape": list(value.shape or ())},
                limit={"dtype": "a float, int32 or int64"},
                verdict=Verdict.BUILD_FAILS,
            )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The same numbers as float32 or int32, once nothing but Casts reads the input."""
    return retype_input(lint.model.main, finding.value or "")
