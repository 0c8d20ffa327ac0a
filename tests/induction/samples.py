"""Made-up experiments: an operator whose fate follows a law, so that what is learned can be held against it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from rkgraph.graph.view import Constant, ModelView
from rkgraph.induction.sample import Place, Sample
from rkgraph.tables.entry import Outcome
from tests.tables.views import graph, node

Law = Callable[..., Outcome]


def sample(name: str, outcome: Outcome, **case: Any) -> Sample:
    """An Add of `x` (dtype, shape) and `y` (dtype, shape, perhaps constant), at an opset, with attributes."""
    dtype, shape = case.get("dtype", "float32"), case.get("shape", (1, 12, 24))
    other = case.get("other", shape)
    constant = case.get("constant", False)
    probed = node("Add", ("x", "y"), ("z",), **case.get("attributes", {}))
    types = {"x": (dtype, shape), "y": (dtype, other), "z": (dtype, shape)}
    small = {"y": Constant(dtype, other, case["values"])} if "values" in case else {}
    view = graph((probed,), types, ("y",) if constant else (), outputs=("z",), opset=case.get("opset", 17), small=small)
    return Sample(name, "Add", Place(ModelView("case", "", 8, view), probed, view, view.is_constant), outcome)


def experiment(law: Law, cases: Iterable[dict[str, Any]]) -> list[Sample]:
    """A sample for every case, its outcome as the law says."""
    return [sample(f"Add/{number:03}", law(**case), **case) for number, case in enumerate(cases)]
