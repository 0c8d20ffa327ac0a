"""What a rewrite assumes of a value: proved from dtypes, constants and intervals, or vouched for, never sampled.

An int64 attention mask may hold any whole number; exporters mean 0 and 1, and the file does not say so. A rewrite that
is right for 0 and 1 only must declare that (`Rewrite.assumes`); it is then applied where the mask is bool, or where
the user vouches for it (`--assume attention_mask=0..1`), and the report says which. Rewrites should rather follow the
arithmetic that the graph itself defines for every whole number, and assume nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from rkgraph.analysis.intervals import Interval, interval_of
from rkgraph.graph.rewrite import Between, Rewrite
from rkgraph.graph.view import GraphView
from rkgraph.results import Proof

__all__ = ["as_intervals", "assumed_of", "prove_assumption", "refusal_of"]


def as_intervals(assumptions: Mapping[str, Between]) -> dict[str, Interval]:
    """Assumptions in the terms of interval analysis."""
    return {name: Interval(a.low, a.high, a.integer) for name, a in assumptions.items()}


def prove_assumption(
    graph: GraphView, name: str, needed: Between, vouched: Mapping[str, Between], proof_id: str
) -> Proof:
    """Whether `name` lies in `needed`, given what the user vouches for (`vouched`, by input name).

    The proof is "proved" or "skipped", never "refuted": an interval that is too wide does not show that the value
    ever leaves the narrower one.
    """
    interval = interval_of(graph, name, as_intervals(vouched))
    proved = _lies_in(interval, needed)
    alone = proved and _lies_in(interval_of(graph, name), needed)
    method = "interval analysis" + ("" if alone or not proved else f", given {_vouched(vouched)}")
    return Proof(
        id=proof_id,
        kind="range",
        outcome="proved" if proved else "skipped",
        subject=f"{name} in {_text(needed)}",
        method=method,
        detail=f"{name} lies in [{interval.low:g}, {interval.high:g}]" + (", or is NaN" if interval.nan else ""),
    )


def assumed_of(graph: GraphView, rewrite: Rewrite, *, by_name: bool = False) -> str:
    """What `rewrite` is limited to (`Rewrite.within`) though the graph does not show it, to be told; "" if nothing.

    `by_name` names the values; without, the same words serve every place in which a rule rewrites.
    """
    open_ = {name: b for name, b in rewrite.within.items() if not _lies_in(interval_of(graph, name), b)}
    if not open_:
        return ""
    told = [f"{name} in {_text(b)}" if by_name else f"inputs in {_text(b)}" for name, b in open_.items()]
    return f"assumed, not proved: {', '.join(dict.fromkeys(told))}"


def _lies_in(interval: Interval, needed: Between) -> bool:
    return interval.within(needed.low, needed.high, needed.integer)


def refusal_of(graph: GraphView, name: str, needed: Between) -> tuple[str, str]:
    """Why an assumption that was not proved stops the rewrite, and the option with which the user vouches for it."""
    reason = f"{name} is not known to lie in {_text(needed)}"
    inputs = _inputs_of(graph, name)
    option = (
        f"--assume {inputs[0]}={needed.low:g}..{needed.high:g}" if len(inputs) == 1 else f"--assume {name}=LOW..HIGH"
    )
    return reason, option


def _inputs_of(graph: GraphView, name: str) -> list[str]:
    """The inputs of the model that the value depends on, in the order of the model."""
    waiting, seen = [name], {name}
    while waiting:
        node = graph.producer(waiting.pop())
        fresh = [] if node is None else [i for i in node.inputs if i and i not in seen]
        seen.update(fresh)
        waiting.extend(fresh)
    return [i for i in graph.inputs if i in seen]


def _text(needed: Between) -> str:
    return f"[{needed.low:g}, {needed.high:g}]" + (", whole numbers" if needed.integer else "")


def _vouched(vouched: Mapping[str, Between]) -> str:
    return ", ".join(f"--assume {name}={a.low:g}..{a.high:g}" for name, a in vouched.items())
