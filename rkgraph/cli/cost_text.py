"""What a model costs, and what is worth mending first, in a few lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rkgraph.report.gains import amount, bytes_text, gains, of_bytes
from rkgraph.results import Result

__all__ = ["cost_lines", "opportunity_lines"]

OPPORTUNITIES_SHOWN = 4


def cost_lines(result: Result) -> Iterator[tuple[str, str]]:
    """The estimate in one or two lines; nothing where the report has none."""
    estimate = result.cost.get("estimate")
    if not estimate:
        return
    count = estimate["crossings"]
    crossings = f"{count} crossing{'' if count == 1 else 's'}{of_bytes(estimate.get('crossing_bytes'))}"
    if estimate.get("macs") is None:
        unshaped = estimate.get("unshaped", 0)
        weights = f"weights {bytes_text(estimate.get('weight_bytes'))}"
        yield f"cost: {weights} · {crossings} · the rest is unknown: {unshaped} nodes without a fixed shape", "title"
        return
    parts = [f"{amount(estimate['macs'])} MACs", f"weights {bytes_text(estimate.get('weight_bytes'))}"]
    parts += [f"{bytes_text(estimate.get('peak_bytes'))} of activations at the peak", crossings]
    yield f"cost: {' · '.join(parts)}", "title"
    fit = estimate.get("fit")
    if fit:
        yield f"  estimated: {_fitted(estimate, fit)}", "dim"


def _fitted(estimate: Mapping[str, Any], fit: Mapping[str, Any]) -> str:
    """The fitted numbers, each with the factor within which 9 of 10 builds lie."""

    def within(name: str) -> str:
        error = fit["errors"].get(name)
        return f" (×÷{error['p90']:.1f})" if error else ""

    words = [
        f"{round(estimate['layers'])} layers{within('layers')}",
        f"{amount(estimate['cycles'])} cycles{within('cycles')}",
        f"{bytes_text(1024 * estimate['rw_kb'])} read and written{within('rw_kb')}",
    ]
    from_others = "" if fit["exact"] else f", fitted on {fit['platform']}, {fit['toolkit']}, {fit['precision']}"
    return f"{' · '.join(words)}; 9 of 10 builds lie within{from_others}"


def opportunity_lines(result: Result, *, verbose: bool = False) -> Iterator[tuple[str, str]]:
    """What is worth mending first: one line a rule."""
    found = result.opportunities or ()
    if not found:
        return
    yield "worth mending first:", "title"
    shown = found if verbose else found[:OPPORTUNITIES_SHOWN]
    for each in shown:
        times = f" ×{len(each.findings)}" if len(each.findings) > 1 else ""
        yield f"  {each.code}{times}  {' · '.join(gains(each))}", ""
    if len(shown) < len(found):
        yield f"  and {len(found) - len(shown)} more (--verbose shows them)", "dim"
