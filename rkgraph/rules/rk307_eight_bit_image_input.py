"""RK307: an input of 8-bit numbers that looks like an image to the compiler."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.diagnostics import Verdict
from rkgraph.rulebook.retyping import retype_input
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.targets import precision_config

if TYPE_CHECKING:
    from rkgraph.graph.rewrite import Edit, Refusal

EIGHT_BITS = ("int8", "uint8")
IMAGE_RANK = 4
IMAGE_CHANNELS = (3, 4)  # the compiler puts a convolution behind inputs of so many (its pass RKNNAddFirstConv)


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each such input that a node which is lowered reads. Measured without quantization only."""
    if precision_config(lint.target)["do_quantization"]:
        return
    main = lint.model.main
    for name in main.inputs:
        value = main.value(name)
        shape = value.shape or ()
        looks_like = value.dtype in EIGHT_BITS and len(shape) == IMAGE_RANK and shape[1] in IMAGE_CHANNELS
        if looks_like and lint.is_read(name, alive=True):
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
