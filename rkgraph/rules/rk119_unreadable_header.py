"""RK119: a model whose header the toolkit does not accept."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.diagnostics import Verdict
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.targets import model_facts

STANDARD = ("", "ai.onnx")


def check(lint: LintContext) -> Iterator[Finding]:
    """Findings for an IR version that does not load, and for a model that does not import the standard domain."""
    versions = model_facts(lint.target.toolkit).ir_versions
    found = lint.model.ir_version
    if versions is not None and not versions[0] <= found <= versions[1]:
        yield Finding(
            f"the IR version {found} is not one of {versions[0]} to {versions[1]}, which rknn-toolkit2 "
            f"{lint.target.toolkit} loads",
            observed={"ir_version": found},
            limit={"ir_version": list(versions)},
            verdict=Verdict.BUILD_FAILS,
            key="ir_version",
        )
    domains = sorted(lint.model.main.opsets)
    if not any(domain in STANDARD for domain in domains):
        yield Finding(
            "the model does not import the standard domain, so the toolkit cannot convert it to the opset that it uses",
            observed={"domains": domains},
            limit={"domains": "the standard one among them"},
            verdict=Verdict.BUILD_FAILS,
            key="domains",
        )
