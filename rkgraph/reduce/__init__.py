"""Delta debugging: the smallest model that still shows what a given one shows, and a bug report made of it.

`reduce_model` takes any predicate and knows nothing of the toolkit; `symptoms` has the predicates that build.
"""

from __future__ import annotations

from rkgraph.reduce.outcome import NotShown, Outcome, Predicate
from rkgraph.reduce.reducer import Budget, Reduction, reduce_model

__all__ = ["Budget", "NotShown", "Outcome", "Predicate", "Reduction", "reduce_model"]
