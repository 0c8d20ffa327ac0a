"""RK305: an input without elements, without dimensions, or with more elements than can be counted."""

from __future__ import annotations

import math
from collections.abc import Iterator

from rkgraph.diagnostics import Verdict
from rkgraph.graph.view import Dim
from rkgraph.rulebook.rule import Finding, LintContext

MOST_ELEMENTS = 2**32 - 1  # the runtime counts them in 32 bits: `uint32_t n_elems` of rknn_tensor_attr, rknn_api.h


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each input that is a scalar (rank 0), has a dimension of size 0, or is beyond `MOST_ELEMENTS`."""
    main = lint.model.main
    for name in main.inputs:
        shape = main.value(name).shape
        trouble = None if shape is None else _trouble(shape)
        if shape is not None and trouble is not None:
            what, limit = trouble
            yield Finding(
                f"the input '{name}' {what}; the compiler refuses it",
                value=name,
                observed={"shape": list(shape)},
                limit=limit,
                verdict=Verdict.BUILD_FAILS,
            )


def _trouble(shape: tuple[Dim, ...]) -> tuple[str, dict[str, int | str]] | None:
    """What is wrong with the shape, and the limit that it breaks; dynamic dimensions count as one element."""
    smallest: dict[str, int | str] = {"rank": "at least 1", "dimensions": "at least 1"}
    if not shape:
        return "is a scalar (rank 0)", smallest
    if 0 in shape:
        return "has a dimension of size 0", smallest
    count = math.prod(size for size in shape if isinstance(size, int))
    if count > MOST_ELEMENTS:
        what = f"has {count} elements, more than the runtime can count ({MOST_ELEMENTS})"
        return what, {"elements": MOST_ELEMENTS}
    return None
