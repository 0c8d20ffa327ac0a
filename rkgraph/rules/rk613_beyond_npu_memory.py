"""RK613: weights and values that one address space of the NPU does not hold."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.diagnostics import Confidence
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.workload import computed, value_bytes

_WEIGHT_BYTES = {"w8a8": 1.0, "w8a16": 1.0, "w4a16": 0.5}
_VALUE_BYTES = {"w8a8": 1.0}


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for the model: weights that are read, and what the largest node reads and makes."""
    main, precision = lint.model.main, lint.target.precision
    nodes = lint.live_nodes(main)
    constants = dict.fromkeys(name for node in nodes for name in node.inputs if name and main.is_constant(name))
    weights = sum(value_bytes(main, name, _WEIGHT_BYTES.get(precision, 2.0)) or 0.0 for name in constants)
    of_float = _VALUE_BYTES.get(precision, 2.0)
    largest, node = max(
        ((sum(value_bytes(main, name, of_float) or 0.0 for name in computed(main, node)), node) for node in nodes),
        key=lambda pair: pair[0],
        default=(0.0, None),
    )
    limit = lint.settings["gib"] * 2**30
    if weights + largest <= limit:
        return
    at = "" if node is None else f" at {node.label}"
    yield Finding(
        f"{weights / 2**30:.2f} GiB of weights and at least {largest / 2**30:.2f} GiB of values{at}: one address space "
        f"of the NPU holds {lint.settings['gib']:g} GiB; quantize the weights, or cut the model into several",
        observed={"weights": int(weights), "values": int(largest)},
        limit={"bytes": int(limit)},
        confidence=Confidence.FIELD_REPORT,
    )
