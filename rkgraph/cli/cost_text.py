"""What a model costs, and what is worth mending first, in a few lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rkgraph.results import Opportunity, Result

__all__ = ["amount", "bytes_text", "cost_lines", "opportunity_lines"]

OPPORTUNITIES_SHOWN = 4


def cost_lines(result: Result) -> Iterator[tuple[str, str]]:
    """The estimate in one or two lines; nothing where the report has none."""
    estimate = result.cost.get("estimate")
    if not estimate:
        return
    crossings = f"{estimate['crossings']} crossings{_of(estimate.get('crossing_bytes'))}"
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
        yield f"  {each.code}{times}  {_gain(each)}", ""
    if len(shown) < len(found):
        yield f"  and {len(found) - len(shown)} more (--verbose shows them)", "dim"


def _gain(each: Opportunity) -> str:
    words = ["in the way of every build or board"] if each.blocks else []
    words += [_nodes(each.no_kernel, "without a kernel")] if each.no_kernel else []
    words += [f"{_nodes(each.cpu_nodes, 'off the CPU')}"] if each.cpu_nodes else []
    if each.crossings > 0:
        plural = "" if each.crossings == 1 else "s"
        words.append(f"{each.crossings} crossing{plural} less{_of(each.crossing_bytes)}")
    words += [f"{each.induced} finding{'' if each.induced == 1 else 's'} with it"] if each.induced else []
    return " · ".join(words)


def _nodes(count: int, where: str) -> str:
    return f"{count} node{'' if count == 1 else 's'} {where}"


def _of(size: int | None) -> str:
    return "" if size is None or size <= 0 else f" ({bytes_text(size)})"


def amount(number: float) -> str:
    """A count in three digits: 698 M."""
    for unit, word in ((1e12, " T"), (1e9, " G"), (1e6, " M"), (1e3, " k")):
        if number >= unit:
            return f"{number / unit:.3g}{word}"
    return f"{number:.0f}"


def bytes_text(size: float | None) -> str:
    """Bytes in three digits: 42.7 MB."""
    if size is None:
        return "unknown"
    for unit, word in ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "kB")):
        if size >= unit:
            return f"{size / unit:.3g} {word}" if size < 1000 * unit else f"{size / unit:.0f} {word}"
    return f"{size:.0f} B"
