"""RK512: an input of whole numbers that the model only uses as floats."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.analysis.edge_casts import cast_paths
from rkgraph.graph.rewrite import RetypeInterface
from rkgraph.rulebook.rule import Finding

if TYPE_CHECKING:
    from rkgraph.graph.rewrite import Edit, Refusal
    from rkgraph.rulebook.rule import LintContext

WHOLE = frozenset({"int64", "int32"})


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each input of whole numbers that nothing but Casts to one float dtype read."""
    main = lint.model.main
    for name in main.inputs:
        value, paths = main.value(name), cast_paths(main, name)
        if value.dtype in WHOLE and paths and not any(path.moves for path in paths):
            dtype = main.value(paths[0].cast.outputs[0]).dtype
            yield Finding(
                f"the input '{name}' is {value.dtype} and only used as {dtype}: it is brought to four dimensions and "
                "cast on the CPU",
                value=name,
                observed={"dtype": value.dtype, "used_as": dtype},
                limit={"dtype": dtype},
                evidence=("rewrites:float-masks",),
            )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:  # noqa: ARG001 - the signature of all rules
    """The input in the dtype that it is cast to; the Cast then does nothing."""
    return RetypeInterface(inputs={finding.value or "": str(finding.limit["dtype"])})
