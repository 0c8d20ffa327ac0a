"""RK307: an input of 8-bit numbers that looks like an image to the compiler."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.diagnostics import Verdict
from rkgraph.rulebook.retyping import looks_like_image, retype_input
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
        value = main.value(name)
        shape = value.shape or ()
        if looks_like_image(value) and lint.is_read(name, alive=True):
            yield Finding(
                f"the input '{name}' is {value.dtype} with {shape[1]} channels; the compiler takes it for an image, "
                "puts a convolution behind it that has no 8-bit form, and dies",
                value=name,
                observed={"dtype": value.dtype, "shape": list(shape)},
                limit={"dtype": "a float", "or channels": "other than 3 and 4"},
                verdict=Verdict.BUILD_FAILS,
            )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The same numbers as float32 or int32, once nothing but Casts reads the input."""
    return retype_input(lint.model.main, finding.value or "")
