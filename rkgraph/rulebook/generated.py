"""How much a lowering may generate: a rewrite must not turn a small model into a large one."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rkgraph.rulebook.known import NotKnown

__all__ = ["MOST_ELEMENTS", "MOST_NODES", "bounded"]

MOST_ELEMENTS = 2**22
"""Elements of one constant, and of one value that the original model does not have (8 MB in fp16)."""

MOST_NODES = 256
"""Nodes in place of one."""


def bounded(what: str, sizes: Sequence[int], most: int = MOST_ELEMENTS) -> int:
    """The product of `sizes`, the number of elements of `what`. Raises NotKnown where it is more than `most`."""
    count = math.prod(sizes)
    if count > most:
        raise NotKnown(f"{what} would have {count:,} elements, more than {most:,}")
    return count
