"""RK614: nodes that would run on the CPU, where the runtime has next to no kernels for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from rkgraph.diagnostics import Confidence
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.targets import platform_facts


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for the model, on the platforms that compute in whole numbers only."""
    main, platform = lint.model.main, lint.target.platform
    if not platform_facts(platform).quantized_only:
        return
    ops = Counter(node.op for node in lint.live_nodes(main) if lint.judgement(node).outcome == "cpu")
    if ops:
        told = ", ".join(f"{count} × {op}" for op, count in ops.most_common())
        yield Finding(
            f"{sum(ops.values())} nodes would run on the CPU ({told}), for which the runtime of {platform} has few "
            "kernels: users saw 'unsupport cpu op' where others fall back; try them on a board before all else",
            observed={"nodes": dict(ops)},
            limit={"nodes": 0},
            confidence=Confidence.FIELD_REPORT,
        )
